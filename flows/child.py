"""Commands as guarded processes, their lines passed on as they come; nothing of them outlives this process."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from flows import guard
from flows.dvc_forks import DvcForks, Forked
from flows.graph import ask_dvc, environment

LAST_LINES = 60

Guarded = subprocess.Popen[str] | Forked


class Children:
    """Runs commands in one folder; `stop` ends all that are under way, from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._forks = DvcForks(folder)
        self._under_way: set[Guarded] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def run(
        self, command: Sequence[str], timeout_seconds: float | None, show: Callable[[str], None]
    ) -> tuple[int | None, list[str]]:
        """Run a command to its end; return its exit code, None after the time is over, and its last lines."""
        return self._follow(lambda: self._start(command), timeout_seconds, show)

    def ask_dvc(self, *question: str) -> str:
        """Return what a DVC command prints, as `flows.graph.ask_dvc` does."""
        return self._forks.ask(*question) if sys.platform == "linux" else ask_dvc(self.folder, *question)

    def run_dvc(
        self, arguments: Sequence[str], timeout_seconds: float | None, show: Callable[[str], None]
    ) -> tuple[int | None, list[str]]:
        """Run `dvc ARGUMENTS`, as `run` would."""
        if sys.platform != "linux":
            return self.run([sys.executable, "-m", "dvc", *arguments], timeout_seconds, show)
        return self._follow(lambda: self._forks.start(arguments), timeout_seconds, show)

    def _start(self, command: Sequence[str]) -> Guarded:
        return subprocess.Popen(
            [sys.executable, "-I", guard.__file__, *command],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the flow alone, which then ends its children
        )

    def _follow(
        self, start: Callable[[], Guarded], timeout_seconds: float | None, show: Callable[[str], None]
    ) -> tuple[int | None, list[str]]:
        lines: deque[str] = deque(maxlen=LAST_LINES)
        with self._lock:
            if self.stopped:
                return -signal.SIGINT, []
            process = start()
            self._under_way.add(process)
        codes: list[int | None] = []
        watch = threading.Thread(target=lambda: codes.append(_watched(process, timeout_seconds)))
        watch.start()
        for line in process.stdout or ():
            if line := line.rstrip():
                lines.append(line)
                show(line)
        watch.join()
        if process.stdout:
            process.stdout.close()
        with self._lock:
            self._under_way.discard(process)
            _let_go(process)
        return codes[0], list(lines)

    def stop(self) -> None:
        """End all commands under way, and start no more."""
        with self._lock:
            self.stopped = True
            for process in self._under_way:
                _let_go(process)


def why(code: int | None) -> str:
    """Return what an exit code says, in words that follow a name."""
    if code is None:
        return "took too long"
    number = -code if code < 0 else code - 128
    if code < 0 or (code > 128 + signal.SIGHUP and number in set(signal.Signals)):
        return f"was killed ({signal.Signals(number).name})"
    return "failed"


def _watched(process: Guarded, timeout_seconds: float | None) -> int | None:
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


def _let_go(process: Guarded) -> None:
    """Close the pipe that keeps the guarded command alive."""
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
