"""Lines that are decoded once: whoever decodes one sees what a plain decoder sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes
import msgspec
import pytest

from sockmatrix.outcome import Outcome
from sockmatrix.runfile import CellLine, Footer
from sockmatrix.runlines import Cells, LineDecoder, Told, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sockmatrix.runformat import Line

LINES = [
    *(msgspec.json.encode(cell) for cell in fakes.CELLS),
    msgspec.json.encode(fakes.cell("again")),
    msgspec.json.encode(fakes.cell("0", version=2**31)),
    msgspec.json.encode(fakes.cell("0", version=0)),
    msgspec.json.encode(CellLine.of("a", 1, Outcome(skipped="no such lab", n=3))),
    msgspec.json.encode(CellLine.of("b", 1, Outcome(skipped="no such lab", n=3))),
    msgspec.json.encode(fakes.header()),
    msgspec.json.encode(Footer(ended="complete")),
    b'{"kind":"cell","id":"a","v":1}',
    b'{"kind":"cell","id":"b","v":2}',
    b'{ "kind":"cell", "id":"b", "v":2, "n":3 }',
    b'{"kind":"cell","id":"b","n":3,"v":2}',
    b'{"kind":"cell","id":"a","v":1,"id":"other","n":3}',
    b'{"kind":"cell","id":"b","v":1,"id":"other","n":3}',
    b'{"kind":"cell","id":"a","v":1,"v":7,"n":3}',
    b'{"kind":"cell","id":"a","v":2,"v":7,"n":3}',
    b'{"kind":"cell","id":"a","v":1,"\\u0069d":"other"}',
    b'{"kind":"cell","id":"b","v":1,"\\u0069d":"other"}',
    b'{"kind":"cell","id":"a","v":12}',
    b'{"kind":"cell","id":"a","v":1,"notes":{"x":"id"}}',
    b'{"kind":"cell","id":"b","v":1,"notes":{"x":"id"}}',
    b'{"kind":"cell","id":"a","v":1,"kind":"footer","ended":"complete"}',
    b'{"kind":"cell","id":"b","v":1,"kind":"footer","ended":"complete"}',
]

WRONG = [
    b'{"kind":"cell","id":"a","v":1',
    b'{"kind":"cell","id":"a","v":1}}',
    b'{"kind":"cell","id":"a","v":1},',
    b'{"kind":"cell","id":"a","v":-1}',
    b'{"kind":"cell","id":"a","v":01}',
    b'{"kind":"cell","id":"a","v":1,"n":"3"}',
    b'{"kind":"cell","id":"<b>","v":1}',
    b'{"kind":"cell","id":"","v":1}',
    b'{"kind":"cell","id":"' + b"a" * 8001 + b'","v":1}',
    b'{"kind":"cell","id":"a","v":1,"delivery":{"":{"word":"most"}}}',
]


def told(decoder: LineDecoder | Callable[[bytes], Line], line: bytes) -> Line | str:
    """Return the line, or what is wrong with it."""
    try:
        if not isinstance(decoder, LineDecoder):
            return decoder(line)
        found = decoder(line)
    except ValueError as error:
        return f"{type(error)} {error}"
    return cells([found])[found.id] if isinstance(found, Told) else found


def cells(some: Iterable[Told]) -> Cells:
    """Return some cells of a run."""
    some = list(some)
    return Cells({one.id: one.line for one in some}, {one.id: one.v for one in some})


def blocks(decoder: LineDecoder, lines: Sequence[bytes], size: int) -> list[Line | str]:
    """Return what a file of lines says, read so many at a time, as runs are."""
    decoder.begin()
    found: list[Line | str] = []
    for start in range(0, len(lines), size):
        some = lines[start : start + size]
        block = decoder.block(b"".join(line + b"\n" for line in some), 10_000)
        if block is None:
            found += [told(decoder, line) for line in some]
        else:
            found += [cells([one])[one.id] for one in map(Told, *block)]
    return found


@pytest.mark.parametrize("order", [1, -1])
def test_the_same_as_a_plain_decoder(order: int) -> None:
    """Whatever was decoded before, and in whichever order."""
    shared = LineDecoder()
    for line in [*LINES, *LINES][::order]:
        assert told(shared, line) == told(LineDecoder(), line) == told(decode, line)


@pytest.mark.parametrize("line", WRONG)
def test_wrong_is_wrong(line: bytes) -> None:
    """What is wrong with a line does not pass because one like it was right."""
    shared = LineDecoder()
    for right in LINES:
        told(shared, right)
    assert isinstance(told(decode, line), str)
    assert told(shared, line) == told(decode, line)


def test_blocks_are_as_their_lines() -> None:
    """Whatever order they have in other files, however many are read at a time, and with what between."""
    shared = LineDecoder()
    for lines in (LINES, LINES[::-1], LINES[::2] + LINES[1::2], LINES, LINES[5:] + LINES[:5]):
        for size in (1, 3, 1000):
            assert blocks(shared, lines, size) == [told(decode, line) for line in lines]


def test_a_block_of_cells_is_read_at_once() -> None:
    """Also when they follow each other in another order than before."""
    shared = LineDecoder()
    lines = [b'{"kind":"cell","id":"%d","v":%d,"n":3}' % (at, 10**at) for at in range(9)]
    for order in (lines, lines[::-1], lines[4:] + lines[:4]):
        shared.begin()
        block = shared.block(b"\n".join(order) + b"\n", 100)
        assert block is not None
        names, versions, kept = block
        assert [(one, 10 ** int(one)) for one in names] == list(zip(names, versions, strict=True))
        assert list(names) == [decode(line).id for line in order]  # type: ignore[union-attr]
        assert len(set(map(id, kept))) == 1


@pytest.mark.parametrize(
    "text", [b"", b"\n", LINES[0], LINES[0] + b"\n\n", LINES[0] + b"\n" + WRONG[0] + b"\n", b"x\n"]
)
def test_what_is_no_block(text: bytes) -> None:
    """A line that has no end, is none, or is of no cell."""
    shared = LineDecoder()
    assert shared.block(LINES[0] + b"\n", 1000)
    shared.begin()
    assert shared.block(text, 1000) is None


def test_a_line_that_is_too_long_is_no_block() -> None:
    """Where there is one, all are looked at."""
    assert LineDecoder().block(LINES[0] + b"\n", len(LINES[0]) - 1) is None


def test_lines_are_values_of_their_own() -> None:
    """A line that is like one before has its own id and version, and is made once."""
    shared = LineDecoder()
    texts = [b'{"kind":"cell","id":"%s","v":%d,"n":3}' % one for one in ((b"a", 1), (b"b", 1), (b"c", 2))]
    told = [one for one in map(shared, texts) if isinstance(one, Told)]
    assert len({id(one.line) for one in told}) == 1
    found = cells(told)
    assert [(line.id, line.v, line.n) for line in found.values()] == [
        ("a", 1, 3),
        ("b", 1, 3),
        ("c", 2, 3),
    ]
    assert found["b"] is found["b"]
    assert "d" not in found
    assert len(found) == 3
