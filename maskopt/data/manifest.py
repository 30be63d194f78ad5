"""Folder of class folders -> one row and some key points per picture."""

import hashlib
import logging
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd

from maskopt.data.key_points import KEY_POINT, MAX_POINTS, KeyPoints, find_key_points
from maskopt.data.listing import Listing, list_files
from maskopt.data.parallel import map_pictures
from maskopt.data.picture import open_picture
from maskopt.data.rows import COLUMNS, Row
from maskopt.errors import EmptyClass, UnreadablePicture, UnusableFiles
from maskopt.params import Manifest

logger = logging.getLogger(__name__)

DATA_SET = "data.source and data.path"


def build_manifest(
    folder: Path, classes: Collection[str], limits: Manifest, source: str = DATA_SET
) -> tuple[pd.DataFrame, KeyPoints]:
    """Return the manifest, sorted by path, and the key points, (N, MAX_POINTS), of its N rows.

    Args:
        folder: holds one folder per class.
        classes: names of those folders.
        limits: how many files may be left out.
        source: what in params says where the pictures come from; other sources than the data set need not show each
            class.

    Raises:
        MissingFile: there is no `folder`.
        UnusableFiles: more files than `limits` allow are unreadable, stray or in unknown folders.
        EmptyClass: a class has no picture, or none has.
    """
    listing = list_files(folder, classes)
    _refuse_empty(
        folder, classes, {path.partition("/")[0] for path in listing.pictures}, listing.unknown_folders, source
    )
    points = np.zeros((len(listing.pictures), MAX_POINTS), KEY_POINT)
    rows: list[dict[str, object]] = []
    unreadable: list[str] = []
    for described in map_pictures(partial(_describe, folder, limits.max_pixels), listing.pictures, "manifest"):
        if isinstance(described, str):
            unreadable.append(described)
        else:
            points[len(rows)] = described[1]
            rows.append(vars(described[0]))
    _refuse(folder, listing, unreadable, limits, source)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    _refuse_empty(folder, classes, set(table["label"]), listing.unknown_folders, source)
    logger.info("%d pictures of %d classes in %s", len(table), table["label"].nunique(), folder)
    return table, points[: len(table)]


def _describe(folder: Path, max_pixels: int, path: str) -> tuple[Row, KeyPoints] | str:
    """Return row and key points of a picture, or path and reason in words."""
    file = folder / path
    try:
        picture = open_picture(file, max_pixels)
    except UnreadablePicture as err:
        return f"{path}: {err.reason}"
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    width, height = picture.image.size
    phash = str(imagehash.phash(picture.image))
    row = Row(path, file.parent.name, file.stat().st_size, width, height, picture.mode, sha256, phash)
    return row, find_key_points(picture.image)


def _refuse_empty(
    folder: Path, classes: Collection[str], found: Collection[str], others: Sequence[str], source: str
) -> None:
    empty = [label for label in classes if label not in found]
    if empty and (source == DATA_SET or len(empty) == len(classes)):
        raise EmptyClass(folder, empty, others, source)


def _refuse(folder: Path, listing: Listing, unreadable: Sequence[str], limits: Manifest, source: str) -> None:
    """Name what is left out; raise if it is more than allowed."""
    problems = []
    for key, kind, names in (
        ("allow_unreadable", "unreadable pictures", unreadable),
        ("allow_stray", "stray files", listing.stray),
        ("allow_unknown_folders", "folders of no class", listing.unknown_folders),
    ):
        named = f"{len(names)} {kind}: {', '.join(names)}".encode("utf-8", "backslashreplace").decode()
        if len(names) > getattr(limits, key):
            problems.append(f"{named}; manifest.{key} is {getattr(limits, key)}")
        elif names:
            logger.warning("left out %s", named)
    if problems:
        raise UnusableFiles(folder, problems, source)
