"""The page as its reader uses it: open, filter, link, compare, copy; without a script; by keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pages
import pytest
import smallmatrix
from browsers import browser, files, visit

from sockmatrix import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page


__all__ = ["browser", "files", "visit"]


def shown(page: Page) -> list[str]:
    """Return the names of the tables that a view shows."""
    return page.locator("section.question:visible .name > code").all_inner_texts()


def status(page: Page) -> str:
    """Return what the view says of itself."""
    return page.locator("#status").inner_text()


def test_open(visit: Callable[..., Page]) -> None:
    """It says what it is; each question has its tables, the platforms across, differences first."""
    page = visit()
    assert page.locator("h1").inner_text() == "Who hears it?"
    assert shown(page) == ["hearing", "listening"]
    captions = page.locator("[data-t=hearing] caption").all_inner_texts()
    assert captions == ["Where platforms part"]
    assert "linux 5.10" in page.locator("[data-t=hearing] thead").first.inner_text()
    assert f"{smallmatrix.UDP} cells" in page.locator("[data-t=hearing] .name").inner_text()
    page.get_by_text("Legend").click()
    assert page.get_by_text("only the socket bound last heard").is_visible()
    assert page.get_by_text("not measured, and that says nothing about it").is_visible()


def test_documents(visit: Callable[..., Page]) -> None:
    """Systems of which documents say the same have one column; it goes when all of them are off."""
    page = visit()
    column = page.locator("[data-t=hearing] th.documented")
    assert column.all_inner_texts() == ["macOS, FreeBSD\ndocumented"]
    page.goto(f"{page.url}#off=macos")
    assert column.is_visible()
    page.goto(f"{page.url.split('#')[0]}#off=macos,freebsd")
    column.wait_for(state="hidden")
    assert not visit("plain").locator("th.documented").count()


def test_filter(visit: Callable[..., Page]) -> None:
    """A pattern of the project narrows the page; words do too; the address has it."""
    page = visit()
    field = page.get_by_role("searchbox")
    field.fill("dest=lobcast every.reuse=addr receivers=2")
    page.wait_for_url(re.compile("q=dest"))
    assert shown(page) == ["hearing"]
    assert status(page) == "4 cells of 176 in 1 table"
    assert page.locator(".list tbody tr").count() == 4
    field.fill("accepts")
    page.wait_for_url(re.compile("q=accepts"))
    assert shown(page) == ["listening"]
    field.fill("dest=lobcat")
    page.wait_for_url(re.compile("q=dest%3Dlobcat"))
    assert "no value “lobcat”" in page.get_by_role("alert").inner_text()
    field.fill("")
    page.wait_for_url(re.compile("html$"))
    assert shown(page) == ["hearing", "listening"]


PATTERNS = (
    "table=hearing",
    "table!=hearing",
    "receivers=2",
    "every.reuse=none",
    "none.reuse=addr",
    "sockets=mixed",
    "shared=addr",
    "some.bind-is=destination",
    "every.bind-is!=destination",
    "first.bind=any4 last.reuse=none",
    "B.socket=any4.*",
    "hearing/*/A:any4.addr*",
    "hearing/dest:lo4",
    "dest-class=broadcast",
)


def test_patterns_mean_the_same(visit: Callable[..., Page]) -> None:
    """What a pattern matches in the page is what it matches in the project."""
    page = visit()
    field = page.get_by_role("searchbox")
    for text in PATTERNS:
        wanted = sum(map(pattern.parse(text).matches, pages.cells()))
        field.fill(text)
        page.locator("#status", has_text=re.compile(f"^{wanted} cell")).wait_for()


def test_facets(visit: Callable[..., Page]) -> None:
    """A facet is a term of the filter, and a term of the filter shows in its facet."""
    page = visit(at="#q=receivers%3D2")
    page.locator("summary", has_text="Facets").click()
    page.get_by_label("sent to").select_option("lobcast")
    assert page.get_by_role("searchbox").input_value() == "receivers=2 dest=lobcast"
    assert page.get_by_label("number of sockets").input_value() == "2"
    page.get_by_label("number of sockets").select_option("")
    assert page.get_by_role("searchbox").input_value() == "dest=lobcast"
    page.get_by_role("button", name="Clear").click()
    assert status(page) == ""


def test_differences(visit: Callable[..., Page]) -> None:
    """Only what differs; only what one platform alone has; among the platforms that are on."""
    page = visit(at="#only=differ")
    every = int(status(page).split()[0])
    page.get_by_role("button", name="Odd one out").click()
    odd = int(status(page).split()[0])
    assert 0 < odd < every
    assert "only=odd" in page.url
    page.get_by_role("button", name="Only differences").click()
    page.locator("summary", has_text="Platforms").click()
    page.get_by_role("checkbox", name="gvisor 4.4").uncheck()
    assert int(status(page).split()[0]) < every
    assert "off=3" in page.url
    assert not page.locator("th[data-k='3']").first.is_visible()


def test_a_cell(visit: Callable[..., Page]) -> None:
    """A cell opens to its evidence: receivers, repetitions, documents, rules, releases; and is linked."""
    page = visit()
    page.locator("[data-t=hearing] .open").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert "cell=hearing/" in page.url
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page = visit(at=f"#cell={pages.CELL}")
    said = page.get_by_role("dialog").inner_text()
    for part in (
        pages.CELL,
        "heard 0 of",
        "3 of 3 repetitions",
        "linux 5.10",
        "KO-01",
        "article, answer or issue",
        "✓ confirmed on linux 5.10 to 6.18",
        "of this table with that on linux 6.18",
        "rule 1 of",
        "5.10 to 6.18: last",
        f"sockmatrix explain '{pages.CELL}'",
    ):
        assert part in said


@pytest.mark.parametrize(
    "cell", ["asking/case:near", "asking/case:far/size:much", "asking/case:through", "asking/case:alone"]
)
def test_what_processes_do(visit: Callable[..., Page], cell: str) -> None:
    """Of a script's cell it is told turn by turn, as `sockmatrix explain` tells it."""
    page = visit("scripted", f"#cell={cell}")
    assert page.locator("dialog .turns li").all_inner_texts() == pages.told(cell)
    page.get_by_text("As a script").click()
    lines = page.get_by_label("Script").inner_text().split("\n")
    assert [line.split(":")[0].split("@")[0] for line in lines] == [
        one.split()[0] for one in pages.told(cell)
    ]


