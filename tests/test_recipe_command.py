"""Recipes on fakes, one that everybody expects on the committed run, and the programs made of them."""

from __future__ import annotations

import ast
import functools
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import fakes
import knowing
import pytest

from sockmatrix import cli
from sockmatrix.commands import knowledge as commands_knowledge
from sockmatrix.recipes import program
from sockmatrix.recipes.failures import failures
from sockmatrix.recipes.place import DESTINATIONS, Place, places
from sockmatrix.recipes.search import REUSE, Choice, Recipe, Search, Wanted, choose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from miniatures import Platform

    from sockmatrix.cell import Cell
    from sockmatrix.evidence import Knowledge
    from sockmatrix.runfile import Run

DEST = ("multicast", "lo4")
"""Two kinds of destinations are enough for most tests."""


def cells(wanted: Wanted) -> dict[str, Cell]:
    """Return every cell that a search for these asks about."""
    return {
        question.cell.id: question.cell
        for place in places(wanted=DEST)
        for reuse in REUSE
        for question in place.questions(
            knowing.TABLES, reuse, wanted.deliver, wanted.receivers, same_user=wanted.same_user
        )
    }


def search(wanted: Wanted, *dest: str, knowledge: Knowledge, transport: str = "udp") -> list[Recipe]:
    """Return the recipes for some destinations."""
    where = places(transport, 4, dest or (DEST if transport == "udp" else ()))
    return Search(knowledge, knowing.TABLES, wanted).recipes(where)


@functools.cache
def fake_run(platform: Platform, system: str, *, same_user: bool = True) -> Run:
    """Return the run of a fake that calls itself a system."""
    own = cells(Wanted("all", (), same_user=same_user)).values()
    return knowing.run(own, platform, system, "15.5")


def measured(wanted: Wanted, **platforms: Platform) -> Knowledge:
    """Return the knowledge of fakes that call themselves systems."""
    return knowing.knowledge(
        [fake_run(fake, name, same_user=wanted.same_user) for name, fake in platforms.items()]
    )


def options(recipe: Recipe) -> dict[str, str]:
    """Return the options by system."""
    return {name: choice.reuse for name, choice in recipe.chosen.items()}


def test_where_everything_hears_the_simplest_does_it() -> None:
    """No option at all, multicast first."""
    wanted = Wanted("all", ("macos",))
    recipes = search(wanted, knowledge=measured(wanted, macos=fakes.EVERYTHING))
    assert not any(recipe.fails or recipe.unknown for recipe in recipes)
    assert (recipes[0].place.dest, recipes[0].place.bind) == ("group4", "any4")
    assert options(recipes[0]) == {"macos": "none"}
    assert recipes[0].chosen["macos"].finding.kind == "measured"


def test_where_the_last_hears_none_delivers_to_all_but_every_one_to_one() -> None:
    """The place is named that comes nearest, and it fails by what was measured."""
    wanted = Wanted("all", ("macos",))
    best = search(wanted, knowledge=measured(wanted, macos=fakes.LAST))[0]
    assert best.fails == ("macos",)
    finding = best.chosen["macos"].finding
    assert finding.evidence is not None
    assert finding.evidence.heard("") == ("only:B",)
    wanted = Wanted("one", ("macos",))
    best = search(wanted, knowledge=measured(wanted, macos=fakes.LAST))[0]
    assert (best.does, best.place.dest) == (("macos",), "lo4")


@pytest.mark.parametrize("deliver", ["all", "one"])
def test_where_every_second_is_refused_nothing_does_it(deliver: Any) -> None:
    """And the failures name the bind."""
    wanted = Wanted(deliver, ("freebsd",))
    recipes = search(wanted, knowledge=measured(wanted, freebsd=fakes.REFUSES))
    assert all(recipe.fails == ("freebsd",) for recipe in recipes)
    finding = recipes[0].chosen["freebsd"].finding
    assert finding.evidence is not None
    assert finding.evidence.opened("B") == "EADDRINUSE"


