"""What is worn below the chin: shirts, collars, scarves."""

from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, smooth
from maskopt.data.drawing.palette import Colour, between, mix, pick, shade, weigh

NECKWEAR = {"none": 8.0, "collar": 2.0, "polo": 1.0, "scarf": 1.0, "hoodie": 1.0}


@dataclass(frozen=True)
class Clothes:
    """What covers neck and shoulders."""

    colour: Colour
    shoulder: float  # y, in half heights
    neckwear: str
    neck_colour: Colour


def imagine_clothes(rng: np.random.Generator) -> Clothes:
    """Return clothes; one time in three in the colours of surgical masks, so that these colours prove nothing."""
    table = pick(rng, (palette.CLOTHS, palette.CLOTHS, palette.SURGICALS))
    return Clothes(
        colour=palette.vary(rng, pick(rng, table), 0.2),
        shoulder=between(rng, 1.2, 1.45),
        neckwear=weigh(rng, NECKWEAR),
        neck_colour=palette.vary(rng, pick(rng, table), 0.2),
    )


def draw_clothes(brush: Brush, clothes: Clothes, skin: Colour) -> None:
    """Draw neck, shoulders and what is around the neck."""
    around, y = brush.pose.around, clothes.shoulder
    brush.fill(around([(-0.6, 0.5), (0.6, 0.5), (0.68, y + 0.3), (-0.68, y + 0.3)]), shade(skin, 0.74))
    knots = [(-0.5, y - 0.1), (0, y + 0.12), (0.5, y - 0.1), (1.7, y + 0.2), (2.4, 3.2), (-2.4, 3.2), (-1.7, y + 0.2)]
    brush.fill(around(smooth(knots)), clothes.colour)
    match clothes.neckwear:
        case "collar":
            for side in (-1, 1):
                wing = [(side * 0.62, y - 0.28), (side * 0.08, y + 0.1), (side * 0.5, y + 0.35), (side * 0.85, y)]
                brush.fill(around(wing), mix(clothes.colour, (255, 255, 255), 0.4))
        case "polo":
            roll = [(-0.66, 0.98), (0, 1.1), (0.66, 0.98), (0.8, y + 0.3), (-0.8, y + 0.3)]
            brush.fill(around(roll), clothes.neck_colour)
            brush.line(around(roll[:3]), shade(clothes.neck_colour, 0.75), 0.05)
        case "scarf":
            knots = [(-0.95, 0.9), (0, 1.14), (0.95, 0.9), (1.15, y + 0.1), (0, y + 0.35), (-1.15, y + 0.1)]
            fold = [(-1.0, 1.05), (0, 1.32), (1.0, 1.05)]
            brush.fill(around(smooth(knots)), clothes.neck_colour)
            brush.line(around(smooth(fold, closed=False)), shade(clothes.neck_colour, 0.8), 0.05)
        case "hoodie":
            knots = [(-1.2, 0.7), (-0.5, 1.12), (0, 1.25), (0.5, 1.12), (1.2, 0.7), (1.5, y + 0.3), (-1.5, y + 0.3)]
            brush.fill(around(smooth(knots)), shade(clothes.colour, 0.8))
