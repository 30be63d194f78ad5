"""A face's features: eyes, brows, nose, mouth, beard."""

from maskopt.data.drawing.brush import Brush, ellipse, mirror, smooth
from maskopt.data.drawing.head import EYE_V, MOUTH_V, NOSE_V, Head
from maskopt.data.drawing.palette import mix, shade

WHITE = (240, 238, 234)  # of eyes and teeth
JAW = ((0, 0.45, 0), (0.4, 0.44, 0), (0.75, 0.35, 0), (0.97, 0, 0), (0.99, 0.3, 0), (0.95, 0.75, 0.03), (0.5, 1, 0.1))


def draw_features(brush: Brush, head: Head) -> None:
    """Draw all of them on the bare skin."""
    _draw_beard(brush, head)
    for side in (-1, 1):
        _draw_eye(brush, head, side)
    _draw_nose(brush, head)
    _draw_mouth(brush, head)
    if head.beard in ("full", "moustache"):
        _draw_moustache(brush, head)


def _draw_eye(brush: Brush, head: Head, side: int) -> None:
    on_skin, u = brush.pose.on_skin, side * head.eye_apart
    brush.fill(on_skin(ellipse(u, EYE_V, head.eye_width * 1.25, head.eye_open + 0.05)), shade(head.skin, 0.86))
    if head.eye_open:
        seen = min(head.eye_open, 0.07)
        brush.fill(on_skin(ellipse(u, EYE_V, head.eye_width, head.eye_open)), WHITE)
        brush.fill(on_skin(ellipse(u + head.gaze, EYE_V, 0.09, seen)), head.iris)
        brush.fill(on_skin(ellipse(u + head.gaze, EYE_V, 0.045, seen * 0.6)), (16, 14, 16))
    lid = [(u - head.eye_width, EYE_V), (u, EYE_V - head.eye_open), (u + head.eye_width, EYE_V)]
    brush.line(on_skin(smooth(lid, closed=False)), shade(head.skin, 0.32), 0.05)
    slope = head.brow_slope * side
    brow = [(u - 0.24, -0.27 - slope), (u, -0.33), (u + 0.24, -0.27 + slope)]
    brush.line(on_skin(smooth(brow, closed=False)), mix(head.hair, shade(head.skin, 0.5), 0.3), head.brow_thick)


def _draw_nose(brush: Brush, head: Head) -> None:
    on_skin, width, tip = brush.pose.on_skin, head.nose_width, NOSE_V * head.nose_length
    sides = [(0, -0.1, 0.05), (width * 0.5, 0.1, 0.1), (width * 1.1, tip - 0.03, 0.08), (0, tip + 0.05, 0.14)]
    ridge = [(0, -0.12, 0.06), (width * 0.3, 0.05, 0.14), (width * 0.72, tip - 0.06, 0.16), (0, tip, 0.2)]
    brush.fill(on_skin(smooth(mirror(sides))), shade(head.skin, 0.62))
    brush.fill(on_skin(smooth(mirror(ridge))), mix(head.skin, (255, 250, 240), 0.4))
    for side in (-1, 1):
        nostril = ellipse(side * width * 0.52, tip + 0.015, width * 0.32, 0.042, lift=0.12)
        brush.fill(on_skin(nostril), shade(head.skin, 0.2))


def _draw_mouth(brush: Brush, head: Head) -> None:
    match head.mouth:
        case "closed":
            _draw_lips(brush, head, corners=0.0)
        case "smile":
            _draw_lips(brush, head, corners=0.06)
        case "frown":
            _draw_lips(brush, head, corners=-0.05)
        case "grin":
            _draw_grin(brush, head)
        case "open":
            brush.fill(brush.pose.on_skin(ellipse(0, MOUTH_V + 0.01, head.mouth_width * 0.75, 0.11)), head.lips)
            brush.fill(brush.pose.on_skin(ellipse(0, MOUTH_V + 0.01, head.mouth_width * 0.56, 0.075)), (62, 22, 24))


def _draw_lips(brush: Brush, head: Head, corners: float) -> None:
    """Draw closed lips whose corners are this much above their middle."""
    on_skin, w, y, edge = brush.pose.on_skin, head.mouth_width, MOUTH_V, MOUTH_V - corners
    upper = [(-w, edge), (-w * 0.3, y - 0.06), (0, y - 0.045), (w * 0.3, y - 0.06), (w, edge), (0, y + 0.02)]
    lower = [(-w, edge), (0, y + 0.01), (w, edge), (w * 0.5, y + 0.095), (-w * 0.5, y + 0.095)]
    brush.fill(on_skin(smooth(upper)), shade(head.lips, 0.85))
    brush.fill(on_skin(smooth(lower)), head.lips)
    brush.line(on_skin(smooth([(-w, edge), (0, y + 0.015), (w, edge)], closed=False)), shade(head.lips, 0.35), 0.05)


def _draw_grin(brush: Brush, head: Head) -> None:
    on_skin, w, y = brush.pose.on_skin, head.mouth_width * 1.1, MOUTH_V
    lips = [(-w, y - 0.07), (0, y - 0.05), (w, y - 0.07), (w * 0.5, y + 0.08), (-w * 0.5, y + 0.08)]
    teeth = [(-w * 0.85, y - 0.045), (0, y - 0.02), (w * 0.85, y - 0.045), (w * 0.4, y + 0.045), (-w * 0.4, y + 0.045)]
    brush.fill(on_skin(smooth(lips)), head.lips)
    brush.fill(on_skin(smooth(teeth)), WHITE)


def _draw_beard(brush: Brush, head: Head) -> None:
    on_skin = brush.pose.on_skin
    match head.beard:
        case "full":
            brush.fill(on_skin(smooth(mirror([*JAW, (0, 1.08, 0.1)]))), head.hair)
            for u in (-0.9, -0.65, -0.4, -0.15, 0.15, 0.4, 0.65, 0.9):
                strand = on_skin([(u, 0.72 - 0.3 * u * u, 0), (u * 0.9, 0.98 - 0.3 * u * u, 0.05)])
                brush.line(strand, mix(head.hair, head.skin, 0.35), 0.05)
        case "stubble":
            brush.fill(on_skin(smooth(mirror([*JAW, (0, 0.99, 0)]))), (*shade(head.hair, 0.6), 90))
        case "goatee":
            chin = [(0, 0.66, 0), (0.25, 0.66, 0), (0.3, 0.8, 0), (0.4, 0.95, 0.06), (0, 1.08, 0.1)]
            brush.fill(on_skin(smooth(mirror(chin))), head.hair)


def _draw_moustache(brush: Brush, head: Head) -> None:
    w = head.mouth_width
    half = [(0, 0.43, 0.06), (w, 0.49, 0.02), (w * 1.25, 0.6, 0), (w * 0.6, 0.52, 0.03), (0, 0.51, 0.05)]
    brush.fill(brush.pose.on_skin(smooth(mirror(half))), shade(head.hair, 0.9))
