"""Pictures -> the same, as a worse camera, worse light or a worse crop would show them.

Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; lengths are parts of the side here, since pictures are small.

Shape legend: N pictures, H height px, W width px.
"""

import io
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator

SEVERITIES = (1, 2, 3)


def corrupt(pictures: Pixels, rows: Sequence[int], name: str, severity: int) -> Pixels:
    """Return (N, H, W, 3) pictures, corrupted.

    Args:
        pictures: (N, H, W, 3) RGB.
        rows: a number for each picture, from which its random choices follow, whatever others there are.
        name: a key of CORRUPTIONS.
        severity: one of SEVERITIES.
    """
    function, strengths = CORRUPTIONS[name]
    strength = strengths[SEVERITIES.index(severity)]
    kind = zlib.crc32(name.encode())
    randoms = (np.random.default_rng((kind, severity, row)) for row in rows)
    return np.stack([function(picture, strength, random) for picture, random in zip(pictures, randoms, strict=True)])


def _blur(picture: Pixels, part: float, _random: Random) -> Pixels:
    """Spread each point by a Gaussian whose standard deviation is a part of the side."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(part * max(picture.shape))))


def _noise(picture: Pixels, part: float, random: Random) -> Pixels:
    """Add Gaussian noise, its standard deviation a part of the range."""
    noisy = picture + random.normal(0, 255 * part, picture.shape)
    rounded: Pixels = np.rint(noisy.clip(0, 255)).astype(np.uint8)
    return rounded


def _jpeg(picture: Pixels, quality: float, _random: Random) -> Pixels:
    """Compress."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def _dark(picture: Pixels, factor: float, _random: Random) -> Pixels:
    """Take light away."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(factor))


def _rotated(picture: Pixels, degrees: float, random: Random) -> Pixels:
    """Turn to one side; what was outside mirrors the inside."""
    angle = degrees * random.choice((-1, 1))
    turned: Pixels = ndimage.rotate(picture, angle, reshape=False, order=1, mode="mirror")
    return turned


def _shifted(picture: Pixels, part: float, random: Random) -> Pixels:
    """Move by a part of the side in any direction; what was outside mirrors the inside."""
    angle = random.uniform(0, 2 * np.pi)
    sides = picture.shape[:2]
    offset = (round(part * sides[0] * np.sin(angle)), round(part * sides[1] * np.cos(angle)), 0)
    moved: Pixels = ndimage.shift(picture, offset, order=0, mode="mirror")
    return moved


# Name -> function, and its strength at each severity.
CORRUPTIONS: dict[str, tuple[Callable[[Pixels, float, Random], Pixels], tuple[float, ...]]] = {
    "blur": (_blur, (0.01, 0.02, 0.03)),
    "noise": (_noise, (0.04, 0.08, 0.12)),
    "jpeg": (_jpeg, (25, 15, 8)),
    "dark": (_dark, (0.6, 0.4, 0.25)),
    "rotated": (_rotated, (10, 20, 30)),
    "shifted": (_shifted, (0.05, 0.1, 0.2)),
}
