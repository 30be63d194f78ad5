"""A head's pose, and the brush that draws on a head so turned."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from maskopt.data.drawing.palette import Colour

Floats = npt.NDArray[np.float64]
Points = npt.ArrayLike  # (N, 2) u, v or (N, 3) u, v, lift
Paint = Colour | tuple[int, int, int, int] | Image.Image  # with opacity 0..255, or a texture of the canvas's size

NECK = 0.45  # half width of what is under the chin, in half widths of the head
_STEPS = np.linspace(0, 1, 5, endpoint=False)
_CATMULL_ROM = 0.5 * np.stack(  # (steps, 4): weights of the four points around a piece of curve
    [
        -_STEPS + 2 * _STEPS**2 - _STEPS**3,
        2 - 5 * _STEPS**2 + 3 * _STEPS**3,
        _STEPS + 4 * _STEPS**2 - 3 * _STEPS**3,
        _STEPS**3 - _STEPS**2,
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
        """Return the head's half width at heights `v`, in its largest half widths."""
        power = np.where(v > 0, self.jaw, 2.0)
        dome = np.sqrt(np.clip(1 - np.abs(v) ** power, 0, 1))
        return dome * (1 - self.taper * np.clip(v, 0, 1))

    def on_skin(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points on the head; what is turned away lies on its outline."""
        u, v, lift = _columns(points)
        angle = np.clip(np.arcsin(np.clip(u, -1, 1)) + self.yaw, -np.pi / 2, np.pi / 2)
        radius = np.maximum(self.half_width_at(v), np.where(v > 0, NECK, 0)) + lift
        return self._to_px(radius * np.sin(angle), v * self.ratio, radius * np.cos(angle))

    def around(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points x, y, z beside the head; x and z in half widths, y in half heights."""
        x, y, z = _columns(points)
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return self._to_px(x * cos + z * sin, y * self.ratio, z * cos - x * sin)

    def outside(self, points: Points) -> Floats:
        """Return pixels (N, 2) of points x, y of an outline, which stays as it is when the head turns."""
        x, y, _ = _columns(points)
        return self._to_px(x, y * self.ratio, np.zeros_like(x))

    def _to_px(self, x: Floats, y: Floats, z: Floats) -> Floats:
        y = y * np.cos(self.pitch) - z * np.sin(self.pitch)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)
        moved: Floats = turned * self.half_width_px + (self.x_px, self.y_px)
        return moved


class Brush:
    """Draws shapes, given in pixels, on one picture."""

    def __init__(self, image: Image.Image, pose: Pose) -> None:
        self.image = image
        self.pose = pose
        self._draw = ImageDraw.Draw(image, "RGBA")

    def fill(self, pixels: Floats, paint: Paint) -> Self:
        """Fill the polygon (N, 2) and return the brush."""
        corners = [(x, y) for x, y in pixels.tolist()]
        if isinstance(paint, Image.Image):
            stencil = Image.new("L", self.image.size)
            ImageDraw.Draw(stencil).polygon(corners, fill=255)
            self.image.paste(paint, mask=stencil)
        else:
            self._draw.polygon(corners, fill=paint)
        return self

    def line(self, pixels: Floats, paint: Colour | tuple[int, int, int, int], width: float) -> Self:
        """Draw the open line (N, 2), `width` in half widths of the head, and return the brush."""
        corners = [(x, y) for x, y in pixels.tolist()]
        self._draw.line(corners, fill=paint, width=max(1, round(width * self.pose.half_width_px)), joint="curve")
        return self


def smooth(points: Points, closed: bool = True) -> Floats:
    """Return a curve (M, columns) through the points (N, columns): Catmull-Rom, five pieces between two points."""
    knots = np.asarray(points, float)
    if closed:
        around = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        around = np.concatenate([knots[:1], knots, knots[-1:]])
    fours = np.stack([around[i : len(around) - 3 + i] for i in range(4)])
    curve = np.einsum("sk,knc->nsc", _CATMULL_ROM, fours).reshape(-1, knots.shape[1])
    return curve if closed else np.concatenate([curve, knots[-1:]])


def ellipse(u: float, v: float, width: float, height: float, tilt: float = 0.0) -> Floats:
    """Return the outline (24, 2) of an ellipse around (u, v) with these half axes."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    x, y = width * np.cos(angle), height * np.sin(angle)
    return np.stack([u + x * np.cos(tilt) - y * np.sin(tilt), v + x * np.sin(tilt) + y * np.cos(tilt)], axis=1)


def mirror(half: Points) -> Floats:
    """Return the closed outline whose right half is given from top to bottom, middle points included."""
    right = np.asarray(half, float)
    left = right[::-1].copy()
    left[:, 0] *= -1
    return np.concatenate([right, left[left[:, 0] != 0]])


def _columns(points: Points) -> tuple[Floats, Floats, Floats]:
    table = np.asarray(points, float)
    third = table[:, 2] if table.shape[1] == 3 else np.zeros(len(table))
    return table[:, 0], table[:, 1], third
