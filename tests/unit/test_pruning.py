from dataclasses import replace

import numpy as np
import pytest

from maskopt.networks.keras import keras
from maskopt.params import Phase, Prune
from maskopt.techniques.pruning import prune, skip_reason
from maskopt.training.pictures import Pictures

layers = keras.layers


def zeros_of(model):
    return {name: int((model.get_layer(name).get_weights()[0] == 0).sum()) for name in ("conv", "point", "logits")}


def test_sparsity_is_reached_exactly(pruned):
    # 324, 288 and 72 weights: of these 226.8, 201.6 and 50.4 stay, rounded.
    assert zeros_of(pruned.model) == {"conv": 324 - 227, "point": 288 - 202, "logits": 72 - 50}


def test_other_layers_are_left_dense(pruned):
    for name in ("depthwise", "depthwise_bn", "point_bn"):
        assert np.all(pruned.model.get_layer(name).get_weights()[0] != 0)


def test_smallest_weights_go(toy, build_linear):
    source = build_linear()
    params = Prune(epochs=1, learning_rate=1e-9, final_sparsity=0.5, ramp=1)  # nothing is learned meanwhile
    before, after = (model.get_layer("logits").get_weights()[0] for model in (source, prune(source, toy, params)[0]))
    assert np.abs(before[after == 0]).max() <= np.abs(before[after != 0]).min()


def test_pruned_model_has_the_loss_of_its_best_epoch(pruned, loss_of):
    assert loss_of(pruned.model) == pytest.approx(pruned.curves["val_loss"].min(), rel=1e-4)


def test_source_is_left_as_it_was(trained, pruned):
    assert zeros_of(pruned.model)["conv"] > 0
    for weight, before in zip(trained.model.get_weights(), trained.weights, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_pruned_model_has_the_layers_of_the_source(trained, pruned):
    assert [layer.name for layer in pruned.model.layers] == [layer.name for layer in trained.model.layers]
    assert [type(layer) for layer in pruned.model.layers] == [type(layer) for layer in trained.model.layers]


def test_zeros_come_without_a_ramp(toy, build_linear):
    params = Prune(epochs=1, learning_rate=1e-3, final_sparsity=0.5, ramp=0)
    model, _ = prune(build_linear(), toy, params)
    assert np.count_nonzero(model.get_layer("logits").get_weights()[0]) == 288  # of 576


def test_zeros_come_in_a_run_of_one_step(toy, build_linear):
    few = replace(toy, train=Pictures(toy.train.pixels[:9], toy.train.labels[:9], 3))
    params = Prune(epochs=1, learning_rate=1e-3, final_sparsity=0.5, ramp=0.5)
    model, _ = prune(build_linear(), few, params)
    assert np.count_nonzero(model.get_layer("logits").get_weights()[0]) == 288


def test_zeros_come_where_masks_change_every_few_steps(toy, build_linear):
    small = replace(toy, params=toy.params.model_copy(update={"batch_size": 4}))  # 24 steps, masks change in each third
    params = Prune(epochs=1, learning_rate=1e-3, final_sparsity=0.5, ramp=0.3)  # 7 steps
    model, _ = prune(build_linear(), small, params)
    assert np.count_nonzero(model.get_layer("logits").get_weights()[0]) == 288


def test_epochs_before_the_last_zeros_are_not_kept(toy, build_linear):
    source = build_linear()
    toy.fit(source, Phase(epochs=3, learning_rate=0.01))
    params = Prune(epochs=2, learning_rate=1e-6, final_sparsity=0.9, ramp=1)  # each zero makes the loss worse
    model, curves = prune(source, toy, params)
    assert curves["val_loss"].idxmin() == 0
    assert np.count_nonzero(model.get_layer("logits").get_weights()[0]) == 58  # of 576


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Conv2D(2, 1), None),
        (layers.SeparableConv2D(2, 1), None),
        (layers.Dense(2), None),
        (layers.DepthwiseConv2D(1), "tfmot does not prune DepthwiseConv2D"),
        (layers.BatchNormalization(), "tfmot does not prune BatchNormalization"),
    ],
)
def test_layer_is_skipped_with_a_reason(layer, reason):
    assert skip_reason(layer) == reason
