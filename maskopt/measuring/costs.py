"""The graph of a .tflite file -> what it takes to run: multiplications, parameters, memory."""

import math
from itertools import accumulate

from maskopt.tflite.inspection import ABSENT, CHANNEL_AXES, Graph


def count_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of one inference, in the operators of CHANNEL_AXES."""
    total = 0
    for operator in graph.operators:
        if weights := graph.weights(operator):
            outputs = math.prod(graph.tensors[operator.outputs[0]].shape)
            total += outputs * math.prod(weights.shape) // weights.shape[CHANNEL_AXES[operator.kind]]
    return total


def count_parameters(graph: Graph) -> int:
    """Return the number of constants that operators compute with: batch-norm is folded, shapes do not count."""
    read = (graph.tensors[i] for operator in graph.operators for i in operator.inputs if i != ABSENT)
    return sum(math.prod(t.shape) for t in read if t.values is not None and (t.dtype.kind == "f" or t.scales.size))


def measure_peak_activation_bytes(graph: Graph) -> int:
    """Return the most bytes of activations that are alive at once, at batch 1.

    An activation lives from the operator that makes it (an input of the graph: from the start) to
    the last that reads it (an output of the graph: to the end); while an operator runs, its inputs and
    outputs both live. An allocator without gaps needs this much; buffers inside kernels (XNNPACK) are not in it.
    """
    if not graph.operators:
        return 0
    last = len(graph.operators) - 1
    births = dict.fromkeys(graph.inputs, 0)
    deaths = dict.fromkeys(graph.outputs, last)
    for step, operator in enumerate(graph.operators):
        for index in operator.outputs:
            births.setdefault(index, step)
        for index in (*operator.inputs, *operator.outputs):  # also of constants, which are not in `births`
            deaths[index] = max(step, deaths.get(index, step))
    changes = [0] * (last + 2)  # bytes that come and go, by step
    for index, birth in births.items():
        size_bytes, death = graph.tensors[index].size_bytes, deaths.get(index, 0)
        changes[birth] += size_bytes
        changes[death + 1] -= size_bytes
    return max(accumulate(changes[:-1]))
