"""Weight clustering: the weights of a layer share a few values, tuned while training.

Source: Han, Mao & Dally 2016, arXiv:1510.00149, section 3.
"""

import pandas as pd

from maskopt.networks.keras import keras, tfmot
from maskopt.networks.rebuilding import wrapped_copy
from maskopt.params import Cluster
from maskopt.training.trainer import Trainer

CLUSTERED = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.Dense)

_INITIAL = tfmot.clustering.keras.CentroidInitialization
CENTROIDS = {
    "linear": _INITIAL.LINEAR,
    "kmeans++": _INITIAL.KMEANS_PLUS_PLUS,
}


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why this layer is not clustered, or None if it is."""
    if type(layer) in CLUSTERED:
        return None
    return f"tfmot does not cluster {type(layer).__name__}"


def cluster(
    model: keras.Model, trainer: Trainer, params: Cluster, preserve_sparsity: bool
) -> tuple[keras.Model, pd.DataFrame]:
    """Return a copy of `model` with at most `n_clusters` values in each clustered layer, and its curves.

    Args:
        model: flat; not changed.
        trainer: pictures and settings.
        params: section `cluster`.
        preserve_sparsity: keep the zeros of a pruned `model`; zero is then one of the values.
    """

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        return tfmot.clustering.keras.cluster_weights(
            layer,
            number_of_clusters=params.n_clusters,
            cluster_centroids_init=CENTROIDS[params.centroids],
            preserve_sparsity=preserve_sparsity,
        )

    wrapped = wrapped_copy(model, wrap, skip_reason)
    curves = trainer.fit(wrapped, params)
    return tfmot.clustering.keras.strip_clustering(wrapped), curves
