"""What is given to whom in a lab: ports and groups to the trials, ports to the sender.

Several conductors may share a lab that is a host; each has a part of everything then. A private lab is
the conductor's own.
"""

from __future__ import annotations

import random
from typing import Dict, List, Tuple

import lab as labs
import limits
from trials import Cell

SENDER_PORTS = 2400
"""Ports that are kept from the cells for the sender's sockets, at most."""

_FEWEST_PORTS = 450  # two batches
_SPENT_PORTS = range(2000, 9000)
"""Ports of a private lab for cells that leave them in TIME_WAIT, each used again as late as can be."""


class Allotment:
    """The ports and groups of one conductor; `share` is its (index, count). Raises lab.LabError."""

    def __init__(self, lab: labs.Lab, share: Tuple[int, int]) -> None:
        # A private lab is its own; only those who share a host share its ports and groups.
        index, count = share if lab.kind == "host" else (0, 1)
        ports = lab.port_count // count
        self.first_port = lab.first_port + index * ports
        self.cell_ports = ports - min(SENDER_PORTS, ports // 3)
        if self.cell_ports < _FEWEST_PORTS:
            raise labs.LabError(f"{count} probes in one lab have too few ports each: use fewer (--jobs)")
        self.sender_ports = range(self.first_port + ports - 1, self.first_port + self.cell_ports - 1, -1)
        self.slots = labs.GROUPS // count
        self.next_port = random.SystemRandom().randrange(self.cell_ports)
        self.last_trial = 0
        self._first_slot = index * self.slots
        self._spent_ports = _SPENT_PORTS if lab.kind == "private" else range(0)
        self._spent = 0
        self._lab = lab
        self._groups: Dict[int, str] = {}

    def trial(self) -> int:
        """Return the number of a new trial."""
        self.last_trial = (self.last_trial + 1) & 0xFFFFFFFF
        return self.last_trial

    def group(self, trial: int) -> str:
        """Return the IPv4 group of a trial."""
        slot = trial % self.slots
        if slot not in self._groups:
            self._groups[slot] = self._lab.address("group4", self._first_slot + slot)
        return self._groups[slot]

    def ports(self, cell: Cell, needed: int, slots: int, sources: List[int]) -> int:
        """Return the first of `needed` ports in a row, for a batch of cells like this one.

        `slots` of the system's hash table; `sources`: the ports that the sender has used so far.
        """
        if cell.spends and self._spent_ports:
            # What is left in TIME_WAIT for a minute must not meet another cell.
            if self._spent + needed > len(self._spent_ports):
                self._spent = 0
            self._spent += needed
            return self._spent_ports[self._spent - needed]
        if self.next_port + needed > self.cell_ports:
            self.next_port = 0
        first = self.first_port + self.next_port
        if cell.solo:
            first = limits.solo_port(first, self.cell_ports - self.next_port - needed, slots, sources)
        self.next_port = first - self.first_port + needed
        return first
