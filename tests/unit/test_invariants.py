import re
from dataclasses import replace

import numpy as np
import pytest

from maskopt.errors import LostTechnique
from maskopt.tflite.inspection import read_graph
from maskopt.tflite.invariants import check, list_kernels
from maskopt.tflite.variants import Variant

PLAIN = Variant("plain", None, ())
SPARSE = Variant("sparse", None, (), sparse=True)
CLUSTERED = Variant("clustered", None, (), clustered=True)
CODED = Variant("coded", None, (), coded=True)
BOTH = Variant("both", None, (), sparse=True, clustered=True)
FORMATS = ("float32", "dynamic", "int8")


@pytest.mark.parametrize("name", FORMATS)
def test_kernels_of_pruning_and_clustering_are_named_as_in_keras(tiny_files, name):
    kernels = list_kernels(read_graph(getattr(tiny_files, name)))
    assert [(k.layer, k.kind, k.shape) for k in kernels] == [
        ("conv", "CONV_2D", (16, 3, 3, 3)),
        ("point", "CONV_2D", (64, 1, 1, 16)),
        ("head", "FULLY_CONNECTED", (3, 64)),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_planted_zeros_and_clusters_are_found(tiny_files, name):
    for kernel in list_kernels(read_graph(getattr(tiny_files, name))):
        assert kernel.sparsity == 0.25
        assert kernel.values_per_channel == 4


def test_folded_batch_norm_keeps_clusters_of_a_channel_but_not_of_a_tensor(tiny_files):
    conv = list_kernels(read_graph(tiny_files.float32))[0]
    assert (conv.values_per_channel, conv.values) == (4, 1 + 3 * 16)  # zero, and three values in each of 16 channels


@pytest.mark.parametrize("name", FORMATS)
def test_kept_promises_pass(tiny_files, name):
    graph = read_graph(getattr(tiny_files, name))
    assert len(check(graph, BOTH, name, final_sparsity=0.25, n_clusters=4, n_reached=3)) == 3


@pytest.mark.parametrize("name", FORMATS)
def test_kernels_that_the_file_does_not_show_are_missed(tiny_files, name):
    message = (
        f"a pruned or clustered layer was lost in the {name} file, layer 'unknown': "
        "want 4 kernels, got 3: conv, point, head. Compare the installed packages"
    )
    with pytest.raises(LostTechnique, match=re.escape(message)):
        check(read_graph(getattr(tiny_files, name)), BOTH, name, final_sparsity=0.25, n_clusters=4, n_reached=4)


def test_sparsity_may_miss_one_weight_by_rounding(tiny_files):
    graph = read_graph(tiny_files.float32)  # a quarter is zero: 256 of the 1,024 weights of the largest kernel
    check(graph, SPARSE, "float32", final_sparsity=257 / 1024, n_clusters=4)
    with pytest.raises(LostTechnique, match="layer 'point'"):
        check(graph, SPARSE, "float32", final_sparsity=258 / 1024, n_clusters=4)


@pytest.mark.parametrize("name", FORMATS)
def test_lost_zeros_are_named(tiny_files, name):
    message = (
        f"pruning was lost in the {name} file, layer 'conv': want a sparsity of at least 0.5, "
        "got 0.2500 (108 of 432 weights are zero). Compare the installed packages"
    )
    with pytest.raises(LostTechnique, match=re.escape(message)):
        check(read_graph(getattr(tiny_files, name)), SPARSE, name, final_sparsity=0.5, n_clusters=4)


@pytest.mark.parametrize("name", FORMATS)
def test_lost_clusters_are_named(tiny_files, name):
    message = f"clustering was lost in the {name} file, layer 'conv': want at most 3 values per output channel, got 4"
    with pytest.raises(LostTechnique, match=re.escape(message)):
        check(read_graph(getattr(tiny_files, name)), CLUSTERED, name, final_sparsity=0.25, n_clusters=3)


def test_channel_with_more_values_than_the_others_is_named(tiny_files):
    graph = read_graph(tiny_files.float32)
    tensors = list(graph.tensors)
    place = next(i for i, tensor in enumerate(tensors) if tensor.values is not None and tensor.shape == (16, 3, 3, 3))
    values = tensors[place].values.copy()
    values[5] = np.arange(27).reshape(3, 3, 3)
    tensors[place] = replace(tensors[place], values=values)
    with pytest.raises(LostTechnique, match="layer 'conv': want at most 4 values per output channel, got 27"):
        check(replace(graph, tensors=tuple(tensors)), CLUSTERED, "float32", final_sparsity=0, n_clusters=4)


def test_levels_of_several_scales_are_named(tiny_files):
    message = "coding was lost in the int8 file, layer 'conv': want one scale for all channels, got 16"
    with pytest.raises(LostTechnique, match=message):
        check(read_graph(tiny_files.int8), CODED, "int8", final_sparsity=0, n_clusters=4)


def test_what_was_not_promised_is_not_checked(tiny_files):
    check(read_graph(tiny_files.float32), PLAIN, "float32", final_sparsity=0.9, n_clusters=2)


def test_float_weights_in_a_dynamic_file_are_named(tiny_files):
    message = "quantisation was lost in the dynamic file, layer 'point': want int8 weights, got float32"
    with pytest.raises(LostTechnique, match=message):
        check(read_graph(tiny_files.float32), PLAIN, "dynamic", final_sparsity=0, n_clusters=4)


def test_small_tensors_of_a_dynamic_file_may_be_float(tiny_files):
    kernels = check(read_graph(tiny_files.dynamic), PLAIN, "dynamic", final_sparsity=0, n_clusters=4)
    assert [k.dtype for k in kernels] == ["float32", "int8", "float32"]


def test_floats_in_an_int8_file_are_named(tiny_files):
    message = "quantisation was lost in the int8 file, layer 'preprocessing': want integers alone, got float32"
    with pytest.raises(LostTechnique, match=message):
        check(read_graph(tiny_files.dynamic), PLAIN, "int8", final_sparsity=0, n_clusters=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dtype": np.dtype(np.int8)}, "layer 'input': want uint8, got int8"),
        ({"scales": np.array([0.5])}, "layer 'input': want scale 1 and zero point 0, got scale 0.5 and zero point 0"),
        ({"zero_points": np.array([3])}, "layer 'input': want scale 1 and zero point 0, got scale .* zero point 3"),
    ],
)
def test_int8_file_that_reads_bytes_wrongly_is_named(tiny_files, changes, message):
    graph = read_graph(tiny_files.int8)
    tensors = list(graph.tensors)
    tensors[graph.inputs[0]] = replace(tensors[graph.inputs[0]], **changes)
    with pytest.raises(LostTechnique, match=message):
        check(replace(graph, tensors=tuple(tensors)), PLAIN, "int8", final_sparsity=0, n_clusters=4)


def test_int8_file_that_answers_in_another_type_is_named(tiny_files):
    graph = read_graph(tiny_files.int8)
    tensors = list(graph.tensors)
    tensors[graph.outputs[0]] = replace(tensors[graph.outputs[0]], dtype=np.dtype(np.int8))
    with pytest.raises(LostTechnique, match="layer 'output': want uint8, got int8"):
        check(replace(graph, tensors=tuple(tensors)), PLAIN, "int8", final_sparsity=0, n_clusters=4)
