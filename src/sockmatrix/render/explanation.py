"""An explanation for a terminal and for Markdown: the same sections, in the same order."""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING

from sockmatrix.render.claims import AUTHORITIES, against
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.explain import Explanation, Measured, Predicted, Receiver, RuleFound, Spoken
    from sockmatrix.render.screen import Screen

CLAIMS = 12
"""So many claims are shown in full; of the rest only how many there are."""

_ALONE = 110  # columns, where there is no width


def text(found: Explanation, screen: Screen, *, everything: bool = False) -> str:
    """Return an explanation for a terminal; `everything`: all claims, and the kernel's rules."""
    lines = [screen.paint(found.cell.id, "bold"), *_wrap(found.question, 0, screen), ""]
    lines += _headed("The experiment", screen)
    lines += [f"  {title}: {value}" for title, value in found.axes]
    lines.append(f"  lab: {found.cell.lab}")
    lines.append("")
    width = max([1, *(len(actor) for actor, _ in found.turns)])
    for actor, sentence in found.turns:
        lines += _wrap(f"{actor:<{width}}  {sentence}", 2, screen, hang=width + 2)
    lines += ["", *_headed("What happened", screen)]
    for group in found.measured:
        lines += _measured(group, screen)
    if not found.measured:
        lines.append("  No run was given, and none is installed.")
    lines += ["", *_headed("The rule", screen)]
    for question, own in _asked(found.rules):
        lines += _wrap(printable(question), 2, screen)
        for rule in own:
            lines += _wrap(printable(_rule(rule)), 4, screen, hang=2)
    for one in found.predicted:
        lines += _predicted(one, screen, everything=everything)
    if not found.rules and not found.predicted:
        lines.append("  None: nothing was measured, and the reference model does not know all its steps.")
    lines += ["", *_headed("What documents say", screen)]
    shown = found.claims if everything else found.claims[:CLAIMS]
    for claim in shown:
        lines += _claim(claim, screen)
    if not shown:
        lines.append("  No document that is taken in here speaks of this cell.")
    if len(shown) < len(found.claims):
        lines.append(f"  and {len(found.claims) - len(shown)} more: --all shows them")
    return screen.show("\n".join(lines)) + "\n"


