"""Entropy-constrained quantisation: weights at uniform levels, in training that pays for the bits of a code for them.

The loss grows by `nats_per_bit` for each bit that a weight takes on average. Each kernel learns the distance of its
levels: coarse where the labels allow it. A code of single values, as gzip and others have, then finds few and unequal
values in the whole kernel, and one scale instead of one per channel.

Sources: the price of bits, Oktay et al. 2020, arXiv:1906.06624; learned steps, Esser et al. 2020, arXiv:1902.08153.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.folding import fold_batch_norm
from maskopt.keras import keras, tf
from maskopt.params import Entropy
from maskopt.slimming import HIGHEST
from maskopt.training import Trainer

STEP_GAIN = 20.0  # a step changes so many times faster than a weight
UPDATES_PER_EPOCH = 4  # of the code
PSEUDO_COUNT = 0.5  # of each level: one that is not used has a price too


class Levels(keras.layers.Layer):
    """The levels of one kernel."""

    def __init__(self, first_step: float, price: float) -> None:
        """Start with a step; `price` is added to the loss for each bit of the kernel."""
        super().__init__()
        self.price = price
        self.log_step = self.add_weight(
            "log_step", (), initializer=keras.initializers.Constant(np.log(first_step) / STEP_GAIN)
        )
        self.lengths = self.add_weight("lengths", (2 * HIGHEST + 1,), initializer="zeros", trainable=False)  # bits

    @property
    def step(self) -> tf.Tensor:
        """The distance of two levels."""
        return tf.exp(STEP_GAIN * self.log_step)

    def call(self, kernel: tf.Tensor) -> tf.Tensor:
        """Return the kernel at its levels; gradients pass as if it were not."""
        place = tf.clip_by_value(kernel / self.step, -HIGHEST, HIGHEST)
        self.add_loss(self.price * tf.reduce_sum(self._bits(place)))
        return self.step * (place + tf.stop_gradient(tf.round(place) - place))

    def _bits(self, place: tf.Tensor) -> tf.Tensor:
        """Return the length of each weight's code, between two levels by interpolation."""
        below = tf.stop_gradient(tf.floor(place))
        index = tf.cast(below, tf.int32) + HIGHEST
        low, high = (tf.gather(self.lengths, tf.minimum(index + i, 2 * HIGHEST)) for i in (0, 1))
        return low + (high - low) * (place - below)

    def count(self, kernel: npt.NDArray[np.float32]) -> None:
        """Set the lengths to those of the best code for the kernel as it is."""
        counts = np.bincount(self.levels_of(kernel).ravel() + HIGHEST, minlength=2 * HIGHEST + 1) + PSEUDO_COUNT
        self.lengths.assign(-np.log2(counts / counts.sum()))

    def levels_of(self, kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Return the level of each weight."""
        levels: npt.NDArray[np.int64] = np.clip(np.rint(kernel / self.step.numpy()), -HIGHEST, HIGHEST).astype(np.int64)
        return levels


class CodedConv2D(keras.layers.Conv2D):
    """With its kernel at levels."""

    kernel_at = 0  # among its weights

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve with the coded kernel."""
        return super().convolution_op(inputs, self.levels(kernel))


class CodedDense(keras.layers.Dense):
    """With its kernel at levels."""

    kernel_at = 0  # among its weights

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Multiply with the coded kernel."""
        return self.activation(tf.nn.bias_add(tf.matmul(inputs, self.levels(self.kernel)), self.bias))


class CodedSeparableConv2D(keras.layers.SeparableConv2D):
    """With its pointwise kernel, which holds nearly all weights, at levels."""

    kernel_at = 1  # among its weights

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Filter each channel, then mix them with the coded kernel."""
        outputs = tf.nn.separable_conv2d(
            inputs,
            self.depthwise_kernel,
            self.levels(self.pointwise_kernel),
            strides=(1, *self.strides, 1),
            padding=self.padding.upper(),
            dilations=self.dilation_rate,
        )
        return self.activation(tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs)


CODED: dict[type, Any] = {
    keras.layers.Conv2D: CodedConv2D,
    keras.layers.Dense: CodedDense,
    keras.layers.SeparableConv2D: CodedSeparableConv2D,
}


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why the weights of this layer are not at levels, or None if they are."""
    if type(layer) in CODED:
        return None
    if isinstance(layer, keras.layers.BatchNormalization):
        return "BatchNormalization: folded into a convolution before it, where there is one"
    return f"{type(layer).__name__}: few weights, and each channel needs a scale of its own"


def code(model: keras.Model, trainer: Trainer, params: Entropy) -> tuple[keras.Model, pd.DataFrame, dict[str, float]]:
    """Return a model with batch-norm folded and weights at levels, its curves, and the step of each such layer.

    Args:
        model: flat; not changed.
        trainer: pictures and settings.
        params: section `entropy`.
    """
    folded = fold_batch_norm(model)
    coded = _coded_copy(folded, params)
    updates = _Updates(max(1, trainer.steps_per_epoch // UPDATES_PER_EPOCH))
    curves = trainer.fit(coded, params, callbacks=[updates])
    steps = {}
    for plain, layer in zip(folded.layers, coded.layers, strict=True):
        weights = [weight.numpy() for weight, _ in zip(layer.weights, plain.weights, strict=False)]
        if type(plain) in CODED:
            steps[plain.name] = float(layer.levels.step)
            weights[layer.kernel_at] = steps[plain.name] * layer.levels.levels_of(weights[layer.kernel_at])
        plain.set_weights(weights)
    return folded, curves, steps


class _Updates(keras.callbacks.Callback):
    """Makes the codes fit the kernels again, now and then."""

    def __init__(self, frequency: int) -> None:
        super().__init__()
        self.frequency = frequency

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002  as Keras calls it
        if batch % self.frequency == 0:
            for layer in self.model.layers:
                if type(layer) in CODED.values():
                    layer.levels.count(layer.weights[layer.kernel_at].numpy())


def _coded_copy(folded: keras.Model, params: Entropy) -> keras.Model:
    """Return a copy with levels in place of kernels; own weights of a layer come before those of its levels."""
    kernels = {
        layer.name: layer.get_weights()[CODED[type(layer)].kernel_at] for layer in folded.layers if type(layer) in CODED
    }
    price = params.nats_per_bit / sum(kernel.size for kernel in kernels.values())

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in kernels:
            return type(layer).from_config(layer.get_config())
        kernel = kernels[layer.name]
        copy = CODED[type(layer)].from_config(layer.get_config())
        copy.levels = Levels(max(params.first_step * kernel.std(), np.abs(kernel).max() / HIGHEST), price)
        return copy

    coded = keras.models.clone_model(folded, clone_function=clone)
    for plain, layer in zip(folded.layers, coded.layers, strict=True):
        for variable, value in zip(layer.weights, plain.get_weights(), strict=False):
            variable.assign(value)
    return coded