def test_each_system_has_the_options_it_needs() -> None:
    """A BSD needs SO_REUSEPORT; where nothing is needed the same is chosen if it does it as well."""
    wanted = Wanted("all", ("linux", "freebsd"))
    recipes = search(wanted, knowledge=measured(wanted, linux=fakes.EVERYTHING, freebsd=fakes.BSD))
    assert options(recipes[0]) == {"linux": "port", "freebsd": "port"}
    failed = failures(recipes)
    alone = next(one for one in failed if one.what.startswith("SO_REUSEADDR alone"))
    assert list(alone.where) == ["freebsd"]
    assert next(one for one in failed if one.what.startswith("unicast")).where.keys() == {"freebsd"}


def test_measured_before_documented_before_predicted_before_unknown(tmp_path: Path) -> None:
    """The kinds of evidence decide, then how simple it is."""
    wanted = Wanted("all", ("linux",))
    group = "fan-out/dest:group4"
    book = knowing.documents(
        tmp_path / "c",
        f"MAN-1 linux | {group}/A:any4.port/B:any4.port | delivery=all",
        f"BLOG-1 linux | {group}/A:any4.addr+port/B:any4.addr+port | delivery=all",
        f"MAN-2 macos | {group}/A:any4.addr+port/B:any4.addr+port | delivery=all",
        f"MAN-3 macos | {group}/A:any4.port/B:any4.port | delivery=all",
        f"BLOG-2 macos | {group}/A:any4.port/B:any4.port | delivery=none",
    )
    run = knowing.run([knowing.cell(f"{group}/A:any4.port/B:any4.port")], fakes.EVERYTHING)
    best = search(wanted, "multicast", knowledge=knowing.knowledge([run], book))[0]
    assert (options(best), best.chosen["linux"].finding.kind) == ({"linux": "port"}, "measured")
    best = search(wanted, "multicast", knowledge=knowing.knowledge(book=book))[0]
    assert (options(best), best.chosen["linux"].finding.kind) == ({"linux": "port"}, "documented")
    best = search(wanted, "multicast", knowledge=knowing.knowledge())[0]
    assert (options(best), best.chosen["linux"].finding.kind) == ({"linux": "addr"}, "predicted")
    wanted = Wanted("all", ("macos",))
    best = search(wanted, "multicast", knowledge=knowing.knowledge(book=book))[0]
    assert options(best) == {"macos": "addr+port"}  # that of the other one is disputed
    best = search(wanted, "multicast", knowledge=knowing.knowledge())[0]
    assert (best.unknown, best.fails, best.does) == (("macos",), (), ())


def test_documents_about_an_option_a_lone_socket_and_pairs_forbid(tmp_path: Path) -> None:
    """That there is no such option, or that a pair is refused, is said in cells of their own."""
    book = knowing.documents(
        tmp_path / "c",
        "MAN-1 windows | table=fan-out receivers=2 dest=group4 every.bind=any4 | delivery=all",
        "MAN-2 windows | table=bind-conflicts receivers=1 A.socket=any4.port | exists=no",
        "MAN-3 windows | table=bind-conflicts receivers=2 every.socket=any4.addr | bind.B=EACCES",
        "MAN-4 windows | table=fan-out receivers=1 A.bind=group4 | bind.A=EADDRNOTAVAIL",
        "MAN-5 windows | table=fan-out receivers=2 every.bind=group4 | delivery=all",
    )
    wanted = Wanted("all", ("windows",))
    recipes = search(wanted, "multicast", knowledge=knowing.knowledge(book=book))
    held = {one.reuse: one.finding.holds for one in recipes[0].choices["windows"]}
    assert held == {"none": True, "addr": False, "port": False, "addr+port": False, "lb": True}
    group = next(one for one in recipes if (one.place.bind, one.place.via) == ("group4", "if4"))
    assert group.fails == ("windows",)


def test_different_users() -> None:
    """What they may bind is asked too: the fake that lets everybody bind lets them."""
    wanted = Wanted("all", ("macos",), same_user=False)
    known = measured(wanted, macos=fakes.EVERYTHING)
    best = search(wanted, knowledge=known)[0]
    assert best.chosen["macos"].users is not None
    assert best.chosen["macos"].users.holds is True
    without = [one for one in cells(wanted).values() if one.table != "users"]
    run = knowing.run(without, fakes.EVERYTHING, "macos", "9.0")
    assert search(wanted, knowledge=knowing.knowledge([run]))[0].unknown == ("macos",)


