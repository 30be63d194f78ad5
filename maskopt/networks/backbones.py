"""The table of architectures, and the flat classifiers built on them.

Shape legend: B batch, H height px, W width px, K classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from maskopt.errors import FixedScale, TooSmall, UnknownName
from maskopt.networks import bottleneck, separable
from maskopt.networks.keras import keras, tf
from maskopt.params import Trunk

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
class Architecture:
    """How to build one kind of trunk, without weights, and what it expects."""

    build: Callable[[int, float, int], keras.Model]  # size_px, width, depth -> (B, H, W, 3) to (B, h, w, channels)
    source: str
    min_size_px: int  # of height and width
    preprocessing: Preprocessing = SYMMETRIC
    scales: tuple[str, ...] = ()  # of width and depth, what may differ from 1
    download: Callable[[int, float], keras.Model] | None = None  # size_px, width -> with ImageNet's weights


def _application(
    name: str, source: str, preprocessing: Preprocessing = SYMMETRIC, min_size_px: int = 32, width: str | None = None
) -> Architecture:
    """Return one of Keras' own; `width` is what Keras calls that."""

    def build(size_px: int, factor: float, weights: str | None) -> keras.Model:
        options = {width: factor} if width else {}
        shape = (size_px, size_px, 3)
        return getattr(keras.applications, name)(input_shape=shape, include_top=False, weights=weights, **options)

    return Architecture(
        build=lambda size_px, factor, _depth: build(size_px, factor, None),
        source=source,
        min_size_px=min_size_px,
        preprocessing=preprocessing,
        scales=("width",) if width else (),
        download=lambda size_px, factor: build(size_px, factor, "imagenet"),
    )


def _hand_made(module: ModuleType) -> Architecture:
    return Architecture(module.build, module.__name__, min_size_px=16, scales=("width", "depth"))


ARCHITECTURES = {
    "mobilenet_v2": _application("MobileNetV2", "Sandler et al. 2018, arXiv:1801.04381", width="alpha"),
    "inception_v3": _application("InceptionV3", "Szegedy et al. 2015, arXiv:1512.00567", min_size_px=75),
    "resnet50": _application("ResNet50", "He et al. 2015, arXiv:1512.03385", CAFFE),
    "nasnet_mobile": _application("NASNetMobile", "Zoph et al. 2017, arXiv:1707.07012"),
    "separable": _hand_made(separable),
    "bottleneck": _hand_made(bottleneck),
}

BATCH_NORM_MOMENTUM = 0.9  # Keras' 0.99 and 0.999 need thousands of steps to forget ImageNet


def architecture(name: str) -> Architecture:
    """Return the table's entry, or raise UnknownName listing what is known."""
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise UnknownName("architecture", name, ARCHITECTURES) from None


def refuse_misfit(trunk: Trunk, size_px: int) -> None:
    """Raise if a trunk cannot be built for pictures of `size_px`.

    Raises:
        FixedScale: the architecture has no other width or depth.
        TooSmall: it does not take pictures of `size_px`.
        UnknownName: there is no such architecture.
    """
    entry = architecture(trunk.architecture)
    for scale, value in (("width", trunk.width), ("depth", trunk.depth)):
        if value != 1 and scale not in entry.scales:
            raise FixedScale(trunk.architecture, scale, value)
    if size_px < entry.min_size_px:
        raise TooSmall(trunk.architecture, entry.min_size_px, size_px)


def build_trunk(trunk: Trunk, size_px: int) -> keras.Model:
    """Return the untrained trunk: (B, H, W, 3) preprocessed -> (B, h, w, channels).

    Raises:
        FixedScale: the architecture has no other width or depth.
        TooSmall: it does not take pictures of `size_px`.
        UnknownName: there is no such architecture, or no layer `until` in it.
    """
    return cut(build_whole(trunk, size_px), trunk)


def build_whole(trunk: Trunk, size_px: int) -> keras.Model:
    """Return the untrained trunk as if `until` were its last layer; raise as `build_trunk` does."""
    refuse_misfit(trunk, size_px)
    return architecture(trunk.architecture).build(size_px, trunk.width, trunk.depth)


def cut(whole: keras.Model, trunk: Trunk) -> keras.Model:
    """Return the layers up to `until`, shared with the whole trunk.

    Raises:
        UnknownName: there is no such layer.
    """
    return keras.Model(whole.input, _layer(whole, trunk.until).output) if trunk.until else whole


def build_classifier(trunk: Trunk, size_px: int, n_classes: int) -> keras.Model:
    """Return a flat model from preprocessed pixels to logits: (B, H, W, 3) -> (B, K).

    Flat, since tfmot does not quantise a model inside a model (tfmot issues 377, 638, 957).
    """
    layers = build_trunk(trunk, size_px)
    x = keras.layers.GlobalAveragePooling2D(name=FEATURES)(layers.output)
    logits = keras.layers.Dense(n_classes, name="logits")(x)
    model = keras.Model(layers.input, logits, name=trunk.architecture)
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
    if layer_name is not None:
        for layer in classifier.layers[: classifier.layers.index(_layer(classifier, layer_name))]:
            layer.trainable = False


def _layer(model: keras.Model, name: str) -> keras.layers.Layer:
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise UnknownName(f"layer of {model.name}", name, layers)
    return layers[name]
