"""A kernel by its version: from the cache, or fetched into it when it is first asked for."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from sockmatrix.render.escape import printable
from sockmatrix.targets import debian, kernels
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.debian import Archive, FetchError

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.targets.debian import Offer
    from sockmatrix.targets.kernels import Kernel

_MEGABYTE = 1_000_000
_one_at_a_time = threading.Lock()  # apt locks its root, and targets side by side may want one kernel


def kernel(wanted: str, cache: Path) -> Kernel:
    """Return the newest kernel of that version in the cache, or else the newest that can be fetched.

    What is fetched is said on stderr. Raises NotStartedError.
    """
    with _one_at_a_time:
        try:
            return kernels.find(wanted, cache)
        except NotStartedError as missing:
            try:
                return _fetch(wanted, cache)
            except FetchError as error:
                raise NotStartedError(f"{missing}; it cannot be fetched now: {error}") from error
            except OSError as error:
                reason = f"cannot write {error.filename or cache}: {error.strerror}"
                raise NotStartedError(f"{missing}; it cannot be fetched now: {reason}") from error


def _fetch(wanted: str, cache: Path) -> Kernel:
    archive = Archive.beside(cache)
    complaint = archive.update() if archive.stale else ""
    known = archive.offers()
    if not known:
        raise FetchError(complaint or "apt has no lists of Debian's packages")
    return archive.fetch_first(debian.choose(known, wanted), cache, _tell)


def _tell(offer: Offer) -> None:
    version, size = printable(offer.version), f"{offer.size / _MEGABYTE:.0f} MB"
    print(f"sockmatrix: fetching Linux {version} from Debian's packages, {size}", file=sys.stderr)
