"""The bare head: skin, ears, eyes, brows, nose, mouth and beard."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from maskopt.data.drawing import palette
from maskopt.data.drawing.brush import Brush, Floats, ellipse, mirror, smooth
from maskopt.data.drawing.palette import Colour, between, chance, mix, pick, shade, weigh

EYE_V, EAR_V, NOSE_V, MOUTH_V = -0.08, 0.05, 0.33, 0.57  # heights: pupils, ears, nostrils, lips
MOUTHS = {"closed": 5.0, "smile": 3.0, "grin": 2.0, "open": 1.5, "frown": 1.5}
BEARDS = {"none": 15.0, "stubble": 1.0, "full": 1.2, "goatee": 0.6, "moustache": 1.0}


@dataclass(frozen=True)
class Head:
    """What a bare head looks like."""

    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour  # of brows and beard
    shadow_side: float  # -1: the left half of the face lies in shadow, 1: the right one
    shadow: float  # opacity, 0 to 1
    eye_width: float
    eye_open: float  # 0: closed
    eye_apart: float
    gaze: float
    brow_thick: float
    brow_slope: float
    nose_width: float
    nose_length: float
    mouth: str
    mouth_width: float
    beard: str


def imagine_head(rng: np.random.Generator) -> Head:
    """Return a head that nobody has."""
    skin = palette.vary(rng, pick(rng, palette.SKINS), 0.08)
    return Head(
        skin=skin,
        lips=mix(shade(skin, 0.82), pick(rng, palette.LIPS), between(rng, 0.6, 1.0)),
        iris=pick(rng, palette.IRISES),
        hair=palette.vary(rng, pick(rng, palette.HAIRS), 0.15),
        shadow_side=between(rng, -1, 1),
        shadow=between(rng, 0.1, 0.5),
        eye_width=between(rng, 0.15, 0.21),
        eye_open=0.0 if chance(rng, 0.06) else between(rng, 0.045, 0.085),
        eye_apart=between(rng, 0.37, 0.45),
        gaze=between(rng, -0.06, 0.06),
        brow_thick=between(rng, 0.04, 0.10),
        brow_slope=between(rng, -0.06, 0.06),
        nose_width=between(rng, 0.2, 0.28),
        nose_length=between(rng, 0.95, 1.1),
        mouth=weigh(rng, MOUTHS),
        mouth_width=between(rng, 0.3, 0.4),
        beard=weigh(rng, BEARDS),
    )


def draw_head(brush: Brush, head: Head) -> None:
    """Draw ears, skin and features; the ear that is turned to the viewer lies over the cheek."""
    far = 1 if brush.pose.yaw > 0 else -1
    _draw_ear(brush, head, far)
    outline = skull(brush)
    brush.fill(outline, head.skin)
    _draw_shadow(brush, head, outline)
    _draw_ear(brush, head, -far)
    _draw_beard(brush, head)
    for side in (-1, 1):
        _draw_eye(brush, head, side)
    _draw_nose(brush, head)
    DRAW_MOUTH[head.mouth](brush, head)
    if head.beard in ("full", "moustache"):
        _draw_moustache(brush, head)


def skull(brush: Brush, grow: float = 0.0) -> Floats:
    """Return the head's outline in pixels, grown by some half widths."""
    v = -np.cos(np.linspace(0, np.pi, 25))
    right = np.stack([brush.pose.half_width_at(v) * (1 + grow), v * (1 + grow / brush.pose.ratio)], axis=1)
    return brush.pose.outside(mirror(right))


