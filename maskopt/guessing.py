"""How often a model is right about validation pictures -> whether that shows more than guessing would."""

from collections.abc import Collection

from maskopt.measuring.intervals import wilson_interval

DOUBT = """\
is right about {share:.2%} of the {pictures:,} validation pictures, which does not show that it is better than always \
naming the most frequent class ({chance:.2%}): more pictures, or more epochs, may help\
"""


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


def doubt(share: float, pictures: Collection[int]) -> str:
    """Return in words, after a model's name, what is to be said where it does not beat guessing."""
    return DOUBT.format(share=share, pictures=sum(pictures), chance=chance(pictures))
