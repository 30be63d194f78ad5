"""Clusters or zeros of each layer from a budget of bytes: `by_layer` chooses, `cluster` and `prune` train.

How much a layer's coarseness costs is measured one layer at a time, without training, as the mean negative
log-likelihood of validation pictures; how much it saves, as the entropy of the layer's values.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from maskopt.measuring.sizes import entropy_bytes
from maskopt.networks.keras import keras, tf, tfmot
from maskopt.networks.rebuilding import with_weights_of, wrapped_copy
from maskopt.params import Cluster, Prune
from maskopt.techniques import clustering, pruning
from maskopt.tflite.slimming import HIGHEST
from maskopt.training.trainer import Trainer

Floats = npt.NDArray[np.float32]
Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # images, labels, weights
Coarsened = Callable[[Floats, float], Floats]  # a kernel and how coarse -> the kernel

CLUSTERS = (32, 16, 8, 4, 2)  # from fine to coarse
SPARSITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
HALVINGS = 60  # of the range of prices


def few_values(kernel: Floats, clusters: float) -> Floats:
    """Return the kernel at `clusters` values of its own."""
    flat = kernel.reshape(-1, 1)
    fitted = KMeans(min(int(clusters), len(np.unique(flat))), n_init=1, random_state=0).fit(flat)
    values: Floats = fitted.cluster_centers_[fitted.labels_].reshape(kernel.shape).astype(np.float32)
    return values


def few_weights(kernel: Floats, sparsity: float) -> Floats:
    """Return the kernel with its smallest weights at zero, the others at the 255 values of int8."""
    kept = np.where(np.abs(kernel) > np.quantile(np.abs(kernel), sparsity), kernel, 0) if sparsity else kernel
    step = np.abs(kernel).max() / HIGHEST
    values: Floats = (np.rint(kept / step) * step).astype(np.float32)
    return values


def by_layer(
    model: keras.Model, trainer: Trainer, coarsened: Coarsened, steps: Sequence[float], uniform: float
) -> dict[str, float]:
    """Return layer -> how coarse, in no more bytes than `uniform` takes in all layers, at the least loss.

    Args:
        model: fine-tuned; the same afterwards.
        trainer: whose validation pictures are asked.
        coarsened: `few_values` or `few_weights`.
        steps: how coarse a layer may be, from fine to coarse.
        uniform: one of `steps`.
    """
    layers = [layer for layer in model.layers if not clustering.skip_reason(layer)]
    losses, sizes = np.zeros((2, len(layers), len(steps)))
    asked = list(trainer.val_batches())
    for row, layer in enumerate(layers):
        weights = layer.get_weights()
        at = int(np.argmax([each.size for each in weights]))
        for column, step in enumerate(steps):
            kernel = coarsened(weights[at], step)
            layer.set_weights([*weights[:at], kernel, *weights[at + 1 :]])
            losses[row, column] = _loss(model, asked)
            sizes[row, column] = entropy_bytes(kernel)
        layer.set_weights(weights)
    losses = np.maximum.accumulate(losses, axis=1)  # what is coarser is not better: that is chance
    budget = sizes[:, list(steps).index(uniform)].sum()
    low, high = 0.0, 1.0  # nats per byte
    for _ in range(HALVINGS):
        price = (low + high) / 2
        taken = _cheapest(losses, sizes, price)
        low, high = (low, price) if taken.sum() <= budget else (price, high)
    columns = (losses + high * sizes).argmin(axis=1)
    return {layer.name: steps[column] for layer, column in zip(layers, columns, strict=True)}


def cluster(model: keras.Model, trainer: Trainer, params: Cluster, clusters: Mapping[str, float]) -> keras.Model:
    """Do as `clustering.cluster` does, with as many values in each layer as `clusters` says."""

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        return tfmot.clustering.keras.cluster_weights(
            layer,
            number_of_clusters=int(clusters[layer.name]),
            cluster_centroids_init=clustering.CENTROIDS[params.centroids],
            preserve_sparsity=False,
        )

    wrapped = wrapped_copy(model, wrap, clustering.skip_reason)
    trainer.fit(wrapped, params)
    return with_weights_of(model, tfmot.clustering.keras.strip_clustering(wrapped))


def prune(model: keras.Model, trainer: Trainer, params: Prune, sparsities: Mapping[str, float]) -> keras.Model:
    """Train with the share of zeros in each layer that `sparsities` says, from the second epoch on."""

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        schedule = tfmot.sparsity.keras.ConstantSparsity(sparsities[layer.name], 0, frequency=trainer.steps_per_epoch)
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    wrapped = wrapped_copy(model, wrap, pruning.skip_reason)
    trainer.fit(wrapped, params, callbacks=[tfmot.sparsity.keras.UpdatePruningStep()], keep_from_epoch=1)
    return with_weights_of(model, tfmot.sparsity.keras.strip_pruning(wrapped))


def _cheapest(losses: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], price: float) -> npt.NDArray[np.float64]:
    chosen: npt.NDArray[np.float64] = sizes[np.arange(len(sizes)), (losses + price * sizes).argmin(axis=1)]
    return chosen


def _loss(model: keras.Model, batches: Sequence[Batch]) -> float:
    """Return the mean negative log-likelihood of the labels, in nats."""
    losses = [
        keras.losses.categorical_crossentropy(labels, model(images, training=False), from_logits=True)
        for images, labels, _ in batches
    ]
    return float(tf.reduce_mean(tf.concat(losses, axis=0)))
