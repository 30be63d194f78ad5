"""One picture of one face: (seed, version, class, index) -> pixels and how to save them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from maskopt.data.drawing.brush import Brush, Pose
from maskopt.data.drawing.camera import Shot, imagine_shot, take
from maskopt.data.drawing.hair import draw_behind, draw_glasses, draw_hair, draw_hat, imagine_wear
from maskopt.data.drawing.head import draw_head, imagine_head
from maskopt.data.drawing.mask import WRONG_WAYS, draw_mask, imagine_mask
from maskopt.data.drawing.palette import between, weigh
from maskopt.data.drawing.scene import draw_background, draw_clothes, imagine_clothes

WAYS = {"with_mask": {"rightly": 1.0}, "without_mask": {"not": 1.0}, "mask_weared_incorrect": WRONG_WAYS}


@dataclass(frozen=True)
class Picture:
    """A picture and how it was taken."""

    image: Image.Image
    shot: Shot


def draw_face(rng: np.random.Generator, label: str) -> Picture:
    """Return a picture of a face that shows what the label, a key of WAYS, says."""
    shot = imagine_shot(rng)
    pose = imagine_pose(rng, shot)
    head = imagine_head(rng)
    wear = imagine_wear(rng, head.hair)
    clothes = imagine_clothes(rng)
    way = weigh(rng, WAYS[label])
    size = (shot.width_px * shot.oversampling, shot.height_px * shot.oversampling)
    brush = Brush(draw_background(rng, size), pose)
    draw_behind(brush, wear)
    draw_clothes(brush, clothes, head.skin)
    draw_head(brush, head)
    mask = imagine_mask(rng, way) if way != "not" else None
    if mask and way != "one_ear":
        draw_mask(brush, mask)
    draw_hair(brush, wear)
    draw_glasses(brush, wear)
    draw_hat(brush, wear)
    if mask and way == "one_ear":
        draw_mask(brush, mask)
    return Picture(take(rng, shot, brush.image), shot)


def imagine_pose(rng: np.random.Generator, shot: Shot) -> Pose:
    """Return a pose in which the head fills most of the frame."""
    width, height = shot.width_px * shot.oversampling, shot.height_px * shot.oversampling
    ratio = between(rng, 1.18, 1.38)
    half_height = between(rng, 0.35, 0.46) * height
    half_width = half_height / ratio
    room_x, room_y = width / 2 - 0.95 * half_width, height / 2 - 0.92 * half_height
    return Pose(
        x_px=width / 2 + room_x * between(rng, -1, 1),
        y_px=height / 2 + room_y * between(rng, -1, 0.5),
        half_width_px=half_width,
        ratio=ratio,
        jaw=between(rng, 2.1, 3.2),
        taper=between(rng, 0.0, 0.14),
        yaw=between(rng, -0.5, 0.5),
        pitch=between(rng, -0.2, 0.2),
        roll=between(rng, -0.28, 0.28),
    )
