"""The probe as one file, to be copied to any machine with Python 3.9 or newer: a zipapp (PEP 441).

Equal sources are equal bytes: names are sorted, there are no dates, and nothing is compressed, for
compressors differ. Its hash of itself is that of the directory (`probes/digest.py`).
"""

from __future__ import annotations

import io
import zipfile

from sockmatrix import content

_SHEBANG = b"#!/usr/bin/env python3\n"
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


def build() -> bytes:
    """Return the zipapp. Raises ContentError."""
    out = io.BytesIO()
    out.write(_SHEBANG)
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(content.probes().glob("*.py")):
            entry = zipfile.ZipInfo(path.name, _NO_DATE)
            entry.create_system = 3  # POSIX, wherever it is made
            entry.external_attr = _PLAIN_FILE
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()
