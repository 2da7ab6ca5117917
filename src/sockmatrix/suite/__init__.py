"""The whole matrix as a pytest suite: `pytest --pyargs sockmatrix.suite -n auto`.

Every cell is a test, `sockmatrix.suite::CELL-ID`: measured here, three times, and held against the
baseline for this platform as `sockmatrix check` does it.

    passed    as in the baseline
    failed    changed, and nothing allows or explains it; or its repetitions no longer agree
    xfailed   changed, which an exception allows or a known change of the system explains: which
    skipped   the option is absent here, nothing can be measured, or there is nothing to compare: why

Layout: `hooks` is what every pytest run loads, and does nothing where the suite is not named; `plugin`
is the rest. `asked` reads the options, `cells` makes the tests, `batches` says which are measured
together, `schedule` hands whole batches to the workers of pytest-xdist, `measuring` has a lab and a
probe for each worker, `judge` compares, `reports` tells pytest, and `recording` writes the run file.
"""
