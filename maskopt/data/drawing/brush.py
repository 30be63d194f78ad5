"""A head's pose, and the brush that draws on a head so turned."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from maskopt.data.drawing.palette import Colour

Floats = npt.NDArray[np.float64]
Points = npt.ArrayLike  # (N, 2) or (N, 3); the third column is zero where it is left out
Ink = Colour | tuple[int, int, int, int]  # the fourth number is the opacity, 0 to 255

NECK = 0.45  # half width of what is under the chin, in half widths of the head
PIECES = 5  # straight lines between two knots of a curve

_STEP = np.linspace(0, 1, PIECES, endpoint=False)
_CATMULL_ROM = 0.5 * np.stack(  # (PIECES, 4): weights of the knot before, the two of this stretch, and the one after
    [
        -_STEP + 2 * _STEP**2 - _STEP**3,
        2 - 5 * _STEP**2 + 3 * _STEP**3,
        _STEP + 4 * _STEP**2 - 3 * _STEP**3,
        _STEP**3 - _STEP**2,
    ],
    axis=1,
)


@dataclass(frozen=True)
class Pose:
    """Where a head is, its shape, and how it is turned."""

    x_px: float  # of the middle of the head
    y_px: float
    half_width_px: float
    ratio: float  # height over width
    jaw: float  # 2: an oval, 3: square
    taper: float  # part of its width that the head loses from the eyes to the chin
    yaw: float  # radians; positive is towards the right of the picture
    pitch: float  # radians; positive is upwards
    roll: float  # radians; positive is clockwise

    def half_width_at(self, v: Floats) -> Floats:
        """Return the head's half width at heights `v`, in half widths where it is widest."""
        power = np.where(v > 0, self.jaw, 2.0)
        dome = np.sqrt(np.clip(1 - np.abs(v) ** power, 0, 1))
        width: Floats = dome * (1 - self.taper * np.clip(v, 0, 1))
        return width

    def on_skin(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points u, v, lift; those that are turned away lie on the outline.

        A slice through the head at one height is a circle, so that yaw adds to the angle of each point.
        """
        u, v, lift = _columns(points)
        angle = np.clip(np.arcsin(np.clip(u, -1, 1)) + self.yaw, -np.pi / 2, np.pi / 2)
        radius = np.maximum(self.half_width_at(v), np.where(v > 0, NECK, 0)) + lift
        return self._to_px(radius * np.sin(angle), v * self.ratio, radius * np.cos(angle))

    def beside(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points x, y, z that turn with the head; x, z in half widths, y in half heights."""
        x, y, z = _columns(points)
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return self._to_px(x * cos + z * sin, y * self.ratio, z * cos - x * sin)

    def around(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points x, y that stay where they are when the head turns, as its outline does."""
        x, y, _ = _columns(points)
        return self._to_px(x, y * self.ratio, np.zeros_like(x))

    def _to_px(self, x: Floats, y: Floats, z: Floats) -> Floats:
        y = y * np.cos(self.pitch) - z * np.sin(self.pitch)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        rolled = np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)
        pixels: Floats = rolled * self.half_width_px + (self.x_px, self.y_px)
        return pixels


class Brush:
    """Draws on one picture, for a head in one pose."""

    def __init__(self, image: Image.Image, pose: Pose) -> None:
        self.image = image
        self.pose = pose
        self._draw = ImageDraw.Draw(image, "RGBA")

    def fill(self, pixels: Floats, ink: Ink) -> None:
        """Fill the polygon (N, 2)."""
        self._draw.polygon(_corners(pixels), fill=ink)

    def line(self, pixels: Floats, ink: Ink, width: float) -> None:
        """Draw the open line (N, 2), `width` in half widths of the head."""
        width_px = max(1, round(width * self.pose.half_width_px))
        self._draw.line(_corners(pixels), fill=ink, width=width_px, joint="curve")

    def outline(self, pixels: Floats, ink: Ink, width: float) -> None:
        """Draw the edge of the polygon (N, 2)."""
        self.line(np.concatenate([pixels, pixels[:2]]), ink, width)

    def stencil(self, pixels: Floats) -> Image.Image:
        """Return a mask of the picture's size, 255 inside the polygon (N, 2) and 0 elsewhere."""
        inside = Image.new("L", self.image.size)
        ImageDraw.Draw(inside).polygon(_corners(pixels), fill=255)
        return inside


def smooth(knots: Points, closed: bool = True) -> Floats:
    """Return a curve (M, columns) through the knots (N, columns): a Catmull-Rom spline."""
    table = np.asarray(knots, float)
    before, after = (table[-1:], table[:2]) if closed else (table[:1], table[-1:])
    table = np.concatenate([before, table, after])
    fours = np.stack([table[i : len(table) - 3 + i] for i in range(4)])
    curve: Floats = np.einsum("sk,knc->nsc", _CATMULL_ROM, fours).reshape(-1, table.shape[1])
    return curve if closed else np.concatenate([curve, table[-1:]])


def ellipse(x: float, y: float, half_width: float, half_height: float, lift: float = 0.0) -> Floats:
    """Return the outline (24, 3) of an ellipse around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    columns = [x + half_width * np.cos(angle), y + half_height * np.sin(angle), np.full(24, lift)]
    return np.stack(columns, axis=1)


def mirror(half: Points) -> Floats:
    """Return the closed outline (M, columns) whose right half is given from top to bottom, with its middle points."""
    right = np.asarray(half, float)
    left = right[::-1].copy()
    left[:, 0] *= -1
    return np.concatenate([right, left[left[:, 0] != 0]])


def _columns(points: Points) -> tuple[Floats, Floats, Floats]:
    table = np.asarray(points, float)
    third = table[:, 2] if table.shape[1] == 3 else np.zeros(len(table))
    return table[:, 0], table[:, 1], third


def _corners(pixels: Floats) -> list[tuple[float, float]]:
    return [(x, y) for x, y in pixels.tolist()]