def test_words_are_those_of_the_table(visit: Callable[..., Page]) -> None:
    """Another table may call an axis of the same name otherwise."""
    page = visit("scripted", "#cell=asking/case:near/size:much")
    said = page.locator("dialog dl div", has_text="much")
    assert said.all_inner_texts() == ["size\nmuch"]
    page.goto(f"{page.url.split('#')[0]}#cell=telling/case:near/size:much")
    said = page.locator("dialog dl div", has_text="plenty")
    said.wait_for()
    assert said.all_inner_texts() == ["amount\nplenty"]


def test_copy(visit: Callable[..., Page]) -> None:
    """Buttons copy the id, the address, and the command or program that repeats the cell."""
    page = visit(at=f"#cell={pages.CELL}")

    def copied(name: str) -> str:
        page.get_by_role("button", name=name).click()
        page.get_by_role("button", name="Copied").wait_for()
        return str(page.evaluate("window.copied"))

    assert copied("Copy id") == pages.CELL
    page.get_by_role("button", name="Copy id").wait_for()
    assert copied("Copy link") == page.url
    page.get_by_role("button", name="Copy link").wait_for()
    assert copied("Copy repro command") == f"sockmatrix repro '{pages.CELL}' -o repro.py"


def test_copy_a_program(visit: Callable[..., Page]) -> None:
    """The program that the page puts together is the one that `sockmatrix repro` writes."""
    page = visit()
    for place in (0, 9, 40, 79, 121):
        cell = pages.cells()[place]
        page.goto(f"{page.url.split('#')[0]}#cell={cell.id}")
        page.locator("dialog header code", has_text=cell.id).wait_for()
        page.get_by_role("button", name="Copy repro program (Python)").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("window.copied") == pages.program(cell.id)


@pytest.mark.parametrize("cell", ["asking/case:near", "asking/case:far/size:much", "asking/case:alone"])
def test_copy_a_program_that_was_written_beforehand(visit: Callable[..., Page], cell: str) -> None:
    """A cell of a script has its program too."""
    page = visit("scripted", f"#cell={cell}")
    page.get_by_role("button", name="Copy repro program (Python)").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == pages.program(cell)


