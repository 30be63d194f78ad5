"""A small network of depthwise-separable blocks, after MobileNetV1 (Howard et al. 2017, arXiv:1704.04861)."""

from maskopt.networks import blocks
from maskopt.networks.keras import keras

STEM = 16  # channels
# Channels, stride.
BLOCKS = ((32, 1), (48, 2), (64, 1), (96, 2), (128, 2))


def build(size_px: int, width: float, depth: int) -> keras.Model:
    """Return the trunk: (B, size_px, size_px, 3) -> (B, size_px / 16, size_px / 16, 128 * width).

    Args:
        size_px: input height and width.
        width: factor of the channels.
        depth: how often each block stands there; all but the first keep the resolution.
    """
    image = keras.Input((size_px, size_px, 3))
    x = blocks.conv_bn_relu(image, blocks.scaled(STEM, width), 3, 2, "stem")
    for i, (channels, stride) in enumerate(blocks.repeated(BLOCKS, depth), start=1):
        x = blocks.separable(x, blocks.scaled(channels, width), stride, f"block{i}")
    return keras.Model(image, x)
