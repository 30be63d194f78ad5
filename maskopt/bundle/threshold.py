"""Scores of validation pictures -> how sure a model must be for its answers to count.

Shape legend: N pictures, K classes.
"""

import numpy as np
import numpy.typing as npt


def choose_threshold(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], right_when_sure: float) -> float:
    """Return the lowest confidence such that, of all answers at least so sure, that fraction is right.

    Args:
        scores: (N, K), in [0, 1].
        labels: (N,), class index in [0, K).
        right_when_sure: in (0, 1].

    Returns:
        0 where all answers together are right often enough; 1 where not even the surest are.
    """
    confidence = scores.max(axis=1).astype(np.float64)  # else the middle of neighbours could be one of them
    order = np.argsort(-confidence, kind="stable")
    ordered, right = confidence[order], (scores.argmax(axis=1) == labels)[order]
    share = np.cumsum(right) / np.arange(1, len(right) + 1)
    ends_group = np.append(ordered[:-1] > ordered[1:], True)[: len(ordered)]  # a threshold parts no equals
    enough = np.flatnonzero(ends_group & (share >= right_when_sure))
    if not len(enough):
        return 1.0
    last = int(enough[-1])
    if last == len(right) - 1:
        return 0.0
    return float((ordered[last] + ordered[last + 1]) / 2)


def share_unsure(scores: npt.NDArray[np.float32], unsure_below: float) -> float:
    """Return the fraction of answers that are less sure than that.

    Args:
        scores: (N, K), in [0, 1].
        unsure_below: of `choose_threshold`.
    """
    confidence = scores.max(axis=1).astype(np.float64)  # else the threshold would be rounded to one of its neighbours
    return float((confidence < unsure_below).mean())
