import numpy as np
import pytest

from maskopt.networks.keras import keras
from maskopt.params import Cluster
from maskopt.techniques.clustering import CENTROIDS, cluster, skip_reason

layers = keras.layers
N_CLUSTERS = 8  # as in conftest.py


@pytest.mark.parametrize("name", ["clustered", "sparse_clustered"])
def test_layer_has_at_most_the_wanted_number_of_values(request, name):
    for kernel in request.getfixturevalue(name).kernels.values():
        assert 2 <= np.unique(kernel).size <= N_CLUSTERS


def test_other_layers_keep_their_values(clustered):
    for name in ("depthwise", "point_bn"):
        weights = clustered.model.get_layer(name).get_weights()[0]
        assert np.unique(weights).size == weights.size


def test_zeros_of_pruning_are_kept(pruned, sparse_clustered):
    for name, kernel in pruned.kernels.items():
        assert np.all(sparse_clustered.kernels[name][kernel == 0] == 0)


def test_zeros_of_pruning_are_lost_without_being_asked_for(toy, pruned):
    params = Cluster(epochs=1, learning_rate=0.001, n_clusters=N_CLUSTERS, centroids="kmeans++")
    model, _ = cluster(pruned.model, toy, params, preserve_sparsity=False)
    assert not np.any(model.get_layer("conv").get_weights()[0] == 0)


@pytest.mark.parametrize("name", ["clustered", "sparse_clustered"])
def test_clustered_model_has_the_loss_of_its_best_epoch(request, loss_of, name):
    result = request.getfixturevalue(name)
    assert loss_of(result.model) == pytest.approx(result.curves["val_loss"].min(), rel=1e-4)


@pytest.mark.parametrize(("source", "result"), [("trained", "clustered"), ("pruned", "sparse_clustered")])
def test_source_is_left_as_it_was(request, source, result):
    source, result = request.getfixturevalue(source), request.getfixturevalue(result)
    assert not np.array_equal(source.kernels["conv"], result.kernels["conv"])
    for weight, before in zip(source.model.get_weights(), source.weights, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_clustered_model_has_the_layers_of_the_source(trained, clustered):
    assert [layer.name for layer in clustered.model.layers] == [layer.name for layer in trained.model.layers]
    assert [type(layer) for layer in clustered.model.layers] == [type(layer) for layer in trained.model.layers]


def test_linear_centroids_are_spread_evenly(toy, build_linear):
    source = build_linear()
    params = Cluster(epochs=1, learning_rate=1e-9, n_clusters=N_CLUSTERS, centroids="linear")  # nothing is learned
    model, _ = cluster(source, toy, params, preserve_sparsity=False)
    before, after = (kind.get_layer("logits").get_weights()[0] for kind in (source, model))
    even = np.linspace(before.min(), before.max(), N_CLUSTERS)
    np.testing.assert_allclose(after, even[np.abs(before[..., None] - even).argmin(axis=-1)], atol=1e-5)


@pytest.mark.parametrize("centroids", CENTROIDS)
def test_centroids_are_placed_in_each_way_that_params_name(toy, build_linear, centroids):
    params = Cluster(epochs=1, learning_rate=0.001, n_clusters=4, centroids=centroids)
    model, _ = cluster(build_linear(), toy, params, preserve_sparsity=False)
    assert 2 <= np.unique(model.get_layer("logits").get_weights()[0]).size <= 4


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Conv2D(2, 1), None),
        (layers.SeparableConv2D(2, 1), None),
        (layers.Dense(2), None),
        (layers.DepthwiseConv2D(1), "tfmot does not cluster DepthwiseConv2D"),
        (layers.BatchNormalization(), "tfmot does not cluster BatchNormalization"),
    ],
)
def test_layer_is_skipped_with_a_reason(layer, reason):
    assert skip_reason(layer) == reason