def test_options_are_as_alike_as_can_be() -> None:
    """One base, with what a system needs beside it."""

    def choice(reuse: str, finding: Any) -> Choice:
        return Choice(reuse, finding, finding)

    wanted = Wanted("all", ("linux",))
    best = search(wanted, "multicast", knowledge=measured(wanted, linux=fakes.EVERYTHING))[0]
    yes = best.chosen["linux"].finding
    chosen = choose(
        {
            "linux": [choice("addr", yes), choice("port", yes), choice("addr+port", yes)],
            "macos": [choice("port", yes), choice("addr+port", yes)],
            "windows": [choice("addr", yes)],
        }
    )
    assert {name: one.reuse for name, one in chosen.items()} == {
        "linux": "addr",
        "macos": "addr+port",
        "windows": "addr",
    }


def test_ipv6_multicast_reaches_all_of_two() -> None:
    """By the cells of multicast6, which have two receivers; of more it is not known, never "no"."""
    known = knowing.committed()
    for receivers, does in ((1, ("linux",)), (2, ("linux",)), (3, ())):
        wanted = Wanted("all", ("linux",), receivers)
        (found,) = Search(known, knowing.TABLES, wanted).recipes(places("udp", 6, ("multicast",)))
        assert (found.place.dest, found.place.bind, found.place.via) == ("group6-site", "any6", "if6")
        assert (found.does, found.fails) == (does, ())
    assert found.uniform("none")["linux"].finding.holds is False  # the second may not bind
    assert found.uniform("lb")["linux"].finding.holds is False  # there is no such option


def test_tcp_cannot_deliver_to_all() -> None:
    """A connection has one acceptor."""
    wanted = Wanted("all", ("linux",))
    recipes = search(wanted, knowledge=knowing.knowledge(), transport="tcp")
    assert all(recipe.fails == ("linux",) for recipe in recipes)


# The committed run and the documents


@pytest.fixture(scope="module")
def golden() -> list[Recipe]:
    """Return what is recommended for the three systems that most programs run on."""
    wanted = Wanted("all", ("linux", "macos", "windows"))
    return search(wanted, "multicast", "if4", knowledge=knowing.committed())


def test_the_recipe_that_everybody_ends_up_with(golden: list[Recipe]) -> None:
    """Multicast, wildcard bind, SO_REUSEADDR everywhere and SO_REUSEPORT where it is needed."""
    best = golden[0]
    assert (best.place.dest, best.place.bind, best.place.via) == ("group4", "any4", "if4")
    assert options(best) == {"linux": "addr", "macos": "addr+port", "windows": "addr"}
    kinds = {name: choice.finding.kind for name, choice in best.chosen.items()}
    assert kinds == {"linux": "measured", "macos": "documented", "windows": "documented"}
    alone = next(one for one in failures(golden) if one.what.startswith("SO_REUSEADDR alone"))
    evidence = alone.where["macos"].evidence
    assert list(alone.where) == ["macos"]
    assert evidence is not None
    assert (evidence.kind, evidence.opened("B")) == ("documented", "EADDRINUSE")


# Programs


PLACES = [
    Place("udp", "group4", "group4", "if4"),
    Place("udp", "group4", "any4", "lo4"),
    Place("udp", "subnet-bcast", "if4"),
    Place("udp", "limited", "any4"),
    Place("udp", "if4", "if4"),
    Place("udp", "lo6", "any6only"),
    Place("udp", "group6-site", "any6", "if6"),
    Place("tcp", "if4", "any4"),
    Place("tcp", "if6", "any6"),
    Place("tcp", "lo4", "lo4"),
]


