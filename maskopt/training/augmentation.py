"""Pixels -> changed pixels: moved, coloured, blurred and partly hidden, drawn from a stateless seed.

Shape legend: B batch, H height px, W width px.
"""

import math

from maskopt.networks.keras import tf
from maskopt.params import Augmentation


def augment(images: tf.Tensor, params: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Return other views of the same pictures.

    Args:
        images: (B, H, W, 3) float32 in 0..255.
        params: how much.
        seed: (2,) int64; the same seed gives the same views.
    """
    seeds = tf.random.experimental.stateless_split(seed, 4)
    images = _moved(images, params, seeds[0])
    images = _lit(images, params, seeds[1])
    if params.blur:
        images = _blurred(images, params.blur, seeds[2])
    if params.erase:
        images = _erased(images, params.erase, seeds[3])
    return images


def _moved(images: tf.Tensor, params: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Crop a turned rectangle of each picture, flip some, and scale it back; what lies outside mirrors the inside."""
    seeds = tf.random.experimental.stateless_split(seed, 5)
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    side = 1.0 - params.zoom * tf.random.stateless_uniform((batch, 1), seeds[0])
    sides = tf.minimum(side * (1.0 + _uniform((batch, 2), seeds[1], params.stretch)), 1.0)
    corner = tf.random.stateless_uniform((batch, 2), seeds[2]) * (1.0 - sides)
    centre_x, centre_y = tf.unstack((corner + sides / 2) * (width, height) - 0.5, axis=1)
    scale_x, scale_y = tf.unstack(sides, axis=1)
    if params.flip:
        scale_x *= tf.sign(tf.random.stateless_uniform((batch,), seeds[3]) - 0.5)
    angle = _uniform((batch,), seeds[4], math.radians(params.rotation_degrees))

    # Pixel (x, y) of the view shows pixel (a0 x + a1 y + a2, b0 x + b1 y + b2) of the picture.
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    a0, a1 = scale_x * tf.cos(angle), -scale_x * tf.sin(angle)
    b0, b1 = scale_y * tf.sin(angle), scale_y * tf.cos(angle)
    a2 = centre_x - a0 * middle_x - a1 * middle_y
    b2 = centre_y - b0 * middle_x - b1 * middle_y
    nothing = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _lit(images: tf.Tensor, params: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Change contrast, brightness, the colour of the light and how colourful a picture is."""
    seeds = tf.random.experimental.stateless_split(seed, 4)
    batch = tf.shape(images)[0]
    tint = 1.0 + _uniform((batch, 1, 1, 3), seeds[0], params.tint)
    saturation = 1.0 + _uniform((batch, 1, 1, 1), seeds[1], params.saturation)
    contrast = 1.0 + _uniform((batch, 1, 1, 1), seeds[2], params.contrast)
    shift = _uniform((batch, 1, 1, 1), seeds[3], params.brightness) * 255.0
    images *= tint
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = (images - grey) * saturation + grey
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return tf.clip_by_value((images - mean) * contrast + mean + shift, 0.0, 255.0)


def _blurred(images: tf.Tensor, part: float, seed: tf.Tensor) -> tf.Tensor:
    """Show a part of the pictures at half their resolution."""
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    coarse = tf.image.resize(tf.image.resize(images, (height // 2, width // 2), "area"), (height, width))
    return tf.where(tf.random.stateless_uniform((batch, 1, 1, 1), seed) < part, coarse, images)


def _erased(images: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Hide a rectangle of one colour, anywhere. Source: Zhong et al. 2017, arXiv:1708.04896."""
    seeds = tf.random.experimental.stateless_split(seed, 3)
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    half = tf.random.stateless_uniform((batch, 1, 1, 1), seeds[0]) * largest / 2  # of the side
    x, y = tf.unstack(tf.random.stateless_uniform((batch, 2, 1, 1, 1), seeds[1]), axis=1)
    columns = tf.reshape((tf.range(width, dtype=tf.float32) + 0.5) / width, (1, 1, width, 1))
    rows = tf.reshape((tf.range(height, dtype=tf.float32) + 0.5) / height, (1, height, 1, 1))
    hidden = (tf.abs(columns - x) < half) & (tf.abs(rows - y) < half)  # (B, H, W, 1)
    colour = tf.random.stateless_uniform((batch, 1, 1, 3), seeds[2], 0.0, 255.0)
    return tf.where(hidden, colour, images)


def _uniform(shape: tuple[object, ...], seed: tf.Tensor, bound: float) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, -bound, bound)
