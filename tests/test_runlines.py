"""Lines that are decoded once: whoever decodes one sees what a plain decoder sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes
import msgspec
import pytest

from sockmatrix.outcome import Outcome
from sockmatrix.runfile import CellLine, Footer
from sockmatrix.runlines import Cells, Like, LineDecoder, decode

if TYPE_CHECKING:
    from collections.abc import Callable

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
        name, found = decoder(line)
    except ValueError as error:
        return f"{type(error)} {error}"
    return Cells({name: found})[name] if isinstance(found, (Like, CellLine)) else found


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


def test_lines_are_values_of_their_own() -> None:
    """A line that is like one before has its own id, and each version its own outcome."""
    shared = LineDecoder()
    texts = [b'{"kind":"cell","id":"%s","v":%d,"n":3}' % one for one in ((b"a", 1), (b"b", 1), (b"c", 2))]
    kept = dict(map(shared, texts))
    assert kept["a"] is kept["b"]
    assert kept["a"] is not kept["c"]
    cells = Cells({name: line for name, line in kept.items() if isinstance(line, Like)})
    assert [(line.id, line.v, line.n) for line in cells.values()] == [
        ("a", 1, 3),
        ("b", 1, 3),
        ("c", 2, 3),
    ]
    assert cells["b"] is cells["b"]
    assert "d" not in cells
    assert len(cells) == 3
