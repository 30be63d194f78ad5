"""Batch-norm -> the weights and biases of the convolutions before it, as conversion does, but while training goes on.

Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2.
"""

import numpy as np

from maskopt.networks.keras import keras

layers = keras.layers

# Layer -> which of its weights counts output channels, and on which axis.
KERNELS = {
    layers.Conv2D: (0, 3),
    layers.DepthwiseConv2D: (0, 2),
    layers.SeparableConv2D: (1, 3),
}


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Return a copy of a flat model that computes the same without those batch-norms that follow a convolution."""
    followers = {layer.name: norm for layer in model.layers if (norm := _norm_after(layer))}
    folded = {norm.name for norm in followers.values()}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if layer.name in folded:
            return layers.Activation("linear", name=layer.name)
        if layer.name in followers:
            config["use_bias"] = True
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    for layer in copy.layers:
        if layer.weights:
            original = model.get_layer(layer.name)
            layer.set_weights(
                _folded(original, followers[layer.name]) if layer.name in followers else original.get_weights()
            )
    return copy


def _norm_after(layer: keras.layers.Layer) -> keras.layers.BatchNormalization | None:
    """Return the batch-norm that alone reads what a convolution writes."""
    if type(layer) not in KERNELS or layer.activation is not keras.activations.linear or len(layer.outbound_nodes) != 1:
        return None
    (node,) = layer.outbound_nodes
    return node.outbound_layer if isinstance(node.outbound_layer, layers.BatchNormalization) else None


def _folded(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    weights = layer.get_weights()
    bias = weights.pop() if layer.use_bias else 0.0
    factor = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    if norm.scale:
        factor *= norm.gamma.numpy()
    shift = norm.beta.numpy() if norm.center else 0.0
    index, axis = KERNELS[type(layer)]
    shape = [1] * 4
    shape[axis] = -1
    if type(layer) is layers.DepthwiseConv2D:
        shape[3] = layer.depth_multiplier
    weights[index] = weights[index] * factor.reshape(shape)
    return [*weights, shift + (bias - norm.moving_mean.numpy()) * factor]
