"""Run the steps of the action and of the workflow here, in the order in which the YAML gives them.

    python ci/rehearse.py DIRECTORY [--table sentinel]

Commands are carried out with the environment that GitHub would give them; `uses` of the few actions that
the project needs are done by hand: an artifact is a directory of DIRECTORY/artifacts. Jobs: plan, observe
(this machine) and report; what goes to GitHub, pages and issues, is left out by its own conditions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import yaml

_QUOTED = re.compile(r"'(?:[^']|'')*'")
_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w*-]+)+")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def main(words: list[str] | None = None) -> int:
    """Rehearse, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--table", default="sentinel")
    arguments = parser.parse_args(words)
    place: Path = arguments.directory.resolve()
    place.mkdir(parents=True, exist_ok=True)
    workflow = yaml.safe_load((common.ROOT / ".github/workflows/matrix.yml").read_text(encoding="utf-8"))
    stage = Stage(place, {"inputs": {"platforms": "ubuntu-24.04", "table": arguments.table}})
    needs: dict[str, Any] = {}
    for name, more in (("plan", {}), ("observe", {"matrix": {"name": "here"}}), ("report", {})):
        print(f"job {name}")
        job = stage.begun({"needs": needs, **more})
        status = job.run(workflow["jobs"][name]["steps"])
        outputs = workflow["jobs"][name].get("outputs", {})
        needs[name] = {
            "result": "failure" if status else "success",
            "outputs": {key: job.text(value) for key, value in outputs.items()},
        }
        if status:
            return status
    for file in sorted(place.rglob("*")):
        told = file.relative_to(place)
        if file.is_file() and told.parts[:2] != ("temp", "sockmatrix"):  # what was installed
            print(f"{file.stat().st_size:>9}  {told}")
    return 0


@dataclass
class Stage:
    """Where steps run: what expressions may ask for, and the directory that stands for a runner."""

    place: Path
    context: dict[str, Any]
    action: Path | None = None
    outputs: dict[str, Any] = field(default_factory=dict)

    def begun(self, more: dict[str, Any]) -> Stage:
        """Return the stage of another job, or of an action."""
        return Stage(self.place, {**self.context, **more})

    def run(self, steps: list[dict[str, Any]]) -> int:
        """Run steps until one fails; return its status."""
        for number, step in enumerate(steps, 1):
            name = step.get("name") or step.get("uses", "").partition("@")[0] or step["run"]
            if "if" in step and not self.value(unwrapped(str(step["if"]))):
                print(f"  skip  {name}")
                continue
            print(f"  step  {name}", flush=True)
            status, told = self.uses(step) if "uses" in step else self.command(step)
            self.outputs[step.get("id", str(number))] = {"outputs": told}
            if status:
                print(f"  step  {name}: status {status}")
                return status
        return 0

    def command(self, step: dict[str, Any]) -> tuple[int, dict[str, str]]:
        """Run the command of a step; return its status and its outputs."""
        file = self.place / "output.txt"
        file.write_text("")
        own = {key: self.text(value) for key, value in step.get("env", {}).items()}
        given = {
            "GITHUB_OUTPUT": str(file),
            "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
            "RUNNER_TEMP": str(self.place / "temp"),
        }
        (self.place / "temp").mkdir(exist_ok=True)
        work = self.place / "work"
        if not work.exists():
            work.mkdir()
            (work / "ci").symlink_to(common.ROOT / "ci")
        script = re.sub(r"^python3? ", f"{sys.executable} ", self.text(step["run"]))
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=work,
            env={**os.environ, **given, **own},
            check=False,
        )
        lines = file.read_text(encoding="utf-8").splitlines()
        file.unlink()
        return done.returncode, dict(line.split("=", 1) for line in lines)

    def uses(self, step: dict[str, Any]) -> tuple[int, dict[str, str]]:
        """Do what an action would."""
        name, values = step["uses"].partition("@")[0], step.get("with", {})
        given = {key: self.text(value) for key, value in values.items()}
        artifacts = self.place / "artifacts"
        if name == "./ci":
            return self.own_action(given)
        if name == "actions/setup-python":
            return 0, {"python-path": sys.executable}
        if name == "actions/upload-artifact":
            for path in given["path"].split():
                copy(self.place / "work" / path, artifacts / given["name"])
        elif name == "actions/download-artifact":
            shutil.copytree(artifacts, self.place / "work" / given["path"], dirs_exist_ok=True)
        elif name not in ("actions/checkout", "actions/upload-pages-artifact"):
            raise ValueError(f"nothing here does what {name} does")
        return 0, {}

    def own_action(self, given: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Run the steps of ci/action.yml."""
        action = yaml.safe_load((common.ROOT / "ci/action.yml").read_text(encoding="utf-8"))
        stage = self.begun({})
        defaults = {key: stage.text(one.get("default", "")) for key, one in action["inputs"].items()}
        stage.context["inputs"] = {**defaults, **given}
        stage.context["github"] = {"action_path": str(common.ROOT / "ci")}
        status = stage.run(action["runs"]["steps"])
        return status, {key: stage.text(one["value"]) for key, one in action["outputs"].items()}

    def text(self, text: object) -> str:
        """Return a text with its expressions filled in."""
        return _EXPRESSION.sub(lambda found: shown(self.value(found[1])), str(text))

    def value(self, expression: str) -> Any:
        """Return what an expression of GitHub amounts to: as much of the language as is used here."""
        strings: list[str] = []

        def keep(found: re.Match[str]) -> str:
            strings.append(found[0][1:-1].replace("''", "'"))
            return f"string({len(strings) - 1})"

        code = _QUOTED.sub(keep, expression.strip())
        code = _PATH.sub(lambda found: f"look({found[0]!r})", code)
        code = re.sub(r"!(?!=)", " not ", code.replace("&&", " and ").replace("||", " or ")).strip()
        known = {
            "string": lambda number: strings[number],
            "look": self.look,
            "cancelled": lambda: False,
            "always": lambda: True,
            "fromJSON": json.loads,
            "format": lambda text, *values: text.format(*values),
        }
        return eval(code, {"__builtins__": {}}, known)  # noqa: S307 - of our own files

    def look(self, path: str) -> Any:
        """Return a value of the context, empty if there is none."""
        found: Any = {
            "runner": {
                "temp": str(self.place / "temp"),
                "os": platform.system(),
                "arch": platform.machine(),
            },
            "github": {"ref_name": "rehearsal", "event": {"repository": {"default_branch": "main"}}},
            "steps": self.outputs,
            **self.context,
        }
        for name in path.split("."):
            found = found.get(name, "") if isinstance(found, dict) else ""
        return found


def unwrapped(condition: str) -> str:
    """Return a condition without the braces that it need not have."""
    return re.sub(r"^\$\{\{(.*)\}\}$", r"\1", condition.strip())


def shown(value: object) -> str:
    """Return a value as an expression writes it."""
    return json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory into a directory. Raises OSError."""
    target.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target / source.name, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    sys.exit(main())
