"""Make the run files beside this one: `python tests/data/hostile/make.py`. Each is wrong in one way.

    damaged/    no command may use it: one line, exit status 2
    cut/        read to the last whole line: exit status 3, the rest is unmeasured
    wild/       a sound run that says harmful things: they are shown, never obeyed

What is too large to keep is made by the test (`test_hostile.py`).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

HEADER: dict[str, Any] = {
    "kind": "header",
    "schema": 1,
    "tool": "0.1.0",
    "probe": {"version": "1", "sha256": "ab" * 32},
    "protocol": 2,
    "platform": {
        "os": "linux",
        "release": "6.12.1",
        "build": "#1 SMP",
        "stack": "linux",
        "arch": "x86_64",
        "python": "3.11.7",
        "privileges": "root",
    },
    "lab": {"kind": "private", "how": "root", "sysctls": {"net.ipv6.bindv6only": "0"}},
    "reuse": ["none"],
    "tables": {"hearing": 1, "listening": 1},
    "planned": 4,
    "repeat": 3,
    "seed": 7,
    "started": "2026-08-01",
}
LAST = {"": {"word": "one", "heard": {"B": 126}, "place": "last", "sent": 126}}
IDS = [
    f"hearing/dest:lo4/A:{one}/B:{other}"
    for one, other in (
        ("lo4.addr", "lo4.addr"),
        ("lo4.addr", "any4.addr"),
        ("any4.addr", "lo4.addr"),
        ("any4.addr", "any4.addr"),
    )
]
CELLS: list[dict[str, Any]] = [
    {"kind": "cell", "id": name, "v": 1, "n": 3, "open": 2, "delivery": LAST} for name in IDS
]
FOOTER: dict[str, Any] = {"kind": "footer", "counts": {"one": 4}, "ended": "complete", "seconds": 1.5}

ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b31m"
BIDI = "a\u202eb\u2066c\u200fd\u200be\ufeff"
LINES = "one\ntwo\rthree\u2028four\x85five\x00six\tseven"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;\"'`</td>"
MARKDOWN = "](javascript:alert(1)) | x | **b** ![i](http://example.com/i) \\| `c` <!--"
FORMULA = '=cmd|" /C calc"!A1'
TEMPLATE = "{{ 7*7 }}{% raw %}${7*7}"
WILD = [ESCAPES, BIDI, LINES, MARKUP, MARKDOWN, FORMULA, TEMPLATE]


def header(**changes: Any) -> dict[str, Any]:
    """Return the header with other fields; None takes one out."""
    return {name: value for name, value in {**HEADER, **changes}.items() if value is not None}


def cell(place: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a cell with other fields."""
    return {**CELLS[place], **changes}


def text(*lines: object) -> bytes:
    """Return a file of lines: bytes are taken as they are, all else as JSON."""
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def with_cell(line: object) -> bytes:
    """Return a run whose third line is this."""
    return text(HEADER, CELLS[0], line, *CELLS[2:], FOOTER)


def packed(data: bytes) -> bytes:
    """Return data as gzip has it, always the same."""
    return gzip.compress(data, 9, mtime=0)


WHOLE = text(HEADER, *CELLS, FOOTER)
PACKED = packed(WHOLE)
PLATFORM: dict[str, Any] = HEADER["platform"]


