"""Blocks of the hand-made networks: only layers that prune, cluster, quantise and run in int8 alone.

Shape legend: B batch, H height px, W width px, C channels.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from maskopt.networks.keras import keras

layers = keras.layers
Tensor = Any  # symbolic, of Keras
Block = tuple[int, ...]  # channels, stride, and what else a network says of it
CHANNELS_STEP = 8  # kernels of CPUs work on so many at once


def scaled(channels: int, width: float) -> int:
    """Return a number of channels times `width`, a multiple of 8."""
    return max(CHANNELS_STEP, round(channels * width / CHANNELS_STEP) * CHANNELS_STEP)


def repeated(blocks: Iterable[Block], depth: int) -> Iterator[Block]:
    """Return each block `depth` times, only the first of them with its stride."""
    for channels, stride, *rest in blocks:
        for stride_here in (stride, *(1,) * (depth - 1)):
            yield (channels, stride_here, *rest)


def conv_bn_relu(x: Tensor, channels: int, kernel: int, stride: int, name: str) -> Tensor:
    """Return (B, H / stride, W / stride, channels)."""
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _norm_relu(x, name)


def separable(x: Tensor, channels: int, stride: int, name: str) -> Tensor:
    """Filter each channel, then mix channels. Source: MobileNets, arXiv:1704.04861, section 3.1."""
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _norm_relu(x, f"{name}_depthwise")
    return conv_bn_relu(x, channels, 1, 1, f"{name}_pointwise")


def inverted_bottleneck(x: Tensor, channels: int, stride: int, expansion: int, name: str) -> Tensor:
    """Widen, filter, narrow, with a shortcut where shapes allow. Source: MobileNetV2, arXiv:1801.04381, figure 3."""
    narrow = x
    x = conv_bn_relu(x, expansion * narrow.shape[-1], 1, 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _norm_relu(x, f"{name}_depthwise")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization(name=f"{name}_project_bn")(x)
    if stride == 1 and narrow.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([narrow, x])
    return x


def _norm_relu(x: Tensor, name: str) -> Tensor:
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
