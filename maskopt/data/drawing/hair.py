"""Hair: what hangs behind a head and what frames the face."""

from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing.brush import Brush, Floats, ellipse, smooth
from maskopt.data.drawing.palette import Colour, between, chance, mix, shade, weigh

STYLES = {"bald": 1.5, "buzz": 2.0, "short": 5.0, "parted": 4.0, "fringe": 3.0, "long": 5.0, "bob": 3.0, "curly": 3.0}
THICKNESS = {"buzz": 0.03, "short": 0.12, "parted": 0.14, "fringe": 0.13, "long": 0.14, "bob": 0.17}  # half widths
LENGTH = {"long": 1.5, "bob": 0.75}  # y of the ends behind the head, in half heights
HAIRLINES = {  # u, v from the right of the face to the left
    "buzz": ((0.97, -0.1), (0.8, -0.5), (0.5, -0.66), (0, -0.68), (-0.5, -0.66), (-0.8, -0.5), (-0.97, -0.1)),
    "short": ((0.98, 0.05), (0.86, -0.38), (0.5, -0.58), (0, -0.62), (-0.5, -0.58), (-0.86, -0.38), (-0.98, 0.05)),
    "parted": ((0.98, 0.05), (0.86, -0.3), (0.6, -0.7), (0.2, -0.62), (-0.4, -0.5), (-0.86, -0.3), (-0.98, 0.05)),
    "fringe": ((0.98, 0.1), (0.88, -0.2), (0.6, -0.38), (0, -0.42), (-0.6, -0.38), (-0.88, -0.2), (-0.98, 0.1)),
    "long": ((0.95, 0.55), (0.86, -0.3), (0.4, -0.66), (0, -0.74), (-0.4, -0.66), (-0.86, -0.3), (-0.95, 0.55)),
    "bob": ((0.97, 0.5), (0.84, -0.1), (0.6, -0.4), (0, -0.45), (-0.6, -0.4), (-0.84, -0.1), (-0.97, 0.5)),
    "curly": ((0.98, 0), (0.88, -0.35), (0.5, -0.55), (0, -0.58), (-0.5, -0.55), (-0.88, -0.35), (-0.98, 0)),
}


@dataclass(frozen=True)
class Hair:
    """How hair is cut."""

    style: str
    colour: Colour
    curl: float  # thickness of curly hair, in half widths
    parted_right: bool


def imagine_hair(rng: np.random.Generator, colour: Colour) -> Hair:
    """Return a cut of hair of this colour."""
    return Hair(style=weigh(rng, STYLES), colour=colour, curl=between(rng, 0.2, 0.45), parted_right=chance(rng, 0.5))


def draw_hair_behind(brush: Brush, hair: Hair) -> None:
    """Draw what hangs behind the head."""
    around, dark = brush.pose.around, shade(hair.colour, 0.75)
    if hair.style in LENGTH:
        low, wide = LENGTH[hair.style], 1.0 + THICKNESS[hair.style]
        knots = [(-wide, -0.2), (0, -1.1), (wide, -0.2), (wide * 1.12, low * 0.8), (0, low), (-wide * 1.12, low * 0.8)]
        brush.fill(around(smooth(knots)), dark)
    elif hair.style == "curly":
        for x, y in arch(hair.curl * 0.6, low=0.35)[::2]:
            brush.fill(around(ellipse(x, y, hair.curl, hair.curl / brush.pose.ratio)), dark)


def draw_hair(brush: Brush, hair: Hair) -> None:
    """Draw the hair between the crown and the hairline, and a gloss on it."""
    if hair.style == "bald":
        return
    thick = THICKNESS.get(hair.style, hair.curl)
    line = np.array(HAIRLINES[hair.style], float)
    if hair.parted_right:
        line = line[::-1] * (-1, 1)
    crown = brush.pose.around(arch(thick, low=float(line[0, 1])))
    brush.fill(np.concatenate([crown, brush.pose.on_skin(smooth(line, closed=False))]), hair.colour)
    if hair.style not in ("buzz", "curly"):
        gloss = arch(thick * 0.3, low=-0.3)[3:11] * (-1 if hair.parted_right else 1, 1)
        brush.line(brush.pose.around(gloss), (*mix(hair.colour, (255, 255, 255), 0.4), 90), 0.07)


def arch(thick: float, low: float) -> Floats:
    """Return a line x, y (24, 2) from the left of the head at height `low` over the crown to the right.

    It is `thick` half widths away from the head, less near its ends.
    """
    start = np.arcsin(np.clip(low, -1, 1))
    angle = np.linspace(-start, np.pi + start, 24)
    away = thick * np.sqrt(np.clip(np.sin(np.linspace(0, np.pi, 24)), 0, 1))
    return np.stack([-(1 + away) * np.cos(angle), -(1 + 0.75 * away) * np.sin(angle)], axis=1)
