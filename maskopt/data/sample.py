"""Drawn faces with and without masks: a labelled data set without download or licence."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from maskopt.data.drawing.face import WAYS, draw_face
from maskopt.data.parallel import map_pictures
from maskopt.errors import UnknownName

VERSIONS = ("1",)
LABELS = tuple(WAYS)  # their order is part of the version


def draw_sample(folder: Path, classes: Sequence[str], rows_per_class: int, seed: int, version: int) -> None:
    """Write `rows_per_class` pictures to each `folder`/class, each picture from (seed, version, class, number) alone.

    Raises:
        UnknownName: a class or version that the sample does not know.
    """
    if str(version) not in VERSIONS:
        raise UnknownName("sample version", str(version), VERSIONS)
    for label in classes:
        if label not in LABELS:
            raise UnknownName("class of the drawn sample", label, LABELS)
        (folder / label).mkdir(parents=True)
    items = [(label, number) for label in classes for number in range(1, rows_per_class + 1)]
    for _ in map_pictures(partial(_draw, folder, seed, version), items, "draw"):
        pass


def _draw(folder: Path, seed: int, version: int, item: tuple[str, int]) -> None:
    label, number = item
    picture = draw_face(np.random.default_rng([seed, version, LABELS.index(label), number]), label)
    file = folder / label / f"{number:04}.{picture.shot.suffix}"
    picture.image.save(file, quality=picture.shot.quality)
