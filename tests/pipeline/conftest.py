"""A copy of the repository with small params, in which the real dvc.yaml runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
KEPT = ("data/.gitignore", "data/search.csv")  # no stage writes these
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")


@dataclass(frozen=True)
class Workspace:
    """A clone; every command runs in it, with this Python's tools in front."""

    root: Path

    def run(self, *command: str, fails: bool = False) -> str:
        """Return what a command printed; its failure, or success where `fails`, fails the test."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "PYTHONPATH": str(self.root)}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def commit(self) -> None:
        """Commit all that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", *AUTHOR, "commit", "--quiet", "--allow-empty", "--message", "x")

    def change_params(self, change: Callable[[Any], None]) -> None:
        """Pass the content of params.yaml through `change`, in place."""
        yaml, file = YAML(), self.root / "params.yaml"
        params = yaml.load(file)
        change(params)
        yaml.dump(params, file)


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory):
    """Return a function that makes a workspace of the committed and changed files, as git knows them."""

    def make(change: Callable[[Any], None]) -> Workspace:
        root = tmp_path_factory.mktemp("clone") / "maskopt"
        listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            is_result = name.startswith("data/") and not name.startswith(("data/incoming/", *KEPT))
            if name and (ROOT / name).is_file() and not is_result:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, root / name)
        (root / "dvc.lock").unlink(missing_ok=True)
        workspace = Workspace(root)
        workspace.change_params(change)
        (root / ".venv").mkdir()
        (root / ".venv" / ".ready").touch()  # make need not install: this Python's tools are in front
        workspace.run("git", "init", "--quiet")
        workspace.commit()
        return workspace

    return make
