"""The scenarios by name: each turns a cell into the steps of its roles."""

from __future__ import annotations

from sockmatrix.scenarios.bind_conflicts import BIND_CONFLICTS
from sockmatrix.scenarios.fan_out import FAN_OUT
from sockmatrix.scenarios.scenario import Scenario, Steps
from sockmatrix.scenarios.script import SCRIPT

__all__ = ["SCENARIOS", "Scenario", "Steps"]

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (FAN_OUT, BIND_CONFLICTS, SCRIPT)
}
