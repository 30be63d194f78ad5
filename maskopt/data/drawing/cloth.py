"""Printed cloth: a tile, repeated."""

import numpy as np
from PIL import Image, ImageDraw

from maskopt.data.drawing.palette import Colour, mix

PRINTS = {"none": 3.0, "stripes": 1.0, "dots": 1.0, "checks": 1.0, "blotches": 1.0}


def weave(name: str, colour: Colour, ink: Colour, step_px: int, size: tuple[int, int]) -> Image.Image:
    """Return cloth of this size (width, height) whose print, a key of PRINTS, repeats every `step_px`."""
    tile = Image.new("RGB", (step_px, step_px), colour)
    draw, half = ImageDraw.Draw(tile), step_px // 2
    match name:
        case "stripes":
            draw.rectangle((0, 0, step_px, half - 1), fill=ink)
        case "dots":
            draw.ellipse((1, 1, half, half), fill=ink)
            draw.ellipse((half + 1, half + 1, step_px - 1, step_px - 1), fill=ink)
        case "checks":
            draw.rectangle((0, 0, half - 1, half - 1), fill=ink)
            draw.rectangle((half, half, step_px, step_px), fill=mix(ink, colour, 0.5))
        case "blotches":
            draw.polygon([(0, half), (half, 0), (step_px, half // 2), (half, step_px)], fill=ink)
    width, height = size
    times = (-(-height // step_px), -(-width // step_px), 1)
    return Image.fromarray(np.tile(np.asarray(tile), times)[:height, :width])
