"""Glasses and sunglasses."""

from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, ellipse
from maskopt.data.drawing.head import EYE_V
from maskopt.data.drawing.palette import Colour, between, pick, weigh

GLASSES = {"none": 8.0, "round": 1.5, "square": 1.5, "sunglasses": 0.6}
APART_U, GLASSES_V = 0.42, EYE_V + 0.02  # middles of the lenses


@dataclass(frozen=True)
class Glasses:
    """What is worn before the eyes."""

    kind: str
    frame: Colour
    lens: Colour  # of sunglasses
    thick: float  # frame, in half widths


def imagine_glasses(rng: np.random.Generator) -> Glasses:
    """Return glasses, mostly none."""
    return Glasses(
        kind=weigh(rng, GLASSES),
        frame=pick(rng, palette.FRAMES),
        lens=pick(rng, palette.LENSES),
        thick=between(rng, 0.03, 0.06),
    )


def draw_glasses(brush: Brush, glasses: Glasses) -> None:
    """Draw lenses, frame, bridge, and the temples to the ears."""
    if glasses.kind == "none":
        return
    on_skin, dark = brush.pose.on_skin, glasses.kind == "sunglasses"
    for side in (-1, 1):
        rim = on_skin(_rim(side * APART_U, glasses.kind))
        brush.fill(rim, (*glasses.lens, 240) if dark else (230, 240, 250, 40))
        brush.outline(rim, glasses.frame, glasses.thick)
        brush.line(on_skin([(side * 0.68, -0.1), (side * 0.99, -0.06)]), glasses.frame, glasses.thick)
    bridge = [(-0.16, EYE_V, 0.1), (0, EYE_V - 0.04, 0.12), (0.16, EYE_V, 0.1)]
    brush.line(on_skin(bridge), glasses.frame, glasses.thick)


def _rim(u: float, kind: str) -> Floats:
    half = (0.31, 0.19) if kind == "sunglasses" else (0.27, 0.17)
    if kind == "round":
        return ellipse(u, GLASSES_V, *half)
    circle = ellipse(0, 0, 1, 1)[:, :2]
    square = np.sign(circle) * np.abs(circle) ** 0.45  # with round corners
    return square * half + (u, GLASSES_V)
