"""Every backbone of the table builds a flat classifier that all techniques can work on."""

import numpy as np
import pytest

from maskopt import clustering, pruning, quantization
from maskopt.backbones import (
    BACKBONES,
    BATCH_NORM_MOMENTUM,
    FEATURES,
    build_classifier,
    build_trunk,
    freeze_below,
    trunk_of,
)
from maskopt.errors import TooSmall, UnknownName
from maskopt.keras import keras

HAND_MADE = [name for name, entry in BACKBONES.items() if entry.application is None]
PUBLISHED = [name for name in BACKBONES if name not in HAND_MADE]
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)


@pytest.fixture(scope="module", params=BACKBONES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def classifier(name):
    return build_classifier(name, BACKBONES[name].min_size_px, n_classes=3)


def test_batch_becomes_logits(name, classifier):
    size = BACKBONES[name].min_size_px
    logits = classifier(np.zeros((2, size, size, 3), np.float32)).numpy()
    assert logits.shape == (2, 3)
    assert np.isfinite(logits).all()


def test_classifier_is_flat(classifier):
    assert not [layer.name for layer in classifier.layers if isinstance(layer, keras.Model)]


def test_head_is_the_last_layer(classifier):
    assert classifier.layers[-1].name == "logits"
    assert classifier.layers[-1].input.name == classifier.get_layer(FEATURES).output.name


def test_batch_norm_forgets_its_start_in_tens_of_steps(classifier):
    momenta = {layer.momentum for layer in classifier.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert momenta == {BATCH_NORM_MOMENTUM}


def test_trunk_ends_in_pixels_of_features(classifier):
    assert len(trunk_of(classifier).output_shape) == 4


def test_smaller_pictures_are_refused(name):
    least = BACKBONES[name].min_size_px
    with pytest.raises(TooSmall) as caught:
        build_trunk(name, least - 1)
    assert str(caught.value) == (
        f"{name} takes pictures of {least} px and more, got {least - 1}. "
        f"Set networks.{name}.size_px and pixels.sizes_px in params.yaml to more"
    )


@pytest.mark.parametrize("name", [*HAND_MADE, *(pytest.param(name, marks=pytest.mark.slow) for name in PUBLISHED)])
def test_trunk_of_a_classifier_takes_the_weights_of_a_trunk_built_alone(name):
    size = BACKBONES[name].min_size_px
    alone, inside = build_trunk(name, size), trunk_of(build_classifier(name, size, 3))
    assert [weight.shape for weight in inside.get_weights()] == [weight.shape for weight in alone.get_weights()]


@pytest.mark.parametrize("name", PUBLISHED)
def test_preprocessing_is_that_of_keras(name):
    module = getattr(keras.applications, BACKBONES[name].application.__module__.rsplit(".", 1)[-1])
    expected = module.preprocess_input(PICTURES.astype(np.float32))
    np.testing.assert_allclose(BACKBONES[name].preprocessing(PICTURES.astype(np.float32)), expected, atol=1e-4)


@pytest.mark.parametrize("name", HAND_MADE)
def test_preprocessing_of_hand_made_networks_centres_black_and_white(name):
    black_and_white = np.array([0, 255], np.float32).reshape(2, 1, 1, 1).repeat(3, axis=-1)
    range_ = BACKBONES[name].preprocessing(black_and_white).numpy()[:, 0, 0]
    np.testing.assert_allclose(range_, [[-1, -1, -1], [1, 1, 1]], atol=1e-6)


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_networks_are_quantised_whole(name):
    layers = build_trunk(name, 32).layers[1:]  # the first is the input
    assert not [layer.name for layer in layers if quantization.skip_reason(layer)]


@pytest.mark.parametrize("technique", [pruning, clustering])
@pytest.mark.parametrize("name", HAND_MADE)
def test_most_weights_of_hand_made_networks_can_be_pruned_and_clustered(name, technique):
    layers = build_trunk(name, 32).layers
    reached = sum(layer.count_params() for layer in layers if technique.skip_reason(layer) is None)
    assert reached > 0.8 * sum(layer.count_params() for layer in layers)


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_networks_shrink_pictures_sixteenfold(name):
    assert build_trunk(name, 64).output_shape == (None, 4, 4, 128)


def test_unknown_backbone_is_named_with_the_known_ones():
    with pytest.raises(UnknownName) as caught:
        build_trunk("mobilenet", 32)
    assert str(caught.value) == (
        "unknown backbone 'mobilenet'; known: bottleneck, inception_v3, mobilenet_v2, mobilenet_v2_035, nasnet_mobile, "
        "resnet50, separable. Did you mean 'mobilenet_v2'?"
    )


def test_layers_below_the_named_one_are_frozen():
    classifier = build_classifier("separable", 32, 3)
    freeze_below(classifier, "block5_pointwise")
    trained = [layer.name for layer in classifier.layers if layer.trainable_weights]
    assert trained == ["block5_pointwise", "block5_pointwise_bn", "logits"]


def test_no_layer_named_trains_all():
    classifier = build_classifier("separable", 32, 3)
    freeze_below(classifier, None)
    assert all(layer.trainable for layer in classifier.layers)


def test_unknown_layer_is_named():
    classifier = build_classifier("separable", 32, 3)
    with pytest.raises(UnknownName, match=r"^unknown layer of separable 'block5_point'; known: block1_depthwise, .*"):
        freeze_below(classifier, "block5_point")
