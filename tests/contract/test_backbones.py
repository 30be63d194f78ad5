"""Every backbone of the table builds a flat classifier that all techniques can work on."""

import numpy as np
import pytest

from maskopt.errors import FixedScale, TooSmall, UnknownName
from maskopt.networks.backbones import (
    ARCHITECTURES,
    BATCH_NORM_MOMENTUM,
    FEATURES,
    build_classifier,
    build_trunk,
    freeze_below,
    trunk_of,
)
from maskopt.networks.keras import keras
from maskopt.params import Trunk
from maskopt.techniques import clustering, pruning, quantization

HAND_MADE = [name for name, entry in ARCHITECTURES.items() if entry.download is None]
PUBLISHED = [name for name in ARCHITECTURES if name not in HAND_MADE]
MODULES = {"resnet50": "resnet", "nasnet_mobile": "nasnet"}  # of Keras, where they have another name
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)


def trunk(name, width=1, depth=1, until=None):
    return Trunk(architecture=name, width=width, depth=depth, until=until)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def classifier(name):
    return build_classifier(trunk(name), ARCHITECTURES[name].min_size_px, n_classes=3)


def test_batch_becomes_logits(name, classifier):
    size = ARCHITECTURES[name].min_size_px
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
    least = ARCHITECTURES[name].min_size_px
    with pytest.raises(TooSmall) as caught:
        build_trunk(trunk(name), least - 1)
    assert str(caught.value) == (
        f"{name} takes pictures of {least} px and more, got {least - 1}. "
        "Set size_px of the network and pixels.sizes_px in params.yaml to more"
    )


@pytest.mark.parametrize("name", [*HAND_MADE, *(pytest.param(name, marks=pytest.mark.slow) for name in PUBLISHED)])
def test_trunk_of_a_classifier_takes_the_weights_of_a_trunk_built_alone(name):
    size = ARCHITECTURES[name].min_size_px
    alone, inside = build_trunk(trunk(name), size), trunk_of(build_classifier(trunk(name), size, 3))
    assert [weight.shape for weight in inside.get_weights()] == [weight.shape for weight in alone.get_weights()]


@pytest.mark.parametrize("name", PUBLISHED)
def test_preprocessing_is_that_of_keras(name):
    module = getattr(keras.applications, MODULES.get(name, name))
    expected = module.preprocess_input(PICTURES.astype(np.float32))
    np.testing.assert_allclose(ARCHITECTURES[name].preprocessing(PICTURES.astype(np.float32)), expected, atol=1e-4)


@pytest.mark.parametrize("name", HAND_MADE)
def test_preprocessing_of_hand_made_networks_centres_black_and_white(name):
    black_and_white = np.array([0, 255], np.float32).reshape(2, 1, 1, 1).repeat(3, axis=-1)
    range_ = ARCHITECTURES[name].preprocessing(black_and_white).numpy()[:, 0, 0]
    np.testing.assert_allclose(range_, [[-1, -1, -1], [1, 1, 1]], atol=1e-6)


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_networks_are_quantised_whole(name):
    layers = build_trunk(trunk(name), 32).layers[1:]  # the first is the input
    assert not [layer.name for layer in layers if quantization.skip_reason(layer)]


@pytest.mark.parametrize("technique", [pruning, clustering])
@pytest.mark.parametrize("name", HAND_MADE)
def test_most_weights_of_hand_made_networks_can_be_pruned_and_clustered(name, technique):
    layers = build_trunk(trunk(name), 32).layers
    reached = sum(layer.count_params() for layer in layers if technique.skip_reason(layer) is None)
    assert reached > 0.8 * sum(layer.count_params() for layer in layers)


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_networks_shrink_pictures_sixteenfold(name):
    assert build_trunk(trunk(name), 64).output_shape == (None, 4, 4, 128)


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_networks_go_from_ten_thousand_weights_to_half_a_million(name):
    narrow, wide = build_trunk(trunk(name, width=0.25), 64), build_trunk(trunk(name, width=2.5, depth=3), 64)
    assert narrow.count_params() < 11_000
    assert wide.count_params() > 500_000
    assert wide.output_shape == (None, 4, 4, 320)


def test_depth_repeats_each_block_and_keeps_the_resolution():
    names = [layer.name for layer in build_trunk(trunk("separable", depth=2), 64).layers]
    assert [name for name in names if name.endswith("_depthwise")] == [f"block{i}_depthwise" for i in range(1, 11)]


def test_narrow_mobilenet_is_that_of_keras():
    ours = build_trunk(trunk("mobilenet_v2", width=0.35), 96)
    theirs = keras.applications.MobileNetV2((96, 96, 3), 0.35, include_top=False, weights=None)
    assert [weight.shape for weight in ours.get_weights()] == [weight.shape for weight in theirs.get_weights()]


@pytest.mark.parametrize(("scale", "value"), [("width", 0.5), ("depth", 2)])
def test_scale_that_a_network_does_not_have_is_refused(scale, value):
    with pytest.raises(FixedScale) as caught:
        build_trunk(trunk("resnet50", **{scale: value}), 64)
    assert str(caught.value) == (
        f"resnet50 has one {scale}: want 1, got {value}. Set trunk.{scale} of the network in params.yaml to 1, or "
        "trunk.architecture to another"
    )


def test_trunk_may_end_at_a_layer():
    cut = build_classifier(trunk("separable", until="block3_pointwise_relu"), 64, 3)
    assert trunk_of(cut).layers[-1].name == "block3_pointwise_relu"
    assert trunk_of(cut).output_shape == (None, 16, 16, 64)


def test_unknown_last_layer_is_named():
    with pytest.raises(UnknownName, match=r"^unknown layer of .*'block3'; .* the nearest: .*block3_"):
        build_trunk(trunk("separable", until="block3"), 64)


def test_unknown_architecture_is_named_with_the_known_ones():
    with pytest.raises(UnknownName) as caught:
        build_trunk(trunk("mobilenet"), 32)
    assert str(caught.value) == (
        "unknown architecture 'mobilenet'; known: bottleneck, inception_v3, mobilenet_v2, nasnet_mobile, resnet50, "
        "separable. Did you mean 'mobilenet_v2'?"
    )


def test_layers_below_the_named_one_are_frozen():
    classifier = build_classifier(trunk("separable"), 32, 3)
    freeze_below(classifier, "block5_pointwise")
    trained = [layer.name for layer in classifier.layers if layer.trainable_weights]
    assert trained == ["block5_pointwise", "block5_pointwise_bn", "logits"]


def test_no_layer_named_trains_all():
    classifier = build_classifier(trunk("separable"), 32, 3)
    freeze_below(classifier, None)
    assert all(layer.trainable for layer in classifier.layers)


def test_unknown_layer_is_named():
    classifier = build_classifier(trunk("separable"), 32, 3)
    with pytest.raises(
        UnknownName, match=r"^unknown layer of separable 'block5_point'; .* the nearest: block5_pointwise, .*"
    ):
        freeze_below(classifier, "block5_point")
