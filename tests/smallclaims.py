"""Claims about the tables of `smallmatrix`: of every verdict one, and a disagreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = """
[KO]
title = "A page | with a bar"
url = "https://example.org/page"
kind = "article"
authority = 3
[UD]
title = "A manual"
url = "printed only"
kind = "man"
authority = 1
"""
CLAIMS = """
[[claim]]
id = "KO-01"
statement = "The last of several hears"
source = "KO"
section = "Middle"
os = ["linux"]
testable = true
cells = ["table=hearing receivers=2 dest=lo4 every.reuse=addr"]
expect = ["delivery=one:last"]
note = "of two"

[[claim]]
id = "KO-02"
statement = "The first of several hears"
source = "KO"
section = "End"
ref = "https://example.org/page#end"
os = ["linux"]
cells = ["table=hearing receivers=2 dest=lo4"]
expect = ["delivery=one:first"]

[[claim]]
id = "UD-01"
statement = "Elsewhere the last hears"
source = "UD"
section = "1"
os = ["macos", "freebsd"]
cells = ["table=hearing receivers=2 dest=lo4 every.reuse=addr"]
expect = ["delivery=one:last"]

[[claim]]
id = "UD-02"
statement = "Both"
source = "UD"
section = "2"
os = ["linux"]
parts = ["KO-01", "KO-02"]

[[claim]]
id = "UD-03"
statement = "It depends"
source = "UD"
section = "3"
os = ["any"]
undecidable = "on what is not said"
"""
DISAGREEMENTS = """
[[disagreement]]
topic = "Which one hears?"
cells = ["table=hearing receivers=2 dest=lo4 every.reuse=addr"]
[[disagreement.side]]
says = "the last"
claims = ["KO-01"]
expect = ["delivery=one:last"]
[[disagreement.side]]
says = "the first"
claims = ["KO-02"]
expect = ["delivery=one:first"]
"""


def write(matrix: Path) -> Path:
    """Write the claims to a matrix; return their directory."""
    place = matrix / "claims"
    place.mkdir()
    (place / "sources.toml").write_text(SOURCES)
    (place / "all.toml").write_text(CLAIMS)
    (place / "disagreements.toml").write_text(DISAGREEMENTS)
    return place
