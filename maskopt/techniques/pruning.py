"""Magnitude pruning: zero the smallest weights while fine-tuning.

Source: Zhu & Gupta 2017, arXiv:1710.01878.
"""

import pandas as pd

from maskopt.networks.keras import keras, tfmot
from maskopt.networks.rebuilding import wrapped_copy
from maskopt.params import Prune
from maskopt.training.trainer import Trainer

PRUNED = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.Dense)
UPDATES_PER_EPOCH = 8  # of the masks: each sorts every weight


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why this layer is not pruned, or None if it is."""
    if type(layer) in PRUNED:
        return None
    return f"tfmot does not prune {type(layer).__name__}"


def prune(model: keras.Model, trainer: Trainer, params: Prune) -> tuple[keras.Model, pd.DataFrame]:
    """Return a copy of `model` with `final_sparsity` of the weights of each pruned layer at zero, and its curves.

    Args:
        model: flat; not changed.
        trainer: pictures and settings.
        params: section `prune`.
    """
    steps, total = trainer.steps_per_epoch, params.epochs * trainer.steps_per_epoch
    frequency = max(1, steps // UPDATES_PER_EPOCH)
    # Steps count from 1, and the masks change at multiples of `frequency`: end on one, or the last zeros never come.
    end_step = frequency * max(1, round(params.ramp * total) // frequency)
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, params.final_sparsity, 0, end_step, frequency=frequency)

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    wrapped = wrapped_copy(model, wrap, skip_reason)
    curves = trainer.fit(
        wrapped,
        params,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        keep_from_epoch=(end_step - 1) // steps,  # at its end all zeros are there
    )
    return tfmot.sparsity.keras.strip_pruning(wrapped), curves