@pytest.mark.parametrize(
    "place", PLACES, ids=lambda place: f"{place.transport}-{place.dest}-{place.bind}"
)
def test_programs_are_well_formed(place: Place, golden: list[Recipe], tmp_path: Path) -> None:
    """Python parses them; C is compiled without a warning, if there is a compiler."""
    recipe = Recipe(place, golden[0].chosen, golden[0].choices)
    ast.parse(program.write(recipe, "python"))
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source = tmp_path / "recipe.c"
    source.write_text(program.write(recipe, "c"))
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run([compiler, *flags, str(source)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


CHECKS: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "node": ("node", lambda path: ["--check", path]),
    "go": ("gofmt", lambda path: ["-l", "-e", path]),
    "rust": ("rustfmt", lambda path: ["--check", "--edition", "2021", "--config", "max_width=120", path]),
}


@pytest.mark.parametrize("language", CHECKS)
def test_other_languages_are_well_formed(golden: list[Recipe], language: str, tmp_path: Path) -> None:
    """As far as their own tools can tell; without them they are skipped."""
    name, arguments = CHECKS[language]
    tool = shutil.which(name)
    path = tmp_path / program.LANGUAGES[language][1]
    port = Recipe(Place("tcp", "if4", "any4"), golden[0].uniform("port"), golden[0].choices)
    group6 = Recipe(Place("udp", "group6-site", "any6", "if6"), golden[0].chosen, golden[0].choices)
    for recipe in (*golden[:2], port, group6):
        text = program.write(recipe, language)
        assert "{{" not in text
        assert "{%" not in text
        path.write_text(text)
        if tool is None:
            pytest.skip(f"there is no {name} to check it with")
        done = subprocess.run([tool, *arguments(str(path))], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (0, b""), (done.stdout + done.stderr).decode()


def test_a_program_sets_what_each_system_needs(golden: list[Recipe]) -> None:
    """In its own words for the systems."""
    texts = {name: program.write(golden[0], name) for name in program.LANGUAGES}
    assert '"darwin": ["SO_REUSEADDR", "SO_REUSEPORT"],' in texts["python"]
    assert '"win32": ["SO_REUSEADDR"],' in texts["python"]
    assert "#elif defined(__APPLE__) /* macOS */\n    set(s, SOL_SOCKET, SO_REUSEADDR" in texts["c"]
    assert "darwin: { reuseAddr: true }," in texts["node"]
    assert (
        "Node cannot set what the recipe says; this sets: SO_REUSEPORT (documented by XN-02)."
        in texts["node"]
    )
    assert '"linux":   {"SO_REUSEADDR": syscall.SO_REUSEADDR},' in texts["go"]
    assert 'target_os = "macos"' in texts["rust"]
    assert texts["python"].index(".bind((") < texts["python"].index("IP_ADD_MEMBERSHIP, member")


def test_there_is_no_program_for_where_it_fails_or_nobody_has_a_name() -> None:
    """The rest is in the program."""
    wanted = Wanted("all", ("linux", "plan9", "macos"))
    best = search(wanted, "multicast", knowledge=measured(wanted, linux=fakes.LAST, macos=fakes.BSD))[0]
    assert best.fails == ("linux",)
    assert program.systems(best) == ("macos",)
    assert "linux" not in program.write(best, "python")


@pytest.mark.parametrize(
    ("system", "reuse", "flags", "sets"),
    [
        ("linux", "addr", {"reuseAddr": True}, "addr"),
        ("linux", "addr+port", {"reuseAddr": True, "reusePort": True}, "addr+port"),
        ("macos", "addr+port", {"reuseAddr": True}, "port"),
        ("macos", "addr", {}, "none"),
        ("windows", "addr", {"reuseAddr": True}, "addr"),
        ("windows", "none", {}, "none"),
        ("freebsd", "lb", {"reusePort": True}, "lb"),
    ],
)
def test_what_node_sets(system: str, reuse: str, flags: dict[str, bool], sets: str) -> None:
    """Its flags stand for other options on other systems."""
    assert program.node_sets(system, reuse) == (flags, sets)


def test_what_node_sets_on_listeners() -> None:
    """SO_REUSEADDR by itself, and SO_REUSEPORT where libuv has it."""
    assert program.node_sets("linux", "port", tcp=True) == ({"reusePort": True}, "addr+port")
    assert program.node_sets("macos", "port", tcp=True) == ({}, "addr")
    assert program.node_sets("windows", "addr", tcp=True) == ({}, "none")


# The command


@pytest.fixture
def recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return the command, with a run of a fake BSD-like macOS and no documents."""
    run = knowing.write(tmp_path / "macos.jsonl", fake_run(fakes.BSD, "macos"))
    book = knowing.documents(tmp_path / "c", "MAN-1 solaris | table=fan-out dest=group4 | delivery=all")
    monkeypatch.setattr(commands_knowledge, "load", lambda: book)
    monkeypatch.setattr("sockmatrix.cli.signal.signal", lambda *_: None)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            cli.main(["recipe", "--runs", str(run), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(caught.value.code or 0), out, err

    return call


def test_the_command(recipe: Callable[..., tuple[int, str, str]]) -> None:
    """The answer first, evidence and sources with it, and what fails."""
    code, out, _ = recipe("--on", "macos,solaris")
    assert code == 0
    assert out.startswith("So that each of 2 programs hears it on macOS and Solaris, ")
    assert "1. multicast by the interface; bind 0.0.0.0; join on the interface" in out
    assert "   macOS    SO_REUSEPORT\n            all hear it, measured on macos 15.5" in out
    assert "all hear it, documented by MAN-1, a manual" in out
    assert "macOS: the second bind is refused (EADDRINUSE), measured on macos 15.5" in out
    assert "https://example.org/manual" in out


def test_exit_codes(recipe: Callable[..., tuple[int, str, str]]) -> None:
    """Found; known that nothing does it; known in part; nothing known; wrong usage."""
    assert recipe("--on", "macos")[0] == 0
    code, out, err = recipe("--on", "macos", "--dest", "lo4")
    assert (code, err) == (1, "exit 1: no configuration does it on all of them\n")
    assert "No configuration is known by which each of 2 programs hears it on macOS." in out
    assert "only the last bound hears it, measured on macos 15.5" in out
    code, out, err = recipe("--on", "mac,haiku", "--dest", "multicast")
    assert (code, err) == (3, "exit 3: inconclusive; not known on haiku\n")
    assert "on Haiku it is not known" in out
    assert recipe("--on", "haiku")[0] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--on", "beos"], 'unknown system "beos"'),
        (["--on", "macos=new"], '"new" is not a release'),
        (["--dest", "moon"], 'unknown destination "moon"'),
        (["--dest", "multicast", "--transport", "tcp"], "the matrix has no multicast of TCP over IPv4"),
        (["--receivers", "65"], "at most 64"),
        (["-o", "x"], "name it with --code"),
        (["--runs", "nowhere.jsonl"], "cannot be read"),
    ],
)
def test_wrong_usage(
    recipe: Callable[..., tuple[int, str, str]], arguments: list[str], message: str
) -> None:
    """One clear line."""
    code, out, err = recipe(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_program_in_a_file(recipe: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """Written whole; on the screen behind the answer otherwise."""
    path = tmp_path / "recipe.py"
    assert recipe("--on", "macos", "--code", "python", "-o", str(path))[0] == 0
    compile(path.read_text(), "recipe.py", "exec")
    out = recipe("--on", "macos", "--code", "all")[1]
    for name, file in program.LANGUAGES.values():
        assert f"--- 1 in {name}: {file} ---" in out


def test_hostile_runs_drive_no_terminal(
    recipe: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """What a run calls its platform is shown, not obeyed."""
    wanted = cells(Wanted("all", ()))
    run = knowing.run(wanted.values(), fakes.EVERYTHING, "macos", "15\x1b[31m\u202e")
    path = knowing.write(tmp_path / "hostile.jsonl", run)
    code, out, err = recipe("--on", "macos", "--runs", str(path))
    assert code == 0
    assert "measured on macos 15\\x1b[31m\\u202e" in out
    assert "\x1b" not in out + err


def test_json(recipe: Callable[..., tuple[int, str, str]]) -> None:
    """For programs: every recipe, what it stands on, and the code."""
    code, out, _ = recipe("--on", "macos,haiku", "--json", "--code", "python")
    found = json.loads(out)
    assert code == 3
    best = found["recipes"][0]
    assert best["systems"]["macos"]["options"] == ["SO_REUSEPORT"]
    assert best["systems"]["macos"]["evidence"] == "measured"
    assert best["systems"]["haiku"]["does"] is None
    assert best["does"] is False
    assert found["code"]["python"].startswith('"""Several programs')
    assert {one["destination"] for one in found["recipes"]} <= set(DESTINATIONS)
