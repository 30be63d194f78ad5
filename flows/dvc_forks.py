"""DVC commands as forks of one process that has imported DVC already, which is most of what a command costs.

`python -m flows.dvc_forks FOLDER`: the socket at standard input brings the arguments of a command at a time, with them
three open files: the pipe whose closing ends it, where its lines go, and where its guard tells its id and exit code.
Linux alone: elsewhere sockets do not keep such messages apart.
"""

import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from select import select
from typing import NoReturn

from flows.errors import DvcFailed
from flows.graph import environment
from flows.guard import hold

# What `dvc repro` imports when it comes to it. One that a newer DVC does not have costs time, no more.
IMPORTED = (
    "dvc.cachemgr",
    "dvc.cli.parser",
    "dvc.data_cloud",
    "dvc.lock",
    "dvc.repo.datasets",
    "dvc.repo.plots",
    "dvc.repo.reproduce",
    "dvc.repo.stage",
    "dvc.rwlock",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "scmrepo.git",
)
LOOK_AGAIN_SECONDS = 0.02  # whether DVC's lock is free; DVC itself sleeps for 0.5 s, in which nobody has it
MAX_BYTES = 1 << 16  # of the arguments
PR_SET_NAME = 15  # of Linux: what `ps -o comm` shows


class Forked:
    """A DVC command under way and its guard, as far as it is used like a `subprocess.Popen`."""

    def __init__(self, server: socket.socket, arguments: Sequence[str]) -> None:
        theirs_alive, alive = os.pipe()
        lines, theirs_lines = os.pipe()
        told, theirs_told = os.pipe()
        theirs = [theirs_alive, theirs_lines, theirs_told]
        self.stdin = os.fdopen(alive, "wb")
        self.stdout = os.fdopen(lines, errors="replace")
        self._told = os.fdopen(told)
        try:
            socket.send_fds(server, [json.dumps(list(arguments)).encode()], theirs)
        finally:
            for file in theirs:
                os.close(file)
        if not (pid := self._told.readline()):
            raise BrokenPipeError("the process that forks is gone")
        self.pid = int(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, as of a signal if the guard was killed.

        Raises:
            TimeoutExpired: of `subprocess`.
        """
        if not select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("dvc", timeout or 0)
        code = int(self._told.readline() or -signal.SIGKILL)
        self._told.close()
        return code


class DvcForks:
    """The process that commands are forks of; started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: socket.socket | None = None
        self._lock = threading.Lock()

    def start(self, arguments: Sequence[str]) -> Forked:
        """Start `dvc ARGUMENTS`."""
        server = self._running_server()
        try:
            return Forked(server, arguments)
        except OSError:  # it was killed
            return Forked(self._running_server(instead_of=server), arguments)

    def ask(self, *question: str) -> str:
        """Return what a DVC command prints, as `flows.graph.ask_dvc` does.

        Raises:
            DvcFailed: it fails.
        """
        forked = self.start(("--wait-for-lock", *question))
        with forked.stdin, forked.stdout:
            text = forked.stdout.read()
            if forked.wait():
                raise DvcFailed(question, text)
        return text

    def _running_server(self, instead_of: socket.socket | None = None) -> socket.socket:
        with self._lock:
            server = self._server
            if server is None or server is instead_of:
                server = self._server = _started_early.pop(self._folder, None) or _new_server(self._folder)
            return server


_started_early: dict[Path, socket.socket] = {}


def start_early(folder: Path) -> None:
    """Have DVC imported while this process imports what takes as long; the first `DvcForks` of the folder uses it."""
    if sys.platform == "linux":
        _started_early[folder] = _new_server(folder)


def _new_server(folder: Path) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "flows.dvc_forks", str(folder)]
    here = Path(__file__).parents[1]  # where `flows` is found
    with theirs:
        subprocess.Popen(command, cwd=here, env=environment(), stdin=theirs.fileno(), start_new_session=True)
    return ours


def main() -> None:
    """Fork for each command that is asked for, until whoever asks is gone."""
    from dvc import lock as dvc_lock  # noqa: PLC0415
    from dvc.cli.parser import get_main_parser  # noqa: PLC0415
    from dvc.utils.serialize import _yaml  # noqa: PLC0415

    os.chdir(sys.argv[1])
    for name in IMPORTED:
        with suppress(ImportError):
            import_module(name)
    get_main_parser()  # DVC keeps it
    # DVC reads dvc.lock in a way that keeps comments, five times slower and under its lock; nobody comments dvc.lock.
    _yaml.parse_yaml_for_update = _yaml.parse_yaml
    dvc_lock.DEFAULT_TIMEOUT = 6 * LOOK_AGAIN_SECONDS  # DVC waits in sixths of it, for ever with --wait-for-lock
    gc.freeze()  # else the collector of each fork would copy all pages of what is imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the guards: they tell their end themselves
    server = socket.socket(fileno=0)
    while True:
        message, files, *_ = socket.recv_fds(server, MAX_BYTES, 3)
        if not message:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _guard(json.loads(message), *files)
        for file in files:
            os.close(file)


def _guard(arguments: Sequence[str], alive: int, lines: int, told: int) -> NoReturn:
    os.setsid()
    for file, standard in ((alive, 0), (lines, 1), (lines, 2)):
        os.dup2(file, standard)
    os.write(told, f"{os.getpid()}\n".encode())
    _name("guard")
    code = hold(_forked_dvc(arguments, told))
    os.write(told, f"{code}\n".encode())
    os._exit(0)


def _forked_dvc(arguments: Sequence[str], told: int) -> int:
    if pid := os.fork():
        return pid
    from dvc.cli import main as dvc  # noqa: PLC0415

    os.close(told)
    sys.argv = ["dvc", *arguments]  # DVC names itself in its locks
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _name("dvc")
    code = 1
    try:
        code = dvc(list(arguments))
    finally:
        sys.stdout.flush()
        os._exit(code)


def _name(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


if __name__ == "__main__":
    main()
