"""The pictures of one side of a split, at one size: what a network learns from, and what shows how well.

Shape legend: N pictures, H height px, W width px, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.training.hashing import sha256


@dataclass(frozen=True)
class Pictures:
    """One side."""

    pixels: npt.NDArray[np.uint8]  # (N, H, W, 3), RGB
    labels: npt.NDArray[np.int64]  # (N,), class index in [0, K)
    n_classes: int

    def class_weights(self) -> npt.NDArray[np.float32]:
        """Return (K,) factors of the loss that make unequal classes count the same; their mean over pictures is 1."""
        counts = np.bincount(self.labels, minlength=self.n_classes)
        return (len(self.labels) / (self.n_classes * np.maximum(counts, 1))).astype(np.float32)


def choose_pictures(rows: pd.DataFrame, side: str, classes: Sequence[str], pixels: npt.NDArray[np.uint8]) -> Pictures:
    """Return the pictures of one side of a split.

    Args:
        rows: the split: label and side of each picture of the data set.
        side: train, val or test.
        classes: those of the labels, in the order of their indices.
        pixels: (N, H, W, 3), those of `rows`.
    """
    chosen = (rows["split"] == side).to_numpy()
    labels = rows["label"][chosen].map(list(classes).index).to_numpy(np.int64)
    return Pictures(pixels[chosen], labels, len(classes))


def digest(*sides: Pictures) -> str:
    """Return the SHA-256 of pixels and labels."""
    return sha256(*(array for side in sides for array in (side.pixels, side.labels)))
