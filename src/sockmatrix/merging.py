"""Several runs of one platform, measured in parts or again, as one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, final

import msgspec

from sockmatrix.classify import merge as merge_outcomes
from sockmatrix.render.escape import printable
from sockmatrix.runformat import CellLine, CrossCheck, Footer, Lab, count_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.runfile import Run
    from sockmatrix.runformat import Header

Value = TypeVar("Value")

Ended: TypeAlias = Literal["complete", "interrupted", "lost"]

_MUST_AGREE = {
    "probe": "another probe",
    "protocol": "another protocol of the probe",
    "target": "another target",
    "reuse": "other reuse options",
}

_SUMS = ("seconds", "batches", "voided", "lost_roles", "taken_ports", "fences", "silent_fences")


class MergeError(ValueError):
    """Runs cannot be one run; the message is a printable line: which, why, and what to do."""

    def __init__(self, run: Run, what: str, advice: str) -> None:
        super().__init__(printable(f"{run.path}: {what}", 600) + f"; {advice}")


@final
@dataclass(frozen=True, slots=True)
class Merged:
    """One run made of several. `again`: how many cells were in more than one of them."""

    header: Header
    cells: tuple[CellLine, ...]
    footer: Footer
    again: int

    @property
    def complete(self) -> bool:
        """Whether all that was planned was measured."""
        return self.footer.ended == "complete"

    @property
    def missing(self) -> int:
        """How many cells were planned and are in none of the runs, so far as can be told."""
        return self.header.planned - len(self.cells)


def merge(runs: Sequence[Run]) -> Merged:
    """Return the run that all of `runs` are parts or repetitions of. Raises MergeError.

    A cell that several have is the outcome of all its repetitions: `unstable` where they differ.
    """
    first, *others = runs
    for place, run in enumerate(others, 1):
        _check(first, run)
        for other in runs[:place]:
            if (run.header, run.cells, run.footer) == (other.header, other.cells, other.footer):
                raise MergeError(run, f"is the same run as {other.path}", "give each of them once")
    tables = _union(runs, [run.header.tables for run in runs], "the table {} in another version")
    found: dict[str, list[CellLine]] = {}
    repeats: dict[str, int] = {}
    for run in runs:
        for name, line in run.cells.items():
            lines = found.setdefault(name, [])
            if lines and lines[0].v != line.v:
                raise MergeError(
                    run, f"has another version of {name}", "measure it again with `run --resume`"
                )
            lines.append(line)
            repeats[name] = repeats.get(name, 0) + run.header.repeat
    cells = tuple(_together(lines) for lines in found.values())
    header = msgspec.structs.replace(
        first.header,
        labs=_union(runs, [run.header.labs for run in runs], "the lab {} in another state"),
        tables=tables,
        planned=len(cells) + sum(_missing(run, runs) for run in runs),
        repeat=min(repeats.values(), default=first.header.repeat),
        fresh=all(run.header.fresh for run in runs),
        settle=min((run.header.settle for run in runs), key=lambda settle: settle or 0.0),
        started=min(run.header.started for run in runs),
    )
    again = sum(len(lines) > 1 for lines in found.values())
    return Merged(header, cells, _footer(runs, cells), again)


def _check(first: Run, run: Run) -> None:
    ours, theirs = first.header.platform, run.header.platform
    if ours != theirs:
        names = [name for name in ours.__struct_fields__ if getattr(ours, name) != getattr(theirs, name)]
        name = names[0]
        raise MergeError(
            run,
            f"was measured on another platform than {first.path}: {name} is"
            f" {getattr(theirs, name)!r}, not {getattr(ours, name)!r}",
            "`sockmatrix report` shows them side by side",
        )
    for field, what in _MUST_AGREE.items():
        if getattr(first.header, field) != getattr(run.header, field):
            raise MergeError(run, f"was measured with {what} than {first.path}", _COMPARE)
    if _state(first.header.lab) != _state(run.header.lab):
        raise MergeError(run, f"was measured in another lab than {first.path}", _COMPARE)


_COMPARE = "`sockmatrix diff` compares them"


def _state(value: object) -> object:
    """Return what must agree of a value: of a lab, not the indexes and flags of its interfaces."""
    if isinstance(value, Lab):
        return value.kind, value.layout, value.allow_lan, value.sysctls
    return value


def _union(runs: Sequence[Run], parts: Iterable[Mapping[str, Value]], what: str) -> dict[str, Value]:
    """Return mappings as one. Raises MergeError where they contradict each other."""
    union: dict[str, Value] = {}
    for run, part in zip(runs, parts, strict=True):
        for name, value in part.items():
            if _state(union.setdefault(name, value)) != _state(value):
                raise MergeError(run, f"has {what.format(name)} than a run before it", _COMPARE)
    return union


def _together(lines: Sequence[CellLine]) -> CellLine:
    if len(lines) == 1:
        return lines[0]
    return CellLine.of(lines[0].id, lines[0].v, merge_outcomes([line.outcome for line in lines]))


def _missing(run: Run, runs: Sequence[Run]) -> int:
    """Return how many cells of what a run planned are nowhere, so far as can be known.

    A file does not name the cells that it lacks. They count as measured only where a complete run has
    all that this one has and planned as much: then it is of the same cells.
    """
    return 0 if _made_up(run, runs) else max(0, run.header.planned - len(run.cells))


def _made_up(run: Run, runs: Sequence[Run]) -> bool:
    return any(
        other.complete
        and other.header.planned >= run.header.planned
        and run.cells.keys() <= other.cells.keys()
        for other in runs
    )


def _footer(runs: Sequence[Run], cells: Sequence[CellLine]) -> Footer:
    footers = [run.footer for run in runs if run.footer]
    ended: Ended = "complete"
    if not all(_made_up(run, runs) for run in runs):
        ended = "lost" if any(footer.ended == "lost" for footer in footers) else "interrupted"
    checks = [footer.cross_check for footer in footers if footer.cross_check]
    sums = {name: sum(getattr(footer, name) for footer in footers) for name in _SUMS}
    return Footer(
        counts=count_words(cells),
        ended=ended,
        cross_check=_cross_check(checks) if checks else None,
        **sums,
    )


def _cross_check(checks: Sequence[CrossCheck]) -> CrossCheck:
    return CrossCheck(
        cells=sum(check.cells for check in checks),
        same=sum(check.same for check in checks),
        different=tuple(dict.fromkeys(name for check in checks for name in check.different)),
    )
