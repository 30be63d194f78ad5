"""Paths and a bundle -> what each picture shows."""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from maskopt.bundle.classifier import Answer, Bundle
from maskopt.bundle.description import FILE, Description, best, read_description
from maskopt.data.listing import SUFFIXES
from maskopt.data.parallel import map_pictures
from maskopt.errors import BrokenBundle, NoPictures, UnreadablePicture
from maskopt.readable import MODEL_BYTES

Said = tuple[Path, Answer | str]  # a picture, and the answer or why it cannot be read


def list_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return files as they are given, and those in folders, sorted, with the usual suffixes.

    Raises:
        NoPictures: a path does not exist, or a folder holds no such file.
    """
    found: list[Path] = []
    for path in paths:
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if _is_picture(file))
        if not files:
            raise NoPictures(path)
        found += files
    return found


def best_bundle(folder: Path, classes: Collection[str] | None) -> Path | None:
    """Return the best bundle, of those classes if any are given; None where there is none.

    Raises:
        BrokenBundle: one cannot be read, or lacks the figures to choose by.
    """
    described = {file.parent: read_description(file.parent) for file in sorted(folder.glob(f"*/{FILE}"))}
    found = {
        path: _figures(path, description)
        for path, description in described.items()
        if classes is None or set(description.classes) == set(classes)
    }
    return best(found) if found else None


def classify_all(bundle: Path, pictures: Sequence[Path]) -> Iterator[Said]:
    """Yield each picture with its answer, in order, on all cores where they are many."""
    _opened(bundle)  # an error of the bundle's is not one of each picture
    yield from map_pictures(partial(_classify, bundle), pictures, "classify")


def _figures(bundle: Path, description: Description) -> dict[str, Any]:
    for name, most in (("val_accuracy", 1), ("gzip_bytes", MODEL_BYTES)):
        got = description.metrics.get(name)
        if not (isinstance(got, int | float) and 0 <= got <= most):
            raise BrokenBundle(
                bundle / FILE, f"metrics.{name}: want a number from 0 to {most:,}, got {json.dumps(got)[:50]}"
            )
    return description.metrics


def _classify(bundle: Path, picture: Path) -> Said:
    try:
        return picture, _opened(bundle).classify(picture)
    except UnreadablePicture as err:
        return picture, err.reason


@cache  # once per process
def _opened(bundle: Path) -> Bundle:
    return Bundle(bundle)


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
