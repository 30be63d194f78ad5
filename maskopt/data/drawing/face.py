"""One picture: random numbers + label -> pixels, and how to save them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from maskopt.data.drawing.background import draw_background
from maskopt.data.drawing.brush import Brush, Pose
from maskopt.data.drawing.camera import Shot, imagine_shot, take
from maskopt.data.drawing.clothes import draw_clothes, imagine_clothes
from maskopt.data.drawing.features import draw_features
from maskopt.data.drawing.glasses import draw_glasses, imagine_glasses
from maskopt.data.drawing.hair import draw_hair, draw_hair_behind, imagine_hair
from maskopt.data.drawing.hat import draw_hat, draw_hat_behind, imagine_hat
from maskopt.data.drawing.head import draw_head, imagine_head
from maskopt.data.drawing.mask import draw_hanging_mask, draw_mask, imagine_mask
from maskopt.data.drawing.palette import between, weigh

LABELS: Mapping[str, Mapping[str, float]] = {  # ways of wearing a mask, and their chances
    "with_mask": {"rightly": 1.0},
    "without_mask": {"not": 1.0},
    "mask_weared_incorrect": {"under_nose": 7.0, "on_chin": 2.2, "one_ear": 0.5},
}


@dataclass(frozen=True)
class Picture:
    """A picture, and how it was taken."""

    image: Image.Image
    shot: Shot


def draw_face(rng: np.random.Generator, label: str) -> Picture:
    """Return a picture that shows what the label, a key of LABELS, says. All else is the same for all labels."""
    shot = imagine_shot(rng)
    size = (shot.width_px * shot.oversampling, shot.height_px * shot.oversampling)
    pose, head, clothes = imagine_pose(rng, size), imagine_head(rng), imagine_clothes(rng)
    hair, hat, glasses = imagine_hair(rng, head.hair), imagine_hat(rng), imagine_glasses(rng)
    brush = Brush(draw_background(rng, size), pose)
    way = weigh(rng, LABELS[label])

    draw_hat_behind(brush, hat)
    if not hat.covers_hair:
        draw_hair_behind(brush, hair)
    draw_clothes(brush, clothes, head.skin)
    draw_head(brush, head)
    draw_features(brush, head)
    if way not in ("not", "one_ear"):
        draw_mask(brush, imagine_mask(rng, way))
    if not hat.covers_hair:
        draw_hair(brush, hair)
    draw_glasses(brush, glasses)
    draw_hat(brush, hat)
    if way == "one_ear":
        draw_hanging_mask(brush, imagine_mask(rng, way))
    return Picture(take(rng, shot, brush.image), shot)


def imagine_pose(rng: np.random.Generator, size: tuple[int, int]) -> Pose:
    """Return a pose in which the head fills most of a frame of this size (width, height).

    Where the head is differs widely: templates learn little from these pictures, and few of them look alike.
    """
    width, height = size
    ratio = between(rng, 1.18, 1.38)
    half_height = between(rng, 0.34, 0.46) * height
    half_width = half_height / ratio
    return Pose(
        x_px=between(rng, 0.9 * half_width, width - 0.9 * half_width),
        y_px=between(rng, 0.8 * half_height, height - 1.1 * half_height),  # never cuts off the chin
        half_width_px=half_width,
        ratio=ratio,
        jaw=between(rng, 2.1, 3.2),
        taper=between(rng, 0.0, 0.14),
        yaw=between(rng, -0.5, 0.5),
        pitch=between(rng, -0.2, 0.2),
        roll=between(rng, -0.28, 0.28),
    )
