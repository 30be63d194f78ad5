"""Copies of flat models: wrappers of tfmot change the layers they are given, so each gets its own."""

from collections.abc import Callable

from maskopt.keras import keras

Rewrap = Callable[[keras.layers.Layer], keras.layers.Layer]


def wrapped_copy(model: keras.Model, wrap: Rewrap) -> keras.Model:
    """Return a copy of `model` in which each layer was passed through `wrap`."""
    return keras.models.clone_model(with_weights_of(model, model), clone_function=wrap)


def with_weights_of(model: keras.Model, other: keras.Model) -> keras.Model:
    """Return a copy of `model` with the weights of `other`, whose layers have the same names."""
    copy = keras.models.clone_model(model)
    for layer in copy.layers:
        layer.set_weights(other.get_layer(layer.name).get_weights())
    return copy
