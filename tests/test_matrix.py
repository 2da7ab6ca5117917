"""The shipped matrix: every cell is well-formed, there once, and among those that were promised."""

from __future__ import annotations

import collections
import json
import re
import socket
import sys
from typing import TYPE_CHECKING, Any

import groups
import layouts
import options
import pytest
import symbols as probe_symbols

from sockmatrix import content, plan, table
from sockmatrix.axis import load_axes, vocabulary
from sockmatrix.labs import HOSTS, LABS
from sockmatrix.pattern import parse
from sockmatrix.scenarios.scenario import REUSE
from sockmatrix.script import compile_steps, symbols
from sockmatrix.script.compiler import role_of
from sockmatrix.script.writer import write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

ID = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+:[a-z0-9+-]+)*(/([A-Z]{1,2}|[0-9]+x):[a-z0-9.+-]+)*")
ORDINARY = ["none", "addr", "port", "addr+port"]


@pytest.fixture(scope="module")
def plans() -> dict[str, plan.Plan]:
    """Expand all shipped tables."""
    return {name: plan.expand(one) for name, one in table.load_all().items()}


@pytest.fixture(scope="module")
def planned(plans: dict[str, plan.Plan]) -> dict[str, plan.Plan]:
    """Return the tables that have blocks."""
    return {name: own for name, own in plans.items() if own.table.blocks}


@pytest.fixture(scope="module")
def scripted(plans: dict[str, plan.Plan]) -> dict[str, plan.Plan]:
    """Return the tables that have cases."""
    return {name: own for name, own in plans.items() if own.table.cases}


def matching(own: plan.Plan, text: str) -> list[str]:
    """Return the ids of a table's cells that match a pattern."""
    pattern = parse(text)
    return [cell.id for cell in own.cells if pattern.matches(cell)]


def test_ids_are_safe_and_unique(plans: dict[str, plan.Plan]) -> None:
    """No id twice in the whole matrix, and each survives globs, test selection and file names."""
    ids = [cell.id for own in plans.values() for cell in own.cells]
    assert len(ids) == len(set(ids))
    assert [text for text in ids if not ID.fullmatch(text)] == []


def test_the_matrix_has_the_planned_size(plans: dict[str, plan.Plan]) -> None:
    """Large enough to hold the full products, small enough to be measured in minutes."""
    counts = {name: len(own.cells) for name, own in plans.items()}
    assert {"loopback-broadcast", "fan-out", "bind-conflicts", "users"} <= set(counts)
    assert 50_000 <= sum(counts.values()) < 90_000
    assert 1_000 <= counts["users"] < 1_700
    for own in plans.values():
        assert sum(own.counts) == len(own.cells)
        assert len(own.counts) == len(own.table.parts)


def test_every_id_reads_back(plans: dict[str, plan.Plan]) -> None:
    """The id alone gives the whole cell again."""
    for own in plans.values():
        for cell in own.cells:
            again = own.table.cell(cell.id)
            assert (again.axes, again.sockets) == (cell.axes, cell.sockets)
            assert (again.version, again.lab, again.script) == (cell.version, cell.lab, cell.script)


OPERATIONS: dict[str, Callable[..., bool]] = {
    "socket": lambda kind: kind in ("udp4", "udp6", "tcp4", "tcp6"),
    "set": lambda option, value: (
        option in {name for names in REUSE.values() for name in names} | {"IPV6_V6ONLY"}
        and value in (0, 1)
    ),
    "bind": lambda symbol: symbol in vocabulary()["bind"].values,
    "listen": lambda backlog: backlog > 0,
    "join": lambda group, interface: group == "group4" and interface in ("if4", "lo4"),
    "send": lambda label, symbol, profile: (
        label in ("", symbol)
        and symbol in vocabulary()["dest"].values
        and set(profile) <= {"broadcast", "via"}
    ),
    "connect": lambda label, symbol: label == symbol and symbol in vocabulary()["dest"].values,
}