def damaged() -> dict[str, bytes]:
    """Return files that cannot be used."""
    deep = b"[" * 20_000 + b"]" * 20_000
    raw = json.dumps(CELLS[1]).encode()
    return {
        "empty": b"",
        "blank": b"\n\n  \n",
        "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
        "nulls": bytes(300),
        "page": b"<!doctype html>\n<title>404 Not Found</title>\n",
        "words": b"Error: rate limit exceeded\nsee https://example.com\n",
        "number": b"7\n",
        "list": b"[]\n",
        "escapes": b"\x1b[2J\x1b[31mowned\x07\n",
        "utf-16": WHOLE.decode().encode("utf-16"),
        "utf-8-mark": b"\xef\xbb\xbf" + WHOLE,
        "no-header": text(*CELLS, FOOTER),
        "footer-first": text(FOOTER, HEADER, *CELLS),
        "two-headers": text(HEADER, CELLS[0], HEADER, CELLS[1], FOOTER),
        "two-runs": WHOLE + WHOLE,
        "header-cut": WHOLE[:300],
        "schema-newer": text(header(schema=99), *CELLS, FOOTER),
        "schema-none": text(header(schema=None), *CELLS, FOOTER),
        "schema-zero": text(header(schema=0), *CELLS, FOOTER),
        "schema-negative": text(header(schema=-1), *CELLS, FOOTER),
        "schema-text": text(header(schema="1"), *CELLS, FOOTER),
        "schema-huge": text(header(schema=10**40), *CELLS, FOOTER),
        "kind-escapes": text(header(kind=ESCAPES + BIDI), *CELLS, FOOTER),
        "kind-number": text(header(kind=1), *CELLS, FOOTER),
        "platform-list": text(header(platform=[]), *CELLS, FOOTER),
        "platform-none": text(header(platform=None), *CELLS, FOOTER),
        "stack-escapes": text(header(platform={**PLATFORM, "stack": ESCAPES}), *CELLS, FOOTER),
        "release-long": text(header(platform={**PLATFORM, "release": "6" * 401}), *CELLS, FOOTER),
        "planned-negative": text(header(planned=-1), *CELLS, FOOTER),
        "repeat-zero": text(header(repeat=0), *CELLS, FOOTER),
        "started-text": text(header(started="yesterday"), *CELLS, FOOTER),
        "hash-short": text(header(probe={"version": "1", "sha256": "ab"}), *CELLS, FOOTER),
        "tables-path": text(header(tables={"../../etc/passwd": 1}), *CELLS, FOOTER),
        "sysctl-escapes": text(
            header(lab={"kind": "private", "sysctls": {ESCAPES: "0"}}), *CELLS, FOOTER
        ),
        "cell-not-json": with_cell(b"{'kind': 'cell'}"),
        "cell-cut": with_cell(raw[:60]),
        "cell-twice": with_cell(CELLS[0]),
        "cell-two-in-a-line": with_cell(raw + raw),
        "cell-list": with_cell([CELLS[1]]),
        "cell-null": with_cell(None),
        "cell-kind-unknown": with_cell(cell(1, kind="script")),
        "cell-without-id": with_cell({"kind": "cell", "v": 1}),
        "id-escapes": with_cell(cell(1, id=IDS[1] + ESCAPES)),
        "id-bidi": with_cell(cell(1, id=IDS[1] + BIDI)),
        "id-markup": with_cell(cell(1, id=MARKUP)),
        "id-line-end": with_cell(cell(1, id=IDS[1] + "\n")),
        "id-long": with_cell(cell(1, id="a" * 8001)),
        "id-number": with_cell(cell(1, id=1)),
        "version-text": with_cell(cell(1, v="1")),
        "count-negative": with_cell(cell(1, n=-3)),
        "count-half": with_cell(cell(1, n=1.5)),
        "count-beyond": with_cell(raw.replace(b'"n": 3', b'"n": 1' + b"0" * 400)),
        "not-a-number": with_cell(raw.replace(b'"n": 3', b'"n": NaN')),
        "word-unknown": with_cell(cell(1, delivery={"": {"word": "everyone"}})),
        "role-escapes": with_cell(cell(1, failed={ESCAPES: "bind EADDRINUSE"})),
        "errno-number": with_cell(cell(1, failed={"B": 98})),
        "note-escapes": with_cell(cell(1, notes={"": ESCAPES})),
        "label-markup": with_cell(cell(1, delivery={MARKUP: {"word": "all"}})),
        "variants-nested": with_cell(cell(1, variants=[{"variants": [{"n": "x"}], "n": "x"}])),
        "deep": with_cell(raw[:-1] + b', "x": ' + deep + b"}"),
        "deep-open": with_cell(raw[:-1] + b', "x": ' + b'{"a":' * 8000),
        "bytes-in-text": with_cell(raw[:-1] + b', "x": "\xff\xfe"}'),
        "surrogate": with_cell(raw[:-1] + b', "absent": "\xed\xa0\x80"}'),
        "footer-ended-unknown": text(HEADER, *CELLS, {**FOOTER, "ended": "well"}),
        "footer-count-escapes": text(HEADER, *CELLS, {**FOOTER, "counts": {ESCAPES: 1}}),
        "footer-seconds-negative": text(HEADER, *CELLS, {**FOOTER, "seconds": -1}),
        "long-line": text(HEADER, {**CELLS[0], "x": "a" * 70_000}, FOOTER),
        "gzip-not": b"\x1f\x8bthis is not gzip at all",
        "gzip-flipped": PACKED[:60] + bytes([PACKED[60] ^ 0xFF]) + PACKED[61:],
        "gzip-checksum": PACKED[:-8] + b"\x00\x00\x00\x00" + PACKED[-4:],
        "gzip-more": PACKED + b"and something else",
        "gzip-twice": packed(PACKED),
        "gzip-empty": packed(b""),
        "gzip-cut-at-once": PACKED[:12],
    }


