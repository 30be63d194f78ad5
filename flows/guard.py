"""Run one command so that nothing of it outlives its parent, this process' wish to end it, or the command itself.

`python guard.py COMMAND...` with a pipe as standard input, held open by the parent: when it closes, because the parent
closed it or died, everything that the command started is ended. The exit code is the command's.
"""

import contextlib
import ctypes
import signal
import subprocess
import sys
import threading
import time

import psutil

PR_SET_CHILD_SUBREAPER = 36  # of Linux: orphans below this process become its children, and can be found
POLITE_SECONDS = 0.7  # SIGINT first: DVC then clears what it noted in .dvc/tmp/rwlock
LAST_WORD_SECONDS = 0.7  # for DVC, after its command is gone


def main() -> int:
    """Run the command and return its exit code."""
    # Named, not passed on at once: a Popen that nobody holds takes the exit code of a command that has ended.
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    return hold(command.pid)


def hold(pid: int) -> int:
    """Guard a child of this process, which has just been started, until nothing of it is left; return its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command, ending = psutil.Process(pid), threading.Lock()

    def end(*_: object) -> None:
        if ending.acquire(blocking=False):
            _end(command)

    def end_with_parent() -> None:
        sys.stdin.read()
        end()

    threading.Thread(target=end_with_parent, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: threading.Thread(target=end).start())
    code = command.wait()
    _kill_rest()
    return code if code >= 0 else 128 - code  # as a shell says that a signal ended it


def _end(command: psutil.Process) -> None:
    """End the command and all below it: politely, then what is left by force, the command itself last."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = command.children(recursive=True)
        for process in (*below, command):
            _signal(process, signal.SIGINT)
        _, alive = psutil.wait_procs(below, POLITE_SECONDS)
        for process in alive:
            _signal(process, signal.SIGKILL)
        time.sleep(LAST_WORD_SECONDS)
        command.kill()


def _kill_rest() -> None:
    """Kill what the command left behind."""
    me, deadline = psutil.Process(), time.monotonic() + 5
    while (rest := me.children(recursive=True)) and time.monotonic() < deadline:
        for process in rest:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(rest, 0.5)


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


if __name__ == "__main__":
    sys.exit(main())