def test_every_cell_has_well_formed_steps(planned: dict[str, plan.Plan]) -> None:
    """Operations are those of the probe protocol, roles those of the cell, labels differ."""
    distinct: dict[str, list[list[Any]]] = {}
    for own in planned.values():
        for cell in own.cells:
            steps = own.table.scenario.steps(cell)
            roles = [role_of(actor) for actor, _ in steps]
            assert tuple(dict.fromkeys(role for role in roles if role not in "JS")) == cell.receivers
            assert "S" not in roles[:-1]
            for role, operations in steps:
                distinct[json.dumps([role == "S", operations])] = operations
    for key, operations in distinct.items():
        assert operations
        for name, *arguments in operations:
            assert OPERATIONS[name](*arguments), key
            assert (name in ("send", "connect")) == key.startswith("[true"), key
        if key.startswith("[true"):
            assert len({operation[1] for operation in operations}) == len(operations)


def test_every_script_can_be_read_and_written(scripted: dict[str, plan.Plan]) -> None:
    """Its steps are what its text says again; labs have the hosts that live there."""
    for own in scripted.values():
        for cell in own.cells:
            steps = own.table.scenario.steps(cell)
            assert compile_steps("\n".join(write(steps)), cell.lab) == steps
            assert cell.lab in LABS


def test_cases_do_what_they_vary(scripted: dict[str, plan.Plan]) -> None:
    """Nearly every cell of a case has steps of its own: an axis that changes nothing is a mistake."""
    for own in scripted.values():
        for case in own.table.cases:
            cells = own.table.cells[case.name]
            assert len({cell.version for cell in cells}) > len(cells) // 2, (
                f"{own.table.name} {case.name}"
            )


def test_the_words_of_scripts_are_those_of_the_probe() -> None:
    """The front end and the probe know the same labs, addresses and interfaces; all have words."""
    addresses = {*probe_symbols.ADDRESSES, *probe_symbols.ODD, *probe_symbols.OF_HOST}
    addresses |= {*probe_symbols.OF_LINK, *groups.SYMBOLS}
    assert set(symbols.ADDRESSES) == addresses
    assert set(symbols.INTERFACES) == {*probe_symbols.INTERFACES, *probe_symbols.NO_DEVICE}
    assert set(LABS) == set(layouts.LAYOUTS)
    documented = tomllib.loads((content.matrix() / "axes.toml").read_text(encoding="utf-8"))
    assert set(documented["addresses"]) == set(symbols.ADDRESSES)
    hosts = {
        name: {"h2", "h3"} & {f"h{number + 1}" for number in range(own.hosts)}
        for name, own in layouts.LAYOUTS.items()
    }
    assert hosts == {name: {host for host in HOSTS if name in HOSTS[host]} for name in LABS}


@pytest.mark.skipif(sys.platform != "linux", reason="options are those of Linux")
def test_options_of_scripts_exist() -> None:
    """A name that the probe does not know would make its cells absent, silently."""
    constants = {name: value for name, value in vars(socket).items() if isinstance(value, int)}
    elsewhere = {"EXCLUSIVE", "SO_REUSEPORT_LB", "SO_REUSE_MULTICASTPORT", "SO_REUSE_UNICASTPORT"}
    tables = [file.read_text(encoding="utf-8") for file in content.matrix().glob("*.toml")]
    used = {name for text in tables for name in re.findall(r"\b[sg]et ([A-Z][A-Z0-9_]+)", text)}
    assert len(used) > 20
    assert used <= set(symbols.OPTIONS)
    assert {name for name in used if not options.find("linux", constants, name)} <= elsewhere


