"""Flat models with their layers wrapped, as the techniques of tfmot want them."""

from collections.abc import Callable

from maskopt.networks.keras import keras

SkipReason = Callable[[keras.layers.Layer], str | None]  # why a technique leaves a layer out, None if it does not


def wrapped(
    model: keras.Model, wrap: Callable[[keras.layers.Layer], keras.layers.Layer], skip_reason: SkipReason
) -> keras.Model:
    """Return a model of the same layers, `wrap` around each that the technique does not skip."""
    return keras.models.clone_model(model, clone_function=lambda layer: layer if skip_reason(layer) else wrap(layer))


def wrapped_copy(
    model: keras.Model, wrap: Callable[[keras.layers.Layer], keras.layers.Layer], skip_reason: SkipReason
) -> keras.Model:
    """Return the same of a copy, for wrappers that train the layers they are given."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return wrapped(copy, wrap, skip_reason)
