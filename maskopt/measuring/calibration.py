"""How far a model's confidence is from how often it is right.

Shape legend: N pictures.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

N_BINS = 15  # Source: Guo et al. 2017, arXiv:1706.04599, section 4


def bin_by_confidence(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return a row per bin of equal width that holds a picture: pictures, and means of confidence and accuracy.

    Args:
        confidence: (N,) score of the class that the model chose, in [0, 1].
        right: (N,) whether that was the class.
    """
    bins = (confidence * N_BINS).astype(int).clip(max=N_BINS - 1)
    rows = pd.DataFrame({"confidence": confidence, "accuracy": right}).astype(float)
    means = rows.groupby(bins).mean()
    return means.assign(pictures=rows.groupby(bins).size()).reset_index(drop=True)


def calibration_error(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error, in [0, 1]: the mean distance of confidence and accuracy over pictures.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning", equation 3.
    """
    bins = bin_by_confidence(confidence, right)
    return float(np.average((bins["confidence"] - bins["accuracy"]).abs(), weights=bins["pictures"]))
