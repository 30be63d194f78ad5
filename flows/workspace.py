"""What a run keeps in its workspace: who is at work, and how long stages took; mends of what a killed DVC left."""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from zc.lockfile import LockError, LockFile

from flows.errors import Busy, UnusableLockfile
from maskopt.files import replacing

logger = logging.getLogger(__name__)

LOCKFILE = Path("dvc.lock")
DVC_TMP = Path(".dvc/tmp")
RWLOCK = DVC_TMP / "rwlock"
OURS = DVC_TMP / "maskopt"
LOCK = OURS / "run.lock"
RUN = OURS / "run.json"  # process and flow run at work, or the last that was
DURATIONS = OURS / "durations.json"  # stage -> seconds of the last time that it ran
SCHEMA = "2.0"  # of dvc.lock
LOOK_AGAIN_SECONDS = 0.02

Entry = dict[str, Any]  # of dvc.lock
RwLock = dict[str, dict[str, Any]]  # "write" -> path -> note, "read" -> path -> notes; DVC leaves out what is empty


@contextmanager
def one_run(workspace: Path) -> Iterator[Mapping[str, str]]:
    """Hold the workspace for one run; yield what the last one noted of itself if it was killed.

    Raises:
        Busy: another process holds it.
    """
    (workspace / OURS).mkdir(parents=True, exist_ok=True)
    note = workspace / RUN
    lock = _acquire(workspace)
    try:
        left = _read(note)
        note_run(workspace, {"pid": str(os.getpid())})
        yield left
        note.unlink()
    finally:
        lock.release()


def refuse_busy(workspace: Path) -> None:
    """Check that no run is at work; nothing is left behind where none ever was.

    Raises:
        Busy: one is.
    """
    if (workspace / LOCK).is_file():
        _acquire(workspace).release()


@contextmanager
def held(workspace: Path) -> Iterator[None]:
    """Hold the workspace for one stage; wait for another run or stage that holds it."""
    (workspace / OURS).mkdir(parents=True, exist_ok=True)
    with FileLock(workspace / LOCK):
        note_run(workspace, {"pid": str(os.getpid())})
        try:
            yield
        finally:
            (workspace / RUN).unlink(missing_ok=True)


