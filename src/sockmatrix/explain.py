"""All that is known of one cell: the experiment, what came of it where, what documents and rules say.

A value made of a cell and some runs; `render/explanation.py` shows it.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix import narrative
from sockmatrix.axis import addresses_in_words
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.systems import LINUX
from sockmatrix.claims.verdict import WORDS, Judge
from sockmatrix.models import Unpredicted, compare
from sockmatrix.models.linux import VERSION, predict
from sockmatrix.models.trace import Rule, traced
from sockmatrix.plan import Plan
from sockmatrix.predict import version_of
from sockmatrix.rules.decision import learn, rule_for
from sockmatrix.rules.units import ALLOWED, THERE
from sockmatrix.rules.words import QUESTIONS, condition
from sockmatrix.wording import cell_headline, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.shape import Shape
    from sockmatrix.claims.verdict import Verdict
    from sockmatrix.delivery import Delivery
    from sockmatrix.models.prediction import Prediction
    from sockmatrix.outcome import Variant
    from sockmatrix.runfile import Run
    from sockmatrix.runformat import CellLine
    from sockmatrix.table import Table


class Receiver(NamedTuple):
    """What became of one receiver: what it was sent under a label, and what it heard of that."""

    role: str
    label: str
    told: str


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """What runs with one outcome say: their names, the outcome in words, the evidence."""

    runs: tuple[str, ...]
    headline: str
    sentence: str
    ways: tuple[tuple[str, tuple[Receiver, ...]], ...] = ()
    """Each way the cell turned out: in how many repetitions, and the receivers one by one."""


@final
@dataclass(frozen=True, slots=True)
class Predicted:
    """What the reference model of Linux says: for which kernels, on which rules it stands.

    `others`: what may be instead, where a hash decides. `differs`: where measurements say otherwise.
    """

    kernels: tuple[str, ...]
    headline: str
    others: tuple[str, ...]
    rules: tuple[Rule, ...]
    differs: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class RuleFound:
    """A rule learned from a run that decides a fact of the cell: which one, for how many facts.

    `subjects`: the sockets or messages that the fact is about; none for the whole cell.
    """

    run: str
    question: str
    subjects: tuple[str, ...]
    number: int
    of: int
    condition: str
    answer: str
    count: int


@final
@dataclass(frozen=True, slots=True)
class Spoken:
    """A claim that speaks of the cell, and the verdict of each run on it, for this cell alone."""

    claim: Claim
    verdicts: Mapping[str, Verdict]

    @property
    def word(self) -> str:
        """The verdict of all runs together."""
        words = {verdict.word for verdict in self.verdicts.values()}
        return next((word for word in WORDS if word in words), "not measured")


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """A cell, explained. `axes` and `turns` are in words."""

    cell: Cell
    question: str
    axes: tuple[tuple[str, str], ...]
    turns: tuple[tuple[str, str], ...]
    measured: tuple[Measured, ...]
    claims: tuple[Spoken, ...]
    rules: tuple[RuleFound, ...]
    predicted: tuple[Predicted, ...]


def explain(
    table: Table,
    cell: Cell,
    plan: Plan,
    runs: Mapping[str, Run],
    claims: Iterable[Claim],
) -> Explanation:
    """Return what is known of a cell of a table, whose plan it is, from runs by name and claims."""
    alone = Coverage.of([Plan(table, (cell,), (1,))])
    measured = tuple(_measured(cell, alone.shape(cell), runs))
    return Explanation(
        cell,
        table.question,
        tuple(_axes(table, cell)),
        tuple(narrative.tell(table.scenario.steps(cell), addresses_in_words())),
        measured,
        tuple(_spoken(alone, runs, claims)),
        tuple(_rules(plan, cell, measured, runs)),
        tuple(_predicted(table, cell, runs)),
    )


def _axes(table: Table, cell: Cell) -> Iterator[tuple[str, str]]:
    for name, value in cell.axes.items():
        axis = table.axes[name].axis
        yield axis.title, axis.values[value]
    for who, socket in zip(cell.receivers, cell.sockets, strict=True):
        for name, use in table.socket_axes.items():
            yield f"{who} {use.axis.title}", use.axis.values[socket.get(name)]


# --- what was measured --------------------------------------------------------------------------------


def _measured(cell: Cell, shape: Shape, runs: Mapping[str, Run]) -> Iterator[Measured]:
    """Yield what was measured, runs with the same facets together, in the order of the runs."""
    groups: dict[object, list[str]] = {}
    for name, run in runs.items():
        line = run.cells.get(cell.id)
        known = line is not None and line.v == cell.version
        groups.setdefault(line.facets() if line and known else (known, line is None), []).append(name)
    for names in groups.values():
        line = runs[names[0]].cells.get(cell.id)
        if line is None:
            yield Measured(tuple(names), cell_headline(cell, None), "Not in this run.")
        elif line.v != cell.version:
            yield Measured(
                tuple(names), cell_headline(cell, line), "Measured with other steps than today."
            )
        else:
            yield Measured(
                tuple(names), cell_headline(cell, line), sentence(line), tuple(_ways(line, shape))
            )


def _ways(line: CellLine, shape: Shape) -> Iterator[tuple[str, tuple[Receiver, ...]]]:
    every = line.n + line.missed
    if line.variants:
        for way in line.variants:
            yield f"{way.n} of {every} repetitions", (*_receivers(way, shape), *_notes(way))
    elif line.n:
        yield (
            f"{line.n} of {every} repetitions",
            tuple(_receivers(line, shape)),
        )  # the sentence has the notes


def _receivers(way: Variant, shape: Shape) -> Iterator[Receiver]:
    if way.absent or way.skipped:
        return
    for role in shape.receivers:
        if role in way.failed:
            yield Receiver(role, "", f"refused: {way.failed[role]}")
            continue
        if not way.delivery:
            yield Receiver(role, "", "opened")
        for label, delivery in way.delivery.items():
            yield Receiver(role, label, _heard(role, delivery))
    for label, errno in (*way.send.items(), *way.connect.items()):
        yield Receiver("S", label, f"refused: {errno}")


def _notes(way: Variant) -> Iterator[Receiver]:
    for label, note in way.notes.items():
        yield Receiver("", label, note)


def _heard(role: str, delivery: Delivery) -> str:
    if role in delivery.closed:
        return "not open then"
    amount = delivery.sent if delivery.word == "all" else delivery.heard.get(role, 0)
    again = ", some twice" if role in delivery.copies else ""
    return f"heard {amount} of {delivery.sent}{again}"


# --- what is said -------------------------------------------------------------------------------------


def _spoken(alone: Coverage, runs: Mapping[str, Run], claims: Iterable[Claim]) -> Iterator[Spoken]:
    """Yield the claims about the cell: those that a run decides first, then the most authoritative."""
    judges = {name: Judge(run, alone, {}) for name, run in runs.items()}
    found = [
        Spoken(claim, {name: judge.verdict(claim) for name, judge in judges.items()})
        for claim in claims
        if claim.cells and alone.cells(claim.cells)
    ]
    order = (*WORDS, "")
    yield from sorted(found, key=lambda one: (order.index(one.word), one.claim.source.authority))


def _rules(
    plan: Plan, cell: Cell, measured: Sequence[Measured], runs: Mapping[str, Run]
) -> Iterator[RuleFound]:
    """Yield the rules behind each outcome, of the last run that has it, unless it could not be else."""
    for group in measured:
        if not group.ways:
            continue
        name = group.runs[-1]
        outcomes = runs[name].cells
        rules = learn(plan.cells, outcomes)
        subjects: dict[tuple[str, int], list[str]] = {}
        for applied in rule_for(cell, outcomes[cell.id], rules):
            key = (applied.rule.facet, applied.number)
            subjects.setdefault(key, []).extend(filter(None, [applied.unit.subject]))
        for (facet, number), about in subjects.items():
            every = rules.facets[facet]
            rule = every[number - 1]
            if rule.answer == THERE or (rule.answer == ALLOWED and len(every) == 1):
                continue
            yield RuleFound(
                name,
                QUESTIONS[facet][0],
                tuple(about),
                number,
                len(every),
                condition(rule.terms),
                rule.answer,
                rule.count,
            )


def _predicted(table: Table, cell: Cell, runs: Mapping[str, Run]) -> Iterator[Predicted]:
    """Yield what the model says of the kernels of the runs that are of Linux, or of the newest."""
    kernels: dict[tuple[int, int, int], list[str]] = {}
    for name, run in runs.items():
        if run.header.platform.stack == LINUX:
            with contextlib.suppress(ValueError):  # a run file may call its release anything
                kernels.setdefault(version_of(run.header.platform.version), []).append(name)
    groups: dict[tuple[object, ...], list[tuple[int, int, int]]] = {}
    told: dict[tuple[object, ...], tuple[Prediction, tuple[Rule, ...]]] = {}
    for version in sorted(kernels) or [VERSION]:
        try:
            said, rules = traced(functools.partial(_predict, table, cell, version))
        except Unpredicted:
            continue
        facets = (said.facets(), frozenset(one.facets() for one in said.others))
        groups.setdefault(facets, []).append(version)
        told[facets] = said, rules
    for same, versions in groups.items():
        said, rules = told[same]
        names = [name for version in versions for name in kernels.get(version, ())]
        yield Predicted(
            tuple(names) or (".".join(map(str, versions[0])),),
            cell_headline(cell, said),
            tuple(dict.fromkeys(cell_headline(cell, one) for one in said.others)),
            rules,
            tuple(_differs(said, cell, {name: runs[name] for name in names})),
        )


def _predict(table: Table, cell: Cell, version: tuple[int, int, int]) -> Prediction:
    return predict(cell, table.scenario.steps(cell), lab=cell.lab, version=version)


def _differs(said: Prediction, cell: Cell, runs: Mapping[str, Run]) -> Iterator[str]:
    for name, run in runs.items():
        line = run.cells.get(cell.id)
        if line is not None and line.v == cell.version:
            yield from (f"{name}: {problem}" for problem in compare(said, line))
