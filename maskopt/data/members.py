"""Zip or tar file -> names and contents of its members, which may be links, devices or bombs."""

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from maskopt.errors import BrokenArchive, UnsafeArchive

CHUNK_BYTES = 2**20  # the most that is read at once
BLOCK_BYTES = 512  # of tar files: headers and contents fill whole blocks, and blocks of zeros are the end mark
COMPRESSIONS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}  # of tar files

# What the readers of both kinds raise on damaged files, at the next member or while its content is read.
DAMAGE = (
    *(EOFError, OSError, ValueError, LookupError, ArithmeticError, RuntimeError, struct.error),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)

Member = tuple[str, IO[bytes] | None]  # name, and content or None for a folder


def read_members(path: Path) -> Iterator[Member]:
    """Yield plain files and folders in the order of the archive; a content can be read until the next is asked for.

    Raises:
        DAMAGE: damaged, or no zip or tar file.
        BrokenArchive: encrypted, or cut off.
        UnsafeArchive: a member is a link or device, or its header is as large as a file.
    """
    with path.open("rb") as file:
        start = file.read(6)
    return _zip_members(path) if start.startswith(b"PK") else _tar_members(path, start)


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 1:
                raise BrokenArchive(path, f"{info.filename!r} is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: made where files have no kind
                raise UnsafeArchive(path, info.filename, "is a link or a device")
            if info.is_dir():
                yield info.filename, None
            else:
                with archive.open(info) as content:
                    yield info.filename, content


def _tar_members(path: Path, start: bytes) -> Iterator[Member]:
    opener = next((opener for magic, opener in COMPRESSIONS.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file, tarfile.open(fileobj=cast(IO[bytes], _Bounded(path, file)), mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
            if info.isdir():
                yield info.name, None
            elif info.isreg():
                yield info.name, archive.extractfile(info)
            else:
                raise UnsafeArchive(path, info.name, "is a link or a device")
        file.seek(archive.offset)
        rest = file.read(CHUNK_BYTES)  # up to the end, where a compression has its checksum
        if not rest.startswith(bytes(BLOCK_BYTES)):  # tarfile takes a broken header for the end
            raise BrokenArchive(path, f"damaged or cut off after {archive.offset:,} bytes")


@dataclass
class _Bounded:
    """A file that refuses to be read in large pieces, as tarfile reads a header whatever size it claims."""

    path: Path
    file: IO[bytes]

    def read(self, size: int) -> bytes:
        if size > CHUNK_BYTES:
            raise UnsafeArchive(self.path, "a header", f"of {size:,} bytes")
        return self.file.read(size)

    def seek(self, position: int) -> int:
        return self.file.seek(position)

    def tell(self) -> int:
        return self.file.tell()
