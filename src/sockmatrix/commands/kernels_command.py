"""`sockmatrix kernels`: fetch Linux kernels for `run --on kernel=VERSION`, and list them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode, worst
from sockmatrix.render.escape import printable
from sockmatrix.targets import debian, kernels
from sockmatrix.targets.debian import Archive, FetchError, HopelessError

if TYPE_CHECKING:
    import argparse

    from sockmatrix.targets.debian import Offer

_MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("action", choices=("fetch", "list"), help="get kernels, or say which there are")
    parser.add_argument(
        "version",
        nargs="*",
        metavar="VERSION",
        help="such as 6.12 for its newest, 6.12.90, or newest; none: the newest of each minor version",
    )
    parser.add_argument(
        "--available", action="store_true", help="list: those that could be fetched as well"
    )
    parser.add_argument(
        "--mirror", metavar="URL", help="of Debian (default: the one that this machine's apt uses)"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="where to keep them (default: in ~/.cache/sockmatrix)"
    )
    parser.add_argument("--json", action="store_true", help="list: print JSON")
    parser.epilog = examples(
        ("sockmatrix kernels fetch 6.1 6.12", "the newest 6.1 and 6.12, from Debian's packages"),
        ("sockmatrix kernels list", "those that are there"),
        ("sockmatrix kernels list --available", "and those that could be fetched"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Fetch or list."""
    cache = arguments.cache or kernels.cache_directory()
    if arguments.action == "list" and not arguments.available:
        _list(arguments, cache, [])
        return ExitCode.EXPECTED
    try:
        archive = Archive.beside(cache, arguments.mirror)
        complaint = archive.update()
        known = archive.offers()
        if complaint:
            print(f"sockmatrix kernels: {printable(complaint)}", file=sys.stderr)
        if arguments.action == "list":
            _list(arguments, cache, known)
            return ExitCode.EXPECTED
        if not known:
            raise FetchError("apt has no lists of Debian's packages: is the mirror reachable?")
        return _fetch_all(archive, known, arguments.version or debian.minors(known), cache)
    except FetchError as error:
        raise UsageError(printable(str(error))) from error
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or cache}: {error.strerror}") from error


def _fetch_all(archive: Archive, known: list[Offer], versions: list[str], cache: Path) -> ExitCode:
    """Fetch what is asked for; what there is not is said, and the others are fetched all the same."""
    codes = []
    for version in versions:
        try:
            codes.append(_fetch(archive, debian.choose(known, version), cache))
            continue
        except HopelessError as error:
            code, said = ExitCode.NOTHING, str(error)
        except FetchError as error:
            code, said = ExitCode.USAGE, str(error)
        except OSError as error:
            code, said = ExitCode.USAGE, f"cannot write {error.filename or cache}: {error.strerror}"
        print(f"sockmatrix kernels: {printable(said)}", file=sys.stderr)
        codes.append(code)
        if code is ExitCode.NOTHING:
            break
    return worst(*codes)


def _fetch(archive: Archive, several: list[Offer], cache: Path) -> ExitCode:
    """Fetch the newest of several that can be had: lists may name packages that are gone."""
    there = {kernel.version: kernel for kernel in kernels.cached(cache)}
    for offer in several:
        if offer.version in there:
            damage = there[offer.version].damage()
            if not damage:
                print(f"{offer.version:<22}is there")
                return ExitCode.EXPECTED
            print(f"sockmatrix kernels: {offer.version}: {printable(damage)}", file=sys.stderr)
        try:
            kernel = archive.fetch(offer, cache)
        except HopelessError:
            raise
        except FetchError as error:
            print(f"sockmatrix kernels: {printable(str(error))}", file=sys.stderr)
            continue
        modules = ", ".join(sorted(path.stem for path in kernel.module_directory.glob("*.ko")))
        said = modules or "no modules: its guest has no link device"
        print(f"{offer.version:<22}{offer.size / _MEGABYTE:>6.1f} MB  {said}", flush=True)
        return ExitCode.EXPECTED
    return ExitCode.NOTHING


def _list(arguments: argparse.Namespace, cache: Path, known: list[Offer]) -> None:
    wanted = arguments.version
    there = [one for one in kernels.cached(cache) if _asked(one.version, wanted)]
    versions = {kernel.version for kernel in there}
    rest = [one for one in known if one.version not in versions and _asked(one.version, wanted)]
    if arguments.json:
        print(
            json.dumps(
                {
                    "cache": str(cache),
                    "kernels": [{"version": one.version, **one.facts} for one in there],
                    "available": [{"version": one.version, "size": one.size} for one in rest],
                },
                indent=1,
            )
        )
        return
    for kernel in there:
        modules = ", ".join(sorted(path.stem for path in kernel.module_directory.glob("*.ko")))
        print(f"{printable(kernel.version):<22}{modules or 'no modules'}")
    for offer in rest:
        print(f"{offer.version:<22}{offer.size / _MEGABYTE:.1f} MB to fetch")
    if not there and not rest:
        print(f"There is no kernel in {cache}; `sockmatrix kernels fetch 6.12` gets one.")


def _asked(version: str, wanted: list[str]) -> bool:
    return not wanted or any(kernels.matches(version, one) for one in wanted)
