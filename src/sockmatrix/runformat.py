"""The lines of a run file: header, cells, footer. The JSON Schema is generated from these types.

A reader ignores fields it does not know, so that fields can be added; what changes the meaning of
those that exist needs a new schema number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from sockmatrix.delivery import MOST, Amount
from sockmatrix.observation import END
from sockmatrix.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.outcome import Variant

SCHEMA = 1

CellId = Annotated[str, Meta(pattern="^[a-zA-Z0-9.:/+-]{1,8000}" + END)]
"""A canonical cell id (see `cell.py`), never anything that means something to a terminal."""

TableName = Annotated[str, Meta(pattern="^[a-zA-Z0-9.:+-]{1,100}" + END)]

Text = Annotated[str, Meta(max_length=400)]
"""Free text; to be made printable before a terminal sees it."""

Name = Annotated[str, Meta(pattern="^[a-zA-Z0-9_.:/+-]{1,100}" + END)]

Seconds = Annotated[float, Meta(ge=0)]

# "#1 SMP Debian 5.10.223-1 (2024-08-10)", while its release is 5.10.0-32-cloud-amd64
_DEBIAN = re.compile(r"\bDebian (\d+\.\d+[\w.~]*)-")

Whole = Annotated[int, Meta(ge=-MOST, le=MOST)]

Fact = str | Whole | bool | list[str] | None


class Platform(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was measured; made by the probe (`probes/platforms.py`). No host or user names.

    `stack`: the network stack seen, `linux`, `gvisor`, `darwin`, `winsock`, ...; `build`: the full
    build string; `privileges`: `root` or `user`; `runner`: the image of a hosted CI runner.
    """

    os: Name
    release: Text
    build: Text = ""
    stack: Name
    arch: Name
    python: Text = ""
    implementation: Text = ""
    virtualisation: Text = ""
    privileges: Name
    distribution: Text = ""
    runner: Text = ""

    @property
    def version(self) -> str:
        """The release, or what a kernel of Debian's says that it was built from: 6.12.118, 7.3~rc7."""
        built = _DEBIAN.search(self.build) if self.stack == "linux" else None
        return built[1] if built else self.release

    @property
    def name(self) -> str:
        """Stack and version, such as "linux 6.12.1"; to be made printable."""
        own = {"darwin": "macos", "winsock": "windows"}.get(self.stack, self.stack)
        return f"{own} {self.version}"


class Lab(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The network it was measured in; made by the probe (`probes/lab.py`).

    `layout` is what a private one consists of (`labs.py`).
    """

    kind: Name
    layout: Name = "plain"
    how: Text = ""
    reason: Text | None = None
    allow_lan: bool = False
    interfaces: dict[Name, dict[Name, Fact]] = {}
    sysctls: dict[Name, Text] = {}


class ProbeProgram(Struct, frozen=True, kw_only=True):
    """The probe that measured: its version, and the SHA-256 of its sources."""

    version: Name
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}" + END)]


class Header(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="header"):
    """The first line: who measured what, where, and how much of it.

    `lab` is the plain one, `labs` are the others by their layout, with the sysctls that differ.
    `tables`: the version of each table (of its scenario, or of its scripts). `reuse`: the reuse values
    that exist there. `target`: where the probe was started, if not on this machine as it is.
    `planned`: how many cells were asked for. `repeat`: repetitions of each; `fresh`: with new processes
    for every cell; `settle`: seconds waited before silence counted, if not what the system needs.
    `started`: UTC date.
    """

    schema: Annotated[int, Meta(ge=1, le=MOST)]
    tool: Name
    probe: ProbeProgram
    protocol: Amount
    platform: Platform
    lab: Lab
    labs: dict[Name, Lab] = {}
    reuse: tuple[Name, ...] = ()
    target: dict[Name, Text] = {}
    tables: dict[TableName, Amount]
    planned: Amount
    repeat: Annotated[int, Meta(ge=1, le=MOST)]
    fresh: bool = False
    settle: Seconds | None = None
    seed: Whole = 0
    started: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}" + END)]


class CellLine(Outcome, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="cell"):
    """One cell: its id, the version of what the id means, and its outcome."""

    id: CellId
    v: Amount

    @classmethod
    def of(cls, cell_id: str, version: int, outcome: Outcome) -> CellLine:
        """Return the line for a cell."""
        return cls(
            cell_id, version, **{name: getattr(outcome, name) for name in Outcome.__struct_fields__}
        )

    @property
    def outcome(self) -> Outcome:
        """The outcome alone, without id and version: what `Outcome` compares equal to."""
        return Outcome(**{name: getattr(self, name) for name in Outcome.__struct_fields__})


class CrossCheck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sample measured again with fresh processes for every cell: how many, how many the same."""

    cells: Amount
    same: Amount
    different: tuple[CellId, ...] = ()


class Footer(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="footer"):
    """The last line: how the run ended, and what it took.

    `counts`: cells by word. `lost`: no probe was left to go on with. `voided` batches were measured
    again. `silent_fences`: batches whose silence could not be proved.
    """

    counts: dict[Annotated[str, Meta(pattern="^[a-z:-]{1,40}" + END)], Amount] = {}
    ended: Literal["complete", "interrupted", "lost"]
    seconds: Seconds = 0.0
    batches: Amount = 0
    voided: Amount = 0
    lost_roles: Amount = 0
    taken_ports: Amount = 0
    fences: Amount = 0
    silent_fences: Amount = 0
    cross_check: CrossCheck | None = None


Line = Header | CellLine | Footer


class Hello(Struct, frozen=True, kw_only=True):
    """What a probe says of itself when it starts, as far as a run needs it; `target`: what that adds."""

    protocol: Amount
    probe: ProbeProgram
    platform: Platform
    lab: Lab
    reuse: dict[Name, tuple[list[str], str | None]] = {}
    target: dict[Name, Text] = {}


def header(
    hello: dict[str, Any],
    *,
    tool: str,
    labs: Mapping[str, dict[str, Any]] | None = None,
    tables: dict[str, int],
    planned: int,
    repeat: int,
    seed: int,
    started: str,
    fresh: bool = False,
    settle: float | None = None,
) -> Header:
    """Return the header of a run from the probe's hello, and the facts of other labs by layout.

    Raises ValueError for a wrong hello.
    """
    told = msgspec.convert(hello, Hello)
    return Header(
        schema=SCHEMA,
        tool=tool,
        probe=told.probe,
        protocol=told.protocol,
        platform=told.platform,
        lab=told.lab,
        labs={layout: _beside(told.lab, facts) for layout, facts in sorted((labs or {}).items())},
        reuse=tuple(value for value, (_, missing) in told.reuse.items() if missing is None),
        target=told.target,
        tables=tables,
        planned=planned,
        repeat=repeat,
        fresh=fresh,
        settle=settle,
        seed=seed,
        started=started,
    )


def _beside(plain: Lab, facts: dict[str, Any]) -> Lab:
    """Return another lab than the plain one, with only those sysctls that differ."""
    lab = msgspec.convert(facts, Lab)
    own = {name: value for name, value in lab.sysctls.items() if plain.sysctls.get(name) != value}
    return msgspec.structs.replace(lab, sysctls=own)


def count_words(outcomes: Iterable[Variant]) -> dict[str, int]:
    """Return how many of some outcomes have each word, the most frequent first."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.word] = counts.get(outcome.word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
