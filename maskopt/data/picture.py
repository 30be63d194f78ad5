"""File -> RGB picture -> square array: the one way pictures are read, in training and in use."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from maskopt.errors import UnreadablePicture

FORMATS = ("JPEG", "PNG", "WEBP")  # told by content, not by name
BACKGROUND = (255, 255, 255)  # white: shown through transparent pixels, and beside padded pictures
FILTER = Image.Resampling.BILINEAR  # Pillow widens it when it shrinks, so that no pixel is skipped
BYTES_PER_PIXEL = 8  # of 16-bit RGBA without compression, the most that these formats need
METADATA_BYTES = 2**24  # beside the pixels: larger files are not read

# What Pillow raises on broken files of these formats.
_DECODE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, struct.error, zlib.error)

Image.MAX_IMAGE_PIXELS = None  # `max_pixels` is the bound; Pillow's own would warn first

# What EXIF says of how a picture lies -> what makes it upright. ImageOps.exif_transpose writes the rest of EXIF anew as
# well, which fails where that is damaged.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Aspect = Literal["stretch", "crop", "pad"]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture as people see it."""

    image: Image.Image  # RGB, upright
    mode: str  # Pillow's name of how the file stores colours


def open_picture(path: Path, max_pixels: int) -> Picture:
    """Return the picture in a file, as `as_seen` gives it.

    Of an animation it is the first frame. Colour profiles are not applied.

    Raises:
        UnreadablePicture: not a JPEG, PNG or WebP file, or damaged, or of more than `max_pixels`.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # such as a pipe, which may never end
            raise UnreadablePicture(path, "it is no file")
        size_bytes = path.stat().st_size
        if size_bytes > max_pixels * BYTES_PER_PIXEL + METADATA_BYTES:
            raise UnreadablePicture(path, f"{size_bytes:,} bytes are too many for {max_pixels:,} pixels")
        # Warnings are of damaged metadata, which spoil no pixel.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise UnreadablePicture(
                    path, f"{width:,} x {height:,} pixels are {width * height:,}, more than {max_pixels:,}"
                )
            return Picture(as_seen(image), image.mode)
    except _DECODE_ERRORS as err:
        raise UnreadablePicture(path, _reason(path, err)) from err


def as_seen(image: Image.Image) -> Image.Image:
    """Return an image as people see it: EXIF rotation done, transparency over `BACKGROUND`, RGB of 8 bits a colour."""
    turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return _to_rgb(image if turn is None else image.transpose(turn))


def fit(image: Image.Image, size_px: int, aspect: Aspect) -> Pixels:
    """Return (size_px, size_px, 3): `stretch` changes the aspect, `crop` keeps the middle, `pad` adds `BACKGROUND`."""
    size = (size_px, size_px)
    if aspect == "crop":
        return np.asarray(ImageOps.fit(image, size, FILTER))
    if aspect == "stretch":
        return np.asarray(image.resize(size, FILTER))
    longer = max(image.size)
    width, height = (max(1, round(side * size_px / longer)) for side in image.size)
    square = Image.new("RGB", size, BACKGROUND)
    square.paste(image.resize((width, height), FILTER), ((size_px - width) // 2, (size_px - height) // 2))
    return np.asarray(square)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow would clip it to its darkest 256 levels
        levels = np.asarray(image)
        clear = levels == image.info.get("transparency", -1)
        return Image.fromarray(np.where(clear, BACKGROUND[0], (levels / 257).round()).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, (*BACKGROUND, 255)), layer).convert("RGB")


def _reason(path: Path, err: Exception) -> str:
    if isinstance(err, OSError) and err.strerror:  # of the file system
        return err.strerror
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        return "it is empty"
    known = start.startswith((b"\xff\xd8", b"\x89PNG")) or start[8:12] == b"WEBP"
    return f"damaged ({err})" if known else f"it starts with {start!r}, which is neither JPEG, PNG nor WebP"
