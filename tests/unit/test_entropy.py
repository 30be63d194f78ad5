"""Weights at levels, and a loss that pays for bits."""

import numpy as np
import pytest

from maskopt.measuring.sizes import entropy_bytes
from maskopt.networks.keras import keras, tf
from maskopt.params import Entropy
from maskopt.techniques import entropy
from maskopt.techniques.folding import fold_batch_norm


def params(**changes):
    return Entropy(**{"epochs": 3, "learning_rate": 0.003, "nats_per_bit": 0.05, "first_step": 0.3} | changes)


@pytest.fixture
def network():
    """Each kind of layer with batch-norm after it, of any variance; one batch-norm stands alone."""
    layers = keras.layers
    image = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="conv_bn")(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depth")(x)
    x = layers.BatchNormalization(scale=False, name="depth_bn")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", use_bias=False, name="both")(x)
    x = layers.BatchNormalization(center=False, name="both_bn")(x)
    x = layers.ReLU(6.0)(x)
    x = layers.BatchNormalization(name="alone")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(3, name="head")(x))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.2, 1, weight.shape) for weight in layer.get_weights()])
    return model


def test_folded_network_says_the_same(network):
    images = np.random.default_rng(1).uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)
    folded = fold_batch_norm(network)
    np.testing.assert_allclose(folded(images), network(images), rtol=1e-4)
    norms = [layer.name for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms == ["alone"]


def test_batch_norm_after_a_branch_is_not_folded():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    model = keras.Model(image, keras.layers.Add()([x, keras.layers.BatchNormalization(name="norm")(x)]))
    assert isinstance(fold_batch_norm(model).get_layer("norm"), keras.layers.BatchNormalization)


def places_of(model, steps):
    """Layer -> its weights in steps."""
    kernels = {name: model.get_layer(name).get_weights()[0] for name in steps}
    shapes = {name: (-1, 1) if name == "depthwise" else (-1,) for name in steps}  # channels are the last axis but one
    return {name: kernels[name] / step.reshape(shapes[name]) for name, step in steps.items()}


def test_kernels_are_at_levels_of_the_steps(toy, trained):
    model, _, steps = entropy.code(trained.model, toy, params())
    assert {name: step.shape for name, step in steps.items()} == {
        "conv": (1,),
        "depthwise": (12,),
        "point": (1,),
        "logits": (1,),
    }
    for places in places_of(model, steps).values():
        np.testing.assert_allclose(places, np.rint(places), atol=1e-3)
        assert np.abs(places).max() <= entropy.HIGHEST


def test_coded_network_still_knows_the_classes(toy, trained, loss_of):
    model, curves, _ = entropy.code(trained.model, toy, params())
    assert curves["val_accuracy"].iloc[-1] == 1
    assert loss_of(model) < 0.6


def test_bits_become_fewer_where_they_cost_more(toy, trained):
    def total(price):
        model, _, steps = entropy.code(trained.model, toy, params(nats_per_bit=price))
        return sum(entropy_bytes(np.rint(places)) for places in places_of(model, steps).values())

    assert total(1.0) < 0.8 * total(0.0)


def test_model_that_is_coded_stays_as_it_was(toy, trained):
    before = [weight.copy() for weight in trained.model.get_weights()]
    entropy.code(trained.model, toy, params(epochs=1))
    for old, new in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture
def levels():
    levels = entropy.Levels(np.full(1, 0.5, np.float32), price=2.0)
    levels.count(np.array([0.0, 0.0, 0.0, 0.5, 0.5, -0.5, 1.0], np.float32))
    return levels


def test_loss_is_the_price_of_the_code(levels):
    kernel = np.array([0.0, 0.5], np.float32)
    levels(tf.constant(kernel))
    counts = np.array([3, 2]) + entropy.PSEUDO_COUNT
    total = 7 + (2 * entropy.HIGHEST + 1) * entropy.PSEUDO_COUNT
    assert float(levels.losses[0]) == pytest.approx(2.0 * -np.log2(counts / total).sum(), rel=1e-5)


def test_levels_are_multiples_of_the_step(levels):
    coded = levels(tf.constant([0.0, 0.3, -0.7, 100.0])).numpy()
    np.testing.assert_allclose(coded, [0.0, 0.5, -0.5, 0.5 * entropy.HIGHEST], rtol=1e-5)


@pytest.mark.parametrize(("wanted", "step"), [(0.51, 0.5), (0.54, 0.5625), (1.9, 1.875), (1.99, 2.0)])
def test_steps_take_few_bits(wanted, step):
    levels = entropy.Levels(np.full(1, wanted, np.float32), price=0.0)
    np.testing.assert_allclose(levels.steps, [step])


def test_steps_feel_the_loss():
    levels = entropy.Levels(np.full(1, 0.51, np.float32), price=0.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(levels.steps)
    assert float(tape.gradient(loss, levels.log_steps)[0]) == pytest.approx(0.51 * entropy.STEP_GAIN, rel=1e-5)


def test_each_channel_of_a_depthwise_kernel_has_a_step_even_one_of_zeros(toy, build_toy):
    model = build_toy()
    layer = model.get_layer("depthwise")
    kernel = layer.get_weights()[0]
    kernel[:, :, 0] = 0
    kernel[:, :, 1] *= 100
    layer.set_weights([kernel])
    _, _, steps = entropy.code(model, toy, params(epochs=1))
    assert np.isfinite(steps["depthwise"]).all()
    assert steps["depthwise"][1] > 20 * np.median(steps["depthwise"])


def test_weights_feel_the_loss_and_the_price(levels):
    kernel = tf.Variable([0.6])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(levels(kernel)) + levels.losses[0]
    fewer, more = (-np.log2(count + entropy.PSEUDO_COUNT) for count in (2, 1))
    assert float(tape.gradient(loss, kernel)[0]) == pytest.approx(1 + 2.0 * (more - fewer) / 0.5, rel=1e-4)
