"""Small networks: one with planted zeros and clusters as .tflite files, one trained and optimised on toy pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

N_CLASSES = 3
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
def tiny_files(tmp_path_factory, one_thread):  # noqa: ARG001
    """Layers: conv 3x3 (16), batch-norm, relu6, depthwise 3x3 stride 2, conv 1x1 (64), mean, dense (3)."""
    from maskopt.networks.backbones import SYMMETRIC
    from maskopt.networks.keras import tf
    from maskopt.tflite.convert import convert

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
    from maskopt.networks.keras import keras

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


@pytest.fixture(scope="session")
def toy(one_thread):  # noqa: ARG001
    """96 pictures to train on, 60 to validate on: a class is the one channel that is brighter than the others."""
    from maskopt.networks.backbones import SYMMETRIC
    from maskopt.params import Augmentation, Training
    from maskopt.training.trainer import Trainer

    rng = np.random.default_rng(0)
    augmentation = Augmentation(
        flip=True,
        zoom=0.2,
        stretch=0.1,
        brightness=0.1,
        contrast=0.1,
        rotation_degrees=0,
        tint=0,
        saturation=0,
        blur=0,
        erase=0,
    )
    params = Training(
        batch_size=16,
        threads=1,
        label_smoothing=0.1,
        temperature=2,
        warmup=0.1,
        patience_epochs=10,
        frozen_views=2,
        augmentation=augmentation,
    )
    return Trainer(_toy_pictures(rng, 96), _toy_pictures(rng, 60), SYMMETRIC, params, seed=0, stream="toy")


def _toy_pictures(rng, n):
    from maskopt.training.trainer import Pictures

    labels = np.arange(n, dtype=np.int64) % N_CLASSES
    pixels = rng.integers(0, 160, (n, SIZE_PX, SIZE_PX, 3), np.uint8)
    pixels[np.arange(n), :, :, labels] += 60
    return Pictures(pixels, labels, N_CLASSES)


@pytest.fixture(scope="session")
def build_toy(one_thread):  # noqa: ARG001
    """Layers: conv 3x3 (12), depthwise 3x3 stride 2, conv 1x1 (24), each with batch-norm and relu6; dense (3)."""
    from maskopt.networks.backbones import BATCH_NORM_MOMENTUM, FEATURES
    from maskopt.networks.keras import keras

    layers = keras.layers

    def norm_relu(x, name):
        x = layers.BatchNormalization(name=f"{name}_bn", momentum=BATCH_NORM_MOMENTUM)(x)
        return layers.ReLU(6.0, name=f"{name}_relu")(x)

    def build():
        keras.utils.set_random_seed(0)
        image = layers.Input((SIZE_PX, SIZE_PX, 3))
        x = norm_relu(layers.Conv2D(12, 3, padding="same", use_bias=False, name="conv")(image), "conv")
        x = layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False, name="depthwise")(x)
        x = norm_relu(x, "depthwise")
        x = norm_relu(layers.Conv2D(24, 1, use_bias=False, name="point")(x), "point")
        x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
        return keras.Model(image, layers.Dense(N_CLASSES, name="logits")(x))

    return build


@pytest.fixture(scope="session")
def build_linear(one_thread):  # noqa: ARG001
    """Layers: flatten (192), dense (3). Half as long to trace as the other."""
    from maskopt.networks.backbones import FEATURES
    from maskopt.networks.keras import keras

    def build():
        keras.utils.set_random_seed(0)
        image = keras.Input((SIZE_PX, SIZE_PX, 3))
        features = keras.layers.Flatten(name=FEATURES)(image)
        return keras.Model(image, keras.layers.Dense(N_CLASSES, name="logits")(features))

    return build


@dataclass(frozen=True)
class Trained:
    model: object
    curves: object
    weights: list  # of `model`, copied when it was finished: nothing that is made from it may change it

    @property
    def kernels(self):
        """Weights that pruning and clustering are about."""
        return {name: self.model.get_layer(name).get_weights()[0] for name in ("conv", "point", "logits")}


def _trained(model, curves):
    return Trained(model, curves, [weight.copy() for weight in model.get_weights()])


@pytest.fixture(scope="session")
def trained(toy, build_toy):
    from maskopt.params import Phase

    model = build_toy()
    return _trained(model, toy.fit(model, Phase(epochs=6, learning_rate=0.01)))


SPARSITY = 0.3
N_CLUSTERS = 8


@pytest.fixture(scope="session")
def pruned(toy, trained):
    from maskopt.params import Prune
    from maskopt.techniques.pruning import prune

    params = Prune(epochs=2, learning_rate=0.003, final_sparsity=SPARSITY, ramp=0.5)
    return _trained(*prune(trained.model, toy, params))


@pytest.fixture(scope="session")
def clustered(toy, trained):
    return _trained(*_cluster(trained.model, toy, preserve_sparsity=False))


@pytest.fixture(scope="session")
def sparse_clustered(toy, pruned):
    return _trained(*_cluster(pruned.model, toy, preserve_sparsity=True))


def _cluster(model, toy, preserve_sparsity):
    from maskopt.networks.keras import keras
    from maskopt.params import Cluster
    from maskopt.techniques.clustering import cluster

    keras.utils.set_random_seed(0)  # k-means++ starts from random weights
    params = Cluster(epochs=2, learning_rate=0.001, n_clusters=N_CLUSTERS, centroids="kmeans++")
    return cluster(model, toy, params, preserve_sparsity)


@pytest.fixture(scope="session")
def loss_of(toy):
    """Cross-entropy of a model on the validation pictures with smoothed labels, by NumPy."""

    def loss(model):
        smoothing, losses = toy.params.label_smoothing, []
        for images, classes, _ in toy.val_batches():
            logits = np.asarray(model(images, training=False), np.float64)
            log_scores = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            losses.extend(-((classes.numpy() * (1 - smoothing) + smoothing / N_CLASSES) * log_scores).sum(axis=1))
        return np.mean(losses)

    return loss
