"""Pictures for tests, drawn from a seed: busy enough to have key points, and unlike each other."""

import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw


def photograph(seed, width=160, height=160):
    """Return an RGB picture of soft colours with 40 ellipses."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(soft)
    for _ in range(40):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = rng.uniform(0.02, 0.12, 2) * max(width, height)
        draw.ellipse((x - a, y - b, x + a, y + b), fill=tuple(int(value) for value in rng.integers(0, 256, 3)))
    return soft


def write_classes(folder, labels, rows, seed=0):
    """Write `rows` different pictures of 48 px to each class folder."""
    for i, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for row in range(rows):
            photograph(1000 * seed + 100 * i + row, 48, 48).save(folder / label / f"{row}.png")


def huge_png(width, height):
    """Return a PNG file that says it is this large, and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