def _draw_shadow(brush: Brush, head: Head, outline: Floats) -> None:
    """Darken the skin towards one side and the rim: a soft, shifted copy of the outline stays light."""
    step = 8  # px; the shadow is soft, so that a coarse stencil does
    small = (brush.image.width // step + 1, brush.image.height // step + 1)
    light = Image.new("L", small, round(255 * head.shadow))
    shift = head.shadow_side * 0.5 * brush.pose.half_width_px
    corners = ((outline - (shift, 0.1 * brush.pose.half_width_px)) / step).tolist()
    ImageDraw.Draw(light).polygon([(x, y) for x, y in corners], fill=0)
    dark = light.filter(ImageFilter.GaussianBlur(0.22 * brush.pose.half_width_px / step))
    dark = dark.resize((small[0] * step, small[1] * step), Image.Resampling.BILINEAR).crop((0, 0, *brush.image.size))
    inside = Image.new("L", brush.image.size)
    inside_corners = [(x, y) for x, y in outline.tolist()]
    ImageDraw.Draw(inside).polygon(inside_corners, fill=255)
    black = Image.new("L", brush.image.size)
    brush.image.paste(shade(head.skin, 0.45), mask=Image.composite(dark, black, inside))


def _draw_ear(brush: Brush, head: Head, side: int) -> None:
    x = side * 1.02
    brush.fill(brush.pose.around(ellipse(x, EAR_V, 0.14, 0.19, 0.2 * side)), shade(head.skin, 0.9))
    brush.fill(brush.pose.around(ellipse(x, EAR_V, 0.07, 0.12, 0.2 * side)), shade(head.skin, 0.72))


def _draw_eye(brush: Brush, head: Head, side: int) -> None:
    on_skin, u = brush.pose.on_skin, side * head.eye_apart
    dark = shade(head.skin, 0.72)
    brush.fill(on_skin(ellipse(u, EYE_V, head.eye_width * 1.25, head.eye_open + 0.05)), shade(head.skin, 0.86))
    if head.eye_open:
        brush.fill(on_skin(ellipse(u, EYE_V, head.eye_width, head.eye_open)), (240, 238, 234))
        seen = min(head.eye_open, 0.07)
        brush.fill(on_skin(ellipse(u + head.gaze, EYE_V, 0.09, seen)), head.iris)
        brush.fill(on_skin(ellipse(u + head.gaze, EYE_V, 0.045, seen * 0.6)), (16, 14, 16))
    lid = [(u - head.eye_width, EYE_V), (u, EYE_V - head.eye_open), (u + head.eye_width, EYE_V)]
    brush.line(on_skin(smooth(lid, closed=False)), shade(dark, 0.45), 0.05)
    slope = head.brow_slope * side
    brow = [(u - 0.24, -0.27 - slope), (u, -0.33), (u + 0.24, -0.27 + slope)]
    brush.line(on_skin(smooth(brow, closed=False)), mix(head.hair, shade(head.skin, 0.5), 0.3), head.brow_thick)


def _draw_nose(brush: Brush, head: Head) -> None:
    on_skin, width, tip = brush.pose.on_skin, head.nose_width, NOSE_V * head.nose_length
    shadow, light = shade(head.skin, 0.62), mix(head.skin, (255, 250, 240), 0.4)
    ridge = [(0.0, -0.1, 0.05), (width * 0.5, 0.1, 0.1), (width * 1.1, tip - 0.03, 0.08), (0.0, tip + 0.05, 0.14)]
    brush.fill(on_skin(smooth(mirror(ridge))), shadow)
    front = [(0.0, -0.12, 0.06), (width * 0.3, 0.05, 0.14), (width * 0.72, tip - 0.06, 0.16), (0.0, tip, 0.2)]
    brush.fill(on_skin(smooth(mirror(front))), light)
    for side in (-1, 1):
        nostril = ellipse(side * width * 0.52, tip + 0.015, width * 0.32, 0.042)
        brush.fill(on_skin(_raise(nostril, 0.12)), shade(head.skin, 0.2))


def _draw_closed(brush: Brush, head: Head, corners: float = 0.0) -> None:
    w, y = head.mouth_width, MOUTH_V
    edge = y - corners
    upper = [(-w, edge), (-w * 0.3, y - 0.06), (0, y - 0.045), (w * 0.3, y - 0.06), (w, edge), (0, y + 0.02)]
    lower = [(-w, edge), (0, y + 0.01), (w, edge), (w * 0.5, y + 0.095), (-w * 0.5, y + 0.095)]
    on_skin = brush.pose.on_skin
    brush.fill(on_skin(smooth(upper)), shade(head.lips, 0.85)).fill(on_skin(smooth(lower)), head.lips)
    brush.line(on_skin(smooth([(-w, edge), (0, y + 0.015), (w, edge)], closed=False)), shade(head.lips, 0.35), 0.05)


def _draw_smile(brush: Brush, head: Head) -> None:
    _draw_closed(brush, head, corners=0.06)


def _draw_frown(brush: Brush, head: Head) -> None:
    _draw_closed(brush, head, corners=-0.05)


def _draw_grin(brush: Brush, head: Head) -> None:
    w, y = head.mouth_width * 1.1, MOUTH_V
    lips = [(-w, y - 0.07), (0, y - 0.05), (w, y - 0.07), (w * 0.5, y + 0.08), (-w * 0.5, y + 0.08)]
    teeth = [(-w * 0.85, y - 0.045), (0, y - 0.02), (w * 0.85, y - 0.045), (w * 0.4, y + 0.045), (-w * 0.4, y + 0.045)]
    brush.fill(brush.pose.on_skin(smooth(lips)), head.lips).fill(brush.pose.on_skin(smooth(teeth)), (246, 242, 234))


def _draw_open(brush: Brush, head: Head) -> None:
    on_skin, w = brush.pose.on_skin, head.mouth_width * 0.75
    brush.fill(on_skin(ellipse(0, MOUTH_V + 0.01, w, 0.11)), head.lips)
    brush.fill(on_skin(ellipse(0, MOUTH_V + 0.01, w * 0.75, 0.075)), (62, 22, 24))


DRAW_MOUTH = {
    "closed": _draw_closed,
    "smile": _draw_smile,
    "frown": _draw_frown,
    "grin": _draw_grin,
    "open": _draw_open,
}


def _draw_beard(brush: Brush, head: Head) -> None:
    full = [(0, 0.45), (0.4, 0.44), (0.75, 0.35), (0.97, 0.0), (0.99, 0.3), (0.95, 0.75, 0.03), (0.5, 1.0, 0.1)]
    goatee = [(0, 0.66), (0.25, 0.66), (0.3, 0.8), (0.4, 0.95, 0.06)]
    on_skin = brush.pose.on_skin
    match head.beard:
        case "full":
            brush.fill(on_skin(smooth(mirror(_padded([*full, (0, 1.08, 0.1)])))), head.hair)
        case "stubble":
            brush.fill(on_skin(smooth(mirror(_padded([*full[:-1], (0, 0.99, 0.0)])))), (*shade(head.hair, 0.6), 90))
        case "goatee":
            brush.fill(on_skin(smooth(mirror(_padded([*goatee, (0, 1.08, 0.1)])))), head.hair)


def _draw_moustache(brush: Brush, head: Head) -> None:
    w = head.mouth_width
    half = [(0, 0.43, 0.06), (w, 0.49, 0.02), (w * 1.25, 0.6, 0.0), (w * 0.6, 0.52, 0.03), (0, 0.51, 0.05)]
    brush.fill(brush.pose.on_skin(smooth(mirror(half))), shade(head.hair, 0.9))


def _padded(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    return [(*point, 0.0)[:3] for point in points]


def _raise(points: Floats, lift: float) -> Floats:
    return np.concatenate([points, np.full((len(points), 1), lift)], axis=1)