def test_compare(visit: Callable[..., Page]) -> None:
    """Two platforms: how many cells differ, in groups with patterns, each a filter."""
    page = visit()
    page.get_by_role("button", name="Compare two").click()
    page.get_by_label("from", exact=True).select_option("0")
    page.get_by_label("to", exact=True).select_option("2")
    page.wait_for_url(re.compile("compare=0,2"))
    section = page.locator("#compare")
    section.locator("code", has_text="dest=lobcast").first.wait_for()
    assert "are not the same" in section.inner_text()
    assert "→" in section.inner_text()
    section.locator(".group .button").first.click()
    assert "dest%3Dlobcast" in page.url
    page.go_back()
    assert "compare=0,2" in page.url


def test_timeline(visit: Callable[..., Page]) -> None:
    """Releases in order, how much changed in each, and a button that shows it."""
    page = visit()
    rows = page.locator(".timeline tbody tr")
    assert [row.split()[1] for row in rows.all_inner_texts()] == ["5.10", "6.12.1"]
    rows.last.get_by_role("button").click()
    page.locator("#compare-title").wait_for()
    assert "compare=1,2" in page.url


def test_heat(visit: Callable[..., Page]) -> None:
    """A heat map has words in its tiles, and a tile is a filter."""
    page = visit()
    page.locator("[data-t=hearing]").get_by_role("button", name="Heat map").click()
    page.locator("[data-t=hearing]").get_by_label("showing").select_option("0")
    tile = page.locator(".heat .tile").first
    assert re.match(r"[a-z]+", tile.inner_text())
    tile.click()
    assert "table%3Dhearing" in page.url


def test_without_a_script(visit: Callable[..., Page]) -> None:
    """The tables, answers and legend are in the page; tools that need a script are not."""
    page = visit(script=False)
    assert page.locator("section.question table:visible").count() == 2
    assert page.locator("section.question td", has_text="last").first.is_visible()
    assert not page.get_by_role("searchbox").is_visible()
    page.locator("#legend summary").click()
    assert page.get_by_text("only the socket bound last heard").is_visible()


def test_one_platform(visit: Callable[..., Page]) -> None:
    """With a single run there is nothing to compare, and no tool for it."""
    page = visit("one")
    assert not page.get_by_role("button", name="Compare two").count()
    caption = page.locator("section.question caption").first.inner_text()
    assert caption == "On linux 6.12.1; no document says otherwise"


def test_keyboard(visit: Callable[..., Page]) -> None:
    """Everything can be reached and opened with keys alone."""
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.locator("[data-t=hearing] .open").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "open"


def test_phone(visit: Callable[..., Page]) -> None:
    """On a phone nothing is wider than the screen but tables that scroll for themselves."""
    page = visit(wide=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile(visit: Callable[..., Page]) -> None:
    """Nothing in a run file runs or becomes markup, in tables, lists, dialogs and comparisons."""
    page = visit("hostile")
    for at in (
        "",
        "#q=receivers%3D2",
        "#only=differ",
        "#compare=0,1",
        *(f"#cell={one.id}" for one in pages.cells()[:4]),
        f"#cell={pages.HOSTILE.replace(' ', '%20').replace('#', '')}",
        f"#q={pages.HOSTILE.replace(' ', '%20').replace('#', '')}&off=%3Cimg%3E&compare=%3Cimg%3E",
    ):
        page.goto(page.url.split("#")[0] + at)
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(50)
        assert page.evaluate("document.querySelectorAll('img, iframe, [onerror]').length") == 0
        assert page.evaluate("document.title").startswith("linux 6.12.1")
        assert "\u202e" not in page.locator("body").inner_text()
    assert "</script>" in page.locator(".platforms").inner_text()


@pytest.mark.parametrize("at", ["", f"#cell={pages.CELL}", "#compare=0,2", "#q=dest%3Dlobcast"])
def test_accessible(visit: Callable[..., Page], at: str) -> None:
    """No serious finding of axe-core, in either colours."""
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="axe-playwright-python is not installed"
    )
    page = visit(at=at)
    # The policy of the page forbids it to load scripts; the debugger may evaluate one.
    page.evaluate(axe.AXE_FILE_PATH.read_text(encoding="utf-8") + "\n;0")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], scheme
        assert found["passes"]
