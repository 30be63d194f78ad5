"""Masks: their cut, and how they are worn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, mirror, smooth
from maskopt.data.drawing.cloth import PRINTS, weave
from maskopt.data.drawing.head import EAR_V
from maskopt.data.drawing.palette import Colour, between, chance, mix, pick, shade, weigh

Knots = Sequence[tuple[float, float, float]]  # u, part of the mask's height, lift

CUTS: dict[str, Knots] = {  # right half, from top to bottom; the straps begin at the third and fourth knot
    "surgical": ((0, 0, 0.16), (0.3, 0.06, 0.12), (0.72, 0.22, 0.05), (0.8, 0.6, 0.06), (0.8, 0.9, 0.1), (0, 1, 0.14)),
    "folded": ((0, 0, 0.14), (0.3, 0.12, 0.14), (0.82, 0.3, 0.03), (0.74, 0.6, 0.05), (0.4, 0.9, 0.16), (0, 1, 0.24)),
    "cup": ((0, 0, 0.18), (0.32, 0.1, 0.16), (0.6, 0.35, 0.12), (0.6, 0.7, 0.12), (0.35, 0.96, 0.14), (0, 1.02, 0.16)),
    "cloth": ((0, 0, 0.15), (0.3, 0.08, 0.12), (0.84, 0.28, 0.03), (0.82, 0.66, 0.04), (0.5, 0.95, 0.08), (0, 1, 0.1)),
}
CHIN: Knots = ((0, 0, 0.08), (0.45, -0.1, 0.06), (0.9, -0.7, 0.04), (0.93, -0.3, 0.06), (0.75, 0.5, 0.12), (0, 1, 0.14))
SEAM: Knots = ((0, 0.02, 0.15), (0, 0.5, 0.22), (0, 0.98, 0.2))
FOLDS: dict[str, Sequence[Knots]] = {  # lines in the cloth, which tell it from skin when colour does not
    "surgical": [((-0.66, y + 0.06, 0.06), (0, y, 0.14), (0.66, y + 0.06, 0.06)) for y in (0.28, 0.46, 0.64, 0.82)],
    "folded": [SEAM, *(((-0.6, y + 0.1, 0.06), (0, y, 0.2), (0.6, y + 0.1, 0.06)) for y in (0.3, 0.7))],
    "cup": [((-0.5, y - 0.06, 0.1), (0, y, 0.16), (0.5, y - 0.06, 0.1)) for y in (0.4, 0.6, 0.8)],
    "cloth": [((-0.7, y + 0.06, 0.05), (0, y, 0.13), (0.7, y + 0.06, 0.05)) for y in (0.16, 0.36, 0.56, 0.76)],
}
BUMP: Knots = ((0, 0.03, 0.16), (0.14, 0.12, 0.18), (0.2, 0.4, 0.2), (0, 0.46, 0.22))  # over a covered nose
SHADE: Knots = ((0, 0.62, 0.18), (0.5, 0.55, 0.1), (0.6, 0.75, 0.08), (0.4, 0.93, 0.1), (0, 1, 0.14))
VALVE: Knots = ((0.3, 0.5, 0.2), (0.48, 0.52, 0.16), (0.5, 0.68, 0.16), (0.3, 0.7, 0.2))
KINDS = {"surgical": 8.0, "folded": 1.0, "cup": 0.6, "cloth": 0.8}
COLOURS = {
    "surgical": palette.SURGICALS,
    "folded": palette.RESPIRATORS,
    "cup": palette.RESPIRATORS,
    "cloth": palette.CLOTHS,
}
EDGES = {  # v of the upper and of the lower edge, each from ... to ...
    "rightly": ((0.0, 0.11), (1.0, 1.1)),
    "under_nose": ((0.44, 0.48), (1.04, 1.16)),
    "on_chin": ((0.72, 0.77), (1.18, 1.32)),
    "one_ear": ((0.0, 0.0), (1.0, 1.0)),  # hangs free
}


@dataclass(frozen=True)
class Mask:
    """What a mask looks like and how it is worn."""

    way: str  # of EDGES
    kind: str  # of CUTS
    colour: Colour
    print: str
    ink: Colour
    print_step: float  # size of the print, in half widths
    top: float  # v of the upper edge in the middle
    bottom: float
    wide: float  # factor
    slant: float  # v by which the right side hangs lower, per u
    strap: Colour
    valve: bool

    @property
    def crease(self) -> Colour:
        """Return the colour of folds and edges, which stands out from the cloth."""
        bright = sum(self.colour) > 300
        return shade(self.colour, 0.48) if bright else mix(self.colour, (255, 255, 255), 0.45)


def imagine_mask(rng: np.random.Generator, way: str) -> Mask:
    """Return a mask that is worn in this way."""
    kind = weigh(rng, KINDS)
    colour = palette.vary(rng, pick(rng, COLOURS[kind]), 0.08)
    tops, bottoms = EDGES[way]
    return Mask(
        way=way,
        kind=kind,
        colour=colour,
        print=weigh(rng, PRINTS) if kind == "cloth" else "none",
        ink=palette.vary(rng, pick(rng, palette.CLOTHS), 0.1),
        print_step=between(rng, 0.14, 0.34),
        top=between(rng, *tops),
        bottom=between(rng, *bottoms),
        wide=between(rng, 0.95, 1.1),
        slant=between(rng, -0.03, 0.03),
        strap=mix(colour, (245, 245, 245), between(rng, 0.6, 0.95)),
        valve=kind in ("cup", "folded") and chance(rng, 0.3),
    )


def draw_mask(brush: Brush, mask: Mask) -> None:
    """Draw straps, cloth, folds and edge of a mask that both ears hold."""
    cut = CHIN if mask.way == "on_chin" else CUTS[mask.kind]
    _draw_straps(brush, mask, cut)
    outline = _on_face(brush, mask, smooth(mirror(cut)))
    brush.fill(outline + brush.pose.half_width_px * np.array((0, 0.04)), (0, 0, 0, 60))  # its shadow
    _fill_with_cloth(brush, mask, outline)
    if mask.print == "none":
        for fold in FOLDS[mask.kind]:
            brush.line(_on_face(brush, mask, smooth(fold, closed=False)), mask.crease, 0.06)
    if mask.way == "rightly":
        brush.fill(_on_face(brush, mask, smooth(mirror(BUMP))), (255, 255, 255, 30))
    brush.fill(_on_face(brush, mask, smooth(mirror(SHADE))), (0, 0, 0, 26))
    if mask.valve and mask.way != "on_chin":
        brush.fill(_on_face(brush, mask, smooth(VALVE)), mix(mask.colour, (120, 124, 130), 0.6))
    brush.outline(outline, mask.crease, 0.05)


def draw_hanging_mask(brush: Brush, mask: Mask) -> None:
    """Draw a mask that hangs from one ear, on the side of the picture where there is more room."""
    side = 1 if brush.pose.x_px < brush.image.width / 2 else -1
    corners = np.array([(0.6, 0.3, 0.2), (1.24, 0.38, 0.2), (1.3, 1.1, 0.2), (0.66, 1.16, 0.2)]) * (side, 1, 1)
    loop = np.array([(0.8, 1.12, 0.1), (0.74, 1.36, 0.1), (1.2, 1.36, 0.1), (1.24, 1.08, 0.1)]) * (side, 1, 1)
    ear, beside = (side * 1.04, EAR_V - 0.1, 0), brush.pose.beside
    for corner in corners[:2]:
        brush.line(beside([ear, corner]), mask.strap, 0.05)
    brush.line(beside(smooth(loop, closed=False)), mask.strap, 0.05)
    outline = beside(corners)
    _fill_with_cloth(brush, mask, outline)
    for part in (0.3, 0.5, 0.7):
        brush.line(outline[[0, 1]] * (1 - part) + outline[[3, 2]] * part, mask.crease, 0.06)
    brush.outline(outline, mask.crease, 0.05)


def _on_face(brush: Brush, mask: Mask, points: Floats) -> Floats:
    """Return pixels (N, 2) of points u, part of the mask's height, lift."""
    u, part, lift = points.T
    u = np.clip(u * mask.wide, -0.98, 0.98)
    v = mask.top + part * (mask.bottom - mask.top) + u * mask.slant
    return brush.pose.on_skin(np.stack([u, v, lift], axis=1))


def _draw_straps(brush: Brush, mask: Mask, cut: Knots) -> None:
    ends = (-0.4, 0.3) if mask.kind == "cup" else (EAR_V - 0.12, EAR_V + 0.14)
    for side in (-1, 1):
        corners = _on_face(brush, mask, np.array(cut[2:4]) * (side, 1, 1))
        behind = brush.pose.on_skin([(side * 0.995, end, 0.03) for end in ends])
        for corner, end in zip(corners, behind, strict=True):
            brush.line(np.stack([corner, end]), (0, 0, 0, 110), 0.12)  # its shadow, else it is lost on pale skin
            brush.line(np.stack([corner, end]), mask.strap, 0.07)


def _fill_with_cloth(brush: Brush, mask: Mask, outline: Floats) -> None:
    if mask.print == "none":
        brush.fill(outline, mask.colour)
    else:
        step_px = max(4, round(mask.print_step * brush.pose.half_width_px))
        cloth = weave(mask.print, mask.colour, mask.ink, step_px, brush.image.size)
        brush.image.paste(cloth, mask=brush.stencil(outline))
