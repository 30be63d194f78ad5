"""`evaluation.extra` -> the manifest and the pixels of pictures of another source."""

import logging
from pathlib import Path

import pandas as pd

from maskopt import paths
from maskopt.data.manifest import build_manifest
from maskopt.data.pixels import write_pixels
from maskopt.data.rows import COLUMNS, read_manifest
from maskopt.errors import NothingNew
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.stages.run import run

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Write them as for the pictures of the data set; a manifest of no rows where params name none."""
    source, sizes = params.evaluation.extra, params.pixels.sizes_px
    with replacing(paths.EXTRA) as folder:
        folder.mkdir()
        if source is None:
            pd.DataFrame(columns=list(COLUMNS)).to_csv(folder / paths.EXTRA_MANIFEST.name, index=False)
            return
        manifest = _leave_out_copies(
            build_manifest(source, params.data.classes, params.manifest)[0], read_manifest(paths.MANIFEST), source
        )
        manifest.to_csv(folder / paths.EXTRA_MANIFEST.name, index=False)
        targets = {size: folder / paths.extra_pixels(size).name for size in sizes}
        write_pixels(manifest, source, params.manifest.max_pixels, params.pixels.aspect, targets)


def _leave_out_copies(manifest: pd.DataFrame, learned: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Return the rows whose files the data set does not hold: models may have learned from those."""
    is_copy = manifest["sha256"].isin(set(learned["sha256"]))
    if is_copy.all():
        raise NothingNew(source, len(manifest))
    if is_copy.any():
        named = ", ".join(manifest["path"][is_copy])
        logger.warning("left out %d of %d pictures, which the data set holds: %s", is_copy.sum(), len(manifest), named)
    return manifest[~is_copy]


if __name__ == "__main__":
    run(main)
