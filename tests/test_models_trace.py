"""Which rules of the kernel a prediction stands on."""

from __future__ import annotations

import sys

import pytest

from sockmatrix.models.linux import predict
from sockmatrix.models.trace import traced
from sockmatrix.script import compile_steps

UNICAST = """
A: socket udp4; set SO_REUSEADDR 1; bind any4
B: socket udp4; set SO_REUSEADDR 1; bind any4
S: speak lo4
"""


def _asked(script: str) -> list[str]:
    _, rules = traced(lambda: predict(None, compile_steps(script)))
    return [function for rule in rules for function in rule.functions]


def test_the_rules_that_were_asked() -> None:
    """Bind conflicts, then the route, then the lookup, each once, in this order."""
    asked = _asked(UNICAST)
    places = [
        asked.index(one) for one in ("udp_lib_lport_inuse", "fib_table_lookup", "__udp4_lib_lookup")
    ]
    assert places == sorted(places)
    assert len(asked) == len(set(asked))
    assert "__udp_is_mcast_sock" not in asked
    assert _asked(UNICAST) == asked, "what an earlier prediction remembers is asked again"


def test_other_rules_for_a_group() -> None:
    """A group is matched, not looked up."""
    joined = UNICAST.replace("bind any4", "bind any4; join group4 if4")
    asked = _asked(joined.replace("speak lo4", "speak group4 via=if4"))
    assert "__udp_is_mcast_sock" in asked
    assert "__udp4_lib_lookup" not in asked


def test_the_words_of_a_rule() -> None:
    """They are those of the rule's own docstring."""
    _, rules = traced(lambda: predict(None, compile_steps(UNICAST)))
    (taken,) = [rule for rule in rules if "udp_lib_lport_inuse" in rule.functions]
    assert taken.about == "whether a UDP port is taken"


def test_nothing_is_left_behind() -> None:
    """Whatever profiled before goes on, also after an error."""
    before = sys.getprofile()

    def fails() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        traced(fails)
    assert sys.getprofile() is before