def markdown(found: Explanation) -> str:
    """Return an explanation as a Markdown page, everything in it."""
    parts = [f"# `{found.cell.id}`", escaped(found.question), "## The experiment"]
    parts.append("\n".join(f"- {escaped(title)}: {escaped(value)}" for title, value in found.axes))
    parts.append("\n".join(f"1. **{actor}** {escaped(sentence)}" for actor, sentence in found.turns))
    parts.append("## What happened")
    for group in found.measured:
        names = ", ".join(escaped(name) for name in group.runs)
        parts.append(f"**{escaped(group.headline)}** on {names}. {escaped(group.sentence)}")
        for often, receivers in group.ways:
            rows = [f"- {escaped(_receiver(receiver))}" for receiver in receivers]
            parts.append("\n".join([f"{escaped(often)}:", "", *rows]) if rows else f"{escaped(often)}.")
    parts.append("## The rule")
    for question, own in _asked(found.rules):
        parts.append("\n".join([escaped(question), "", *(f"- {escaped(_rule(rule))}" for rule in own)]))
    for one in found.predicted:
        parts.append(escaped(_said(one)))
        rules = [f"- `{', '.join(rule.functions)}`: {escaped(rule.about)}" for rule in one.rules]
        parts.append("\n".join(rules))
    parts.append("## What documents say")
    for spoken in found.claims:
        claim = spoken.claim
        where = f"[{escaped(claim.source.title)}]({claim.url}), {escaped(claim.section)}"
        where += f" ({AUTHORITIES[claim.source.authority]})"
        said = f"**{claim.id}** {escaped(claim.statement)}"
        parts.append("  \n".join([said, where, escaped(_verdict(spoken))]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _rule(rule: RuleFound) -> str:
    about = f"{', '.join(rule.subjects)}: " if rule.subjects else ""
    return (
        f"{about}{rule.condition} -> {rule.answer} (rule {rule.number} of {rule.of}, {rule.count} facts)"
    )


def _asked(rules: Sequence[RuleFound]) -> Iterator[tuple[str, list[RuleFound]]]:
    """Yield each question that rules answer, of which run, with its rules."""
    for (run, question), own in itertools.groupby(rules, lambda rule: (rule.run, rule.question)):
        yield f"{question} ({run})", list(own)


def _headed(title: str, screen: Screen) -> list[str]:
    return [screen.paint(title, "bold")]


def _measured(one: Measured, screen: Screen) -> Iterator[str]:
    names = ", ".join(printable(name) for name in one.runs)
    headline = screen.paint(printable(one.headline), style(one.headline))
    yield f"  {names}: {headline}"
    yield from _wrap(one.sentence, 4, screen)
    for often, receivers in one.ways:
        if receivers:
            yield f"    {often}"
        for receiver in receivers:
            yield f"      {printable(_receiver(receiver))}"


def _receiver(receiver: Receiver) -> str:
    words = (receiver.role, receiver.label and f"{receiver.label}:", receiver.told)
    return " ".join(filter(None, words))


def _said(one: Predicted) -> str:
    kernels = ", ".join(printable(name) for name in one.kernels)
    other = [headline for headline in one.others if headline != one.headline]
    maybe = f", or as a hash decides {' or '.join(other)}" if other else ""
    agrees = "; as measured" if not one.differs else ""
    return f"Reference model of Linux, for {kernels}: predicted {one.headline}{maybe}{agrees}"


def _predicted(one: Predicted, screen: Screen, *, everything: bool) -> Iterator[str]:
    yield from _wrap(_said(one), 2, screen, hang=2)
    for problem in one.differs:
        yield from _wrap(f"unexplained: {printable(problem)}", 4, screen, hang=2)
    if everything:
        for rule in one.rules:
            yield from _wrap(f"{', '.join(rule.functions)}: {rule.about}", 4, screen, hang=2)
    elif one.rules:
        names = ", ".join(rule.functions[0] for rule in one.rules)
        yield from _wrap(f"by {names}", 4, screen, hang=2)


def _claim(spoken: Spoken, screen: Screen) -> Iterator[str]:
    claim = spoken.claim
    yield from _wrap(f"{claim.id}  {printable(claim.statement)}", 2, screen, hang=len(claim.id) + 2)
    authority = AUTHORITIES[claim.source.authority]
    yield from _wrap(
        f"{printable(claim.source.title)}, {printable(claim.section)} ({authority})", 4, screen
    )
    yield from _wrap(_verdict(spoken), 4, screen)


def _verdict(spoken: Spoken) -> str:
    """Return how each run answers a claim, runs with one answer together."""
    grouped: dict[str, list[str]] = {}
    for name, verdict in spoken.verdicts.items():
        answer: str = verdict.word
        if verdict.word == "contradicted":
            terms = {one.term for one in verdict.tally.contradict}
            answer += f" (it expects {', '.join(sorted(terms))})"
        elif verdict.word == "not measured":
            answer = verdict.reason
            if verdict.here is not None and verdict.here.decided:
                answer += f"; {against(verdict.here)}"
        grouped.setdefault(answer, []).append(name)
    if not grouped:
        return "not measured"
    if len(grouped) == 1:
        return printable(next(iter(grouped)))
    return "; ".join(printable(f"{', '.join(names)}: {answer}") for answer, names in grouped.items())


def _wrap(said: str, indent: int, screen: Screen, hang: int = 0) -> list[str]:
    start = " " * indent
    return textwrap.wrap(
        said,
        max(40, screen.width or _ALONE),
        initial_indent=start,
        subsequent_indent=start + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
