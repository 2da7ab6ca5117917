"""Make text from elsewhere harmless, for a terminal and for Markdown.

Run files come from other people's machines. Control characters can drive a terminal, bidirectional
ones can make a line read as another one (CVE-2021-42574), and Markdown lets HTML through.
"""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]|~])")


def printable(text: str, limit: int = 400) -> str:
    r"""Return `text` with all that is not visible written as escapes, cut after `limit` characters.

    Escaped are what `str.isprintable` says no to: control and format characters (bidirectional ones
    and joiners too), surrogates, private and unassigned ones, line ends, blanks other than the
    space.

    >>> printable("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def markdown(text: str) -> str:
    r"""Return `text` for a Markdown table cell: it is shown as it is, markup and HTML included.

    >>> markdown("a|b <i>")
    'a\\|b &lt;i&gt;'
    """
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", text)


def _escape(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
