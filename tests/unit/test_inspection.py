import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from maskopt.errors import MissingFile, NotAModel
from maskopt.measuring.costs import count_macs, count_parameters, measure_peak_activation_bytes
from maskopt.tflite.inspection import Graph, Operator, Tensor, read_graph
from maskopt.tflite.origin import read_origin


def test_operators_are_read_in_order(tiny_files):
    kinds = [operator.kind for operator in read_graph(tiny_files.float32).operators]
    expected = ["CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
    assert kinds == expected


def test_input_of_an_int8_file_is_bytes_as_they_are(tiny_files):
    graph = read_graph(tiny_files.int8)
    pixels = graph.tensors[graph.inputs[0]]
    assert (pixels.dtype, pixels.shape, pixels.zero_points.tolist()) == (np.uint8, (1, 8, 8, 3), [0])
    assert pixels.scales[0] == pytest.approx(1, abs=1e-3)


def test_int8_weights_times_scales_are_the_float_weights(tiny_files):
    def head(path):
        graph = read_graph(path)
        return next(graph.weights(o) for o in graph.operators if o.kind == "FULLY_CONNECTED")

    rounded, exact = head(tiny_files.int8), head(tiny_files.float32)
    scales = rounded.scales[:, None]  # (K, 1): one per output channel
    np.testing.assert_allclose(rounded.values * scales, exact.values, atol=scales.max() / 2 + 1e-6)


@pytest.mark.parametrize("name", ["float32", "dynamic", "int8"])
def test_macs_are_those_counted_by_hand(tiny_files, name):
    preprocessing, conv, depth, point, head = 8 * 8 * 9, 8 * 8 * 27 * 16, 4 * 4 * 9 * 16, 4 * 4 * 16 * 64, 64 * 3
    assert count_macs(read_graph(getattr(tiny_files, name))) == preprocessing + conv + depth + point + head


@pytest.mark.parametrize("name", ["float32", "dynamic", "int8"])
def test_parameters_are_those_counted_by_hand(tiny_files, name):
    preprocessing, conv, depth, point, head = 9 + 3, 432 + 16, 144 + 16, 1024 + 64, 192 + 3
    assert count_parameters(read_graph(getattr(tiny_files, name))) == preprocessing + conv + depth + point + head


def test_peak_memory_is_input_and_output_of_the_widest_step(tiny_files):
    widest = 4 * 4 * 16 + 4 * 4 * 64  # elements that the 1 x 1 convolution reads and writes
    assert measure_peak_activation_bytes(read_graph(tiny_files.float32)) == widest * 4
    assert measure_peak_activation_bytes(read_graph(tiny_files.int8)) == widest


def test_a_skip_connection_stays_alive_until_it_is_read():
    tensors = tuple(_activation(n) for n in (10, 20, 30, 10))
    steps = (Operator("A", (0,), (1,)), Operator("B", (1,), (2,)), Operator("ADD", (2, 0), (3,)))
    graph = Graph(tensors, steps, inputs=(0,), outputs=(3,))
    assert measure_peak_activation_bytes(graph) == 10 + 20 + 30  # while B runs, tensor 0 waits for ADD


def test_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(MissingFile, match=r"int8.tflite is missing: run `dvc repro`"):
        read_graph(tmp_path / "int8.tflite")


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "picture.tflite"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(NotAModel, match=r"picture.tflite is not a .tflite file .* bytes 4 to 7 are .* `dvc repro`"):
        read_graph(path)


@pytest.mark.parametrize("kept", [8, 100, 1000, 3000])
def test_cut_off_file_is_refused(tiny_files, tmp_path, kept):
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny_files.float32.read_bytes()[:kept])
    with pytest.raises(NotAModel, match=r"cut.tflite is not a .tflite file"):
        read_graph(path)


def test_notes_that_are_one_buffer_again_and_again_are_refused(tmp_path):
    builder = flatbuffers.Builder()
    data, name = builder.CreateByteVector(bytes(1000)), builder.CreateString("note")
    schema.BufferStart(builder)
    schema.BufferAddData(builder, data)
    buffers = _vector(builder, [schema.BufferEnd(builder)])
    schema.MetadataStart(builder)
    schema.MetadataAddName(builder, name)
    notes = _vector(builder, [schema.MetadataEnd(builder)] * 300)
    path = _model(builder, tmp_path, {schema.ModelAddBuffers: buffers, schema.ModelAddMetadata: notes})
    with pytest.raises(NotAModel, match="it says the same bytes again and again, as no converter does"):
        read_origin(path)


def test_operators_that_are_one_again_and_again_are_refused(tmp_path):
    builder = flatbuffers.Builder()
    inputs = builder.CreateNumpyVector(np.zeros(1000, np.int32))
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, inputs)
    path = _graph(builder, tmp_path, schema.SubGraphAddOperators, [schema.OperatorEnd(builder)] * 300)
    with pytest.raises(NotAModel, match="it says the same bytes again and again, as no converter does"):
        read_graph(path)


@pytest.mark.parametrize(
    ("start", "end", "add", "what"),
    [
        (schema.TensorStart, schema.TensorEnd, schema.SubGraphAddTensors, "tensors"),
        (schema.OperatorStart, schema.OperatorEnd, schema.SubGraphAddOperators, "operators"),
    ],
)
def test_more_parts_than_any_network_has_are_refused(start, end, add, what, tmp_path):
    builder = flatbuffers.Builder()
    start(builder)
    path = _graph(builder, tmp_path, add, [end(builder)] * 100_001)
    with pytest.raises(NotAModel, match=f"it has 100,001 {what}, want at most 100,000"):
        read_graph(path)


def test_tensors_with_one_name_again_and_again_are_refused(tmp_path):
    builder = flatbuffers.Builder()
    name = builder.CreateString("a" * 1000)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, name)
    path = _graph(builder, tmp_path, schema.SubGraphAddTensors, [schema.TensorEnd(builder)] * 300)
    with pytest.raises(NotAModel, match="it says the same bytes again and again, as no converter does"):
        read_graph(path)


@pytest.mark.timeout(20)
def test_memory_of_many_tensors_and_steps_is_found_soon():
    steps = tuple(Operator("A", (i,), (i + 1,)) for i in range(20_000))
    graph = Graph(tuple(_activation(1) for _ in range(20_001)), steps, inputs=(0,), outputs=(20_000,))
    assert measure_peak_activation_bytes(graph) == 2


def _vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _graph(builder, folder, add, parts):
    parts = _vector(builder, parts)
    schema.SubGraphStart(builder)
    add(builder, parts)
    return _model(builder, folder, {schema.ModelAddSubgraphs: _vector(builder, [schema.SubGraphEnd(builder)])})


def _model(builder, folder, fields):
    schema.ModelStart(builder)
    for add, value in fields.items():
        add(builder, value)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    path = folder / "model.tflite"
    path.write_bytes(builder.Output())
    return path


def _activation(n_bytes):
    nothing = np.zeros(0)
    return Tensor("", np.dtype(np.uint8), (n_bytes,), nothing.astype(np.float32), nothing.astype(np.int64), None)