def test_loopback_broadcast_is_a_full_product(plans: dict[str, plan.Plan]) -> None:
    """Every combination of address and options; without SO_BROADCAST, triples are alike but one."""
    own = plans["loopback-broadcast"]
    usual = f"every.reuse={','.join(ORDINARY)}"
    for count, broadcast in ((1, "on"), (1, "off"), (2, "on"), (2, "off"), (3, "on")):
        terms = f"receivers={count} broadcast={broadcast} {usual}"
        assert len(matching(own, f"dest=lo4 {terms}")) == (2 * 4) ** count
        for dest in ("lo4b", "lobcast", "lonet", "limited"):
            assert len(matching(own, f"dest={dest} {terms}")) == (3 * 4) ** count
    assert len(matching(own, f"dest=lobcast receivers=3 broadcast=off {usual}")) == (3 + 18) * 4
    assert len(matching(own, "dest=lobcast receivers=2 some.reuse=lb,addr+lb,exclusive")) == (
        (3 * 7) ** 2 - (3 * 4) ** 2
    )


def test_fan_out_is_a_full_product(plans: dict[str, plan.Plan]) -> None:
    """Pairs with memberships, triples of address and options, twelve of a kind."""
    own = plans["fan-out"]
    usual = f"every.reuse={','.join(ORDINARY)}"
    sizes = {
        f"dest=if4 receivers=2 {usual}": 8**2,
        f"dest=if4 receivers=3 {usual}": 8**3,
        f"dest=limited receivers=2 broadcast=on {usual}": 16**2,
        f"dest=subnet-bcast receivers=2 broadcast=off {usual}": 16**2,
        f"dest=limited receivers=3 broadcast=on {usual}": 12**3,
        f"dest=group4 via=if4 bystander=none receivers=2 {usual}": 36**2,
        f"dest=group4 via=lo4 bystander=none receivers=2 {usual}": 36**2,
        f"dest=group4 via=if4 receivers=3 every.join=if4 bystander=none {usual}": 12**3,
        f"dest=group4 via=lo4 bystander=if4 receivers=2 none.join=if4 {usual}": 24**2,
        f"dest=group4 via=if4 receivers=12 {usual}": 2 * 12,
        f"dest=subnet-bcast receivers=12 {usual}": 12,
        "dest=group4 via=if4 bystander=none receivers=3 every.bind=any4 every.reuse=addr": 3 + 18,
    }
    assert {text: len(matching(own, text)) for text in sizes} == sizes


def test_bind_conflicts_is_a_full_product(plans: dict[str, plan.Plan]) -> None:
    """Pairs and triples of each family, pairs of both, for UDP and both ways to listen.

    Only TCP sockets that listen after all are bound have fewer triples: options alike, or alike but one.
    """
    own = plans["bind-conflicts"]
    usual = f"every.reuse={','.join(ORDINARY)}"
    for mode in (
        "transport=udp via=if4",
        "transport=tcp listen=after",
        "transport=tcp listen=at-once",
    ):
        terms = f"{mode} {usual} receivers"
        triples = 12**3 if mode != "transport=tcp listen=after" else 27 * 4 + 3 * 40 - 3 * 4
        both = "every.bind=any4,lo4,any6,any6only,lo6,mapped-any,mapped-lo"
        assert len(matching(own, f"{terms}=2 every.bind=any4,lo4,if4")) == 12**2
        assert len(matching(own, f"{terms}=3 every.bind=any4,lo4,if4")) >= triples
        assert len(matching(own, f"{terms}=2 every.bind=any6,any6only,lo6,if6")) == 16**2
        assert len(matching(own, f"{terms}=3 every.bind=any6,lo6,if6")) >= triples
        assert len(matching(own, f"{terms}=2 {both}")) == 28**2
        assert len(matching(own, f"{terms}=3 {both} sockets=alike")) == 28
    udp = f"transport=udp {usual} receivers=2 every.bind=any4,lo4,if4,group4"
    assert len(matching(own, f"{udp} via=if4")) == 16**2
    assert len(matching(own, f"{udp} via=lo4")) == 16**2 - 12**2
    tcp = "transport=tcp listen=after receivers=2 some.bind=group4,lobcast"
    assert len(matching(own, tcp)) == 12**2 - 4**2


