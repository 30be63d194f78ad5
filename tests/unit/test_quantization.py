import numpy as np
import pytest

from maskopt.measuring.litert import Classifier
from maskopt.networks.backbones import SYMMETRIC
from maskopt.networks.keras import keras
from maskopt.params import Quantize
from maskopt.techniques.quantization import quantize, skip_reason
from maskopt.tflite.convert import convert
from maskopt.tflite.inspection import parse_graph, read_graph
from maskopt.tflite.invariants import check, list_kernels
from maskopt.tflite.variants import VARIANTS

SPARSITY, N_CLUSTERS = 0.3, 8  # as in conftest.py
PARAMS = Quantize(epochs=3, learning_rate=0.003)
# variant -> what it starts from, whether zeros are kept, whether values are kept
CHAINS = {
    "qat": ("trained", False, False),
    "pqat": ("pruned", True, False),
    "cqat": ("clustered", False, True),
    "pcqat": ("sparse_clustered", True, True),
}


@pytest.fixture(scope="session")
def quantised(request, toy):
    """Variant -> source, model, curves and int8 file, made once."""
    made = {}

    def make(variant):
        if variant not in made:
            source, zeros, values = CHAINS[variant]
            source = request.getfixturevalue(source)
            model, curves = quantize(source.model, toy, PARAMS, zeros, values)
            path = request.getfixturevalue("tmp_path_factory").mktemp(variant) / "int8.tflite"
            path.write_bytes(convert(model, SYMMETRIC, "int8", toy.train.pixels[::4]))
            made[variant] = (source, model, curves, path)
        return made[variant]

    return make


@pytest.mark.parametrize("variant", CHAINS)
def test_int8_file_keeps_the_promise_of_its_variant(quantised, variant):
    *_, path = quantised(variant)
    kernels = check(read_graph(path), VARIANTS[variant], "int8", SPARSITY, N_CLUSTERS)
    assert [kernel.layer for kernel in kernels] == ["conv", "point", "logits"]


def test_plain_training_loses_what_it_does_not_promise(quantised):
    *_, path = quantised("qat")
    for kernel in list_kernels(read_graph(path)):
        assert kernel.values_per_channel > N_CLUSTERS
        assert kernel.sparsity < SPARSITY


# Batch-norm after a depthwise convolution must be quantised with it, or it stays as operators of its own.
@pytest.mark.parametrize("variant", CHAINS)
def test_int8_file_has_the_operators_of_one_quantised_after_training(quantised, trained, toy, variant):
    *_, path = quantised(variant)
    plain = parse_graph(convert(trained.model, SYMMETRIC, "int8", toy.train.pixels[::4]))
    expected = [operator.kind for operator in plain.operators]
    assert [operator.kind for operator in read_graph(path).operators] == expected


@pytest.mark.parametrize("variant", CHAINS)
def test_int8_file_agrees_with_keras_on_most_pictures(quantised, toy, variant):
    _, model, _, path = quantised(variant)
    scores = Classifier(path).scores(toy.val.pixels)
    expected = keras.activations.softmax(model(SYMMETRIC(toy.val.pixels.astype(np.float32)), training=False)).numpy()
    assert np.mean(scores.argmax(axis=1) == expected.argmax(axis=1)) >= 0.95
    assert np.abs(scores - expected).mean() < 0.02


@pytest.mark.parametrize("variant", CHAINS)
def test_int8_file_is_right_about_most_pictures(quantised, toy, variant):
    *_, path = quantised(variant)
    assert np.mean(Classifier(path).scores(toy.val.pixels).argmax(axis=1) == toy.val.labels) >= 0.95


@pytest.mark.parametrize("variant", CHAINS)
def test_quantised_model_has_the_loss_of_its_best_epoch(quantised, loss_of, variant):
    _, model, curves, _ = quantised(variant)
    assert loss_of(model) == pytest.approx(curves["val_loss"].min(), rel=1e-3)


@pytest.mark.parametrize("variant", CHAINS)
def test_source_is_left_as_it_was(quantised, variant):
    source, model, *_ = quantised(variant)
    assert not np.array_equal(model.get_layer("quant_logits").layer.bias, source.model.get_layer("logits").bias)
    for weight, before in zip(source.model.get_weights(), source.weights, strict=True):
        np.testing.assert_array_equal(weight, before)


def batch_norm_after(layer):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.BatchNormalization()(layer(image)))
    return model.layers[-1]


@pytest.mark.parametrize("kind", [keras.layers.Conv2D, keras.layers.SeparableConv2D])
def test_batch_norm_after_a_convolution_is_quantised(kind):
    assert skip_reason(batch_norm_after(kind(2, 1))) is None


def test_batch_norm_after_a_depthwise_convolution_is_quantised():
    assert skip_reason(batch_norm_after(keras.layers.DepthwiseConv2D(1))) is None


def test_batch_norm_after_something_else_stays_float():
    reason = skip_reason(batch_norm_after(keras.layers.ReLU()))
    assert reason == "BatchNormalization that does not follow a convolution"


def test_layer_that_tfmot_does_not_know_stays_float():
    assert skip_reason(keras.layers.Conv3D(2, 1)) == "tfmot does not quantise Conv3D"
