"""The tables of a page, compactly: nothing of them is lost."""

from __future__ import annotations

from sockmatrix import content, table
from sockmatrix.axis import table_files
from sockmatrix.page.compact import own_words, vocabulary


def test_each_table_has_its_words() -> None:
    """What tables have in common and what is their own are together what they say, of every value."""
    tables = [table.load(file, bare=True) for file in table_files(content.matrix())]
    shared = vocabulary(tables)
    own = own_words(tables, shared)
    for one in tables:
        for name, use in {**one.axes, **one.socket_axes}.items():
            words = {**shared[name], **own.get(one.name, {}).get(name, {})}
            values = {**shared[name]["values"], **words["values"]}
            assert words["title"] == use.axis.title
            assert {value: values[value] for value in use.axis.values} == use.axis.values
    assert any(own.values()), "no two tables call anything otherwise: nothing was tested"
