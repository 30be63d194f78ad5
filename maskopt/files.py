"""Files and folders that are there whole or not at all, and JSON files of one model."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskopt.errors import BrokenRecord, MissingFile

Record = dict[str, Any]  # facts that training notes, metrics, latency


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path` to write a file or folder at; it becomes `path` if nothing is raised.

    The folder of `path` is made where it is missing; what was at `path` is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    _remove(temporary)
    try:
        yield temporary
        temporary.stat()  # raises if nothing was written, before the old one goes
        if path.is_dir() or temporary.is_dir():  # only files can be replaced in one step
            _remove(path)
        temporary.replace(path)
    finally:
        _remove(temporary)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield a name for files or folders that are gone at the end; so is what a killed run left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(path)
    try:
        yield path
    finally:
        _remove(path)


def read_record(path: Path) -> Record:
    """Return the content of a file.

    Raises:
        MissingFile: there is no `path`.
        BrokenRecord: it is no JSON: git may have put conflicts into it.
    """
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(path, "run `dvc repro`") from None
    except ValueError as err:  # of JSON, and not UTF-8
        raise BrokenRecord(path, str(err), "dvc repro") from None
    return record


def write_record(path: Path, record: Record) -> None:
    """Write a file in the order of the keys, so that versions of it can be compared line by line."""
    with replacing(path) as file:
        file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