def test_the_mixed_options_are_measured_in_both_orders(plans: dict[str, plan.Plan]) -> None:
    """What two-option programs leave out is there: one socket with each option, either first."""
    own = plans["bind-conflicts"]
    for first, second in (("addr", "port"), ("port", "addr"), ("addr+port", "addr")):
        terms = f"A.reuse={first} B.reuse={second} receivers=2 every.bind=lo4"
        assert len(matching(own, terms)) == 3


def test_users_are_other_than_one_another(plans: dict[str, plan.Plan]) -> None:
    """Every pair has two users, or one other than the probe's own, each pair of users once."""
    own = plans["users"]
    pairs = f"receivers=2 every.reuse={','.join(ORDINARY)}"
    for transport, binds in (("udp", 3), ("tcp", 2)):
        terms = f"transport={transport} {pairs} every.bind=any4,lo4,group4"
        for first, second in (("u1", "u1"), ("u1", "u2"), ("same", "u1"), ("u1", "same")):
            assert len(matching(own, f"{terms} A.user={first} B.user={second}")) == (4 * binds) ** 2
    assert matching(own, "every.user=same") == matching(own, "first.user=u2 receivers=2") == []
    assert len(matching(own, "receivers=3")) > 200


def test_summaries_of_scripts_can_be_made(scripted: dict[str, plan.Plan]) -> None:
    """Every row is another one, and stands for one cell of each column."""
    for own in scripted.values():
        shown = plan.summary(own)
        assert len({row.labels for row in shown.rows}) == len(shown.rows) >= 1
        assert all(row.cells for row in shown.rows)


def test_summaries_fit_a_screen(planned: dict[str, plan.Plan]) -> None:
    """Every summary has a full grid of few rows, labelled in words."""
    for own in planned.values():
        shown = plan.summary(own)
        assert 1 < len(shown.rows) <= 16
        assert 2 <= len(shown.columns) <= 6
        assert len({row.labels for row in shown.rows}) == len(shown.rows)
        for row in shown.rows:
            full = own.table.name != "crowd"  # which has SO_REUSEADDR and SO_REUSEPORT everywhere
            assert tuple(row.cells) == shown.columns or (not full and len(row.cells) >= 2)
            assert len(row.labels) == len(shown.headings)


def test_koskelas_finding_is_in_the_summary(plans: dict[str, plan.Plan]) -> None:
    """The cell of the article stands where a reader looks for it."""
    shown = plan.summary(plans["loopback-broadcast"])
    words = "127.255.255.255"
    (row,) = [row for row in shown.rows if row.labels == (words, words)]
    assert row.cells["SO_REUSEADDR"].id == (
        "loopback-broadcast/dest:lobcast/A:lobcast.addr/B:lobcast.addr/C:lobcast.addr"
    )


def test_axes_are_documented_and_used(plans: dict[str, plan.Plan]) -> None:
    """axes.toml documents every shared axis, and no axis that no table has; scripts have their own."""
    used: collections.Counter[str] = collections.Counter()
    for own in plans.values():
        used.update([*own.table.axes, *own.table.socket_axes])
    shared = load_axes(content.matrix() / "axes.toml")
    assert set(used) == set(vocabulary())
    assert set(shared) <= set(used)
    assert set(vocabulary()["reuse"].values) == set(REUSE)
    for axis in vocabulary().values():
        assert axis.about.endswith((".", "?"))
        assert all("\n" not in words for words in axis.values.values())


def test_tables_are_described_in_plain_words(plans: dict[str, plan.Plan]) -> None:
    """A table asks a question; its blocks or cases say what they hold, each something else."""
    for own in plans.values():
        assert "?" in own.table.question
        abouts = [part.about for part in own.table.parts]
        assert len(set(abouts)) == len(abouts)
