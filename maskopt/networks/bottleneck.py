"""A small network of inverted bottlenecks, after MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""

from maskopt.networks import blocks
from maskopt.networks.keras import keras

STEM = 16  # channels
# Channels, stride, expansion.
BLOCKS = ((16, 1, 1), (24, 2, 4), (24, 1, 4), (32, 2, 4), (32, 1, 4), (48, 2, 4), (48, 1, 4))
HEAD = 128  # channels


def build(size_px: int, width: float, depth: int) -> keras.Model:
    """Return the trunk: (B, size_px, size_px, 3) -> (B, size_px / 16, size_px / 16, 128 * width).

    Args:
        size_px: input height and width.
        width: factor of the channels.
        depth: how often each block stands there; all but the first keep the resolution.
    """
    image = keras.Input((size_px, size_px, 3))
    x = blocks.conv_bn_relu(image, blocks.scaled(STEM, width), 3, 2, "stem")
    for i, (channels, stride, expansion) in enumerate(blocks.repeated(BLOCKS, depth), start=1):
        x = blocks.inverted_bottleneck(x, blocks.scaled(channels, width), stride, expansion, f"block{i}")
    return keras.Model(image, blocks.conv_bn_relu(x, blocks.scaled(HEAD, width), 1, 1, "head"))
