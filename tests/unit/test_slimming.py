"""Slim files say the same, and are shorter."""

import gzip

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from maskopt.measuring.litert import Classifier
from maskopt.tflite.inspection import parse_graph
from maskopt.tflite.invariants import list_kernels
from maskopt.tflite.slimming import BIAS_PART, MANTISSA_BITS, round_mantissa, round_up, slim

VALUES = np.array([1.0, 1.004, 0.3, 7e-5, 123.456, 0.0], np.float32)


@pytest.fixture(params=["float32", "dynamic", "int8"])
def file(request, tiny_files):
    return getattr(tiny_files, request.param)


def scores(content, pictures, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    return Classifier(path).scores(pictures)


def test_slim_file_says_the_same(file, tiny_files, tmp_path):
    before, after = (
        scores(content, tiny_files.pictures, tmp_path) for content in (file.read_bytes(), slim(file.read_bytes(), {}))
    )
    np.testing.assert_allclose(before, after, atol=0.02)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_slim_file_is_shorter_before_and_after_compression(file):
    before = file.read_bytes()
    after = slim(before, {})
    assert len(after) < len(before)
    assert len(gzip.compress(after)) < len(gzip.compress(before))


def test_slimming_twice_changes_nothing_more(file):
    once = slim(file.read_bytes(), {})
    assert slim(once, {}) == once


def test_layers_keep_their_names_and_zeros(file):
    before, after = (list_kernels(parse_graph(content)) for content in (file.read_bytes(), slim(file.read_bytes(), {})))
    assert [kernel.layer for kernel in after] == [kernel.layer for kernel in before] == ["conv", "point", "head"]
    assert [kernel.zeros for kernel in after] == [kernel.zeros for kernel in before]
    assert all(new.values_per_channel <= old.values_per_channel for new, old in zip(after, before, strict=True))


def test_input_and_output_keep_their_names(file):
    before, after = (Interpreter(model_content=content) for content in (file.read_bytes(), slim(file.read_bytes(), {})))
    for ends in ("get_input_details", "get_output_details"):
        assert [end["name"] for end in getattr(after, ends)()] == [end["name"] for end in getattr(before, ends)()]


def test_buffers_start_where_the_schema_wants_them(tiny_files):
    content = slim(tiny_files.int8.read_bytes(), {})
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    for tensor in parse_graph(content).tensors:
        if tensor.values is not None:
            assert (tensor.values.__array_interface__["data"][0] - start) % 16 == 0


def test_layer_with_a_step_has_one_scale_and_its_levels(tiny_files, tmp_path):
    """The planted values are multiples of 0.05, which batch-norm does not change in the second convolution."""
    content = slim(tiny_files.int8.read_bytes(), {"point": np.array([0.05], np.float32)})
    graph = parse_graph(content)
    (kernel,) = (kernel for kernel in list_kernels(graph) if kernel.layer == "point")
    assert kernel.scales == 1
    weights = next(t for t in graph.tensors if t.name == "point")
    assert set(np.unique(weights.values)) == {-2, 0, 1, 3}
    before = scores(tiny_files.int8.read_bytes(), tiny_files.pictures, tmp_path)
    np.testing.assert_allclose(scores(content, tiny_files.pictures, tmp_path), before, atol=0.02)


def test_channels_of_a_depthwise_layer_have_the_scales_that_are_its_steps(tiny_files, tmp_path):
    before = parse_graph(tiny_files.int8.read_bytes())
    (old,) = (before.weights(operator) for operator in before.operators if operator.kind == "DEPTHWISE_CONV_2D")
    steps = 2 * old.scales
    content = slim(tiny_files.int8.read_bytes(), {"depth": steps})
    weights = next(t for t in parse_graph(content).tensors if t.name == "depth")
    np.testing.assert_array_equal(weights.scales, steps)
    np.testing.assert_array_equal(weights.values, np.rint(old.values / 2))
    before = scores(tiny_files.int8.read_bytes(), tiny_files.pictures, tmp_path)
    np.testing.assert_allclose(scores(content, tiny_files.pictures, tmp_path), before, atol=0.02)


def test_biases_are_no_finer_than_the_output_shows(tiny_files):
    graph = parse_graph(slim(tiny_files.int8.read_bytes(), {}))
    for operator in graph.operators:
        if graph.weights(operator) and len(operator.inputs) > 2:
            data, kernel, bias = (graph.tensors[index] for index in operator.inputs)
            output = graph.tensors[operator.outputs[0]]
            wanted = BIAS_PART * output.scales / (data.scales * kernel.scales)
            step = 2.0 ** np.floor(np.log2(np.maximum(wanted, 1)))
            assert (bias.values % step == 0).all()


def test_mantissa_is_rounded_to_the_nearest():
    rounded = round_mantissa(VALUES)
    np.testing.assert_allclose(rounded, VALUES, rtol=2.0 ** -(MANTISSA_BITS + 1))
    assert (rounded.view(np.uint32) & (2 ** (23 - MANTISSA_BITS) - 1) == 0).all()


def test_scale_is_rounded_up():
    rounded = round_up(VALUES)
    assert (rounded >= VALUES).all()
    np.testing.assert_allclose(rounded, VALUES, rtol=2.0**-MANTISSA_BITS)
    assert (rounded.view(np.uint32) & (2 ** (23 - MANTISSA_BITS) - 1) == 0).all()
