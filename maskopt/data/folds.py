"""Labels and groups -> folds for cross-validation.

Shape legend: N pictures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from maskopt.errors import CannotFold

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Row numbers, each picture on one side."""

    train: Rows
    val: Rows  # to stop training by
    asked: Rows  # about which a network that has not seen them is asked


def draw_folds(labels: npt.ArrayLike, groups: npt.ArrayLike, n_folds: int, seed: int) -> Iterator[Fold]:
    """Yield folds that ask about each of N rows once; rows of equal (N,) group are on the same side of each.

    Args:
        labels: (N,), spread evenly over the folds.
        groups: (N,).
        n_folds: 3 or more.
        seed: of the choice.

    Raises:
        CannotFold: a class has fewer groups than there are folds.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    for label in np.unique(labels):
        if (found := len(np.unique(groups[labels == label]))) < n_folds:
            raise CannotFold(str(label), found, n_folds)
    parts = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    asked = [rows for _, rows in parts.split(np.zeros(len(labels)), labels, groups)]
    for i, rows in enumerate(asked):
        val = asked[(i + 1) % n_folds]
        train = np.setdiff1d(np.arange(len(labels)), np.concatenate([rows, val]))
        yield Fold(train, val, rows)
