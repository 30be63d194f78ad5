"""Tables of colours (red, green, blue; 0..255), and how a colour is chosen or shaded."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Colour = tuple[int, int, int]

SKINS: Sequence[Colour] = (
    (255, 228, 208),
    (250, 214, 188),
    (241, 200, 168),
    (232, 184, 146),
    (222, 168, 128),
    (208, 150, 110),
    (190, 132, 94),
    (168, 112, 78),
    (146, 94, 64),
    (122, 78, 54),
    (102, 64, 46),
    (84, 54, 42),
)
HAIRS: Sequence[Colour] = (
    (28, 24, 24),
    (44, 32, 28),
    (66, 44, 32),
    (92, 60, 40),
    (124, 82, 50),
    (168, 122, 72),
    (206, 168, 104),
    (228, 204, 150),
    (150, 66, 36),
    (122, 118, 116),
    (176, 174, 172),
    (226, 224, 222),
)
IRISES: Sequence[Colour] = ((52, 34, 26), (84, 56, 36), (64, 92, 60), (70, 104, 140), (96, 104, 108))
LIPS: Sequence[Colour] = ((206, 92, 92), (186, 68, 74), (156, 34, 52), (212, 52, 66), (150, 62, 62))
CLOTHS: Sequence[Colour] = (  # clothes, hats, scarves and masks of cloth share their colours
    (236, 238, 240),
    (214, 216, 214),
    (150, 196, 222),
    (112, 170, 214),
    (64, 112, 178),
    (38, 58, 104),
    (34, 34, 38),
    (84, 88, 94),
    (146, 148, 150),
    (170, 44, 50),
    (214, 92, 60),
    (226, 184, 80),
    (92, 140, 92),
    (44, 84, 66),
    (132, 84, 150),
    (224, 150, 176),
    (196, 164, 130),
    (128, 92, 66),
    (226, 200, 172),
)
SURGICALS: Sequence[Colour] = (
    (150, 204, 232),
    (126, 188, 226),
    (110, 176, 222),
    (160, 214, 220),
    (240, 242, 244),
    (230, 234, 236),
    (40, 40, 44),
)
RESPIRATORS: Sequence[Colour] = ((244, 244, 242), (228, 230, 228), (206, 210, 212), (48, 48, 52), (174, 190, 206))
FRAMES: Sequence[Colour] = ((24, 22, 24), (90, 56, 36), (120, 124, 130), (176, 146, 84), (130, 34, 44), (40, 60, 110))
LENSES: Sequence[Colour] = ((22, 22, 26), (48, 34, 28), (34, 48, 62), (70, 60, 40))


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour made darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """Return `one` with `part` of it, in [0, 1], replaced by `other`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, table: Sequence[T]) -> T:
    """Return one entry, all equally likely."""
    return table[int(rng.random() * len(table))]


def weigh(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    """Return one key; the weights are chances relative to each other."""
    left = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return name


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return true in this fraction of the calls."""
    return bool(rng.random() < probability)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number in [low, high)."""
    return low + (high - low) * float(rng.random())


def any_colour(rng: np.random.Generator) -> Colour:
    """Return a colour, more often dull than bright."""
    grey = round(between(rng, 15, 245))
    bright = (round(between(rng, 0, 255)), round(between(rng, 0, 255)), round(between(rng, 0, 255)))
    return mix((grey, grey, grey), bright, between(rng, 0.2, 1.0))


def vary(rng: np.random.Generator, colour: Colour, by: float) -> Colour:
    """Return a colour near the given one: as a whole by up to the fraction `by`, each part by a third of it."""
    whole = 1 + between(rng, -by, by)
    red, green, blue = (min(255, max(0, round(part * whole * (1 + between(rng, -by, by) / 3)))) for part in colour)
    return red, green, blue
