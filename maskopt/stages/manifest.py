"""raw -> manifest and key points."""

import numpy as np

from maskopt import paths
from maskopt.data.manifest import build_manifest
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params) -> None:
    """Write one row per picture."""
    table, points = build_manifest(paths.RAW, params.data.classes, params.manifest)
    with replacing(paths.MANIFEST) as path:
        table.to_csv(path, index=False)
    with replacing(paths.KEY_POINTS) as path, path.open("wb") as file:
        np.save(file, points)


if __name__ == "__main__":
    run(main)
