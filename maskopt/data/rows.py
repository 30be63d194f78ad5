"""The table and the arrays of pictures, which the first stages write and the later ones read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.errors import BrokenTable, MissingFile


@dataclass(frozen=True)
class Row:
    """One picture; the fields are the columns of the manifest."""

    path: str  # class/file, below the folder of the pictures
    label: str
    bytes: int
    width_px: int  # as people see it: after EXIF rotation
    height_px: int
    mode: str  # Pillow's name of how the file stores colours
    sha256: str
    phash: str  # perceptual hash of 64 bits, 16 hexadecimal digits


COLUMNS = dict(Row.__annotations__)  # name -> type


def read_pictures(path: Path, *texts: str) -> pd.DataFrame:
    """Return a table of pictures that a later stage wrote; path, label and `texts` are text, be it `1` or `None`."""
    columns = dict.fromkeys(("path", "label", *texts), str)
    return pd.read_csv(path, dtype=columns, keep_default_na=False, na_values=[""])


def read_split(path: Path) -> pd.DataFrame:
    """Return path, label, group and side of each picture; the index counts rows of the pixels too.

    Raises:
        MissingFile: there is no `path`.
    """
    if not path.is_file():
        raise MissingFile(path, "run `dvc repro split`")
    return read_pictures(path)


def read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Return (N, H, W, 3) RGB, a row for each of the manifest, read from the file as they are asked for.

    Raises:
        MissingFile: there is no `path`.
    """
    if not path.is_file():
        raise MissingFile(path, f"add {path.stem} to pixels.sizes_px in params.yaml, then run `dvc repro pixels`")
    pixels: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return pixels


def read_manifest(path: Path) -> pd.DataFrame:
    """Return one row per picture, sorted by path.

    Raises:
        MissingFile: there is no `path`.
        BrokenTable: it is not a manifest.
    """
    if not path.is_file():
        raise MissingFile(path, "run `dvc repro manifest`")
    try:
        rows = pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=[""])
    except (ValueError, OverflowError) as err:  # of pandas, and not UTF-8
        raise BrokenTable(path, " ".join(str(err).split()), "manifest") from None
    if list(rows.columns) != list(COLUMNS):
        raise BrokenTable(path, f"want columns {', '.join(COLUMNS)}, got {', '.join(rows.columns)}", "manifest")
    return rows
