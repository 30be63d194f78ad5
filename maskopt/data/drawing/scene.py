"""What is behind and below a head: background, shoulders, collars, scarves."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, smooth
from maskopt.data.drawing.palette import Colour, any_colour, between, chance, mix, pick, shade, weigh

BACKGROUNDS = {"flat": 1.0, "gradient": 1.5, "texture": 1.5, "shapes": 2.5, "blobs": 2.5, "bars": 0.5}
NECKWEAR = {"none": 8.0, "collar": 2.0, "polo": 1.0, "scarf": 1.0, "hoodie": 1.0}


@dataclass(frozen=True)
class Clothes:
    """What is worn below the chin."""

    colour: Colour
    shoulder: float  # y of the shoulders below the chin, in half heights
    neckwear: str
    neck_colour: Colour


def imagine_clothes(rng: np.random.Generator) -> Clothes:
    """Return clothes; their colours are those of masks, too."""
    table = pick(rng, (palette.CLOTHS, palette.CLOTHS, palette.SURGICALS))
    return Clothes(
        colour=palette.vary(rng, pick(rng, table), 0.2),
        shoulder=between(rng, 1.2, 1.45),
        neckwear=weigh(rng, NECKWEAR),
        neck_colour=palette.vary(rng, pick(rng, table), 0.2),
    )


def draw_clothes(brush: Brush, clothes: Clothes, skin: Colour) -> None:
    """Draw neck and shoulders, which turn less than the head."""
    outside, y = brush.pose.outside, clothes.shoulder
    brush.fill(outside([(-0.6, 0.5), (0.6, 0.5), (0.68, y + 0.3), (-0.68, y + 0.3)]), shade(skin, 0.74))
    knots = [(-0.5, y - 0.1), (0, y + 0.12), (0.5, y - 0.1), (1.7, y + 0.2), (2.4, 3.2), (-2.4, 3.2), (-1.7, y + 0.2)]
    brush.fill(outside(smooth(knots)), clothes.colour)
    if clothes.neckwear != "none":
        _draw_neckwear(brush, clothes)


def _draw_neckwear(brush: Brush, clothes: Clothes) -> None:
    outside, y, colour = brush.pose.outside, clothes.shoulder, clothes.neck_colour
    match clothes.neckwear:
        case "collar":
            for side in (-1, 1):
                wing = [(side * 0.62, y - 0.28), (side * 0.08, y + 0.1), (side * 0.5, y + 0.35), (side * 0.85, y)]
                brush.fill(outside(wing), mix(clothes.colour, (255, 255, 255), 0.4))
        case "polo":
            brush.fill(outside([(-0.66, 0.98), (0, 1.1), (0.66, 0.98), (0.8, y + 0.3), (-0.8, y + 0.3)]), colour)
            brush.line(outside([(-0.66, 1.0), (0, 1.12), (0.66, 1.0)]), shade(colour, 0.75), 0.05)
        case "scarf":
            knots = [(-0.95, 0.9), (0, 1.14), (0.95, 0.9), (1.15, y + 0.1), (0, y + 0.35), (-1.15, y + 0.1)]
            brush.fill(outside(smooth(knots)), colour)
            fold = [(-1.0, 1.05), (0, 1.32), (1.0, 1.05)]
            brush.line(outside(smooth(fold, closed=False)), shade(colour, 0.8), 0.05)
        case "hoodie":
            knots = [(-1.2, 0.7), (-0.5, 1.12), (0, 1.25), (0.5, 1.12), (1.2, 0.7), (1.5, y + 0.3), (-1.5, y + 0.3)]
            brush.fill(outside(smooth(knots)), shade(clothes.colour, 0.8))


def draw_background(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a background (width, height); what is far away is drawn small and enlarged, hence soft."""
    kind = weigh(rng, BACKGROUNDS)
    if kind == "flat":
        return Image.new("RGB", size, any_colour(rng))
    if kind == "gradient":
        return _enlarged(np.array([[any_colour(rng) for _ in range(2)] for _ in range(2)], float), size)
    if kind == "texture":
        base = np.array(any_colour(rng))
        cells = int(between(rng, 4, 18))
        return _enlarged(base + rng.normal(0, between(rng, 15, 40), (cells, cells, 1)), size)
    small = Image.new("RGB", (64, 64), any_colour(rng))
    draw = ImageDraw.Draw(small)
    if kind == "bars":
        _draw_bars(rng, draw)
    for _ in range(int(between(rng, 4, 14))):
        x, y, reach = between(rng, -8, 72), between(rng, -8, 72), between(rng, 4, 26)
        if kind == "blobs":
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=any_colour(rng))
        elif kind == "shapes":
            high = reach * between(rng, 0.4, 2.5)
            draw.rectangle((x - reach, y - high, x + reach, y + high), fill=any_colour(rng))
    soft = small.filter(ImageFilter.GaussianBlur(between(rng, 1, 4) if kind == "blobs" else between(rng, 0, 1.5)))
    return soft.resize(size, Image.Resampling.BICUBIC)


def _draw_bars(rng: np.random.Generator, draw: ImageDraw.ImageDraw) -> None:
    colours = (any_colour(rng), any_colour(rng))
    step, upright = int(between(rng, 7, 18)), chance(rng, 0.5)
    for index, start in enumerate(range(0, 64, step)):
        box = (start, 0, start + step, 64) if upright else (0, start, 64, start + step)
        draw.rectangle(box, fill=colours[index % 2])


def _enlarged(values: Floats, size: tuple[int, int]) -> Image.Image:
    pixels = np.broadcast_to(np.clip(values, 0, 255), (*values.shape[:2], 3)).astype(np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
