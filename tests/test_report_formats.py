"""`sockmatrix report` for machines and as a page: CSV, JSON, HTML."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import fakes
import pytest
import smallmatrix
from commandline import Commands, write_run

from sockmatrix import rows
from sockmatrix.columns import Column, Said
from sockmatrix.render import data, html
from sockmatrix.render.values import Grid


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where there are two runs, of which the second lacks ten cells."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    write_run(Path("one"), commands.selection)
    write_run(Path("two"), commands.selection, fakes.REFUSES, "interrupted", release="5.10")
    return commands


def test_csv(sockmatrix: Commands) -> None:
    """There is a row for each cell and platform, CRLF at its end, and facets that are JSON."""
    done = sockmatrix("report", "one", "two", "--format", "csv")
    assert done.code == 3
    assert done.out.count("\r\n") == done.out.count("\n") == 1 + 2 * smallmatrix.ALL
    found = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert tuple(found[0]) == rows.NAMES
    assert {row["platform"] for row in found} == {"linux 6.12.1", "linux 5.10"}
    assert sum(row["word"] == "not measured" for row in found) == 10
    for row in found:
        assert (row["outcome"] == "") == (row["word"] == "not measured")
        if row["word"] == "refused":
            assert json.loads(row["outcome"])["failed"] == {"B": "bind EADDRINUSE"}
            assert row["headline"] == "B refused"


def test_csv_of_what_differs(sockmatrix: Commands) -> None:
    """Only the cells in which the platforms part have rows."""
    table = ("--table", "listening", "--format", "csv", "--differ")
    assert sockmatrix("report", "one", "one", *table).out.count("\n") == 1
    assert sockmatrix("report", "one", "two", *table).out.count("\n") == 1 + 2 * smallmatrix.TCP


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_field_is_a_formula(start: str) -> None:
    """What a spreadsheet would run is written as an escape; numbers and all else are as they are."""
    shown = data.to_csv(
        ("a", "b"), [({"a": f'{start}cmd|"x"', "b": -1},), ({"a": f"x{start}"}, {"b": None})]
    )
    assert shown == f'a,b\r\n"\\x{ord(start):02x}cmd|""x""",-1\r\nx{start},\r\n'


def test_json(sockmatrix: Commands) -> None:
    """JSON says what each platform is, and holds the same rows with the facets as values."""
    done = sockmatrix("report", "one", "two", "--format", "json", "-o", "out.json")
    assert (done.code, done.out) == (3, "")
    found = json.loads(Path("out.json").read_text(encoding="utf-8"))
    first, second = found["columns"]
    assert (first["platform"], first["kind"], first["complete"]) == ("linux 6.12.1", "measured", True)
    assert (second["measured"], second["planned"], second["complete"]) == (166, 176, False)
    assert len(found["rows"]) == 2 * smallmatrix.ALL
    assert all(tuple(row) == rows.NAMES for row in found["rows"])
    outcomes = [row["outcome"] for row in found["rows"]]
    assert outcomes.count(None) == 10
    assert {outcome["n"] for outcome in outcomes if outcome} == {3}


class Page(HTMLParser):
    """What a page consists of: its tags and attributes; every start has its end."""

    VOID = frozenset({"meta", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Expect the end of the innermost."""
        assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """Return the attributes of the tags with these names."""
        return [attributes for tag, attributes in self.tags if tag in names]


def test_html(sockmatrix: Commands) -> None:
    """A page of its own: tables that say what they are, one script of ours, nothing that is loaded."""
    done = sockmatrix("report", "one", "two", "--format", "html", "-o", "page.html")
    assert (done.code, done.out) == (3, "")
    text = Path("page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.all("img", "link", "iframe", "object")
    *data, code = page.all("script")
    assert code == {"type": "module"}
    assert {one["type"] for one in data} == {"application/octet-stream"}
    assert not [
        one for _, attributes in page.tags for one in attributes if one.startswith(("on", "style"))
    ]
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(one.get("scope") in ("col", "row") for one in page.all("th"))
    names = [one["id"] for _, one in page.tags if "id" in one]
    assert len(names) == len(set(names))
    for _, attributes in page.tags:
        assert attributes.get("aria-labelledby", names[0]) in names
        assert (attributes.get("href") or "#" + str(names[0])).removeprefix("#") in names
    assert page.all("html") == [{"lang": "en"}]
    assert "<title>2 platforms: linux 5.10, linux 6.12.1</title>" in text
    assert "166 of 176: incomplete" in text
    assert "B refused" in text


def test_the_policy_of_a_page_allows_its_style_alone() -> None:
    """Nothing but the style sheet whose hash it names may apply."""
    text = html.page("t", (), [])
    policy = policy_of(text)
    (sheet,) = re.findall("<style>(.*)</style>", text, re.DOTALL)
    digest = b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "prefers-color-scheme: dark" in sheet
    assert "@media print" in sheet


def policy_of(text: str) -> str:
    """Return the policy that a page has."""
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return str(policy)


def test_the_policy_of_the_whole_page_allows_its_script_alone(sockmatrix: Commands) -> None:
    """The script runs by its hash; data of a run is of a type that no browser runs."""
    text = sockmatrix("report", "one", "--html").out
    (script,) = re.findall('<script type="module">(.*)</script>', text, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy_of(text).split("; ")
    assert "innerHTML" not in script
    assert "eval(" not in script
    packed = re.compile('<script type="application/octet-stream" id="data-[a-z]+">(.*)</script>')
    for deflated in packed.findall(text):
        assert re.fullmatch("[A-Za-z0-9+/=]+", deflated)


def test_rules_are_for_the_page(sockmatrix: Commands) -> None:
    """Only a page can show them; where it does, they decide the cells."""
    assert sockmatrix("report", "one", "--rules").code == 2
    text = sockmatrix("report", "one", "--html", "--rules").out
    assert 'id="data-rules"' in text
    assert 'id="data-rules"' not in sockmatrix("report", "one", "--html").out


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}\x1b[31m\u202e"


def test_hostile_text_is_text() -> None:
    """Markup, template code, control and bidirectional characters are shown, never obeyed."""
    grid = Grid(HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), (((HOSTILE,), (HOSTILE,)),))
    text = html.page(HOSTILE, [Column(HOSTILE, {})], [html.section(grid, HOSTILE)], HOSTILE)
    assert not Page(text).all("script")
    assert "{{ 7*7 }}" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_html_of_other_reports(sockmatrix: Commands) -> None:
    """One run, a list of cells, a pivot and what differs can be pages too."""
    for arguments, said in (
        (("one",), "Who hears it?"),
        (("one", "--all"), "who hears it"),
        (("one", "--cells", "--table", "listening"), "one by one"),
        (("one", "two", "--pivot", "dest,platform"), "dest by platform"),
        (("one", "one", "--differ"), "The same on every platform, in each row: hearing, listening."),
        (("one", "two", "--all"), "on each platform"),
    ):
        text = sockmatrix("report", *arguments, "--format", "html").out
        assert Page(text).all("table")
        assert said in text


def test_a_documented_column_says_so() -> None:
    """What nobody measured is marked in the heading, and its words stand for themselves."""
    column = Column("macos 14", {"x": Said("all", ("KO-01",))}, "documented")
    assert column.heading == "macos 14 (documented)"
    assert rows.facts(column) == {"platform": "macos 14", "kind": "documented"}
    assert rows.facets(Said("all")) is None
    assert "macos 14 (documented)" in html.page("t", [column], [])
