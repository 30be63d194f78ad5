"""What grows on a head or is worn on it: hair, hats, headscarves, glasses."""

from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, ellipse, smooth
from maskopt.data.drawing.head import EAR_V, EYE_V
from maskopt.data.drawing.palette import Colour, between, chance, mix, pick, shade, weigh

STYLES = {"bald": 1.5, "buzz": 2.0, "short": 5.0, "parted": 4.0, "fringe": 3.0, "long": 5.0, "bob": 3.0, "curly": 3.0}
HATS = {"none": 15.0, "beanie": 0.8, "cap": 0.8, "brimmed": 0.4, "headscarf": 0.7, "hood": 0.3}
GLASSES = {"none": 8.0, "round": 1.5, "square": 1.5, "sunglasses": 0.6}
THICKNESS = {"bald": 0.0, "buzz": 0.03, "short": 0.12, "parted": 0.14, "fringe": 0.13, "long": 0.14, "bob": 0.17}
LENGTH = {"long": 1.5, "bob": 0.75}  # how far down the hair hangs behind the head, in half heights
HAIRLINES = {  # right half of the face to the left, u and v
    "buzz": ((0.97, -0.1), (0.8, -0.5), (0.5, -0.66), (0, -0.68), (-0.5, -0.66), (-0.8, -0.5), (-0.97, -0.1)),
    "short": ((0.98, 0.05), (0.86, -0.38), (0.5, -0.58), (0, -0.62), (-0.5, -0.58), (-0.86, -0.38), (-0.98, 0.05)),
    "parted": ((0.98, 0.05), (0.86, -0.3), (0.6, -0.7), (0.2, -0.62), (-0.4, -0.5), (-0.86, -0.3), (-0.98, 0.05)),
    "fringe": ((0.98, 0.1), (0.88, -0.2), (0.6, -0.38), (0, -0.42), (-0.6, -0.38), (-0.88, -0.2), (-0.98, 0.1)),
    "long": ((0.95, 0.55), (0.86, -0.3), (0.4, -0.66), (0, -0.74), (-0.4, -0.66), (-0.86, -0.3), (-0.95, 0.55)),
    "bob": ((0.97, 0.5), (0.84, -0.1), (0.6, -0.4), (0, -0.45), (-0.6, -0.4), (-0.84, -0.1), (-0.97, 0.5)),
    "curly": ((0.98, 0.0), (0.88, -0.35), (0.5, -0.55), (0, -0.58), (-0.5, -0.55), (-0.88, -0.35), (-0.98, 0.0)),
}


@dataclass(frozen=True)
class Wear:
    """What is on and around a head, besides a mask."""

    style: str
    hair: Colour
    curl: float  # thickness of curly hair, in half widths
    flip: int  # 1, or -1: the parting is on the other side
    hat: str
    hat_colour: Colour
    hat_low: float  # v of its edge
    glasses: str
    frame: Colour
    lens: Colour
    frame_thick: float


def imagine_wear(rng: np.random.Generator, hair: Colour) -> Wear:
    """Return hair, hat and glasses for a head with hair of this colour."""
    return Wear(
        style=weigh(rng, STYLES),
        hair=hair,
        curl=between(rng, 0.2, 0.45),
        flip=1 if chance(rng, 0.5) else -1,
        hat=weigh(rng, HATS),
        hat_colour=palette.vary(rng, pick(rng, palette.CLOTHS), 0.2),
        hat_low=between(rng, -0.5, -0.36),
        glasses=weigh(rng, GLASSES),
        frame=pick(rng, palette.FRAMES),
        lens=pick(rng, palette.LENSES),
        frame_thick=between(rng, 0.03, 0.06),
    )


def draw_behind(brush: Brush, wear: Wear) -> None:
    """Draw what hangs behind the head."""
    outside, dark = brush.pose.outside, shade(wear.hair, 0.75)
    if wear.hat in ("headscarf", "hood"):
        brush.fill(outside(ellipse(0, 0.15, 1.32, 1.4)), shade(wear.hat_colour, 0.7))
    elif wear.style in LENGTH:
        low, wide = LENGTH[wear.style], 1.0 + THICKNESS[wear.style]
        knots = [(-wide, -0.2), (0, -1.1), (wide, -0.2), (wide * 1.12, low * 0.8), (0, low), (-wide * 1.12, low * 0.8)]
        brush.fill(outside(smooth(knots)), dark)
    elif wear.style == "curly":
        for x, y in _arc(1 + wear.curl * 0.6, low=0.35)[::2]:
            brush.fill(outside(ellipse(x, y, wear.curl, wear.curl / brush.pose.ratio)), dark)


def draw_hair(brush: Brush, wear: Wear) -> None:
    """Draw the hair that frames the face, unless something covers it."""
    if wear.style == "bald" or wear.hat in ("headscarf", "hood"):
        return
    thick = wear.curl if wear.style == "curly" else THICKNESS[wear.style]
    line = np.array(HAIRLINES[wear.style]) * (wear.flip, 1)
    line = line if wear.flip == 1 else line[::-1]
    inner = brush.pose.on_skin(smooth(line, closed=False))
    outer = brush.pose.outside(_arc(1 + thick, low=float(line[0, 1])))
    brush.fill(np.concatenate([outer, inner]), wear.hair)
    if wear.style not in ("buzz", "curly"):
        gloss = _arc(1 + thick * 0.3, low=-0.3)[3:11] * (wear.flip, 1)
        brush.line(brush.pose.outside(gloss), (*mix(wear.hair, (255, 255, 255), 0.4), 90), 0.07)


