"""`evaluation.extra` -> the manifest and the pixels of pictures of another source."""

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt import paths
from maskopt.data.likeness import find_near_copies, join
from maskopt.data.manifest import build_manifest
from maskopt.data.pixels import write_pixels
from maskopt.data.rows import COLUMNS, read_manifest
from maskopt.errors import NothingNew
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.stages.shared.run import run

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Write them as for the pictures of the data set; a manifest of no rows where params name none."""
    source, sizes = params.evaluation.extra, params.pixels.sizes_px
    with replacing(paths.EXTRA) as folder:
        folder.mkdir()
        if source is None:
            pd.DataFrame(columns=list(COLUMNS)).to_csv(folder / paths.EXTRA_MANIFEST.name, index=False)
            return
        given = build_manifest(source, params.data.classes, params.manifest, "evaluation.extra")[0]
        known = _find_known(given, read_manifest(paths.MANIFEST), params.split.hash_distance_bits)
        manifest = _leave_out(given, known, source)
        manifest.to_csv(folder / paths.EXTRA_MANIFEST.name, index=False)
        targets = {size: folder / paths.extra_pixels(size).name for size in sizes}
        write_pixels(manifest, source, params.manifest.max_pixels, params.pixels.aspect, targets)


def _find_known(given: pd.DataFrame, learned: pd.DataFrame, distance_bits: int) -> npt.NDArray[np.bool_]:
    """Return (N,): which pictures are copies or near-copies of some of the data set, which models may have seen."""
    both = pd.concat([learned, given], ignore_index=True)
    links = find_near_copies(both["phash"].to_list(), distance_bits)  # copies among them
    groups, _ = join(len(both), links, [], len(both))
    return np.isin(groups[len(learned) :], groups[: len(learned)])


def _leave_out(given: pd.DataFrame, known: npt.NDArray[np.bool_], source: Path) -> pd.DataFrame:
    if known.all():
        raise NothingNew(source, len(given))
    if known.any():
        named = ", ".join(given["path"][known])
        logger.warning("left out %d of %d pictures, which the data set holds: %s", known.sum(), len(given), named)
    return given[~known]


if __name__ == "__main__":
    run(main)
