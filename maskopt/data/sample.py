"""Drawn faces: (classes, rows per class, seed, version) -> one folder of labelled pictures per class.

Version 1 is frozen: a change of what is drawn is another data set and needs another version. How hard it is: logistic
regression on 16 x 16 thumbnails is right in 62.1% of 300 pictures per class and 70.5% of 2,994, and a forest that sees
file size, format and mean colour alone in 39.2% and 42.5% (5-fold cross-validation, seed 0; chance is 33.3%).
"""

import logging
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from maskopt.data.drawing.face import LABELS, Picture, draw_face
from maskopt.data.parallel import map_pictures
from maskopt.errors import InvalidParams
from maskopt.paths import PARAMS

VERSIONS = (1,)

logger = logging.getLogger(__name__)


def draw_sample(folder: Path, classes: Sequence[str], rows_per_class: int, seed: int, version: int) -> None:
    """Draw pictures into `folder`/<class>/0001.png and so on; some are .jpg or .webp.

    The same seed and version give the same pictures, also when classes are in another order or rows are fewer.

    Args:
        folder: new or empty.
        classes: of those in LABELS.
        rows_per_class: pictures of each class.
        seed: another seed, other pictures of the same kind.
        version: of the drawing, one of VERSIONS.

    Raises:
        InvalidParams: the version or a class is not known.
    """
    _check(classes, version)
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
    pictures = list(product(classes, range(1, rows_per_class + 1)))
    save = partial(_save_picture, folder, seed, version)
    for _ in map_pictures(save, pictures, "drawing"):
        pass
    logger.info("drew %s pictures: %s of each of %s", f"{len(pictures):,}", f"{rows_per_class:,}", ", ".join(classes))


def draw_picture(label: str, index: int, seed: int, version: int) -> Picture:
    """Return picture number `index` (from 1) of a class: nothing else decides about it."""
    return draw_face(np.random.default_rng([seed, version, list(LABELS).index(label), index]), label)


def _check(classes: Sequence[str], version: int) -> None:
    problems = []
    if version not in VERSIONS:
        known = ", ".join(str(number) for number in VERSIONS)
        problems.append(f"sample.version: unknown sample version {version}; known: {known}")
    for label in classes:
        if label not in LABELS:
            wish = f"want {', '.join(LABELS)}, in any order, or another data.source"
            problems.append(f"data.classes: the sample has no {label!r}; {wish}")
    if problems:
        raise InvalidParams(PARAMS, problems)


def _save_picture(folder: Path, seed: int, version: int, picture: tuple[str, int]) -> None:
    label, index = picture
    drawn = draw_picture(label, index, seed, version)
    path = folder / label / f"{index:04d}.{drawn.shot.suffix}"
    match drawn.shot.suffix:
        case "png":
            drawn.image.save(path)
        case "jpg":
            drawn.image.save(path, quality=drawn.shot.quality)
        case "webp":
            drawn.image.save(path, quality=drawn.shot.quality, method=2)
