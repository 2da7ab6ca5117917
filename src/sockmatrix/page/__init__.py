"""The page: the whole matrix in one HTML file that loads nothing and that a stranger can read.

It has two layers.

The first is HTML (`render/html.py`): questions, answers, and for each table of the matrix the folded
tables (`tables.py`), differences first. It needs no script, and prints.

The second is data beside it, which a script of ours (`render/page/*.js`) reads once the page is there, so
that every cell can be filtered, compared and opened. It is stored compactly, JSON deflated and in base64:

* cells (`compact.py`): an id is the axes of the cell, then its sockets. Both repeat, so each is stored
  once, with its values, and a cell is two numbers. No id of the 66,000 is written out.
* columns (`known.py`): a cell of a platform is the number of a distinct outcome. Where a column says the
  same as an earlier one of the same cell, in every facet, it has that number (amounts of a spread differ
  in every run and are kept once); a column is stored as what it has other than the nearest column before.
* documents (`documents.py`): claims with their patterns, which the script matches against a cell.
* causes (`causes.py`): which outcomes of which cells the known changes explain, by number.
* rules (`learned.py`): lists of rules in words, and for each cell the numbers of those that decide it.
* scripts (`scripts.py`): what the processes of a cell do, as texts with gaps; operations in words.
* programs: of 43,000 cells in pieces (`programs.py`), of 22,500 as `ci/beforehand.py` wrote them
  (`beforehand.py`).

What follows from the tables alone is packed while the runs are read, and what follows from what was
measured beside the tables of the page, each in a process of its own where that helps (`aside.py`).

The script gets values and puts them in place with textContent. A strict Content-Security-Policy in the
file allows our style sheet and our script by their hashes, and nothing else.
"""
