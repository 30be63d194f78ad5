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
import weakref
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


class _Parent:
    """The process that commands are forks of."""

    def __init__(self, folder: Path) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "flows.dvc_forks", str(folder)],
                cwd=Path(__file__).parents[1],  # where `flows` is found
                env=environment(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,  # no terminal: DVC would colour what it says
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        self._end = weakref.finalize(self, _last_words, process)  # with this object, or with the interpreter

    def fork(self, arguments: Sequence[str]) -> Forked:
        """Start `dvc ARGUMENTS`.

        Raises:
            OSError: the process is gone.
        """
        return Forked(self._socket, arguments)

    def last_words(self) -> str:
        """End the process; return what it said of its end."""
        return str(self._end())


def _last_words(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate()[1]


class DvcForks:
    """Starts commands in one folder, as forks of a process that is started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent: _Parent | None = None
        self._lock = threading.Lock()

    def start(self, arguments: Sequence[str]) -> Forked:
        """Start `dvc ARGUMENTS`.

        Raises:
            DvcFailed: DVC cannot even be imported.
        """
        parent = self._running()
        try:
            return parent.fork(arguments)
        except OSError:  # it was killed
            parent = self._running(instead_of=parent)
        try:
            return parent.fork(arguments)
        except OSError:
            raise DvcFailed(arguments, parent.last_words()) from None

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

    def _running(self, instead_of: _Parent | None = None) -> _Parent:
        with self._lock:
            parent = self._parent
            if parent is None or parent is instead_of:
                parent = self._parent = _started_early.pop(self._folder, None) or _Parent(self._folder)
            return parent


_started_early: dict[Path, _Parent] = {}


def start_early(folder: Path) -> None:
    """Have DVC imported while this process imports what takes as long; the first `DvcForks` of the folder uses it."""
    if sys.platform == "linux":
        _started_early[folder] = _Parent(folder)


def main() -> None:
    """Fork for each command that is asked for, until whoever asks is gone."""
    from dvc import lock as dvc_lock  # noqa: PLC0415

    os.chdir(sys.argv[1])
    for name in IMPORTED:
        with suppress(ImportError):
            import_module(name)
    with suppress(ImportError, AttributeError):
        _make_ready()
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


def _make_ready() -> None:
    """Do once what each command would do: private parts of DVC, which may not be there in a newer one."""
    from dvc.cli.parser import get_main_parser  # noqa: PLC0415
    from dvc.utils.serialize import _yaml  # noqa: PLC0415

    get_main_parser()  # DVC keeps it
    # DVC reads dvc.lock in a way that keeps comments, five times slower and under its lock; it has none.
    _yaml.parse_yaml_for_update = _yaml.parse_yaml


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
