"""How large is the page, how long does it take to build, and how fast is it in a browser? Figures.

    python benchmarks/page.py [RUN...] [--platforms 14] [--json]

The runs are the committed ones, or those that are named; where there are fewer than --platforms, edited
copies of the last one stand in for the rest: spreads have other amounts, as in every measurement, and
some cells turned out otherwise. The browser is headless Chromium by playwright, as wide as a desktop:

* size: of the file, and of its parts;
* build: seconds that `sockmatrix report --html` takes, and of how many processor seconds;
* paint: milliseconds to the first contentful paint; ready: until the script has everything;
* filter: milliseconds from a new filter to the next frame, for filters of several kinds, each the median.

The limits of the project: 1.5 MB, 5 s, 1,000 ms, 50 ms. A busy machine takes longer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix import content
from sockmatrix.runfile import Run
from sockmatrix.runwriter import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

FILTERS = (
    "q=multicast",
    "q=dest%3Dlobcast",
    "q=every.reuse%3Daddr",
    "q=some.bind-is%3Ddestination",
    "q=fan-out/*",
    "only=differ",
    "only=odd",
    "",
)

_DATA = re.compile(r'id="data-(\w+)">([^<]*)<')

BLOCK = 2000
"""Cells that are written at once, as a run writes them."""

REACT = """async (hash) => {
  const start = performance.now();
  location.hash = hash;
  await new Promise((done) => addEventListener("hashchange", done, {once: true}));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--platforms", type=int, default=14)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        paths = arguments.runs or sorted(_committed())
        paths += [copy(paths[-1], place, number) for number in range(len(paths), arguments.platforms)]
        page = place / "page.html"
        found = {"platforms": len(paths), **made(paths, page), **shown(page)}
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:<40} {value:,}")


def _committed() -> Iterator[Path]:
    """Yield the runs that the page of this repository is made of: see ci/reports."""
    return (path for path in content.runs().glob("*.jsonl*") if "-user." not in path.name)


def copy(path: Path, place: Path, number: int) -> Path:
    """Write a run like another: of another release, with other amounts, and some cells otherwise."""
    chance = random.Random(number)
    run = Run.read(path)
    platform = msgspec.structs.replace(run.header.platform, release=f"6.{number}.1", build="")
    made = place / f"{number}.jsonl.gz"
    with RunWriter.create(made, msgspec.structs.replace(run.header, platform=platform)) as writer:
        lines = iter(run.cells.values())
        while block := tuple(itertools.islice(lines, BLOCK)):
            writer.write(
                [msgspec.structs.replace(line, delivery=_other(line.delivery, chance)) for line in block]
            )
        if run.footer:
            writer.finish(run.footer)
    return made


def _other(deliveries: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    found = {}
    for label, one in deliveries.items():
        heard, word = dict(one.heard), one.word
        if word == "spread" and len(heard) > 1:
            first, second, *_ = heard
            moved = chance.randrange(min(4, heard[first]))
            heard[first], heard[second] = heard[first] - moved, heard[second] + moved
        if word == "all" and chance.random() < 0.005:
            word = "none"
        found[label] = msgspec.structs.replace(one, heard=heard, word=word)
    return found


def made(paths: list[Path], page: Path) -> dict[str, float]:
    """Make a page as a user does; return how large it is and what that took, the start included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "sockmatrix", "report", *map(str, paths), "--html", "-o", str(page)]
    subprocess.run(command, check=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    text = page.read_text(encoding="utf-8")
    return {
        "size": page.stat().st_size,
        **{f"size of data, {name}": len(part) for name, part in _DATA.findall(text)},
        "seconds to build": round(seconds, 2),
        "CPU seconds to build": round(after.ru_utime - before.ru_utime, 2),
    }


def shown(page: Path) -> dict[str, float]:
    """Open a page in a browser; return how fast it is. Nothing without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    browser = shutil.which("chromium")
    if browser is None:
        return {}
    with sync_playwright() as running:
        own = running.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = own.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]")
        ready = tab.evaluate("performance.now()")
        paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        tab.wait_for_timeout(1000)
        taken: dict[str, list[float]] = {one: [] for one in FILTERS}
        for _ in range(5):
            for one in FILTERS:
                taken[one].append(tab.evaluate(REACT, f"#{one or 'q='}"))
        own.close()
    found = {"ms to the first paint": round(paint), "ms until it is ready": round(ready)}
    for one, times in taken.items():
        found[f"ms to filter, #{one}"] = round(statistics.median(times), 1)
    return found


if __name__ == "__main__":
    main()
