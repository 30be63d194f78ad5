"""What is behind a head."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from maskopt.data.drawing.brush import Floats
from maskopt.data.drawing.palette import any_colour, between, chance, weigh

BACKGROUNDS = {"flat": 1.0, "gradient": 1.5, "texture": 1.5, "shapes": 2.5, "blobs": 2.5, "bars": 0.5}
SMALL_PX = 64  # what is far away is drawn small and enlarged, hence soft


def draw_background(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a background of this size (width, height)."""
    kind = weigh(rng, BACKGROUNDS)
    match kind:
        case "flat":
            return Image.new("RGB", size, any_colour(rng))
        case "gradient":
            corners = [[any_colour(rng) for _ in range(2)] for _ in range(2)]
            return _enlarge(np.array(corners, float), size)
        case "texture":
            cells = int(between(rng, 4, 18))
            spots = rng.normal(0, between(rng, 15, 40), (cells, cells, 1))
            return _enlarge(np.array(any_colour(rng)) + spots, size)
        case "bars":
            small, blur_px = _bars(rng), 0.5
        case "shapes":
            small, blur_px = _shapes(rng, round_ones=False), between(rng, 0, 1.5)
        case _:
            small, blur_px = _shapes(rng, round_ones=True), between(rng, 1, 4)
    return small.filter(ImageFilter.GaussianBlur(blur_px)).resize(size, Image.Resampling.BICUBIC)


def _bars(rng: np.random.Generator) -> Image.Image:
    small = Image.new("RGB", (SMALL_PX, SMALL_PX), any_colour(rng))
    draw, colour = ImageDraw.Draw(small), any_colour(rng)
    step, upright = int(between(rng, 7, 18)), chance(rng, 0.5)
    for start in range(0, SMALL_PX, 2 * step):
        end = start + step
        draw.rectangle((start, 0, end, SMALL_PX) if upright else (0, start, SMALL_PX, end), fill=colour)
    return small


def _shapes(rng: np.random.Generator, round_ones: bool) -> Image.Image:
    small = Image.new("RGB", (SMALL_PX, SMALL_PX), any_colour(rng))
    draw = ImageDraw.Draw(small)
    for _ in range(int(between(rng, 4, 14))):
        x, y, wide = between(rng, -8, SMALL_PX + 8), between(rng, -8, SMALL_PX + 8), between(rng, 4, 26)
        high = wide if round_ones else wide * between(rng, 0.4, 2.5)
        paint = draw.ellipse if round_ones else draw.rectangle
        paint((x - wide, y - high, x + wide, y + high), fill=any_colour(rng))
    return small


def _enlarge(values: Floats, size: tuple[int, int]) -> Image.Image:
    """Return cells (rows, columns, 3) as a smooth picture."""
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
