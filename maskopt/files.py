"""Files and folders that are there whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
