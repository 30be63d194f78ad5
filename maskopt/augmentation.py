"""Pixels -> changed pixels: flips, zoomed crops, brightness and contrast, drawn from a stateless seed.

Shape legend: B batch, H height px, W width px.
"""

from maskopt.keras import tf
from maskopt.params import Augmentation


def augment(images: tf.Tensor, params: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Return other views of the same pictures.

    Args:
        images: (B, H, W, 3) float32 in 0..255.
        params: how much.
        seed: (2,) int64; the same seed gives the same views.
    """
    seeds = tf.random.experimental.stateless_split(seed, 6)
    images = _zoomed(images, params, seeds[:4])
    batch = tf.shape(images)[0]
    shift = _uniform((batch, 1, 1, 1), seeds[4], params.brightness) * 255.0
    factor = 1.0 + _uniform((batch, 1, 1, 1), seeds[5], params.contrast)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return tf.clip_by_value((images - mean) * factor + mean + shift, 0.0, 255.0)


def _zoomed(images: tf.Tensor, params: Augmentation, seeds: tf.Tensor) -> tf.Tensor:
    """Crop a rectangle of each picture, flip some, and scale it back."""
    batch, size = tf.shape(images)[0], images.shape[1:3]
    side = 1.0 - params.zoom * tf.random.stateless_uniform((batch, 1), seeds[0])
    sides = tf.minimum(side * (1.0 + _uniform((batch, 2), seeds[1], params.stretch)), 1.0)
    corner = tf.random.stateless_uniform((batch, 2), seeds[2]) * (1.0 - sides)
    boxes = tf.concat([corner, corner + sides], axis=1)  # top, left, bottom, right
    if params.flip:
        mirrored = tf.gather(boxes, [0, 3, 2, 1], axis=1)
        boxes = tf.where(tf.random.stateless_uniform((batch, 1), seeds[3]) < 0.5, mirrored, boxes)
    return tf.image.crop_and_resize(images, boxes, tf.range(batch), size)


def _uniform(shape: tuple[object, ...], seed: tf.Tensor, bound: float) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, -bound, bound)
