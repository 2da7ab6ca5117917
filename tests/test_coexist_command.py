"""Programs beside each other: on fakes, on the committed run, and by the names of presets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import fakes
import knowing
import pytest

from sockmatrix import cli
from sockmatrix.coexist import MINE, ORDERS, SHARED, Answers, Asked, Neighbours, Program
from sockmatrix.commands import knowledge as commands_knowledge
from sockmatrix.programs import ProgramError, program
from sockmatrix.render.coexist import summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from miniatures import Platform

    from sockmatrix.cell import Cell
    from sockmatrix.evidence import Knowledge

THEIRS, YOURS = ORDERS
UNICAST = "unicast to 127.0.0.1"
GROUP = "multicast by the interface"


def asked(theirs: str, mine: str, *, same_user: bool = True, transport: str = "udp") -> Asked:
    """Return what is asked; several programs that are there are separated by blanks."""
    own = tuple(program(text) for text in theirs.split())
    return Asked(own, program(mine), transport, same_user=same_user)


def cells(question: Asked) -> list[Cell]:
    """Return every cell that is looked up."""
    found: dict[str, Cell] = {}

    class Noted:
        def known(self, cell: Cell, _system: str) -> list[object]:
            found[cell.id] = cell
            return []

    Neighbours(Noted(), knowing.TABLES, question).answers("macos")  # type: ignore[arg-type]
    return list(found.values())


def on(platform: Platform, question: Asked) -> Answers:
    """Return the answers of a platform that calls itself macOS."""
    run = knowing.run(cells(question), platform, "macos", "15.5")
    return answers(knowing.knowledge([run]), question, "macos")


def answers(knowledge: Knowledge, question: Asked, system: str) -> Answers:
    """Return what is known."""
    return Neighbours(knowledge, knowing.TABLES, question).answers(system)


def heard(found: Answers, what: str) -> list[tuple[str, ...] | None]:
    """Return who hears a destination: they first, then you first."""
    (row,) = (row for row in found.rows if row.what == what)
    return [None if (own := row.heard[order]) is None else own.words for order in ORDERS]


@pytest.mark.parametrize(
    ("platform", "who", "says"),
    [
        (fakes.EVERYTHING, [("they + you",)] * 2, "Both hear unicast, broadcast and multicast."),
        (fakes.LAST, [("you",), ("they",)], "Whoever binds last hears unicast, broadcast and multicast."),
        (fakes.FIRST, [("they",), ("you",)], "Whoever binds first hears unicast,"),
        (fakes.NOBODY, [("nobody",)] * 2, "Nobody hears unicast, broadcast and multicast."),
        (fakes.SPREADS, [(SHARED,)] * 2, "Of unicast, broadcast and multicast each goes to one of them."),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_platforms_that_let_everybody_bind(
    platform: Platform, who: list[tuple[str, ...]], says: str
) -> None:
    """In either order, and who hears follows the platform."""
    found = on(platform, asked("addr@any", "addr+port@any"))
    assert [found.may(order) for order in ORDERS] == [True, True]
    assert heard(found, UNICAST) == who
    assert heard(found, GROUP) == who
    assert summary(found).startswith("yes, whoever comes first. ")
    assert says in summary(found)


def test_a_platform_that_refuses() -> None:
    """Nothing is said of hearing where nobody can be beside the other."""
    found = on(fakes.REFUSES, asked("addr", "addr"))
    assert [found.may(order) for order in ORDERS] == [False, False]
    assert found.bind[THEIRS].words == ("ok", "EADDRINUSE")
    assert found.rows == ()
    assert summary(found) == "no, whoever comes first."


def test_the_order_may_matter() -> None:
    """A BSD lets a specific address with an option bind beside a bare wildcard, not the reverse."""
    found = on(fakes.BSD, asked("none@any", "addr@lo"))
    assert [found.may(order) for order in ORDERS] == [True, False]
    assert heard(found, UNICAST) == [("you",), None]
    assert heard(found, "unicast to the interface") == [("they",), None]
    assert summary(found).startswith("yes if they are there first; the other way round no. ")


def test_several_are_there_already() -> None:
    """They have numbers."""
    question = asked("addr@any addr@if", "addr@any")
    assert question.names(THEIRS) == ("no. 1", "no. 2", MINE)
    assert question.names(YOURS) == (MINE, "no. 1", "no. 2")
    found = on(fakes.EVERYTHING, question)
    assert heard(found, GROUP) == [("no. 1 + no. 2 + you",)] * 2
    assert "No. 1, no. 2 and you hear" in summary(found)


def test_another_user_is_another_cell() -> None:
    """The first is always user 1, as in the table."""
    pairs = [
        one.id for one in cells(asked("addr@any", "port@lo", same_user=False)) if one.table == "users"
    ]
    assert pairs == [
        "users/transport:udp/A:any4.addr.u1/B:lo4.port.u2",
        "users/transport:udp/A:lo4.port.u1/B:any4.addr.u2",
    ]


def test_tcp() -> None:
    """Listeners, and connections to what they cover."""
    found = on(fakes.SPREADS, asked("port", "port", transport="tcp"))
    assert [row.what for row in found.rows] == [
        "connections to 127.0.0.1",
        "connections to the interface",
    ]
    assert "Of connections each goes to one of them" in summary(found)


def test_what_no_table_has_is_predicted_for_linux_alone() -> None:
    """And it says so."""
    question = asked("addr@any", "addr@broadcast")
    linux = answers(knowing.knowledge(), question, "linux")
    assert linux.bind[THEIRS].kind == "predicted"
    assert linux.may(THEIRS) is True
    haiku = answers(knowing.knowledge(), question, "haiku")
    assert (haiku.bind[THEIRS].kind, haiku.may(THEIRS)) == ("unknown", None)
    assert summary(haiku) == "not known."


def test_documents(tmp_path: Path) -> None:
    """That one may bind says nothing of who hears."""
    book = knowing.documents(
        tmp_path / "c",
        "MAN-1 windows | table=bind-conflicts receivers=2 every.socket=any4.addr | bind.B=ok",
        "MAN-2 windows | table=fan-out receivers=2 dest=if4 every.socket=any4.addr | delivery=one|spread",
    )
    found = answers(knowing.knowledge(book=book), asked("addr", "addr"), "windows")
    assert [found.may(order) for order in ORDERS] == [True, True]
    assert found.bind[THEIRS].kind == "documented"
    assert heard(found, UNICAST) == [(), ()]
    assert heard(found, "unicast to the interface") == [("one of them",)] * 2
    assert "Who hears unicast to 127.0.0.1" in summary(found)


def test_beside_a_wildcard_on_the_committed_run() -> None:
    """Linux: a group socket beside a wildcard one hears multicast with it, and nothing else."""
    found = answers(knowing.committed(), asked("addr@any", "addr+port@group"), "linux")
    assert found.bind[THEIRS].kind == "measured"
    assert [found.may(order) for order in ORDERS] == [True, True]
    assert heard(found, GROUP) == [("they + you",)] * 2
    assert heard(found, UNICAST) == [("they",)] * 2
    other = answers(knowing.committed(), asked("port", "port", same_user=False), "linux")
    assert [other.may(order) for order in ORDERS] == [False, False]


# Programs


@pytest.mark.parametrize(
    ("text", "bind", "reuse"),
    [
        ("addr@any", "any4", "addr"),
        ("port+addr@group", "group4", "addr+port"),
        ("none@lo", "lo4", "none"),
        ("addr", "any4", "addr"),
        ("@if", "if4", "none"),
        ("exclusive@broadcast", "subnet-bcast", "exclusive"),
        ("addr@any6only", "any6only", "addr"),
    ],
)
def test_flags_and_address(text: str, bind: str, reuse: str) -> None:
    """In whatever order; an address has its symbol, or a word for it."""
    assert program(text) == Program("", bind, reuse, reuse)
    assert program("addr", 6).bind == "any6"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("avahi", Program("avahi", "any4", "addr+port", "addr+port")),
        ("avahi-alone", Program("avahi-alone", "any4", "none", "none")),
        ("systemd-resolved", Program("systemd-resolved", "any4", "addr", "addr")),
        ("mdns/chromium", Program("chromium", "group4", "addr+port", "addr+port")),
        ("jmdns", Program("jmdns", "any6", "addr", "addr")),
        ("mdnsresponder", Program("mdnsresponder", "any4", "addr", "addr")),
        ("bacnet-stack", Program("bacnet-stack", "if4", "addr", "addr")),
    ],
)
def test_programs_by_name(name: str, expected: Program) -> None:
    """What the presets say that they set and bind, the first socket of each."""
    assert program(name) == expected


@pytest.mark.parametrize(
    ("text", "family", "message"),
    [
        ("netcat", 4, '"netcat" is no program'),
        ("addr+none@any", 4, "is no program"),
        ("addr@moon", 4, 'unknown address "moon"'),
        ("addr@group", 6, "is of IPv4"),
    ],
)
def test_what_is_no_program(text: str, family: int, message: str) -> None:
    """The message says what is."""
    with pytest.raises(ProgramError, match=message):
        program(text, family)


# The command


@pytest.fixture
def coexist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return the command, with a run of a fake macOS of two pairs, and no documents."""
    own = [*cells(asked("addr", "addr@lo")), *cells(asked("none", "none"))]
    run = knowing.write(tmp_path / "run.jsonl", knowing.run(own, fakes.BSD, "macos", "15.5"))
    book = knowing.documents(tmp_path / "c")
    monkeypatch.setattr(commands_knowledge, "load", lambda: book)
    monkeypatch.setattr("sockmatrix.cli.signal.signal", lambda *_: None)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            cli.main(["coexist", "--runs", str(run), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(caught.value.code or 0), out, err

    return call


def test_the_answer_comes_first(coexist: Callable[..., tuple[int, str, str]]) -> None:
    """A sentence, then the table, for the systems that there are runs of."""
    code, out, err = coexist("--theirs", "addr", "--mine", "addr@lo")
    assert (code, err) == (0, "")
    first, second, third, *_ = out.split("\n\n")
    assert first.startswith("They: 0.0.0.0 with SO_REUSEADDR. You: 127.0.0.1 with SO_REUSEADDR.")
    assert second.startswith("macOS: yes, whoever comes first. You alone hear unicast to 127.0.0.1.")
    assert third.splitlines()[2].split() == ["may", "all", "bind?", "yes", "yes"]
    assert "Measured on macos 15.5." in out
    code, out, _ = coexist("--theirs", "none", "--mine", "none")
    assert (code, "macOS: no, whoever comes first." in out) == (0, True)
    assert "you are refused" in out


def test_what_is_not_known_says_so(coexist: Callable[..., tuple[int, str, str]]) -> None:
    """By words and by exit code."""
    code, out, err = coexist("--theirs", "addr", "--mine", "addr@lo", "--on", "macos,haiku")
    assert (code, err) == (3, "exit 3: inconclusive; not known on Haiku\n")
    assert "Haiku: not known." in out
    assert coexist("--theirs", "port", "--mine", "port")[0] == 4


def test_hostile_runs_drive_no_terminal(
    coexist: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """What a run calls its platform is shown, not obeyed."""
    own = cells(asked("addr", "addr"))
    run = knowing.run(own, fakes.BSD, "macos", "15\x1b[31m\u202e")
    path = knowing.write(tmp_path / "hostile.jsonl", run)
    code, out, err = coexist("--theirs", "addr", "--mine", "addr", "--runs", str(path))
    assert code == 0
    assert "Measured on macos 15\\x1b[31m\\u202e." in out
    assert "\x1b" not in out + err


def test_json_is_for_programs(coexist: Callable[..., tuple[int, str, str]]) -> None:
    """The same, with what it stands on."""
    found = json.loads(coexist("--theirs", "addr", "--mine", "addr@lo", "--json")[1])
    order = found["systems"]["macos"]["theirs first"]
    assert order["may bind"] is True
    assert order["binds"] == {"they": "ok", "you": "ok"}
    assert order["evidence"] == "measured"
    assert order["heard"][UNICAST] == {"by": ["you"], "evidence": "measured", "source": "macos 15.5"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--theirs", "addr@moon", "--mine", "addr"], 'unknown address "moon"'),
        (["--theirs", "addr@group", "--mine", "addr", "--transport", "tcp"], "nothing connects"),
        (["--theirs", "addr"] * 4 + ["--mine", "addr"], "at most 3"),
        (["--theirs", "addr", "--mine", "addr", "--on", "x"], 'unknown system "x"'),
    ],
)
def test_wrong_usage(
    coexist: Callable[..., tuple[int, str, str]], arguments: list[str], message: str
) -> None:
    """One clear line."""
    code, out, err = coexist(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
