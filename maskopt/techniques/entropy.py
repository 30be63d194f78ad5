"""Entropy-constrained quantisation: weights at uniform levels, in training that pays for the bits of a code for them.

The loss grows by `nats_per_bit` for each bit that a weight takes on average. Each kernel learns the distance of its
levels, a depthwise one that of each channel: coarse where the labels allow it. A code of single values, as gzip and
others have, then finds few and unequal values in the whole kernel, and few scales.

Sources: the price of bits, Oktay et al. 2020, arXiv:1906.06624; learned steps, Esser et al. 2020, arXiv:1902.08153.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.networks.keras import keras, tf
from maskopt.params import Entropy
from maskopt.techniques.folding import fold_batch_norm
from maskopt.tflite.slimming import HIGHEST
from maskopt.training.trainer import Trainer

STEP_GAIN = 20.0  # a step changes so many times faster than a weight
UPDATES_PER_EPOCH = 4  # of the code
PSEUDO_COUNT = 0.5  # of each level: one that is not used has a price too
STEPS_PER_OCTAVE = 8  # the bits of a step cost as well

Floats = npt.NDArray[np.float32]


class Levels(keras.layers.Layer):
    """The levels of one kernel; channels may have steps of their own, but share the code."""

    def __init__(self, first_steps: Floats, price: float) -> None:
        """Start with steps, which broadcast to the kernel; `price` is added to the loss for each bit of it."""
        super().__init__()
        self.price = price
        self.log_steps = self.add_weight(
            "log_steps", first_steps.shape, initializer=keras.initializers.Constant(np.log(first_steps) / STEP_GAIN)
        )
        self.lengths = self.add_weight("lengths", (2 * HIGHEST + 1,), initializer="zeros", trainable=False)  # bits

    @property
    def steps(self) -> tf.Tensor:
        """The distances of two levels; gradients pass as if they were not rounded."""
        exact = tf.exp(STEP_GAIN * self.log_steps)
        unit = 2.0 ** tf.floor(tf.math.log(exact) / np.log(2.0)) / STEPS_PER_OCTAVE
        return exact + tf.stop_gradient(unit * tf.round(exact / unit) - exact)

    def call(self, kernel: tf.Tensor) -> tf.Tensor:
        """Return the kernel at its levels; gradients pass as if it were not."""
        place = tf.clip_by_value(kernel / self.steps, -HIGHEST, HIGHEST)
        self.add_loss(self.price * tf.reduce_sum(self._bits(place)))
        return self.steps * (place + tf.stop_gradient(tf.round(place) - place))

    def _bits(self, place: tf.Tensor) -> tf.Tensor:
        """Return the length of each weight's code, between two levels by interpolation."""
        below = tf.stop_gradient(tf.floor(place))
        index = tf.cast(below, tf.int32) + HIGHEST
        low, high = (tf.gather(self.lengths, tf.minimum(index + i, 2 * HIGHEST)) for i in (0, 1))
        return low + (high - low) * (place - below)

    def count(self, kernel: Floats) -> None:
        """Set the lengths to those of the best code for the kernel as it is."""
        counts = np.bincount(self.levels_of(kernel).ravel() + HIGHEST, minlength=2 * HIGHEST + 1) + PSEUDO_COUNT
        self.lengths.assign(-np.log2(counts / counts.sum()))

    def levels_of(self, kernel: Floats) -> npt.NDArray[np.int64]:
        """Return the level of each weight."""
        levels: npt.NDArray[np.int64] = np.rint(kernel / self.steps.numpy()).clip(-HIGHEST, HIGHEST).astype(np.int64)
        return levels


class CodedConv2D(keras.layers.Conv2D):
    """With its kernel at levels."""

    kernel_at = 0  # among its weights

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve with the coded kernel."""
        return super().convolution_op(inputs, self.levels(kernel))


class CodedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """With its kernel at levels, of another distance in each channel: their ranges differ most."""

    kernel_at = 0  # among its weights

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Filter each channel with the coded kernel."""
        outputs = tf.nn.depthwise_conv2d(
            inputs,
            self.levels(self.depthwise_kernel),
            strides=(1, *self.strides, 1),
            padding=self.padding.upper(),
            dilations=self.dilation_rate,
        )
        return self.activation(tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs)


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
    keras.layers.DepthwiseConv2D: CodedDepthwiseConv2D,
    keras.layers.Dense: CodedDense,
    keras.layers.SeparableConv2D: CodedSeparableConv2D,
}


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why the weights of this layer are not at levels, or None if they are."""
    if type(layer) in CODED:
        return None
    if isinstance(layer, keras.layers.BatchNormalization):
        return "BatchNormalization: folded into a convolution before it, where there is one"
    return f"there are no levels for {type(layer).__name__}"


def code(model: keras.Model, trainer: Trainer, params: Entropy) -> tuple[keras.Model, pd.DataFrame, dict[str, Floats]]:
    """Return a model with batch-norm folded and weights at levels, its curves, and the steps of each such layer.

    The steps of a depthwise layer are one for each channel, (C,); others have one, (1,).

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
            steps[plain.name] = layer.levels.steps.numpy()
            weights[layer.kernel_at] = steps[plain.name] * layer.levels.levels_of(weights[layer.kernel_at])
        plain.set_weights(weights)
    return folded, curves, {name: each.ravel() for name, each in steps.items()}


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
        copy = CODED[type(layer)].from_config(layer.get_config())
        copy.levels = Levels(_first_steps(kernels[layer.name], type(layer), params.first_step), price)
        return copy

    coded = keras.models.clone_model(folded, clone_function=clone)
    for plain, layer in zip(folded.layers, coded.layers, strict=True):
        for variable, value in zip(layer.weights, plain.get_weights(), strict=False):
            variable.assign(value)
    return coded


def _first_steps(kernel: Floats, kind: type, first_step: float) -> Floats:
    """Return steps with which no weight is cut off: of each channel of a depthwise kernel (h, w, C, M), or of all."""
    axes = (0, 1) if kind is keras.layers.DepthwiseConv2D else (0, 1, 2, 3)[: kernel.ndim]
    least = np.abs(kernel).max() / HIGHEST**2  # of a channel that is all zeros
    spread = first_step * kernel.std(axis=axes, keepdims=True)
    steps: Floats = np.maximum(np.maximum(spread, np.abs(kernel).max(axis=axes, keepdims=True) / HIGHEST), least)
    return steps.astype(np.float32)
