"""A model and pictures -> the same model, trained.

Shape legend: N pictures, B batch, H height px, W width px, K classes.
"""

import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.errors import Diverged
from maskopt.networks.backbones import Preprocessing
from maskopt.networks.keras import as_written, keras, tf
from maskopt.params import Phase, Training
from maskopt.training.augmentation import augment
from maskopt.training.checkpoint import Checkpoint
from maskopt.training.distillation import Crossentropy, accuracy
from maskopt.training.hashing import sha256
from maskopt.training.pictures import Pictures, digest

LESSON = "lesson"  # the stream that a teacher and all its students see

# The thread that would tune batches has nothing to do, and wakes as seldom as once a minute, for which training's end
# would wait.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trainer:
    """What every run of training on one network shares."""

    train: Pictures
    val: Pictures
    preprocessing: Preprocessing
    params: Training
    seed: int
    stream: str  # each has its own order and views of the pictures
    lesson: npt.NDArray[np.float32] | None = None  # (S, B, K) logits of a teacher, for S `lesson_batches`
    unfinished: Path | None = None  # folder for the state of training that may be killed; None: it starts anew

    @property
    def steps_per_epoch(self) -> int:
        """The number of whole batches; the pictures left over differ from epoch to epoch."""
        return max(1, len(self.train.labels) // self.params.batch_size)

    def fit(
        self,
        model: keras.Model,
        phase: Phase,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        keep_from_epoch: int = 0,
    ) -> pd.DataFrame:
        """Train `model` in place, end with the weights of the lowest validation loss; return one row per epoch.

        Args:
            model: (B, H, W, 3) preprocessed -> (B, K) logits.
            phase: epochs and learning rate.
            callbacks: run before the best weights are noted.
            keep_from_epoch: weights of earlier epochs are not kept, whatever their loss.
        """

        def train(first_epoch: int) -> tf.data.Dataset:
            return self.train_batches(phase.epochs, phase.distillation > 0, first_epoch)

        return self.fit_batches(model, phase, train, self.val_batches(), callbacks, keep_from_epoch)

    def fit_batches(
        self,
        model: keras.Model,
        phase: Phase,
        train: Callable[[int], tf.data.Dataset],
        val: tf.data.Dataset,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        keep_from_epoch: int = 0,
        trunk: keras.Model | None = None,
    ) -> pd.DataFrame:
        """Do as `fit` does, on batches of anything that `model` takes.

        Args:
            model: takes what the batches hold, returns (B, K) logits.
            phase: as in `fit`.
            train: returns the batches from an epoch on.
            val: batches.
            callbacks: as in `fit`.
            keep_from_epoch: as in `fit`.
            trunk: what made the batches of pictures, where they are not pictures themselves.

        Raises:
            Diverged: no epoch that could be kept has a finite validation loss.
        """
        steps = self.steps_per_epoch
        rate = cosine(phase, self.params.warmup, steps)
        # The legacy class updates a weight in one fused operator: half the tracing, which dominates short runs.
        optimizer = keras.optimizers.legacy.Adam(rate)
        loss = Crossentropy(self.params.label_smoothing, phase.distillation, self.params.temperature)
        model.compile(optimizer, loss, metrics=[accuracy])
        # No layer needs AutoGraph, which rewrites each of tfmot's at the cost of an epoch.
        model.train_step, model.test_step = map(as_written, (model.train_step, model.test_step))
        models = [model, trunk] if trunk else [model]
        file = self.unfinished and self.unfinished / f"{self._digest(models, phase, keep_from_epoch)}.npz"
        best = Checkpoint(file, self.params.patience_epochs, keep_from_epoch)
        first = best.restore(model)
        if first:
            logger.info("goes on after epoch %d", len(best.rows))
        model.fit(
            train(first),
            steps_per_epoch=steps,
            epochs=phase.epochs,
            initial_epoch=first,
            validation_data=val,
            callbacks=[*callbacks, best],
            verbose=2,
        )
        curves = best.curves()
        curves["learning_rate"] = [float(rate((epoch + 1) * steps)) for epoch in curves["epoch"]]
        if not np.isfinite(curves["val_loss"][best.best_epoch]):
            raise Diverged(phase.learning_rate, len(curves))
        reached = curves["val_accuracy"][best.best_epoch]
        logger.info("kept epoch %d of %d: validation accuracy %.4f", best.best_epoch + 1, len(curves), reached)
        return curves

    def _digest(self, models: Sequence[keras.Model], phase: Phase, keep_from_epoch: int) -> str:
        """Return what two runs of the same code have in common only if they train the same to the same end."""
        said = repr((phase, keep_from_epoch, self.params, self.seed, self.stream, self.digest_pictures()))
        lesson = () if self.lesson is None else (self.lesson,)
        return sha256(said.encode(), *(array for model in models for array in model.get_weights()), *lesson)

    def digest_pictures(self) -> str:
        """Return the SHA-256 of pixels and labels, those to train on and those to validate on."""
        return digest(self.train, self.val)

    def train_batches(self, epochs: int, taught: bool = False, first_epoch: int = 0) -> tf.data.Dataset:
        """Return batches of (images, targets, weights), a new order and new views in each epoch.

        Each batch follows from seed, stream and its number alone. Targets are those of `Crossentropy`.

        Args:
            epochs: how many.
            taught: the batches of the lesson instead, with the teacher's answers in their targets, again and again,
                from a place that follows from the stream.
            first_epoch: where to begin, as if those before had been drawn.
        """
        numbers = tf.data.Dataset.range(first_epoch * self.steps_per_epoch, epochs * self.steps_per_epoch)
        if not taught:
            return self._batches(self.stream, numbers)
        assert self.lesson is not None  # params without a teacher ask for no distillation
        lesson = tf.constant(self.lesson)
        views = len(self.lesson) // self.steps_per_epoch
        first = zlib.crc32(self.stream.encode()) % views * self.steps_per_epoch
        places = numbers.map(lambda number: (first + number) % len(self.lesson))
        batches = tf.data.Dataset.zip((self._batches(LESSON, places), places))
        return batches.map(lambda batch, at: (batch[0], tf.concat([batch[1], lesson[at]], axis=1), batch[2]))

    def lesson_batches(self, views: int) -> tf.data.Dataset:
        """Return batches of (images, one-hot labels, weights), the same views at each resolution, for all streams."""
        return self._batches(LESSON, tf.data.Dataset.range(views * self.steps_per_epoch))

    def _batches(self, stream: str, numbers: tf.data.Dataset) -> tf.data.Dataset:
        fold_in = tf.random.experimental.stateless_fold_in
        root = fold_in([self.seed, 0], zlib.crc32(stream.encode()))
        pixels, labels = tf.constant(self.train.pixels), tf.constant(self.train.labels)
        weights = tf.constant(self.train.class_weights())
        n, batch, steps = len(self.train.labels), self.params.batch_size, self.steps_per_epoch

        def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            order = tf.random.experimental.stateless_shuffle(tf.range(n), fold_in(root, -1 - step // steps))
            rows = order[(step % steps) * batch :][:batch]
            images = tf.cast(tf.gather(pixels, rows), tf.float32)
            views = augment(images, self.params.augmentation, fold_in(root, step))
            classes = tf.gather(labels, rows)
            return self.preprocessing(views), tf.one_hot(classes, self.train.n_classes), tf.gather(weights, classes)

        return numbers.map(at).prefetch(1).with_options(UNTUNED)

    def val_batches(self) -> tf.data.Dataset:
        """Return batches of (images, one-hot labels, weights), in order and unchanged."""
        weights = tf.constant(self.val.class_weights())

        def prepare(pixels: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            images = self.preprocessing(tf.cast(pixels, tf.float32))
            return images, tf.one_hot(label, self.val.n_classes), tf.gather(weights, label)

        slices = tf.data.Dataset.from_tensor_slices((self.val.pixels, self.val.labels))
        return slices.batch(self.params.batch_size).map(prepare).prefetch(1).with_options(UNTUNED)


def cosine(phase: Phase, warmup: float, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a linear rise over a fraction `warmup` of the steps, then half a cosine to zero.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983.
    """
    total = phase.epochs * steps_per_epoch
    rising = min(round(total * warmup), total - 1)  # at least the last step falls
    if not rising:
        return keras.optimizers.schedules.CosineDecay(phase.learning_rate, total)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total - rising, warmup_target=phase.learning_rate, warmup_steps=rising
    )