def cut() -> dict[str, bytes]:
    """Return files that lack their end, or something of what was planned."""
    return {
        "in-a-line": WHOLE[: WHOLE.rindex(b'"footer"') - 40],
        "in-a-character": text(HEADER, *CELLS[:2]) + '{"kind":"cell","id":"é'.encode()[:-1],
        "after-a-line": text(HEADER, *CELLS[:3]),
        "in-the-footer": WHOLE[:-30],
        "without-footer": text(HEADER, *CELLS),
        "interrupted": text(HEADER, *CELLS[:2], {**FOOTER, "ended": "interrupted"}),
        "too-few": text(header(planned=5), *CELLS, FOOTER),
        "planned-huge": text(header(planned=10**18), *CELLS, FOOTER),
        "nulls-at-the-end": text(HEADER, *CELLS[:2]) + bytes(200),
        "gzip": PACKED[:-40],
    }


def wild() -> dict[str, bytes]:
    """Return sound runs that say harmful things wherever free text is allowed."""
    found = {}
    for name, said in zip(
        ("escapes", "bidi", "lines", "markup", "markdown", "formula", "template"), WILD, strict=True
    ):
        platform = {**PLATFORM, "release": said, "build": said, "python": said, "distribution": said}
        platform |= {"implementation": said, "virtualisation": said, "runner": said}
        lab = {"kind": "private", "how": said, "reason": said, "sysctls": {"net.x": said}}
        lab["interfaces"] = {"lo": {"kind": said, "flags": [said]}}
        found[name] = text(
            header(platform=platform, lab=lab, labs={"plain": lab}, unknown=said),
            cell(0, absent=said, delivery={}),
            cell(1, skipped=said, delivery={}),
            cell(2, n=0, missed=3, inconclusive=said, delivery={}),
            cell(3, unsent={"lo4": said}, unknown={said: [said]}),
            {**FOOTER, "unknown": said},
        )
    found["names"] = text(
        header(platform={**PLATFORM, "stack": "-1+cmd", "os": "..", "arch": "/etc", "privileges": "+"}),
        cell(0, id="hearing/../../../etc/passwd"),
        cell(1, id="/"),
        cell(2, id="hearing/dest:lo4/A:lo4.addr/B:lo4.addr/C:" + "x" * 3000),
        cell(3, failed={"ZZ.zzzzzzzzzzzzzzzzzzzzz": "set SO_X E"}, open=10**15),
        FOOTER,
    )
    found["gzip-checksum-missing"] = PACKED[:-6]
    found["crlf"] = WHOLE.replace(b"\n", b"\r\n")
    found["keys-twice"] = WHOLE.replace(b'"kind": "cell"', b'"v": 9, "kind": "cell"')
    return found


FILES = {"damaged": damaged, "cut": cut, "wild": wild}


def main() -> None:
    """Write all files."""
    for kind, make in FILES.items():
        directory = HERE / kind
        directory.mkdir(exist_ok=True)
        for old in directory.iterdir():
            old.unlink()
        for name, data in make().items():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
