"""Zip or tar file -> names and contents of its members, which may be links, devices or bombs."""

import _compression
import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from maskopt.errors import BrokenArchive, UnsafeArchive

CHUNK_BYTES = 2**20  # the most that is read at once
HEADER_BYTES = 2**14  # of a member of a tar file, with all that makes its name longer, and of what is said of all
BLOCK_BYTES = 512  # of tar files: headers and contents fill whole blocks, and blocks of zeros are the end mark
XZ_BYTES = 2**27  # of memory; a file of `xz -9` takes half of it, one that means harm says that it takes 4 GiB

# Of members of zip files: for others zipfile unpacks as much as there is, whatever it is asked for.
BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What the readers of both kinds raise on damaged files, at the next member or while its content is read.
DAMAGE = (
    *(EOFError, OSError, ValueError, LookupError, ArithmeticError, RuntimeError, struct.error),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)

LONG_NUMBER = re.compile(rb"\d{300}")  # tarfile looks for a record from each of its digits on


@contextmanager
def _open_xz(path: Path, _mode: str) -> Iterator[io.BufferedReader]:
    """Open as `lzma.open` does, which cannot be told how much memory a file may take."""
    with path.open("rb") as packed:
        yield io.BufferedReader(
            _compression.DecompressReader(
                packed, lzma.LZMADecompressor, trailing_error=lzma.LZMAError, memlimit=XZ_BYTES
            )
        )


COMPRESSIONS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": _open_xz}  # of tar files

Member = tuple[str, IO[bytes] | None]  # name, and content or None for a folder


def read_members(path: Path) -> Iterator[Member]:
    """Yield plain files and folders in the order of the archive; a content can be read until the next is asked for.

    Raises:
        DAMAGE: damaged, or no zip or tar file.
        BrokenArchive: encrypted, compressed in a way that cannot be bounded, or cut off.
        UnsafeArchive: a member is a link or device, or its header is larger than any name.
    """
    with path.open("rb") as file:
        start = file.read(BLOCK_BYTES)
    is_zip = start.startswith(b"PK") and not _is_header(start)
    return _zip_members(path) if is_zip else _tar_members(path, start)


def _is_header(block: bytes) -> bool:
    """Return whether a block is the header of a tar file, whose checksum fits, whatever its name starts with."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 1:
                raise BrokenArchive(path, f"{info.filename!r} is encrypted")
            if info.compress_type not in BOUNDED:
                raise BrokenArchive(path, f"{info.filename!r} is compressed in another way than zip's own, deflate")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: made where files have no kind
                raise UnsafeArchive(path, info.filename, "is a link or a device")
            if info.is_dir():
                yield info.filename, None
            else:
                with archive.open(info) as content:
                    yield info.filename, content


def _tar_members(path: Path, start: bytes) -> Iterator[Member]:
    opener = next((opener for magic, opener in COMPRESSIONS.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file:
        bounded = _Bounded(path, file)
        archive = tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:")  # noqa: SIM115  # has nothing to close
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
            if sum(len(name) + len(value) for name, value in archive.pax_headers.items()) > HEADER_BYTES:
                raise UnsafeArchive(path, "a header", f"for all that follows has more than {HEADER_BYTES:,} bytes")
            bounded.left_bytes = None
            if info.isdir():
                yield info.name, None
            elif info.isreg():
                yield info.name, archive.extractfile(info)
            else:
                raise UnsafeArchive(path, info.name, "is a link or a device")
            bounded.left_bytes = HEADER_BYTES
        file.seek(archive.offset)
        rest = file.read(CHUNK_BYTES)  # up to the end, where a compression has its checksum
        if not rest.startswith(bytes(BLOCK_BYTES)):  # tarfile takes a broken header for the end
            raise BrokenArchive(path, f"damaged or cut off after {archive.offset:,} bytes")


@dataclass
class _Bounded:
    """A file with headers of bounded size: tarfile reads them as large as they say that they are, and some slowly."""

    path: Path
    file: IO[bytes]
    left_bytes: int | None = HEADER_BYTES  # of the header of the next member; None: what is read is content

    def read(self, size: int) -> bytes:
        if self.left_bytes is None:
            return self.file.read(size)
        if size > self.left_bytes:
            raise UnsafeArchive(self.path, "a header", f"has more than {HEADER_BYTES:,} bytes")
        self.left_bytes -= size
        piece = self.file.read(size)
        if LONG_NUMBER.search(piece):
            raise UnsafeArchive(self.path, "a header", "has a number longer than any name")
        return piece

    def seek(self, position: int) -> int:
        return self.file.seek(position)

    def tell(self) -> int:
        return self.file.tell()
