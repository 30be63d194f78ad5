"""One stage -> `dvc repro --single-item` in a child process."""

import re
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Protocol

from flows.child import Children, why
from flows.errors import StageFailed
from flows.graph import Stage
from maskopt.errors import USER_MUST_ACT

UNCHANGED = re.compile(r"^Stage '.*' didn't change, skipping", re.MULTILINE)
RESTORED = re.compile(r"^Stage '.*' is cached - skipping run", re.MULTILINE)
# Other DVC processes of this run are in the way for a moment; `--wait-for-lock` does not cover the second.
IN_THE_WAY = re.compile(r"Unable to acquire lock|is busy, it is being blocked by")
PATIENCE_SECONDS = 60
LAST_LINES = 15


class Outcome(Enum):
    """How a stage came to its end."""

    RAN = "Ran"
    CACHED = "Cached"  # DVC found it unchanged
    RESTORED = "Restored"  # DVC had its outputs of an earlier run, which may differ from those that were here


class Runner(Protocol):
    """Runs stages somewhere."""

    workspace: Path  # whose dvc.lock notes them
    jobs: int  # stages side by side, where nothing else is asked for

    @property
    def stopped(self) -> bool:
        """Whether no more stages are started."""

    def ask(self, *question: str) -> str:
        """Return what a DVC command prints, as `flows.graph.ask_dvc` does."""

    def run(self, stage: Stage, force: bool, show: Callable[[str], None]) -> Outcome:
        """Run a stage as DVC does; pass each line that it prints to `show`.

        Raises:
            StageFailed: it ended with an error, was killed, or took longer than its settings allow.
        """

    def stop(self) -> None:
        """End all stages under way, from any thread, and start no more."""


class LocalRunner:
    """Runs stages in this workspace."""

    def __init__(self, workspace: Path, jobs: int) -> None:
        self.workspace = workspace
        self.jobs = jobs
        self._children = Children(workspace)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._children.stopped

    def ask(self, *question: str) -> str:
        """Return what a DVC command prints, as `Runner` says."""
        return self._children.ask_dvc(*question)

    def run(self, stage: Stage, force: bool, show: Callable[[str], None]) -> Outcome:
        """Run a stage as `Runner` says."""
        arguments = ["--wait-for-lock", "repro", "--single-item", *(["--force"] if force else []), stage.name]
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            code, lines = self._children.run_dvc(arguments, stage.settings.timeout_seconds, show)
            text = "\n".join(lines)
            if code == 0:
                if RESTORED.search(text):
                    return Outcome.RESTORED
                return Outcome.CACHED if UNCHANGED.search(text) else Outcome.RAN
            busy = IN_THE_WAY.search(text) and time.monotonic() < patience_ends
            if not busy or self.stopped:
                user_must_act = f"exited with {USER_MUST_ACT}" in text
                raise StageFailed(stage.name, self._reason(code, stage), lines[-LAST_LINES:], user_must_act)
            time.sleep(0.2)

    def stop(self) -> None:
        """End all stages under way, as `Runner` says."""
        self._children.stop()

    def _reason(self, code: int | None, stage: Stage) -> str:
        if self.stopped:
            return "was stopped"
        if code is None:
            return f"took longer than its {stage.settings.timeout_seconds:g} seconds (timeout_seconds in dvc.yaml)"
        return why(code)
