"""Tables for people, from plain values: nothing here knows a socket, a run or a cell."""
