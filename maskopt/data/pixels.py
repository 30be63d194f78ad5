"""Manifest rows -> one memory-mapped (N, H, W, 3) uint8 array per size."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from maskopt.data.parallel import map_pictures
from maskopt.data.picture import Aspect, Pixels, fit, open_picture
from maskopt.files import replacing

logger = logging.getLogger(__name__)


def write_pixels(
    manifest: pd.DataFrame, folder: Path, max_pixels: int, aspect: Aspect, targets: Mapping[int, Path]
) -> None:
    """Write rows in the order of the manifest, each picture decoded once for all sizes.

    Args:
        manifest: N rows.
        folder: the pictures are below it.
        max_pixels: as the manifest was made with.
        aspect: what becomes of pictures that are not square.
        targets: side in px -> .npy file to write. All are replaced, or none if a picture cannot be read.

    Raises:
        UnreadablePicture: a picture has changed since the manifest was made.
    """
    resize = partial(_resize, folder, max_pixels, aspect, tuple(targets))
    with ExitStack() as stack:
        parts = [stack.enter_context(replacing(path)) for path in targets.values()]
        files = [stack.enter_context(part.open("wb")) for part in parts]
        for file, side in zip(files, targets, strict=True):
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(manifest), side, side, 3)}
            np.lib.format.write_array_header_1_0(file, header)
        # Not through a memory map: its written pages would count as ours, however many there are.
        for arrays in map_pictures(resize, manifest["path"].to_list(), "pixels"):
            for file, array in zip(files, arrays, strict=True):
                file.write(array.tobytes())
    logger.info("%d pictures at %s px", len(manifest), ", ".join(map(str, targets)))


def _resize(folder: Path, max_pixels: int, aspect: Aspect, sides: Sequence[int], path: str) -> list[Pixels]:
    image = open_picture(folder / path, max_pixels).image
    return [fit(image, side, aspect) for side in sides]
