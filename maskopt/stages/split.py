"""manifest and key points -> split."""

import numpy as np

from maskopt import paths
from maskopt.data.rows import read_manifest
from maskopt.data.split import split_rows
from maskopt.errors import MissingFile
from maskopt.files import replacing, write_record
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params, seed: str) -> None:
    """Write the side and the group of each picture, what was found alike, and which pairs leak."""
    manifest = read_manifest(paths.MANIFEST)
    if not paths.KEY_POINTS.is_file():
        raise MissingFile(paths.KEY_POINTS, "run `dvc repro manifest`")
    table, report, leaks = split_rows(manifest, np.load(paths.KEY_POINTS), params.split, int(seed))
    for target, rows in ((paths.split(int(seed)), table), (paths.leaks(int(seed)), leaks)):
        with replacing(target) as path:
            rows.to_csv(path, index=False)
    write_record(paths.split_report(int(seed)), report)


if __name__ == "__main__":
    run(main)
