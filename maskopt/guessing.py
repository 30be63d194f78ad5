"""How often a model is right about validation pictures -> whether that shows more than guessing would."""

from collections.abc import Collection

from maskopt.measuring.intervals import wilson_interval


def chance(pictures: Collection[int]) -> float:
    """Return how often always naming the most frequent class is right, in [0, 1], of how many pictures are of each."""
    return max(pictures) / sum(pictures)


def beats_guessing(share: float, pictures: Collection[int]) -> bool:
    """Tell whether a model is shown to be better than always naming the most frequent class.

    Args:
        share: how often it is right about validation pictures, in [0, 1].
        pictures: how many of them are of each class.
    """
    total = sum(pictures)
    return wilson_interval(round(share * total), total)[0] > chance(pictures)
