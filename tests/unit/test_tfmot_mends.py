"""Each mend has a test that fails without it."""

import numpy as np
import pytest

from maskopt.networks.keras import keras, quantizers, tf
from maskopt.params import Quantize
from maskopt.techniques import tfmot_mends
from maskopt.techniques.quantization import quantize

VALUES = np.array([-0.3, 0.0, 0.1, 0.2], np.float32)


def planted(shape, values):
    """Each output channel holds each of the values equally often."""
    channel = np.resize(values, np.prod(shape[:-1]))
    return np.stack([np.random.default_rng(i).permutation(channel) for i in range(shape[-1])], axis=-1).reshape(shape)


@pytest.fixture(scope="module")
def pcqat(toy):
    """A model whose first layer has clusters but no zeros, the others both, after a short PCQAT."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 2, name="dense_conv", activation="relu")(image)
    x = keras.layers.Conv2D(8, 1, name="sparse_conv", activation="relu")(x)
    source = keras.Model(image, keras.layers.Dense(3, name="logits")(keras.layers.GlobalAveragePooling2D()(x)))
    for name, values in (("dense_conv", VALUES[VALUES != 0]), ("sparse_conv", VALUES)):
        layer = source.get_layer(name)
        layer.set_weights([planted(layer.kernel.shape, values), layer.bias.numpy()])
    model, _ = quantize(
        source, toy, Quantize(epochs=1, learning_rate=0.01), preserve_sparsity=True, preserve_clusters=True
    )
    return source, model


def kernel_of(model, name):
    wrapper = model.get_layer(f"quant_{name}")
    (kernel,) = (weight for weight in wrapper.weights if weight.name == f"{name}/kernel:0")
    return kernel.numpy()


def test_values_are_those_of_the_tensor_not_of_each_channel(pcqat):
    _, model = pcqat
    assert np.unique(kernel_of(model, "sparse_conv")).size <= 4
    assert np.unique(kernel_of(model, "dense_conv")).size <= 3


def test_values_moved_while_training(pcqat):
    source, model = pcqat
    assert np.abs(kernel_of(model, "sparse_conv") - source.get_layer("sparse_conv").kernel).max() > 1e-3


def test_layer_without_zeros_does_not_lose_those_of_others(pcqat):
    source, model = pcqat
    zeros = source.get_layer("sparse_conv").kernel.numpy() == 0
    assert zeros.sum() == 16  # of 64
    assert np.all(kernel_of(model, "sparse_conv")[zeros] == 0)


def test_layer_without_zeros_gets_none(pcqat):
    assert np.all(kernel_of(pcqat[1], "dense_conv") != 0)


def test_layers_before_a_concatenation_keep_their_zeros(toy):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    branches = [keras.layers.Conv2D(8, 2, name=name)(image) for name in ("left", "right")]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()(branches))
    source = keras.Model(image, keras.layers.Dense(3, name="logits")(x))
    left = source.get_layer("left")
    left.set_weights([planted(left.kernel.shape, VALUES), left.bias.numpy()])
    model, _ = quantize(
        source, toy, Quantize(epochs=1, learning_rate=0.01), preserve_sparsity=True, preserve_clusters=False
    )
    zeros = left.kernel.numpy() == 0
    assert zeros.sum() == 24  # of 96
    assert np.all(kernel_of(model, "left")[zeros] == 0)
    assert not model.get_layer("quant_left").quantize_config.get_output_quantizers(left)  # after concatenation alone


def test_activation_ranges_settle_within_tens_of_steps():
    tfmot_mends.apply()
    quantizer = quantizers.MovingAverageQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)
    layer = keras.layers.Layer()
    weights = quantizer.build((1,), "relu", layer)
    for _ in range(60):
        quantizer(tf.constant([0.0, 6.0]), training=True, weights=weights)
    low, high = float(weights["min_var"]), float(weights["max_var"])
    assert -0.05 < low / (high - low) <= 0  # starts at a half
    assert high == pytest.approx(6, rel=0.01)


def test_activation_ranges_rest_when_not_training():
    tfmot_mends.apply()
    quantizer = quantizers.MovingAverageQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)
    weights = quantizer.build((1,), "relu", keras.layers.Layer())
    before = {name: float(weights[name]) for name in ("min_var", "max_var")}
    quantizer(tf.constant([0.0, 100.0]), training=False, weights=weights)
    assert {name: float(weights[name]) for name in before} == before


def test_mends_may_be_applied_again():
    tfmot_mends.apply()
    before = quantizers.MovingAverageQuantizer.__call__
    tfmot_mends.apply()
    assert quantizers.MovingAverageQuantizer.__call__ is before
