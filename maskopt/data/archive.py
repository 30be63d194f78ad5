"""Zip or tar file -> folder: plain files only, nothing outside it, and not more than an archive of pictures holds."""

import errno
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from maskopt.data.members import CHUNK_BYTES, DAMAGE, read_members
from maskopt.errors import BrokenArchive, MissingFile, UnsafeArchive

LITTER = "__MACOSX"  # folder that macOS adds to a zip, with a file for each real one
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES}  # errors of the disk, not of the archive
NAME_BYTES, PATH_BYTES = 255, 1024  # within what all file systems take


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to. The Kaggle set: 8,982 files, 237 MB, and hardly smaller when packed."""

    files: int = 1_000_000  # and folders
    file_bytes: int = 2**29  # 50 million pixels of 16-bit RGBA are less
    total_bytes: int = 2**36
    ratio: int = 200  # of unpacked to packed bytes; below `free_bytes` any
    free_bytes: int = 2**26


def unpack(path: Path, target: Path, limits: Limits) -> None:
    """Write what a zip or tar file holds into `target`, a new folder; after an error some of it is there.

    Raises:
        MissingFile: there is no `path`.
        BrokenArchive: it is damaged, encrypted, or no zip or tar file.
        UnsafeArchive: a name leads elsewhere or comes twice, a member is no plain file, or `limits` are passed.
    """
    if not path.is_file():
        raise MissingFile(path, "put the archive there, or set data.path in params.yaml to where it is")
    target.mkdir(parents=True)
    try:
        _unpack(path, target, limits)
    except DAMAGE as err:
        if isinstance(err, OSError) and err.errno in DISK:
            raise
        raise BrokenArchive(path, f"damaged, or neither zip nor tar ({err})") from err


def _unpack(path: Path, target: Path, limits: Limits) -> None:
    left_bytes = min(limits.total_bytes, max(limits.free_bytes, limits.ratio * path.stat().st_size))
    left_files = limits.files
    for name, content in tqdm(read_members(path), "unpack", unit=" files", disable=None):
        place = target.joinpath(*_safe_parts(path, name))
        is_litter = LITTER in place.parts
        left_files -= 1 if is_litter else 1 + sum(not folder.exists() for folder in place.parents)
        if left_files < 0:
            raise UnsafeArchive(path, name, f"is one of more than {limits.files:,} files and folders")
        if is_litter:
            continue
        try:
            (place.parent if content else place).mkdir(parents=True, exist_ok=True)
            if content:
                left_bytes -= _write(path, name, content, place, min(limits.file_bytes, left_bytes))
        except (FileExistsError, NotADirectoryError):
            raise UnsafeArchive(path, name, "is there twice, or both a file and a folder") from None


def _safe_parts(path: Path, name: str) -> tuple[str, ...]:
    """Return the folders and the file of a name that leads nowhere else."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        raise UnsafeArchive(path, name, "leads out of the folder")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise UnsafeArchive(path, name, "has letters that no file name should have")
    if len(name.encode()) > PATH_BYTES or any(len(part.encode()) > NAME_BYTES for part in parts):
        raise UnsafeArchive(path, name, "has too long a name")
    return parts


def _write(path: Path, name: str, content: IO[bytes], place: Path, most_bytes: int) -> int:
    """Return the number of bytes written."""
    size_bytes = 0
    with place.open("xb") as file:
        while chunk := content.read(CHUNK_BYTES):
            size_bytes += file.write(chunk)
            if size_bytes > most_bytes:
                raise UnsafeArchive(path, name, f"unpacks to more than {most_bytes:,} bytes")
    return size_bytes
