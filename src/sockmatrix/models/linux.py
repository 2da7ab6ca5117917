"""The reference model of Linux: what each cell must come to, and by which rule of the kernel.

`predict` plays the steps of a cell in a simulated lab. The rules are in the modules beside this
one, each with the kernel's function that it restates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models.linux_options import ABSENT
from sockmatrix.models.play import Play, Skipped
from sockmatrix.models.prediction import Prediction, Unpredicted
from sockmatrix.models.steps import perform

if TYPE_CHECKING:
    from sockmatrix.cell import Cell
    from sockmatrix.models.versions import Version

__all__ = ["VERSION", "predict"]

VERSION = (6, 18, 44)

MOST_WORLDS = 64


def predict(
    cell: Cell | None,
    steps: list[list[Any]],
    *,
    lab: str = "plain",
    version: Version = VERSION,
    user: str = "root",
) -> Prediction:
    """Return what Linux makes of the steps of a cell, in one of `layouts.layout`, for one version.

    `cell` is only named in errors: hand-made steps need none. `user`: whoever measures, root,
    user, or owner: a user with all capabilities in a namespace of its own. Only root can be other
    users. Raises Unpredicted for an operation, option or lab that is not modelled.
    """
    try:
        return _predict(steps, lab, version, user)
    except Unpredicted as problem:
        raise Unpredicted(f"{cell.id}: {problem}" if cell else str(problem)) from None


def _predict(steps: list[list[Any]], lab: str, version: Version, user: str) -> Prediction:
    missing = _missing(steps)
    if missing:
        return Prediction(absent=missing)
    worlds: list[Prediction] = []
    plans: list[tuple[int, ...]] = [()]
    while plans and len(worlds) < MOST_WORLDS:
        plan = plans.pop()
        play = Play(steps, lab, version, user, plan)
        try:
            for actor, operations in steps:
                perform(play, actor, operations)
        except Skipped as reason:
            return Prediction(skipped=str(reason))
        made = play.chance.made
        for step in range(len(plan), len(made)):
            before = tuple(answer for answer, _ in made[:step])
            plans.extend((*before, other) for other in range(1, made[step][1]))
        found = _prediction(play)
        if found not in worlds:
            worlds.append(found)
    first, *others = worlds
    if not others:
        return first
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return Prediction(**{**fields, "others": tuple(others)})


def _missing(steps: list[list[Any]]) -> str:
    """Return the first option of another system that is set without a label: the cell is absent."""
    for _, operations in steps:
        for operation in operations:
            if operation[0] == "set" and operation[1] in ABSENT:
                return str(operation[1])
    return ""


def _prediction(play: Play) -> Prediction:
    return Prediction(
        open=play.open_at_last(),
        failed=play.failed,
        send=play.send,
        connect=play.connect,
        delivery=play.delivery,
        notes=play.notes,
    )
