"""A small network of depthwise-separable blocks, after MobileNetV1 (Howard et al. 2017, arXiv:1704.04861)."""

from maskopt.keras import keras
from maskopt.networks import blocks

CHANNELS = (16, 32, 48, 64, 96, 128)  # of the stem, then of each block
STRIDES = (2, 1, 2, 1, 2, 2)


def build(size_px: int) -> keras.Model:
    """Return the trunk: (B, size_px, size_px, 3) -> (B, size_px / 16, size_px / 16, 128)."""
    image = keras.Input((size_px, size_px, 3))
    x = blocks.conv_bn_relu(image, CHANNELS[0], 3, STRIDES[0], "stem")
    for i, (channels, stride) in enumerate(zip(CHANNELS[1:], STRIDES[1:], strict=True), start=1):
        x = blocks.separable(x, channels, stride, f"block{i}")
    return keras.Model(image, x)
