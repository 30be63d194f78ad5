"""The head without its features: skin, its shadow, ears."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, ellipse, mirror
from maskopt.data.drawing.palette import Colour, between, chance, mix, pick, shade, weigh

EYE_V, EAR_V, NOSE_V, MOUTH_V = -0.08, 0.05, 0.33, 0.57  # heights: pupils, ears, nostrils, lips
MOUTHS = {"closed": 5.0, "smile": 3.0, "grin": 2.0, "open": 1.5, "frown": 1.5}
BEARDS = {"none": 15.0, "stubble": 0.7, "full": 0.7, "goatee": 0.6, "moustache": 1.0}


@dataclass(frozen=True)
class Head:
    """What a bare head looks like; lengths are differences of u or v."""

    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour
    light_from: float  # -1: the left; 1: the right
    shadow: float  # opacity on the other side, 0 to 1
    eye_apart: float
    eye_width: float
    eye_open: float  # 0: closed
    gaze: float
    brow_thick: float
    brow_slope: float
    nose_width: float
    nose_length: float  # factor
    mouth: str
    mouth_width: float
    beard: str


def imagine_head(rng: np.random.Generator) -> Head:
    """Return a head that nobody has."""
    skin = palette.vary(rng, pick(rng, palette.SKINS), 0.08)
    return Head(
        skin=skin,
        lips=mix(shade(skin, 0.82), pick(rng, palette.LIPS), between(rng, 0.6, 1.0)),
        iris=pick(rng, palette.IRISES),
        hair=palette.vary(rng, pick(rng, palette.HAIRS), 0.15),
        light_from=between(rng, -1, 1),
        shadow=between(rng, 0.1, 0.5),
        eye_apart=between(rng, 0.37, 0.45),
        eye_width=between(rng, 0.15, 0.21),
        eye_open=0.0 if chance(rng, 0.06) else between(rng, 0.045, 0.085),
        gaze=between(rng, -0.06, 0.06),
        brow_thick=between(rng, 0.04, 0.10),
        brow_slope=between(rng, -0.06, 0.06),
        nose_width=between(rng, 0.2, 0.28),
        nose_length=between(rng, 0.95, 1.1),
        mouth=weigh(rng, MOUTHS),
        mouth_width=between(rng, 0.3, 0.4),
        beard=weigh(rng, BEARDS),
    )


def draw_head(brush: Brush, head: Head) -> None:
    """Draw the far ear, the skin, and over it the ear that is turned to the viewer."""
    far = 1 if brush.pose.yaw > 0 else -1
    outline = _skull(brush)
    _draw_ear(brush, head, far)
    brush.fill(outline, head.skin)
    _draw_shadow(brush, head, outline)
    _draw_ear(brush, head, -far)


def _skull(brush: Brush) -> Floats:
    v = -np.cos(np.linspace(0, np.pi, 25))
    return brush.pose.around(mirror(np.stack([brush.pose.half_width_at(v), v], axis=1)))


def _draw_shadow(brush: Brush, head: Head, outline: Floats) -> None:
    """Darken the rim, most on the side away from the light: a shifted, blurred copy of the outline stays bright."""
    radius_px = brush.pose.half_width_px
    bright = brush.stencil(outline + radius_px * np.array((0.5 * head.light_from, -0.1)))
    soft = (
        bright.reduce(8)
        .filter(ImageFilter.GaussianBlur(0.22 * radius_px / 8))
        .resize(bright.size, Image.Resampling.BICUBIC)
    )
    dark = soft.point([round((255 - level) * head.shadow) for level in range(256)])
    nothing = Image.new("L", bright.size)
    brush.image.paste(shade(head.skin, 0.45), mask=Image.composite(dark, nothing, brush.stencil(outline)))


def _draw_ear(brush: Brush, head: Head, side: int) -> None:
    beside = brush.pose.beside
    brush.fill(beside(ellipse(side * 1.02, EAR_V, 0.14, 0.19)), shade(head.skin, 0.9))
    brush.fill(beside(ellipse(side * 1.02, EAR_V, 0.07, 0.12)), shade(head.skin, 0.72))
