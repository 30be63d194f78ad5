"""A repository of its own in which `maskopt` runs, for tests."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

import flows.server

ROOT = Path(__file__).parents[2]
QUIET = flows.server.QUIET | {"DVC_NO_ANALYTICS": "1"}


@dataclass(frozen=True)
class Workspace:
    """A repository with a dvc.yaml of shell commands, in which `maskopt run` runs."""

    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `maskopt ARGUMENTS`, its lines on one pipe."""
        command = [sys.executable, "-m", "maskopt", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=os.environ | QUIET | {"PYTHONPATH": str(ROOT)} | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Return what `maskopt ARGUMENTS` printed; its failure, or success where `fails`, fails the test."""
        process = self.start(*arguments)
        text, _ = process.communicate()
        assert (process.returncode != 0) == fails, text[-5000:]
        return text

    def dvc(self, *arguments: str) -> str:
        """Return what DVC printed."""
        command = [sys.executable, "-m", "dvc", *arguments]
        environment = os.environ | QUIET
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    def write_graph(self, stages: dict[str, dict[str, object]]) -> None:
        """Write dvc.yaml; the command of stage x makes file x, unless it says otherwise."""
        blocks = {name: {"outs": [name], **block} for name, block in stages.items()}
        (self.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": blocks}, sort_keys=False))

    def lock(self) -> dict[str, dict[str, object]]:
        """Return the entries of dvc.lock."""
        return yaml.safe_load((self.root / "dvc.lock").read_text())["stages"]


def wait_until(claim, seconds=180):
    """Return what `claim` returns once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
