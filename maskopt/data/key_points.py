"""Picture -> key points: places that look the same in every crop of one photograph, as 63 bits each.

After Lowe 2004 (doi 10.1023/B:VISI.0000029664.99615.94), much simplified: the places are peaks of contrast between a
pixel's surroundings, near and far (box filters, Agrawal et al. 2008, CenSurE), at several scales; what is kept of a
place are the signs of its lowest frequencies, as in a perceptual hash. Turned pictures are not recognised.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from scipy.fft import dctn

LONGER_SIDE = 128  # units of the coordinates: every picture is measured as if it were this large
SCALE_STEP = 1.25
SIDES = tuple(round(90 / SCALE_STEP**level) for level in range(6))  # px of the longer side, finest level first
PATCH = 20  # px around a place at its level: 28 to 88 units, large enough to hold more than a texture
FREQUENCIES = 8  # in each direction
MAX_POINTS = 80  # the strongest of a picture

KEY_POINT = np.dtype([("code", "<u8"), ("x", "u1"), ("y", "u1"), ("level", "u1")])
NO_LEVEL = 255  # marks the unused places of a picture with fewer points

KeyPoints = np.ndarray[tuple[int, ...], np.dtype[np.void]]
Floats = npt.NDArray[np.float32]


def find_key_points(image: Image.Image) -> KeyPoints:
    """Return (MAX_POINTS,) of `KEY_POINT`, strongest first, then unused places."""
    grey = image.convert("L")
    if max(grey.size) > 2 * LONGER_SIDE:  # once, so that the levels below are cheap
        grey = grey.resize(_size(grey, LONGER_SIDE), Image.Resampling.BOX)
    levels = [_find_at(grey, level) for level in range(len(SIDES))]
    strengths = np.concatenate([strength for strength, _ in levels])
    found = np.concatenate([points for _, points in levels])
    best = found[np.argsort(-strengths, kind="stable")[:MAX_POINTS]]
    points = np.zeros(MAX_POINTS, KEY_POINT)
    points["level"] = NO_LEVEL
    points[: len(best)] = best
    return points


def _find_at(grey: Image.Image, level: int) -> tuple[Floats, KeyPoints]:
    """Return strengths and points of one level."""
    pixels = np.asarray(grey.resize(_size(grey, SIDES[level]), Image.Resampling.BILINEAR), np.float32)  # (H, W)
    if min(pixels.shape) < PATCH:
        return np.zeros(0, np.float32), np.zeros(0, KEY_POINT)
    near = ndimage.uniform_filter(pixels, 3)
    contrast = np.abs(near - ndimage.uniform_filter(pixels, 7))
    half = PATCH // 2
    inside = (slice(half, 1 - half),) * 2  # where a whole patch fits
    peaks = (contrast == ndimage.maximum_filter(contrast, 7)) & (contrast > 0)
    y, x = np.nonzero(peaks[inside])
    points = np.zeros(len(y), KEY_POINT)
    points["code"] = _describe(np.lib.stride_tricks.sliding_window_view(near, (PATCH, PATCH))[y, x])
    points["x"], points["y"] = (np.round((axis + half) * LONGER_SIDE / SIDES[level]) for axis in (x, y))
    points["level"] = level
    return contrast[inside][y, x], points


def _describe(patches: Floats) -> npt.NDArray[np.uint64]:
    """Return (P,): the signs of the lowest frequencies of (P, PATCH, PATCH), without the mean."""
    waves = dctn(patches, axes=(1, 2))[:, :FREQUENCIES, :FREQUENCIES]  # no BLAS: its threads would fight for cores
    signs = waves.reshape(len(patches), FREQUENCIES**2)[:, 1:] > 0  # (P, 63)
    codes: npt.NDArray[np.uint64] = np.bitwise_or.reduce(signs << np.arange(signs.shape[1], dtype=np.uint64), axis=1)
    return codes


def _size(image: Image.Image, side: int) -> tuple[int, int]:
    width, height = image.size
    return max(1, round(width * side / max(image.size))), max(1, round(height * side / max(image.size)))
