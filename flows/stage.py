"""One stage -> `dvc repro --single-item` in a guarded child process, its lines passed on as they come."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import IO

from flows import guard
from flows.errors import StageFailed
from flows.graph import DVC, Stage, environment

SKIPPED = re.compile(r"^Stage '.*' (didn't change, skipping|is cached - skipping run)", re.MULTILINE)
# Other DVC processes of this run are in the way for a moment; `--wait-for-lock` does not cover the second.
IN_THE_WAY = re.compile(r"Unable to acquire lock|is busy, it is being blocked by")
PATIENCE_SECONDS = 60
LAST_LINES = 15


class Outcome(Enum):
    """How a stage came to its end."""

    RAN = "Ran"
    CACHED = "Cached"  # DVC found it unchanged, or had its outputs from an earlier run


class LocalRunner:
    """Runs stages in this workspace; `stop` ends all that are under way, from any thread."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self._under_way: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def run(self, stage: Stage, force: bool, show: Callable[[str], None]) -> Outcome:
        """Run a stage as DVC does; pass each line that it prints to `show`.

        Raises:
            StageFailed: it ended with an error, was killed, or took longer than its settings allow.
        """
        command = [*DVC, "repro", "--single-item", *(["--force"] if force else []), stage.name]
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            code, lines = self._run(command, stage.settings.timeout_seconds, show)
            text = "\n".join(lines)
            if code == 0:
                return Outcome.CACHED if SKIPPED.search(text) else Outcome.RAN
            busy = IN_THE_WAY.search(text) and time.monotonic() < patience_ends
            if not busy or self.stopped:
                raise StageFailed(stage.name, self._reason(code, stage), list(lines)[-LAST_LINES:])
            time.sleep(0.2)

    def stop(self) -> None:
        """End all stages under way, and start no more."""
        with self._lock:
            self.stopped = True
            for process in self._under_way:
                _let_go(process)

    def _run(
        self, command: list[str], timeout_seconds: float | None, show: Callable[[str], None]
    ) -> tuple[int | None, deque[str]]:
        """Return the exit code, None after the time is over, and the last lines."""
        lines: deque[str] = deque(maxlen=4 * LAST_LINES)
        with self._lock:
            if self.stopped:
                return -signal.SIGINT, lines
            process = subprocess.Popen(
                [sys.executable, "-I", guard.__file__, *command],
                cwd=self.workspace,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches the flow alone, which then ends its stages
            )
            self._under_way.add(process)
        codes: list[int | None] = []
        watch = threading.Thread(target=lambda: codes.append(_watched(process, timeout_seconds)))
        watch.start()
        for line in process.stdout or ():
            if line := line.rstrip():
                lines.append(line)
                show(line)
        watch.join()
        with self._lock:
            self._under_way.discard(process)
            _let_go(process)
        return codes[0], lines

    def _reason(self, code: int | None, stage: Stage) -> str:
        if self.stopped:
            return "was stopped"
        if code is None:
            return f"took longer than its {stage.settings.timeout_seconds:g} seconds (timeout_seconds in dvc.yaml)"
        if code < 0 or (code > 128 + signal.SIGHUP and code - 128 in set(signal.Signals)):
            return f"was killed ({signal.Signals(-code if code < 0 else code - 128).name})"
        return "failed"


def _watched(process: subprocess.Popen[str], timeout_seconds: float | None) -> int | None:
    """Wait for the guard and return its exit code, None after the time is over."""
    try:
        code = process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        _let_go(process)
        process.wait()
        return None
    if code < 0:  # the guard itself was killed: nobody else ends what it guarded
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return code


def _let_go(process: subprocess.Popen[str]) -> None:
    """Close the pipe that keeps the guarded command alive."""
    pipe: IO[str] | None = process.stdin
    if pipe and not pipe.closed:
        pipe.close()
