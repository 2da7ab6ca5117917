"""The turns of a cell: what an actor does, what it is refused, and what is left out then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models import acts, staged
from sockmatrix.models.openness import ENDS, SENDER, bare, plain
from sockmatrix.models.place import Place, close_socket
from sockmatrix.models.play import Skipped
from sockmatrix.models.symbols import is_group

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel
    from sockmatrix.models.play import Play

_USERS = ("u1", "u2")
_CLOSES_SOCKET = ("socket", "set", "bind")


def perform(play: Play, actor: str, operations: list[list[Any]]) -> None:
    """Perform one turn. Raises prediction.Unpredicted, play.Skipped."""
    if actor == SENDER:
        for operation in operations:
            staged.say(play, operation)
        return
    name = bare(actor)
    kernel, uid = _place(play, actor)
    play.plan.follow(actor, operations)
    if operations[0][0] in ENDS:
        _end(play, name)
        return
    if name in play.refused and operations[0][0] != "socket":
        return  # in an earlier turn
    acted = False
    for operation in operations:
        acted = acted or not _is_plain(operation)
        label = operation[1] if operation[0] == "note" else ""
        call, *arguments = plain(operation)
        result = acts.act(Place(play, name, kernel, uid, label), call, arguments)
        if label:
            play.notes[label] = result
        elif not _fine(call, result):
            _fail(play, name, call, arguments, result)
            break
    if acted:
        play.shut[name] = name not in play.hears
    else:
        play.shut.pop(name, None)


def _place(play: Play, actor: str) -> tuple[Kernel, str]:
    """Return the host and the user that an actor's process has."""
    place = actor.partition("@")[2]
    if place in _USERS:
        if play.user != "root":
            raise Skipped("only root may be other users")
        return play.home, place
    host = place or "h1"
    if host not in play.network.kernels:
        raise Skipped(f"no host {host} in this lab")
    # ns_capable() asks for capabilities in the user namespace that owns the network (user_namespaces(7)).
    return play.network.kernels[host], "root" if play.user == "owner" else play.user


def _is_plain(operation: list[Any]) -> bool:
    """Tell whether the probe performs an operation in its fast loop (probes/programs.py, _compile)."""
    name = operation[0]
    if name == "bind":
        return len(operation) == 2 and (not is_group(operation[1]) or operation[1] == "group4")
    if name == "join":
        return len(operation) == 3 and operation[1] == "group4" and operation[2] not in ("bad", "none")
    return name in ("socket", "set", "listen")


def _fine(call: str, result: str) -> bool:
    """Tell whether a result is none of an error: words with small letters, a number."""
    return not (result and result[0] == "E" and result.isupper()) or call in ("get", "speak")


def _fail(play: Play, name: str, call: str, arguments: list[Any], errno: str) -> None:
    said = f"set {arguments[0]}" if call == "set" else "send" if call == "tell" else call
    play.failed.setdefault(name, f"{said} {errno}")
    if call in _CLOSES_SOCKET:
        play.refused.add(name)
        close_socket(play, name)


def _end(play: Play, name: str) -> None:
    """End a process: all of its sockets are closed."""
    role = name.partition(".")[0]
    for other in [one for one in play.sockets if one.partition(".")[0] == role]:
        close_socket(play, other)
