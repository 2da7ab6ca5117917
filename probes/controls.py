"""Controls: lone receivers that say whether a kind of destination can be heard in this lab at all.

A control is a cell without an id, opened in the first turn of a batch, by the role that has that turn.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from programs import Compiler
from trials import SENDER, Cell, Trial, Turn, bare
from voices import Voice

APART = "J0"
"""Where the controls live when the first role of a batch is elsewhere, or does not stay to the end."""


class Controls:
    """The controls of one lab, each compiled once."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._made: Dict[Any, Cell] = {}

    def of(self, cells: List[Cell]) -> List[Cell]:
        """Return the controls of a batch: one for each kind of destination that its cells speak to."""
        voices: Dict[Any, Voice] = {}
        for cell in cells:
            for voice in cell.voices:
                if voice.kind is not None and not voice.connects:
                    voices.setdefault(voice.kind, voice)
        return [self._control(cells[0], voice) for voice in voices.values()]

    def _control(self, cell: Cell, voice: Voice) -> Cell:
        actor = cell.shape[0]
        if actor == SENDER or "@" in actor or any(turn.ends for turn in cell.rounds):
            actor = APART
        key = (actor, voice.kind, voice.at)
        if key not in self._made:
            program, own_voice = self._compiler.control(voice)
            self._made[key] = Cell(
                "",
                (Turn(actor, program),),
                [own_voice._replace(at=voice.at)],
                (bare(actor),),
                (actor,),
                ("",),
                (),
                listens=False,
                solo=False,
            )
        return self._made[key]


def silent(trials: List[Trial]) -> List[Tuple[str, Optional[str]]]:
    """Return the kinds of destination whose control was spoken to and heard nothing."""
    return [
        kind
        for trial in trials
        for kind in (trial.cell.voices[0].kind if not trial.cell.id else None,)
        if kind is not None and trial.voicings[0].sent and not trial.voicings[0].heard
    ]
