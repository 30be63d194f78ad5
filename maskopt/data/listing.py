"""Folder of class folders -> paths that should be pictures, and what else lies there."""

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from maskopt.errors import MissingFile

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})  # other files in a class folder are stray


@dataclass(frozen=True)
class Listing:
    """What a folder holds, each sorted, with / and relative to it."""

    pictures: list[str]  # class/file
    stray: list[str]  # files elsewhere, hidden, of another kind, or with a name that no table can hold
    unknown_folders: list[str]  # beside the class folders, with their number of files


def list_files(folder: Path, classes: Collection[str]) -> Listing:
    """Return what lies in `folder`; no file is opened.

    Raises:
        MissingFile: there is no `folder`.
    """
    if not folder.is_dir():
        raise MissingFile(folder, "run `dvc repro fetch`")
    listing = Listing([], [], [])
    for entry in folder.iterdir():
        if not entry.is_dir():
            listing.stray.append(entry.name)
        elif entry.name in classes:
            for file in _files(entry):
                kind = listing.pictures if _should_be_picture(file, entry) else listing.stray
                kind.append(file.relative_to(folder).as_posix())
        else:
            listing.unknown_folders.append(f"{entry.name} ({len(list(_files(entry)))} files)")
    for paths in (listing.pictures, listing.stray, listing.unknown_folders):
        paths.sort()
    return listing


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _should_be_picture(file: Path, class_folder: Path) -> bool:
    return (
        file.parent == class_folder
        and file.is_file()  # no pipe or broken link
        and not file.name.startswith(".")
        and file.suffix.lower() in SUFFIXES
        and not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in file.name)
    )
