"""Masks: their cut, cloth and print, and how they are worn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, mirror, smooth
from maskopt.data.drawing.head import EAR_V
from maskopt.data.drawing.palette import Colour, between, chance, mix, pick, shade, weigh

Cut = Sequence[tuple[float, float, float]]  # right half from top to bottom: u, part of the height, lift

CUTS: dict[str, Cut] = {
    "surgical": ((0, 0, 0.16), (0.3, 0.06, 0.12), (0.72, 0.22, 0.05), (0.8, 0.6, 0.06), (0.8, 0.9, 0.1), (0, 1, 0.14)),
    "folded": ((0, 0, 0.14), (0.3, 0.12, 0.14), (0.82, 0.3, 0.03), (0.74, 0.6, 0.05), (0.4, 0.9, 0.16), (0, 1, 0.24)),
    "cup": ((0, 0, 0.18), (0.32, 0.1, 0.16), (0.6, 0.35, 0.12), (0.6, 0.7, 0.12), (0.35, 0.96, 0.14), (0, 1.02, 0.16)),
    "cloth": ((0, 0, 0.15), (0.3, 0.08, 0.12), (0.84, 0.28, 0.03), (0.82, 0.66, 0.04), (0.5, 0.95, 0.08), (0, 1, 0.1)),
}
CHIN: Cut = ((0, 0, 0.08), (0.45, -0.1, 0.06), (0.9, -0.7, 0.04), (0.93, -0.3, 0.06), (0.75, 0.5, 0.12), (0, 1, 0.14))
KINDS = {"surgical": 8.0, "folded": 1.0, "cup": 0.6, "cloth": 0.8}
PRINTS = {"none": 3.0, "stripes": 1.0, "dots": 1.0, "checks": 1.0, "blotches": 1.0}
WRONG_WAYS = {"under_nose": 7.0, "on_chin": 2.5, "one_ear": 0.6}


@dataclass(frozen=True)
class Mask:
    """What a mask looks like and how it is worn: rightly, under_nose, on_chin or one_ear."""

    way: str
    kind: str
    colour: Colour
    print: str
    ink: Colour
    print_step: float  # size of the print, in half widths
    top: float  # v of the upper edge in the middle
    bottom: float
    wide: float  # factor
    slant: float  # v by which the right side is lower than the left one
    strap: Colour
    valve: bool


def imagine_mask(rng: np.random.Generator, way: str) -> Mask:
    """Return a mask that is worn in this way."""
    kind = weigh(rng, KINDS)
    table = {"surgical": palette.SURGICALS, "cloth": palette.CLOTHS}.get(kind, palette.RESPIRATORS)
    colour = palette.vary(rng, pick(rng, table), 0.08)
    top, bottom = {
        "rightly": (between(rng, 0.0, 0.11), between(rng, 1.0, 1.1)),
        "under_nose": (between(rng, 0.44, 0.48), between(rng, 1.04, 1.16)),
        "on_chin": (between(rng, 0.72, 0.77), between(rng, 1.18, 1.32)),
        "one_ear": (0.0, 1.0),
    }[way]
    return Mask(
        way=way,
        kind=kind,
        colour=colour,
        print=weigh(rng, PRINTS) if kind == "cloth" else "none",
        ink=palette.vary(rng, pick(rng, palette.CLOTHS), 0.1),
        print_step=between(rng, 0.14, 0.34),
        top=top,
        bottom=bottom,
        wide=between(rng, 0.95, 1.1),
        slant=between(rng, -0.03, 0.03),
        strap=mix(colour, (245, 245, 245), between(rng, 0.6, 0.95)),
        valve=kind in ("cup", "folded") and chance(rng, 0.3),
    )


def draw_mask(brush: Brush, mask: Mask) -> None:
    """Draw the mask over the face, its straps first."""
    if mask.way == "one_ear":
        _draw_hanging(brush, mask)
        return
    outline = _worn(mask, smooth(mirror(CHIN if mask.way == "on_chin" else CUTS[mask.kind])))
    _draw_straps(brush, mask)
    pixels = brush.pose.on_skin(outline)
    brush.fill(brush.pose.on_skin(outline + (0, 0.03, 0)), (0, 0, 0, 60))
    brush.fill(pixels, _cloth(brush, mask))
    _draw_folds(brush, mask)
    brush.line(np.concatenate([pixels, pixels[:2]]), _crease(mask), 0.05)


def _worn(mask: Mask, cut: Floats) -> Floats:
    """Return points u, v, lift of a cut on this face."""
    u, part, lift = cut.T
    u = np.clip(u * mask.wide, -0.98, 0.98)
    return np.stack([u, mask.top + part * (mask.bottom - mask.top) + u * mask.slant, lift], axis=1)


def _draw_straps(brush: Brush, mask: Mask) -> None:
    cut = CHIN if mask.way == "on_chin" else CUTS[mask.kind]
    corners = _worn(mask, np.array([cut[2], cut[3]]))
    ends = ((EAR_V - 0.12, EAR_V + 0.14), (-0.4, 0.3))[mask.kind == "cup"]
    for side in (-1, 1):
        for corner, end in zip(corners, ends, strict=True):
            strap = brush.pose.on_skin([corner * (side, 1, 1), (side * 0.995, end, 0.03)])
            brush.line(strap, mask.strap, 0.06)


def _draw_folds(brush: Brush, mask: Mask) -> None:
    """Draw what gives each cut away: pleats, a seam, a valve, and the bump of the nose."""
    crease = _crease(mask)
    lines: list[list[tuple[float, float, float]]] = []
    if mask.kind == "surgical":
        lines = [[(-0.66, y + 0.06, 0.06), (0, y, 0.14), (0.66, y + 0.06, 0.06)] for y in (0.28, 0.46, 0.64, 0.82)]
    elif mask.kind == "folded":
        lines = [[(0, 0.02, 0.15), (0, 0.5, 0.24), (0, 0.98, 0.24)]]
        lines += [[(-0.6, y + 0.1, 0.06), (0, y, 0.2), (0.6, y + 0.1, 0.06)] for y in (0.3, 0.7)]
    elif mask.kind == "cup":
        lines = [[(-0.5, y - 0.06, 0.1), (0, y, 0.16), (0.5, y - 0.06, 0.1)] for y in (0.4, 0.6, 0.8)]
    elif mask.print == "none":
        lines = [[(0, 0.02, 0.15), (0, 0.5, 0.14), (0, 0.98, 0.1)]]
        lines += [[(-0.7, y + 0.06, 0.06), (0, y, 0.14), (0.7, y + 0.06, 0.06)] for y in (0.18, 0.86)]
    for line in lines:
        brush.line(brush.pose.on_skin(_worn(mask, smooth(line, closed=False))), crease, 0.06)
    if mask.way == "rightly":
        bump = [(0, 0.03, 0.16), (0.14, 0.12, 0.18), (0.2, 0.4, 0.2), (0, 0.46, 0.22)]
        brush.fill(brush.pose.on_skin(_worn(mask, smooth(mirror(bump)))), (255, 255, 255, 30))
    lower = [(0, 0.62, 0.18), (0.5, 0.55, 0.1), (0.6, 0.75, 0.08), (0.4, 0.93, 0.1), (0, 1, 0.14)]
    brush.fill(brush.pose.on_skin(_worn(mask, smooth(mirror(lower)))), (0, 0, 0, 26))
    if mask.valve and mask.way != "on_chin":
        valve = [(0.3, 0.5, 0.2), (0.48, 0.52, 0.16), (0.5, 0.68, 0.16), (0.3, 0.7, 0.2)]
        brush.fill(brush.pose.on_skin(_worn(mask, smooth(valve))), mix(mask.colour, (120, 124, 130), 0.6))


def _draw_hanging(brush: Brush, mask: Mask) -> None:
    around = brush.pose.around
    side = 1 if brush.pose.x_px < brush.image.width / 2 else -1  # where there is more room
    ear = (side * 1.04, EAR_V - 0.1, 0.0)
    shape = [(0.6, 0.3, 0.2), (1.24, 0.38, 0.2), (1.3, 1.1, 0.2), (0.66, 1.16, 0.2)]
    knots = np.array(shape) * (side, 1, 1)
    for knot in knots[:2]:
        brush.line(around([ear, knot]), mask.strap, 0.05)
    loop = np.array([(0.8, 1.12, 0.1), (0.74, 1.36, 0.1), (1.2, 1.36, 0.1), (1.24, 1.08, 0.1)]) * (side, 1, 1)
    brush.line(around(smooth(loop, closed=False)), mask.strap, 0.05)
    brush.fill(around(knots), _cloth(brush, mask))
    for part in (0.3, 0.5, 0.7):
        fold = knots[[0, 1]] * (1 - part) + knots[[3, 2]] * part
        brush.line(around(fold), _crease(mask), 0.06)
    brush.line(around(np.concatenate([knots, knots[:2]])), _crease(mask), 0.05)


def _crease(mask: Mask) -> Colour:
    """Return the colour of folds and edges, which stands out from the cloth."""
    light = sum(mask.colour) > 300
    return shade(mask.colour, 0.48) if light else mix(mask.colour, (255, 255, 255), 0.45)


def _cloth(brush: Brush, mask: Mask) -> Image.Image | Colour:
    """Return the plain colour, or the print in the size of the canvas."""
    if mask.print == "none":
        return mask.colour
    step = max(4, round(mask.print_step * brush.pose.half_width_px))
    tile = Image.new("RGB", (step, step), mask.colour)
    draw, half = ImageDraw.Draw(tile), step // 2
    match mask.print:
        case "stripes":
            draw.rectangle((0, 0, step, half - 1), fill=mask.ink)
        case "dots":
            draw.ellipse((1, 1, half, half), fill=mask.ink)
            draw.ellipse((half + 1, half + 1, step - 1, step - 1), fill=mask.ink)
        case "checks":
            draw.rectangle((0, 0, half - 1, half - 1), fill=mask.ink)
            draw.rectangle((half, half, step, step), fill=mix(mask.ink, mask.colour, 0.5))
        case "blotches":
            draw.polygon([(0, half), (half, 0), (step, half // 2), (half, step)], fill=mask.ink)
    times = (-(-brush.image.height // step), -(-brush.image.width // step), 1)
    cloth = np.tile(np.asarray(tile), times)[: brush.image.height, : brush.image.width]
    return Image.fromarray(cloth)
