"""From a drawn scene to a picture as a camera delivers it: light, focus, noise, pixels, file format."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from maskopt.data.drawing.palette import between, chance, weigh

FORMATS = {"png": 50.0, "jpg": 42.0, "webp": 8.0}


@dataclass(frozen=True)
class Shot:
    """How one picture is taken."""

    width_px: int
    height_px: int
    oversampling: int  # pixels of the drawing per pixel of the picture, each way
    exposure: float
    contrast: float
    cast: tuple[float, float, float]
    light_x: float  # change of the light from the middle to the right edge, as a fraction
    light_y: float
    blur_px: float
    noise: float  # standard deviation, of 255
    grey: bool
    suffix: str
    quality: int  # of JPEG and WebP, 0 to 100


def imagine_shot(rng: np.random.Generator) -> Shot:
    """Return a way to take a picture."""
    height = round(72 * (200 / 72) ** rng.random())
    width = min(200, max(72, round(height * between(rng, 0.86, 1.14)))) if chance(rng, 0.5) else height
    return Shot(
        width_px=width,
        height_px=height,
        oversampling=2 if max(width, height) > 128 else 3,
        exposure=between(rng, 0.86, 1.1),
        contrast=between(rng, 0.9, 1.15),
        cast=(between(rng, 0.88, 1.1), between(rng, 0.96, 1.03), between(rng, 0.86, 1.14)),
        light_x=between(rng, -0.22, 0.22),
        light_y=between(rng, -0.15, 0.15),
        blur_px=between(rng, 0, 0.007) * height,
        noise=between(rng, 0, 4),
        grey=chance(rng, 0.01),
        suffix=weigh(rng, FORMATS),
        quality=int(between(rng, 40, 97)),
    )


def take(rng: np.random.Generator, shot: Shot, drawing: Image.Image) -> Image.Image:
    """Return the picture, width_px x height_px."""
    small = drawing.reduce(shot.oversampling)
    if shot.grey:
        small = small.convert("L").convert("RGB")
    small = small.filter(ImageFilter.GaussianBlur(shot.blur_px))
    pixels = np.asarray(small, np.float32)  # (H, W, 3)
    height, width = pixels.shape[:2]
    light = np.add.outer(
        shot.light_y * np.linspace(-1, 1, height, dtype=np.float32),
        1 + shot.light_x * np.linspace(-1, 1, width, dtype=np.float32),
    )
    cast = np.ones(3, np.float32) if shot.grey else np.array(shot.cast, np.float32)
    pixels = (pixels - 128) * np.float32(shot.contrast) + 128
    pixels = pixels * (light[..., None] * cast * np.float32(shot.exposure))
    pixels += rng.standard_normal((height, width, 1), np.float32) * np.float32(shot.noise)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
