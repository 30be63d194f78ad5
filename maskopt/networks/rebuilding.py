"""Copies of flat models: wrappers of tfmot change the layers they are given, so each model gets its own."""

from collections.abc import Callable

from maskopt.networks.keras import keras

SkipReason = Callable[[keras.layers.Layer], str | None]  # why a technique leaves a layer out, None if it does not


def wrapped_copy(
    model: keras.Model, wrap: Callable[[keras.layers.Layer], keras.layers.Layer], skip_reason: SkipReason
) -> keras.Model:
    """Return a copy of `model` with `wrap` around each layer that the technique does not skip."""
    return keras.models.clone_model(
        with_weights_of(model, model), clone_function=lambda layer: layer if skip_reason(layer) else wrap(layer)
    )


def with_weights_of(model: keras.Model, other: keras.Model) -> keras.Model:
    """Return a copy of `model` with the weights of `other`, whose layers have the same names."""
    copy = keras.models.clone_model(model)
    for layer in copy.layers:
        layer.set_weights(other.get_layer(layer.name).get_weights())
    return copy
