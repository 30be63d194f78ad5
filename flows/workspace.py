"""What a run keeps in its workspace: who is at work, and how long stages took; mends of what a killed DVC left."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.errors import Busy
from maskopt.files import replacing

logger = logging.getLogger(__name__)

LOCKFILE = Path("dvc.lock")
DVC_TMP = Path(".dvc/tmp")
RWLOCK = DVC_TMP / "rwlock"
OURS = DVC_TMP / "maskopt"
RUN = OURS / "run.json"  # process and flow run at work, or the last that was
DURATIONS = OURS / "durations.json"  # stage -> seconds of the last time that it ran
WHILE_SECONDS = 0.5

Entry = dict[str, Any]  # of dvc.lock


@contextmanager
def one_run(workspace: Path) -> Iterator[Mapping[str, str]]:
    """Hold the workspace for one run; yield what the last one noted of itself if it was killed.

    Raises:
        Busy: another process holds it.
    """
    (workspace / OURS).mkdir(parents=True, exist_ok=True)
    note = workspace / RUN
    lock = FileLock(workspace / OURS / "run.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(int(_read(note).get("pid", 0))) from None
    try:
        left = _read(note)
        note_run(workspace, {"pid": str(os.getpid())})
        yield left
        note.unlink()
    finally:
        lock.release()


@contextmanager
def held(workspace: Path) -> Iterator[None]:
    """Hold the workspace for one stage; wait for another run or stage that holds it."""
    (workspace / OURS).mkdir(parents=True, exist_ok=True)
    with FileLock(workspace / OURS / "run.lock"):
        yield


def note_run(workspace: Path, facts: Mapping[str, str]) -> None:
    """Note who is at work, for the run after it."""
    with replacing(workspace / RUN) as file:
        file.write_text(json.dumps(facts), encoding="utf-8")


def mend(workspace: Path) -> None:
    """Put aside what a killed DVC left half-written, and locks of processes that are gone."""
    lockfile, rwlock = workspace / LOCKFILE, workspace / RWLOCK
    if _is_so_for_a_while(lambda: lockfile.is_file() and not _is_whole(lockfile)):
        aside = lockfile.with_name(f"dvc.lock.broken-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        lockfile.rename(aside)
        logger.warning(
            "dvc.lock was cut off or empty and is now %s: DVC takes what was finished from its run-cache", aside.name
        )
    if _is_so_for_a_while(lambda: rwlock.is_file() and not _is_held(rwlock)):
        rwlock.unlink()
        logger.warning("removed %s, which a process that is gone had left", RWLOCK)


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
    content = {"schema": "2.0", "stages": dict(stages)}
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


def _is_so_for_a_while(claim: Callable[[], bool]) -> bool:
    """Tell whether something stays so: DVC at work writes these files in place, in milliseconds."""
    if not claim():
        return False
    time.sleep(WHILE_SECONDS)
    return claim()


def _is_whole(lockfile: Path) -> bool:
    """Tell whether dvc.lock is one that DVC reads."""
    try:
        content = YAML(typ="safe").load(lockfile)
        entries = content["stages"].values() if content["schema"] == "2.0" else [None]
        return all(_is_entry(entry) for entry in entries)
    except (YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return False


def _is_entry(entry: object) -> bool:
    """Tell whether an entry of dvc.lock names its command, and a path for each file."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("cmd"), str | list)
        and all(isinstance(file["path"], str) for side in ("deps", "outs") for file in entry.get(side, []))
    )


def _is_held(rwlock: Path) -> bool:
    """Tell whether DVC can read rwlock and each process that it names is a DVC at work; process ids are used again."""
    try:
        content = json.loads(rwlock.read_text(encoding="utf-8"))
        read, write = content.get("read", {}), content.get("write", {})
        notes = [*write.values(), *(note for notes in read.values() for note in notes)]
        return all(_is_dvc(int(note["pid"])) for note in notes)
    except FileNotFoundError:
        return True
    except (json.JSONDecodeError, TypeError, KeyError, AttributeError):
        return False


def _is_dvc(pid: int) -> bool:
    try:
        return any("dvc" in word for word in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
