"""Which receivers are open when something is said, as far as steps alone tell.

The probe plans this before it runs a cell (probes/cells.py), and an outcome carries it: a receiver
counts as open for a label if it is bound (UDP) or listening (TCP) to the port that is spoken to.
"""

from __future__ import annotations

from typing import Any

ENDS = ("exit", "kill")
NEVER_HEAR = frozenset("JXYZ")
SENDER = "S"


def bare(actor: str) -> str:
    """Return an actor without its place: `A.b@h2` is A.b."""
    return actor.partition("@")[0]


def plain(operation: list[Any]) -> list[Any]:
    """Return an operation without its label."""
    return list(operation[2]) if operation[0] == "note" else operation


def offset(port: Any) -> int | None:
    """Return what is added to the cell's own port: 0 for P, 1 for P+1, None for another port."""
    text = str(port)
    return int(text[2:] or 0) if text.startswith("P") else None


class Plan:
    """Follows the turns of a cell. `receivers`: who binds, `listens`: whether somebody listens."""

    def __init__(self, steps: list[list[Any]]) -> None:
        self.receivers: list[str] = []
        self.listens = False
        self._streams: dict[str, bool] = {}
        self._bound: dict[str, int] = {}
        self._open: dict[str, set[int]] = {}
        actors = dict.fromkeys(bare(actor) for actor, _ in steps if actor != SENDER)
        self.hearing = [name for name in actors if name[0] not in NEVER_HEAR]
        for actor, operations in steps:
            names = {plain(one)[0] for one in operations}
            self.listens = self.listens or "listen" in names
            name = bare(actor)
            if "bind" in names and name[0] not in NEVER_HEAR and name not in self.receivers:
                self.receivers.append(name)

    def follow(self, actor: str, operations: list[list[Any]]) -> None:
        """Take in one turn of an actor other than the staged sender."""
        name = bare(actor)
        every = [plain(one) for one in operations]
        names = {one[0] for one in every}
        if every and every[0][0] in ENDS:
            for other in [one for one in self._open if one.split(".")[0] == name.split(".")[0]]:
                del self._open[other]
            return
        stream = next((one[1].startswith("tcp") for one in every if one[0] == "socket"), None)
        ports = [
            one[2] if len(one) > 2 and not isinstance(one[2], dict) else "P"
            for one in every
            if one[0] == "bind"
        ]
        bound = offset(ports[-1]) if ports else None
        if stream is not None:
            self._streams[name] = stream
            self._open.pop(name, None)
        if bound is not None:
            self._bound[name] = bound
        if "listen" in names or (bound is not None and not self._streams.get(name)):
            self._open[name] = {self._bound.get(name, 0)}
        if names & {"close", "reset"}:
            self._open.pop(name, None)

    def closed_at_last(self) -> list[str]:
        """Return who is not open in the end, on whatever port."""
        return [name for name in self.hearing if name not in self._open]

    def closed(self, port: int) -> list[str]:
        """Return who is not open for what is said to a port now."""
        return [name for name in self.hearing if port not in self._open.get(name, ())]
