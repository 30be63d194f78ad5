"""One small network with planted zeros and clusters, as .tflite files of each format."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

PLANTED_VALUES = np.array([-0.1, 0.0, 0.05, 0.15], np.float32)  # used equally: a quarter of the weights is zero
SIZE_PX = 8


@dataclass(frozen=True)
class TinyFiles:
    float32: Path
    dynamic: Path
    int8: Path
    pictures: np.ndarray  # (6, 8, 8, 3) uint8
    expected: np.ndarray  # (6, 3) probabilities of Keras


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory):
    """Layers: conv 3x3 (16), batch-norm, relu6, depthwise 3x3 stride 2, conv 1x1 (64), mean, dense (3)."""
    from maskopt.backbones import SYMMETRIC
    from maskopt.convert import convert
    from maskopt.keras import tf

    rng = np.random.default_rng(0)
    model = _planted(rng)
    pictures = rng.integers(0, 256, (6, SIZE_PX, SIZE_PX, 3), np.uint8)
    folder = tmp_path_factory.mktemp("tiny")
    for name in ("float32", "dynamic", "int8"):
        (folder / f"{name}.tflite").write_bytes(convert(model, SYMMETRIC, name, pictures))
    logits = model(pictures.astype(np.float32) / 127.5 - 1, training=False)
    return TinyFiles(
        *(folder / f"{name}.tflite" for name in ("float32", "dynamic", "int8")), pictures, tf.nn.softmax(logits).numpy()
    )


def _planted(rng):
    from maskopt.keras import keras

    layers = keras.layers
    image = layers.Input((SIZE_PX, SIZE_PX, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, 2, padding="same", name="depth")(x)
    x = layers.Conv2D(64, 1, name="point")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(3, name="head")(x))
    for layer in model.layers:
        layer.set_weights([_values(weights, rng) for weights in layer.get_weights()])
    return model


def _values(weights, rng):
    """Plant equal numbers of each value in kernels that pruning is about; other weights get noise."""
    if weights.shape in ((3, 3, 3, 16), (1, 1, 16, 64), (64, 3)):
        return rng.permutation(np.resize(PLANTED_VALUES, weights.size)).reshape(weights.shape)
    return rng.uniform(0.5, 1.5, weights.shape).astype(np.float32)
