"""Messages between conductor and roles: whole ones arrive as they were, cut ones are an end."""

from __future__ import annotations

import io
import struct

import frames
import pytest
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.lists(PLAIN, max_size=5))
def test_messages_arrive_whole_and_in_order(messages: list[object]) -> None:
    """Whatever requests and answers are made of is the same at the other end."""
    stream = io.BytesIO()
    for message in messages:
        frames.write(stream, message)
    stream.seek(0)
    assert [frames.read(stream) for _ in messages] == messages
    with pytest.raises(EOFError):
        frames.read(stream)


def test_a_message_cut_anywhere_is_the_end_of_the_other_side() -> None:
    """A role that dies while it writes leaves a part of a message, which is never taken for one."""
    stream = io.BytesIO()
    frames.write(stream, {1: "bind EADDRINUSE"})
    whole = stream.getvalue()
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            frames.read(io.BytesIO(whole[:length]))


def test_what_is_not_a_message_is_an_error_and_no_value() -> None:
    """Bytes that marshal does not know raise what the reader of a role expects."""
    garbage = b"?raceback!"
    with pytest.raises((EOFError, ValueError)):
        frames.read(io.BytesIO(struct.pack("<I", len(garbage)) + garbage))


def test_every_message_is_flushed() -> None:
    """The other end must not wait for a message that sits in a buffer."""

    class Pipe(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue())

    pipe = Pipe()
    frames.write(pipe, ("drain",))
    assert pipe.flushed == len(pipe.getvalue()) > 0
