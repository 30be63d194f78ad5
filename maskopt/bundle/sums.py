"""SHA256SUMS of a bundle: its files as they were made, which `sha256sum --check` reads -> those changed since."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

SUMS = "SHA256SUMS"
MAX_BYTES = 2**16  # of it, which has 2 kB


def write_sums(folder: Path) -> None:
    """Write the sums of all files of a bundle beside them."""
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    (folder / SUMS).write_text("".join(f"{_line(folder, name)}\n" for name in files), encoding="utf-8")


def list_changed(folder: Path, names: Iterable[str]) -> list[str]:
    """Return those of the files that are there and not as the sums say: all, in a bundle without sums."""
    kept: set[str] = set()
    if (folder / SUMS).is_file():
        with (folder / SUMS).open(encoding="utf-8", errors="replace") as file:
            kept = set(file.read(MAX_BYTES).splitlines())
    there = (name for name in sorted(names) if (folder / name).is_file())
    return [name for name in there if _line(folder, name) not in kept]


def _line(folder: Path, name: str) -> str:
    with (folder / name).open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}"
