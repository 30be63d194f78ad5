"""The table of backbones, and the flat classifiers built on them.

Shape legend: B batch, H height px, W width px, K classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from maskopt.errors import TooSmall, UnknownName
from maskopt.keras import keras, tf
from maskopt.networks import bottleneck, separable

FEATURES = "features"  # name of the layer between trunk and head


@dataclass(frozen=True)
class Preprocessing:
    """What a trunk expects: channels mixed by `kernel`, then `bias` added.

    A 1 x 1 convolution: one operator of a .tflite, exact in float32, and in int8 with a scale per channel.
    """

    kernel: npt.NDArray[np.float32]  # (3, 3): in, out
    bias: npt.NDArray[np.float32]  # (3,)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Return (B, H, W, 3) float32 in the trunk's range, from float32 RGB in 0..255."""
        return tf.nn.bias_add(tf.nn.conv2d(images, self.kernel[None, None], 1, "VALID"), self.bias)


def _rgb(scale: float, offset: float) -> Preprocessing:
    return Preprocessing(np.eye(3, dtype=np.float32) * np.float32(scale), np.full(3, offset, np.float32))


SYMMETRIC = _rgb(1 / 127.5, -1.0)
# Source: keras.applications.imagenet_utils, mode "caffe": BGR, the mean of ImageNet taken off.
CAFFE = Preprocessing(np.eye(3, dtype=np.float32)[:, ::-1], np.array([-103.939, -116.779, -123.68], np.float32))


@dataclass(frozen=True)
class Backbone:
    """How to build one trunk, without weights, and what it expects."""

    build: Callable[[int], keras.Model]  # size_px -> (B, H, W, 3) to (B, h, w, channels)
    source: str
    min_size_px: int  # of height and width
    preprocessing: Preprocessing = SYMMETRIC
    application: Callable[..., keras.Model] | None = None  # has ImageNet weights to download
    options: dict[str, Any] = field(default_factory=dict)


def _application(
    name: str, source: str, preprocessing: Preprocessing = SYMMETRIC, min_size_px: int = 32, **options: Any
) -> Backbone:
    function = getattr(keras.applications, name)

    def build(size_px: int) -> keras.Model:
        return function(input_shape=(size_px, size_px, 3), include_top=False, weights=None, **options)

    return Backbone(build, source, min_size_px, preprocessing, function, options)


BACKBONES = {
    "mobilenet_v2": _application("MobileNetV2", "Sandler et al. 2018, arXiv:1801.04381"),
    "mobilenet_v2_035": _application("MobileNetV2", "Sandler et al. 2018, arXiv:1801.04381", alpha=0.35),
    "inception_v3": _application("InceptionV3", "Szegedy et al. 2015, arXiv:1512.00567", min_size_px=75),
    "resnet50": _application("ResNet50", "He et al. 2015, arXiv:1512.03385", CAFFE),
    "nasnet_mobile": _application("NASNetMobile", "Zoph et al. 2017, arXiv:1707.07012"),
    "separable": Backbone(separable.build, "maskopt.networks.separable", min_size_px=16),
    "bottleneck": Backbone(bottleneck.build, "maskopt.networks.bottleneck", min_size_px=16),
}

BATCH_NORM_MOMENTUM = 0.9  # Keras' 0.99 and 0.999 need thousands of steps to forget ImageNet


def backbone(name: str) -> Backbone:
    """Return the table's entry, or raise UnknownName listing what is known."""
    try:
        return BACKBONES[name]
    except KeyError:
        raise UnknownName("backbone", name, BACKBONES) from None


def refuse_small(name: str, size_px: int) -> None:
    """Raise TooSmall if the network does not take pictures of `size_px`."""
    least = backbone(name).min_size_px
    if size_px < least:
        raise TooSmall(name, least, size_px)


def build_trunk(name: str, size_px: int) -> keras.Model:
    """Return the untrained trunk: (B, H, W, 3) preprocessed -> (B, h, w, channels).

    Raises:
        TooSmall: the network does not take pictures of `size_px`.
    """
    refuse_small(name, size_px)
    return backbone(name).build(size_px)


def build_classifier(name: str, size_px: int, n_classes: int) -> keras.Model:
    """Return a flat model from preprocessed pixels to logits: (B, H, W, 3) -> (B, K).

    Flat, since tfmot does not quantise a model inside a model (tfmot issues 377, 638, 957).
    """
    trunk = build_trunk(name, size_px)
    x = keras.layers.GlobalAveragePooling2D(name=FEATURES)(trunk.output)
    logits = keras.layers.Dense(n_classes, name="logits")(x)
    model = keras.Model(trunk.input, logits, name=name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return model


def trunk_of(classifier: keras.Model) -> keras.Model:
    """Return the trunk of a classifier, sharing its layers."""
    return keras.Model(classifier.input, classifier.get_layer(FEATURES).input)


def freeze_below(classifier: keras.Model, layer_name: str | None) -> None:
    """Keep the layers before `layer_name` as they are while training; with None, train all.

    Raises:
        UnknownName: there is no such layer.
    """
    names = [layer.name for layer in classifier.layers]
    if layer_name is None:
        return
    if layer_name not in names:
        raise UnknownName(f"layer of {classifier.name}", layer_name, names)
    for layer in classifier.layers[: names.index(layer_name)]:
        layer.trainable = False
