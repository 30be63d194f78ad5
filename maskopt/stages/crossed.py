"""`cross_validation` of params and pictures -> how likely a network finds each class of a picture it has not seen.

Two ways: look-alikes kept together, or parted as chance will. A table of no rows where params name no network.
"""

import numpy as np
import pandas as pd

from maskopt import paths
from maskopt.data.folds import draw_folds
from maskopt.data.rows import read_split
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.stages.shared.run import run

PARTED, DIGITS = "parted", 6


def main(params: Params, way: str) -> None:
    """Write a row per picture: path, label, and the probability of each class."""
    classes, asked = list(params.data.classes), params.cross_validation
    rows = read_split(paths.split(params.seeds[0]))
    table = rows[["path", "label"]].iloc[:0].reindex(columns=["path", "label", *classes])
    if asked.network:
        from maskopt.stages.crossing import cross  # noqa: PLC0415  TensorFlow, not needed for nothing

        groups = np.arange(len(rows)) if way == PARTED else rows["group"]
        folds = draw_folds(rows["label"], groups, asked.folds, params.seeds[0])
        scores = cross(params, asked.network, list(folds), rows["label"], f"crossed@{way}")
        table = pd.concat([rows[["path", "label"]], pd.DataFrame(scores.round(DIGITS), columns=classes)], axis=1)
    with replacing(paths.crossed(way)) as file:
        table.to_csv(file, index=False)


if __name__ == "__main__":
    run(main)