def draw_hat(brush: Brush, wear: Wear) -> None:
    """Draw the hat."""
    if wear.hat != "none":
        DRAW_HAT[wear.hat](brush, wear)


def draw_glasses(brush: Brush, wear: Wear) -> None:
    """Draw frame and lenses before the eyes, and the temples to the ears."""
    if wear.glasses == "none":
        return
    on_skin = brush.pose.on_skin
    width, height = (0.27, 0.17) if wear.glasses != "sunglasses" else (0.31, 0.19)
    for side in (-1, 1):
        rim = ellipse(side * 0.42, EYE_V + 0.02, width, height)
        if wear.glasses != "round":
            rim = _squared(rim, (side * 0.42, EYE_V + 0.02), (width, height))
        pixels = on_skin(rim)
        brush.fill(pixels, (*wear.lens, 240) if wear.glasses == "sunglasses" else (230, 240, 250, 40))
        brush.line(np.concatenate([pixels, pixels[:2]]), wear.frame, wear.frame_thick)
        brush.line(on_skin([(side * 0.68, -0.1), (side * 0.99, -0.06)]), wear.frame, wear.frame_thick)
    brush.line(on_skin([(-0.16, EYE_V, 0.1), (0, EYE_V - 0.04, 0.12), (0.16, EYE_V, 0.1)]), wear.frame, wear.frame_thick)


def _draw_crown(brush: Brush, wear: Wear, thick: float) -> None:
    low = wear.hat_low
    edge = smooth([(0.99, low + 0.12), (0.7, low + 0.03), (0, low), (-0.7, low + 0.03), (-0.99, low + 0.12)], closed=False)
    outer = brush.pose.outside(_arc(1 + thick, low=low + 0.12))
    brush.fill(np.concatenate([outer, brush.pose.on_skin(edge)]), wear.hat_colour)


def _draw_beanie(brush: Brush, wear: Wear) -> None:
    _draw_crown(brush, wear, thick=0.14)
    low = wear.hat_low
    for lower in (0.0, -0.16):
        seam = [(u, low + lower + 0.1 * abs(u) ** 2, 0.05) for u in (-0.98, -0.6, 0, 0.6, 0.98)]
        brush.line(brush.pose.on_skin(smooth(seam, closed=False)), shade(wear.hat_colour, 0.7), 0.05)


def _draw_cap(brush: Brush, wear: Wear) -> None:
    _draw_crown(brush, wear, thick=0.1)
    low = wear.hat_low
    brim = [(-0.85, low + 0.06, 0.1), (0, low - 0.06, 0.1), (0.85, low + 0.06, 0.1), (0.6, low + 0.17, 0.4)]
    brush.fill(brush.pose.on_skin(smooth([*brim, (0, low + 0.22, 0.6), (-0.6, low + 0.17, 0.4)])), shade(wear.hat_colour, 0.6))


def _draw_brimmed(brush: Brush, wear: Wear) -> None:
    brush.fill(brush.pose.outside(ellipse(0, wear.hat_low, 1.6, 0.2)), shade(wear.hat_colour, 0.8))
    _draw_crown(brush, wear, thick=0.12)
    band = [(u, wear.hat_low + 0.05 * abs(u) - 0.04, 0.1) for u in (-0.98, -0.6, 0, 0.6, 0.98)]
    brush.line(brush.pose.on_skin(smooth(band, closed=False)), shade(wear.hat_colour, 0.5), 0.12)


def _draw_headscarf(brush: Brush, wear: Wear, grow: float = 1.14) -> None:
    opening = [(0, -0.66), (0.62, -0.5), (0.9, 0.0), (0.84, 0.6), (0.45, 0.97, 0.02), (0, 1.02, 0.1)]
    right = smooth([(*p, 0.0)[:3] for p in opening], closed=False)
    left = right[::-1] * (-1, 1, 1)
    inner = brush.pose.on_skin(np.concatenate([right, left]))
    angle = np.linspace(-np.pi / 2, 1.5 * np.pi, 40)
    outer = brush.pose.outside(np.stack([grow * np.cos(angle), 0.06 + (grow + 0.04) * np.sin(angle)], axis=1))
    brush.fill(np.concatenate([outer, inner[::-1]]), wear.hat_colour)
    brush.line(inner, shade(wear.hat_colour, 0.72), 0.06)


def _draw_hood(brush: Brush, wear: Wear) -> None:
    _draw_headscarf(brush, wear, grow=1.26)


DRAW_HAT = {
    "beanie": _draw_beanie,
    "cap": _draw_cap,
    "brimmed": _draw_brimmed,
    "headscarf": _draw_headscarf,
    "hood": _draw_hood,
}


def _arc(grow: float, low: float) -> Floats:
    """Return a line (24, 2) around the head, from the left at height `low` over the crown to the right."""
    start = np.arcsin(np.clip(low, -1, 1))
    angle = np.linspace(-start, np.pi + start, 24)
    thick = (grow - 1) * np.sqrt(np.sin(np.linspace(0, np.pi, 24)))  # thins out towards the ends
    return np.stack([-(1 + thick) * np.cos(angle), -(1 + thick * 0.75) * np.sin(angle)], axis=1)


def _squared(points: Floats, centre: tuple[float, float], half: tuple[float, float]) -> Floats:
    """Return an ellipse's outline drawn out to a rounded rectangle."""
    unit = (points - centre) / half
    return np.sign(unit) * np.abs(unit) ** 0.45 * half + centre
