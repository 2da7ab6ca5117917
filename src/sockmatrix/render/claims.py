"""Claims and their verdicts for a terminal and for Markdown."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tabulate import tabulate

from sockmatrix.claims.findings import FEW, by_source, counts
from sockmatrix.claims.verdict import WORDS
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.claims.claim import Source
    from sockmatrix.claims.findings import Dispute, Finding
    from sockmatrix.claims.verdict import Evidence, Tally, Verdict
    from sockmatrix.render.screen import Screen

_WIDEST = 70
"""Columns that the ids of cells are padded to, at most."""

_STYLES = {"confirmed": "green", "contradicted": "bold red", "not measured": "dim"}

AUTHORITIES = {
    1: "standard, kernel or vendor",
    2: "library or another project's test suite",
    3: "article, answer or issue",
}


def evidence(verdict: Verdict, *, contrast: bool = False) -> str:
    """Return in a line what a verdict stands on; with `contrast` also what the local cells would say."""
    tally = verdict.tally
    if verdict.word == "not measured":
        text = verdict.reason
        if contrast and verdict.here is not None:
            text += f"; {against(verdict.here)}"
        return text
    if verdict.parts:
        text = ", ".join(f"{verdict.count(word)} {word}" for word in WORDS if verdict.count(word))
        return f"of {_number(len(verdict.parts), 'statement')}: {text}"
    unclear = tally.covered - tally.decided
    text = f"{len(tally.contradict)} of {tally.decided}" if tally.contradict else f"{tally.decided}"
    text = f"{text} {'cell' if tally.decided == 1 else 'cells'}"
    if unclear:
        reasons = sorted(tally.open.items(), key=lambda item: -item[1])
        text += f", {unclear} more decide nothing ({'; '.join(why for why, _ in reasons[:2])})"
    return text


def against(here: Tally) -> str:
    """Return how the cells of this system compare with a claim about another one."""
    if not here.decided:
        return f"here: not measured ({here.reason})"
    if here.contradict and here.agree:
        return f"here: contradicts {len(here.contradict)} of {here.decided}"
    how = "contradicts" if here.contradict else "agrees"
    return f"here: {how} {here.decided} of {here.decided}"


# --- terminal ---------------------------------------------------------------------------------------


def listing(
    findings: Sequence[Finding], screen: Screen, *, contrast: bool = False, cells: bool = False
) -> str:
    """Return each claim with what it says, where, and what the runs say of it."""
    lines = [
        line
        for finding in findings
        for line in (*_claim_lines(finding, screen, contrast=contrast, cells=cells), "")
    ]
    return screen.show("\n".join(lines))


def overview(findings: Sequence[Finding], screen: Screen) -> str:
    """Return a line for each source: how many of its claims have each verdict."""
    head = ["source", "", *WORDS]
    rows, elsewhere = [], 0
    for source, group in by_source(findings):
        found = counts(group)
        if found["not measured"] == len(group):
            elsewhere += 1
            continue
        rows.append([source.key, printable(source.title), *(str(found[word] or "") for word in WORDS)])
    room = max(20, (screen.width or 110) - 2 * 4 - sum(len(word) for word in WORDS) - 8)
    for row in rows:
        row[1] = textwrap.shorten(row[1], room, placeholder=" \u2026")
    text: str = tabulate(rows, head, tablefmt="simple", disable_numparse=True)
    lines = [line.rstrip() for line in text.splitlines()] if rows else []
    if elsewhere:
        lines.append(f"{_number(elsewhere, 'more source')}: nothing that was measured")
    return screen.show("\n".join(lines)) + "\n"


def total(findings: Sequence[Finding]) -> str:
    """Return how many claims there are and how many have each verdict, as a line."""
    found = counts(findings)
    parts = ", ".join(f"{found[word]} {word}" for word in ("confirmed", "contradicted", "not measured"))
    return f"{_number(len(findings), 'claim')}: {parts}."


def disputes(found: Sequence[Dispute], screen: Screen) -> str:
    """Return each disagreement, its sides, and which of them the runs bear out."""
    lines = []
    for dispute in found:
        lines.append(screen.paint(printable(dispute.disagreement.topic), "bold"))
        for number, side in enumerate(dispute.disagreement.sides, 1):
            claims = f" ({', '.join(side.claims)})" if side.claims else ""
            lines += _wrapped(f"{number}. {printable(side.says)}{claims}", 2, screen, hang=3)
        for name in dispute.tallies:
            lines += _wrapped(f"{printable(name)}: {decided(dispute, name)}", 2, screen)
            lines += [
                f"    {one.cell}  {printable(one.outcome)}" for one in deciding(dispute, name)[:FEW]
            ]
        lines.append("")
    return screen.show("\n".join(lines))


def decided(dispute: Dispute, run: str) -> str:
    """Return which side a run bears out, in words."""
    tallies = dispute.tallies[run]
    if not any(tally.decided for tally in tallies):
        reasons = [tally.reason for tally in tallies if tally.reason != "no cell"]
        return f"not measured ({reasons[0] if reasons else 'no cell'})"
    holding = [str(at + 1) for at in dispute.holding(run)]
    cells = _number(max(tally.decided for tally in tallies), "cell")
    if holding:
        return f"{' and '.join(holding)} {'holds' if len(holding) == 1 else 'hold'}, {cells}"
    shares = [f"{at} in {len(tally.agree)}" for at, tally in enumerate(tallies, 1) if tally.agree]
    return f"neither holds throughout, {cells}" + (f" ({', '.join(shares)})" if shares else "")


def deciding(dispute: Dispute, run: str) -> list[Evidence]:
    """Return the cells that decide, each once."""
    found = {one.cell: one for tally in dispute.tallies[run] for one in (*tally.agree, *tally.contradict)}
    return list(found.values())


def _claim_lines(finding: Finding, screen: Screen, *, contrast: bool, cells: bool) -> Iterator[str]:
    claim = finding.claim
    head = f"{claim.id}  "
    first, *rest = _wrapped(head + printable(claim.statement), 0, screen, hang=len(head))
    yield screen.paint(claim.id, "bold") + first[len(claim.id) :]
    yield from rest
    cited = f"{printable(claim.source.title)}, {printable(claim.section)}"
    cited += f" ({printable(claim.stated)})" if claim.stated else ""
    yield from (screen.paint(line, "dim") for line in _wrapped(cited, 2, screen))
    for name, verdict in finding.verdicts.items():
        whose = f"{printable(name)}: " if len(finding.verdicts) > 1 else ""
        said = printable(evidence(verdict, contrast=contrast), 600)
        lines = _wrapped(f"{whose}{verdict.word}: {said}", 2, screen)
        yield lines[0].replace(verdict.word, screen.paint(verdict.word, _STYLES[verdict.word]), 1)
        yield from lines[1:]
        yield from _evidence_lines(verdict, contrast=contrast, cells=cells)
    if claim.note:
        yield from _wrapped(f"Read as: {printable(claim.note)}", 2, screen)


def _evidence_lines(verdict: Verdict, *, contrast: bool, cells: bool) -> Iterator[str]:
    tally = verdict.tally
    if verdict.here is not None and contrast:
        tally = verdict.here
    if not cells and not tally.contradict:
        return
    shown = (*tally.contradict, *tally.agree) if cells else tally.contradict[:FEW]
    width = min(_WIDEST, max((len(one.cell) for one in shown), default=0))
    for one in shown:
        said = f"    {one.cell:<{width}}  {printable(one.outcome)}"
        yield f"{said}  (expected {one.term})" if one.term else said
    if len(shown) < len(tally.contradict):
        yield f"    and {len(tally.contradict) - len(shown)} more: --cells names them"


def _wrapped(text: str, indent: int, screen: Screen, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        max(40, screen.width or 100),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


# --- Markdown ---------------------------------------------------------------------------------------


def markdown(findings: Sequence[Finding], *, contrast: bool = False, level: int = 2) -> str:
    """Return a section for each source: its title, its address, and a table of its statements."""
    return "\n\n".join(
        _section(source, group, level, contrast=contrast) for source, group in by_source(findings)
    )


def markdown_disputes(found: Sequence[Dispute], *, level: int = 2) -> str:
    """Return a section for each disagreement."""
    sections = []
    for dispute in found:
        lines = ["#" * level + " " + escaped(dispute.disagreement.topic), ""]
        for number, side in enumerate(dispute.disagreement.sides, 1):
            claims = f" ({', '.join(side.claims)})" if side.claims else ""
            lines.append(f"{number}. {escaped(side.says)}{claims}")
        lines.append("")
        for name in dispute.tallies:
            lines.append(f"- {escaped(name)}: {escaped(decided(dispute, name))}")
            lines += [
                f"  - `{one.cell}`: {escaped(one.outcome)}" for one in deciding(dispute, name)[:FEW]
            ]
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _section(source: Source, findings: Sequence[Finding], level: int, *, contrast: bool) -> str:
    names = list(findings[0].verdicts)
    rows = []
    for finding in findings:
        claim = finding.claim
        where = f"[{escaped(claim.section)}](<{claim.ref}>)" if claim.ref else escaped(claim.section)
        row = [claim.id, f"{escaped(claim.statement)} ({where})"]
        for verdict in finding.verdicts.values():
            word = f"**{verdict.word}**" if verdict.word == "contradicted" else verdict.word
            row += [word, _markdown_evidence(verdict, contrast=contrast)]
        rows.append(row)
    head = ["claim", "what it says (where)"]
    for name in names:
        head += [escaped(name) if len(names) > 1 else "verdict", "evidence"]
    table: str = tabulate(rows, head, tablefmt="github", disable_numparse=True, stralign="left")
    where = f"<{source.url}>" if source.url.startswith("http") else escaped(source.url)
    return "\n\n".join(
        [
            "#" * level + " " + escaped(source.title),
            f"{where} ({source.kind}; authority {source.authority}: {AUTHORITIES[source.authority]})",
            total(findings),
            table,
        ]
    )


def _markdown_evidence(verdict: Verdict, *, contrast: bool) -> str:
    text = escaped(evidence(verdict, contrast=contrast))
    shown = verdict.tally.contradict[:1]
    if contrast and verdict.here is not None:
        shown = verdict.here.contradict[:1]
    return text + "".join(f": `{one.cell}`: {escaped(one.outcome)}" for one in shown)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
