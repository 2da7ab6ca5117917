"""What a probe wrote somewhere else becomes a run: `sockmatrix import` and `run --observations`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import default_path
from sockmatrix.recorder import Recorder
from sockmatrix.render.escape import printable
from sockmatrix.replay import Replay
from sockmatrix.runfile import RunFileError
from sockmatrix.selection import Selection, SelectionError, select
from sockmatrix.target import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sockmatrix.recorder import Recording


def take_in(
    files: Sequence[Path], output: Path | None, command: str, wanted: Selection | None = None
) -> tuple[Recording, Selection]:
    """Make a run of what a probe wrote, and return it with its cells; `wanted`: only of these.

    `command` is named before what is complained of. Raises UsageError.
    """
    try:
        replay = Replay(files)
        selection = wanted or select()
        known = tuple(cell for cell in selection.cells if cell.id in replay.seen)
        ids = selection.ids if wanted is None or len(known) == len(replay.seen) else select().ids
        strange = next((key for key in replay.seen if key not in ids), None)
        if strange is not None:
            raise UsageError(f"{printable(strange)} is no cell of this version; make CELLS anew with it")
        if not known:
            raise UsageError(f"{files[0]}: none of these cells is in it")
        named = {cell.table for cell in known}
        plans = tuple(plan for plan in selection.plans if plan.table.name in named)
        selection = replace(selection, plans=plans, cells=known)
        recorder = Recorder(
            replay.hello,
            selection,
            output or default_path(replay.hello),
            repeat=replay.repeat,
            seed=0,
            resume=False,
            labs=replay.labs,
            command=command,
        )
        with recorder:
            recorder.record(replay)
            return recorder.finish(), selection
    except (TargetError, SelectionError) as error:
        raise UsageError(printable(str(error))) from error
    except RunFileError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
