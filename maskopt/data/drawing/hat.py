"""Hats, headscarves and hoods."""

from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, ellipse, smooth
from maskopt.data.drawing.hair import arch
from maskopt.data.drawing.palette import Colour, between, pick, shade, weigh

HATS = {"none": 15.0, "beanie": 0.7, "cap": 0.7, "brimmed": 0.4, "headscarf": 0.6, "hood": 0.2}
OPENING = ((0, -0.66, 0), (0.62, -0.5, 0), (0.9, 0, 0), (0.84, 0.6, 0), (0.45, 0.97, 0.02), (0, 1.02, 0.1))


@dataclass(frozen=True)
class Hat:
    """What covers the hair, in part or wholly."""

    kind: str
    colour: Colour
    low: float  # v of its edge above the forehead

    @property
    def covers_hair(self) -> bool:
        """Say whether no hair is to be seen."""
        return self.kind in ("headscarf", "hood")


def imagine_hat(rng: np.random.Generator) -> Hat:
    """Return a hat, mostly none."""
    return Hat(
        kind=weigh(rng, HATS),
        colour=palette.vary(rng, pick(rng, palette.CLOTHS), 0.2),
        low=between(rng, -0.5, -0.36),
    )


def draw_hat_behind(brush: Brush, hat: Hat) -> None:
    """Draw the part of a headscarf or hood that is behind the head."""
    if hat.covers_hair:
        brush.fill(brush.pose.around(ellipse(0, 0.15, 1.32, 1.4)), shade(hat.colour, 0.7))


def draw_hat(brush: Brush, hat: Hat) -> None:
    """Draw the hat over hair, glasses and the straps of a mask."""
    match hat.kind:
        case "beanie":
            _draw_beanie(brush, hat)
        case "cap":
            _draw_cap(brush, hat)
        case "brimmed":
            _draw_brimmed(brush, hat)
        case "headscarf":
            _draw_ring(brush, hat, wide=1.14)
        case "hood":
            _draw_ring(brush, hat, wide=1.26)


def _draw_crown(brush: Brush, hat: Hat, thick: float) -> None:
    crown = brush.pose.around(arch(thick, low=hat.low + 0.12))
    brush.fill(np.concatenate([crown, _band(brush, hat.low, sag=-0.12)[::-1]]), hat.colour)


def _draw_beanie(brush: Brush, hat: Hat) -> None:
    _draw_crown(brush, hat, thick=0.14)
    for v in (hat.low, hat.low - 0.16):
        brush.line(_band(brush, v, sag=-0.1, lift=0.05), shade(hat.colour, 0.7), 0.05)


def _draw_cap(brush: Brush, hat: Hat) -> None:
    _draw_crown(brush, hat, thick=0.1)
    v = hat.low
    brim = [(-0.85, v + 0.06, 0.1), (0, v - 0.06, 0.1), (0.85, v + 0.06, 0.1)]
    brim += [(0.6, v + 0.17, 0.4), (0, v + 0.22, 0.6), (-0.6, v + 0.17, 0.4)]
    brush.fill(brush.pose.on_skin(smooth(brim)), shade(hat.colour, 0.6))


def _draw_brimmed(brush: Brush, hat: Hat) -> None:
    brush.fill(brush.pose.around(ellipse(0, hat.low, 1.6, 0.2)), shade(hat.colour, 0.8))
    _draw_crown(brush, hat, thick=0.12)
    brush.line(_band(brush, hat.low - 0.04, sag=-0.05, lift=0.1), shade(hat.colour, 0.5), 0.12)


def _draw_ring(brush: Brush, hat: Hat, wide: float) -> None:
    """Draw cloth around the face: an ellipse with a hole, whose seam is above the forehead."""
    right = smooth(OPENING, closed=False)
    hole = brush.pose.on_skin(np.concatenate([right, right[::-1] * (-1, 1, 1)]))
    angle = np.linspace(-np.pi / 2, 1.5 * np.pi, 40)
    edge = brush.pose.around(np.stack([wide * np.cos(angle), 0.06 + (wide + 0.04) * np.sin(angle)], axis=1))
    brush.fill(np.concatenate([edge, hole[::-1]]), hat.colour)
    brush.line(hole, shade(hat.colour, 0.72), 0.06)


def _band(brush: Brush, v: float, sag: float, lift: float = 0.0) -> Floats:
    """Return a line (N, 2) in pixels across the forehead at `v`, whose middle is `sag` lower than its ends."""
    knots = [(u, v - sag * abs(u) ** 2, lift) for u in (-0.99, -0.6, 0, 0.6, 0.99)]
    return brush.pose.on_skin(smooth(knots, closed=False))
