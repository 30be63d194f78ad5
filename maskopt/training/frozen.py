"""A trunk that stays as it is -> a trained head: features of a few views are computed once, then only the head learns.

Shape legend: B batch, C features, K classes.
"""

from pathlib import Path

import pandas as pd

from maskopt.networks.backbones import FEATURES, trunk_of
from maskopt.networks.keras import keras, tf
from maskopt.params import Phase
from maskopt.training.trainer import Trainer


def fit_baseline(model: keras.Model, trainer: Trainer, phase: Phase, trunk: Path) -> pd.DataFrame:
    """Train the head on the trunk of a file, all layers where there is no such file; return one row per epoch."""
    if not trunk.is_file():
        return trainer.fit(model, phase)
    trunk_of(model).load_weights(trunk)
    return fit_head(model, trainer, phase)


def fit_head(model: keras.Model, trainer: Trainer, phase: Phase) -> pd.DataFrame:
    """Train the last layer of `model` in place; return one row per epoch.

    Epochs take the `frozen_views` views in turn, so an epoch costs a pass over feature vectors instead of pictures.
    """
    trunk = keras.Model(model.input, model.get_layer(FEATURES).output)
    head = keras.Sequential([keras.Input(trunk.output_shape[1:]), keras.layers.Dense(model.output_shape[1])])

    head.set_weights(model.layers[-1].get_weights())

    def features(images: tf.Tensor, *rest: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return trunk(images, training=False), *rest  # (B, C), labels and weights

    views = trainer.train_batches(trainer.params.frozen_views, taught=phase.distillation > 0)
    train = views.map(features).cache().repeat()
    val = trainer.val_batches().map(features).cache()
    curves = trainer.fit_batches(
        head, phase, lambda epoch: train.skip(epoch * trainer.steps_per_epoch), val, trunk=trunk
    )
    model.layers[-1].set_weights(head.get_weights())
    return curves
