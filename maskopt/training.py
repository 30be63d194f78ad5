"""A model and pictures -> the same model, trained.

Shape legend: N pictures, B batch, H height px, W width px, K classes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.augmentation import augment
from maskopt.backbones import Preprocessing
from maskopt.keras import keras, tf
from maskopt.params import Phase, Training

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """One split."""

    pixels: npt.NDArray[np.uint8]  # (N, H, W, 3), RGB
    labels: npt.NDArray[np.int64]  # (N,), class index in [0, K)
    n_classes: int

    def class_weights(self) -> npt.NDArray[np.float32]:
        """Return (K,) factors of the loss that make unequal classes count the same; their mean over pictures is 1."""
        counts = np.bincount(self.labels, minlength=self.n_classes)
        return (len(self.labels) / (self.n_classes * np.maximum(counts, 1))).astype(np.float32)


def train_batches(
    pictures: Pictures, preprocessing: Preprocessing, params: Training, seed: int, epochs: int, first_epoch: int = 0
) -> tf.data.Dataset:
    """Return batches of (images, one-hot labels, weights), a new order and new views in each epoch.

    Each batch follows from the seed and its number alone, so that training can go on from any epoch.
    """
    pixels, labels = tf.constant(pictures.pixels), tf.constant(pictures.labels)
    weights = tf.constant(pictures.class_weights())
    n, batch = len(pictures.labels), params.batch_size
    steps = steps_per_epoch(pictures, params)

    def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        epoch = step // steps
        order = tf.random.experimental.stateless_shuffle(tf.range(n), seed=tf.stack([tf.int64.min + seed, epoch]))
        rows = order[(step % steps) * batch :][:batch]
        views = augment(tf.cast(tf.gather(pixels, rows), tf.float32), params.augmentation, tf.stack([seed, step]))
        rows_labels = tf.gather(labels, rows)
        return preprocessing(views), tf.one_hot(rows_labels, pictures.n_classes), tf.gather(weights, rows_labels)

    return tf.data.Dataset.range(first_epoch * steps, epochs * steps).map(at).prefetch(1)


def eval_batches(pictures: Pictures, preprocessing: Preprocessing, batch_size: int) -> tf.data.Dataset:
    """Return batches of (images, one-hot labels), in order and unchanged."""

    def prepare(pixels: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return preprocessing(tf.cast(pixels, tf.float32)), tf.one_hot(label, pictures.n_classes)

    slices = tf.data.Dataset.from_tensor_slices((pictures.pixels, pictures.labels))
    return slices.batch(batch_size).map(prepare).prefetch(1)


def steps_per_epoch(pictures: Pictures, params: Training) -> int:
    """Return the number of whole batches; the pictures left over differ from epoch to epoch."""
    return max(1, len(pictures.labels) // params.batch_size)


def fit(
    model: keras.Model,
    train: Pictures,
    val: Pictures,
    preprocessing: Preprocessing,
    phase: Phase,
    params: Training,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    keep_from_epoch: int = 0,
) -> pd.DataFrame:
    """Train `model` in place, end with the weights of the lowest validation loss; return one row per epoch.

    Args:
        model: (B, H, W, 3) preprocessed -> (B, K) logits.
        keep_from_epoch: weights of earlier epochs are not kept, whatever their loss.
    """
    steps = steps_per_epoch(train, params)
    rate = cosine(phase, params, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=params.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "min", "max", "centroids"])
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=params.label_smoothing),
        metrics=["accuracy"],
    )
    stopping = keras.callbacks.EarlyStopping(
        patience=params.patience_epochs, restore_best_weights=True, start_from_epoch=keep_from_epoch
    )
    history = model.fit(
        train_batches(train, preprocessing, params, seed, phase.epochs),
        steps_per_epoch=steps,
        epochs=phase.epochs,
        validation_data=eval_batches(val, preprocessing, params.batch_size),
        callbacks=[*callbacks, stopping],
        verbose=2,
    )
    curves = pd.DataFrame({"epoch": history.epoch, **history.history})
    curves["learning_rate"] = [float(rate((epoch + 1) * steps)) for epoch in history.epoch]
    logger.info(
        "kept epoch %d of %d: validation accuracy %.4f",
        stopping.best_epoch + 1,
        phase.epochs,
        curves["val_accuracy"][stopping.best_epoch],
    )
    return curves


def cosine(phase: Phase, params: Training, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a linear rise, then half a cosine to zero. Source: Loshchilov & Hutter 2017, arXiv:1608.03983."""
    total = phase.epochs * steps
    warmup = round(total * params.warmup)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(phase.learning_rate, total)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total - warmup, warmup_target=phase.learning_rate, warmup_steps=warmup
    )
