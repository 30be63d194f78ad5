"""Magnitude pruning: zero the smallest weights while fine-tuning.

Source: Zhu & Gupta 2017, arXiv:1710.01878.
"""

import math

import pandas as pd

from maskopt.backbones import Preprocessing
from maskopt.keras import keras, tfmot
from maskopt.params import Prune, Training
from maskopt.rebuilding import with_weights_of, wrapped_copy
from maskopt.training import Pictures, fit, steps_per_epoch

PRUNED = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.Dense)
UPDATES_PER_EPOCH = 8  # of the masks: each sorts every weight


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why this layer is not pruned, or None if it is."""
    if type(layer) in PRUNED:
        return None
    return f"tfmot does not prune {type(layer).__name__}"


def prune(
    model: keras.Model,
    train: Pictures,
    val: Pictures,
    preprocessing: Preprocessing,
    params: Prune,
    training: Training,
    seed: int,
) -> tuple[keras.Model, pd.DataFrame]:
    """Return a copy of `model` with `final_sparsity` of the weights of each pruned layer at zero, and its curves."""
    steps = steps_per_epoch(train, training)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=params.final_sparsity,
        begin_step=0,
        end_step=round(params.ramp * params.epochs * steps),
        frequency=max(1, steps // UPDATES_PER_EPOCH),
    )

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if skip_reason(layer):
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    wrapped = wrapped_copy(model, wrap)
    curves = fit(
        wrapped,
        train,
        val,
        preprocessing,
        params,
        training,
        seed,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        keep_from_epoch=math.ceil(params.ramp * params.epochs),
    )
    return with_weights_of(model, tfmot.sparsity.keras.strip_pruning(wrapped)), curves
