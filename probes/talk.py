"""What a role does and tells beyond opening its sockets: acts, their notes, the fence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set, Tuple

import acts
import datagrams
import errnos
from place import Place
from sockets import NOTHING

if TYPE_CHECKING:
    from role import Role

_FENCE_PATIENCE = 2.0  # seconds
_MAY_FIND_NOTHING = ("receive", "errors", "accept")

Told = Tuple[Dict[int, Dict[str, str]], Dict[int, List[Tuple[int, int, str]]], List[int], Optional[bool]]
"""({trial: {label: note}}, {trial: [(voice, sent, errno)]}, trials without an open socket, fence heard).

The fence is None where nothing was sent.
"""


class Talk:
    """What the acts of one request told so far."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.notes: Dict[int, Dict[str, str]] = {}
        self.spoken: Dict[int, List[Tuple[int, int, str]]] = {}
        self.trials: Set[int] = set()
        self.talked = False

    def act(self, operation: Tuple[Any, ...], place: Place, first_voice: int) -> None:
        """Perform one act, and note its result if it has a label. Raises OSError if it has none."""
        _, label, _, name, arguments = operation
        self.trials.add(place.trial)
        if name in acts.TALKING and not self.talked:
            self.talked = True
            if self.role.voice is not None:
                self.role.voice.stay()
        if name == "speak":
            host, port, voice, times = arguments
            sent, error = datagrams.speak(place, host, port, first_voice + voice, times)
            self.spoken.setdefault(place.trial, []).append((first_voice + voice, sent, error))
            return
        try:
            result = _result(name, place, arguments)
        except OSError as error:
            if label is None:
                raise
            result = errnos.name(error)
        if label is not None:
            self.notes.setdefault(place.trial, {})[label] = result

    def told(self) -> Told:
        """Return it, with the fence if anything was sent."""
        shut = [trial for trial in self.trials if not self.role.is_open(trial)]
        fenced = None
        if self.talked and self.role.voice is not None:
            fenced = self.role.voice.fence(self.role.fences, _FENCE_PATIENCE)
        return self.notes, self.spoken, shut, fenced


def _result(name: str, place: Place, arguments: Tuple[Any, ...]) -> str:
    try:
        return acts.ACTS[name](place, *arguments)
    except BlockingIOError:
        if name in _MAY_FIND_NOTHING:
            return NOTHING
        raise
    except (ValueError, TypeError, AttributeError, OverflowError, ImportError) as error:
        # Python cannot do here what was asked; that is this act's failure, and no other cell's.
        raise OSError(None, str(error)) from error