def _acquire(workspace: Path) -> FileLock:
    lock = FileLock(workspace / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(_read(workspace / RUN).get("pid")) from None
    return lock


def note_run(workspace: Path, facts: Mapping[str, str]) -> None:
    """Note who is at work, for the run after it."""
    with replacing(workspace / RUN) as file:
        file.write_text(json.dumps(facts), encoding="utf-8")


def mend(workspace: Path) -> None:
    """Put aside what a killed DVC left half-written, and take processes that are gone out of its notes.

    Raises:
        UnusableLockfile: git left conflicts in dvc.lock, or another DVC wrote it.
    """
    with _dvc_held_up(workspace):
        _mend_lockfile(workspace / LOCKFILE)
        _mend_rwlock(workspace / RWLOCK)


def entries(workspace: Path) -> dict[str, Entry]:
    """Return what dvc.lock holds, by stage."""
    try:
        content = YAML(typ="safe").load(workspace / LOCKFILE)
    except FileNotFoundError:
        return {}
    stages: dict[str, Entry] = content["stages"]
    return stages


def note_entry(workspace: Path, stage: str, entry: Entry) -> None:
    """Put the entry of a stage into dvc.lock."""
    write_entries(workspace, entries(workspace) | {stage: entry})


def write_entries(workspace: Path, stages: Mapping[str, Entry]) -> None:
    """Write dvc.lock anew."""
    content = {"schema": SCHEMA, "stages": dict(stages)}
    with replacing(workspace / LOCKFILE) as file:
        YAML().dump(content, file)  # as DVC writes it, to the byte


def outputs(entry: Entry) -> list[str]:
    """Return the paths of the outputs in an entry of dvc.lock."""
    return [out["path"] for out in entry.get("outs", [])]


def write_files(workspace: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths in the workspace, each whole or not at all."""
    for path, content in files.items():
        with replacing(workspace / path) as file:
            file.write_bytes(content)


def durations(workspace: Path) -> Mapping[str, float]:
    """Return how many seconds stages took when they last ran."""
    return {stage: float(seconds) for stage, seconds in _read(workspace / DURATIONS).items()}


def note_durations(workspace: Path, seconds: Mapping[str, float]) -> None:
    """Add to what stages took."""
    with replacing(workspace / DURATIONS) as file:
        file.write_text(json.dumps({**durations(workspace), **seconds}, indent=1), encoding="utf-8")


def _read(file: Path) -> dict[str, str]:
    try:
        content: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content


@contextmanager
def _dvc_held_up(workspace: Path) -> Iterator[None]:
    """Hold DVC's own lock, under which it writes; wait for a command that has it."""
    (workspace / DVC_TMP).mkdir(parents=True, exist_ok=True)
    while True:
        try:
            lock = LockFile(str(workspace / DVC_TMP / "lock"))
            break
        except LockError:
            time.sleep(LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        lock.close()


def _mend_lockfile(lockfile: Path) -> None:
    """Put a dvc.lock aside that was cut off or never written."""
    if not lockfile.is_file() or is_whole(lockfile):
        return
    aside = lockfile.with_name(f"dvc.lock.broken-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    lockfile.rename(aside)
    logger.warning(
        "dvc.lock was cut off or empty and is now %s: DVC takes what was finished from its run-cache", aside.name
    )


def is_whole(lockfile: Path) -> bool:
    """Tell whether a dvc.lock is one that DVC reads.

    Raises:
        UnusableLockfile: it is not, and that is nobody's crash.
    """
    try:
        text = lockfile.read_text(encoding="utf-8")
        if "<<<<<<<" in text:
            raise UnusableLockfile(
                "holds conflicts of git", "Take one side: `git checkout --theirs dvc.lock` or --ours"
            )
        content = YAML(typ="safe").load(text)
        if (schema := content["schema"]) != SCHEMA:
            raise UnusableLockfile(f"has schema {schema}, expected {SCHEMA}", "Use the DVC that wrote it, or remove it")
        return all(_is_entry(entry) for entry in content["stages"].values())
    except (YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return False


def _is_entry(entry: object) -> bool:
    """Tell whether an entry of dvc.lock names its command, and a path for each file."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("cmd"), str | list)
        and all(isinstance(file["path"], str) for side in ("deps", "outs") for file in entry.get(side, []))
    )


def _mend_rwlock(rwlock: Path) -> None:
    """Take processes out of rwlock that are gone: DVC knows them by their ids alone, which are used again."""
    if not is_stale(rwlock):
        return
    if (at_work := _at_work(rwlock)) is None:
        rwlock.unlink()
        logger.warning("removed %s, which was cut off or empty", RWLOCK)
        return
    with replacing(rwlock) as file:
        file.write_text(json.dumps(at_work), encoding="utf-8")
    logger.warning("took processes out of %s that are gone", RWLOCK)


def is_stale(rwlock: Path) -> bool:
    """Tell whether rwlock cannot be read or names a process that is gone."""
    if not rwlock.is_file():
        return False
    at_work = _at_work(rwlock)
    return at_work is None or at_work != _read_rwlock(rwlock)


def _at_work(rwlock: Path) -> RwLock | None:
    """Return what rwlock holds without processes that are gone; None if it cannot be read."""
    try:
        content = _read_rwlock(rwlock)
        return {
            "write": {path: note for path, note in content["write"].items() if _is_dvc(note["pid"])},
            "read": {path: [note for note in notes if _is_dvc(note["pid"])] for path, notes in content["read"].items()},
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _read_rwlock(rwlock: Path) -> RwLock:
    content: RwLock = {"write": {}, "read": {}} | json.loads(rwlock.read_text(encoding="utf-8"))
    return content


def _is_dvc(pid: int) -> bool:
    try:
        return any("dvc" in word for word in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
