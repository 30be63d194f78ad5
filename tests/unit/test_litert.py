import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from maskopt.errors import MissingFile, NotAModel, WrongPictures
from maskopt.measuring.litert import Classifier


def test_float_scores_are_those_of_keras(tiny_files):
    scores = Classifier(tiny_files.float32).scores(tiny_files.pictures)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, tiny_files.expected, atol=1e-5)


@pytest.mark.parametrize(("name", "steps"), [("dynamic", 1), ("int8", 2)])
def test_quantised_scores_are_near_those_of_keras(tiny_files, name, steps):
    scores = Classifier(getattr(tiny_files, name)).scores(tiny_files.pictures)
    np.testing.assert_allclose(scores, tiny_files.expected, atol=steps / 256)


def test_threads_do_not_change_the_scores(tiny_files):
    one, two = (Classifier(tiny_files.int8, threads).scores(tiny_files.pictures) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_shapes_are_read_from_the_file(tiny_files):
    classifier = Classifier(tiny_files.int8)
    assert (classifier.picture_shape, classifier.n_classes) == ((8, 8, 3), 3)


def test_no_pictures_give_no_scores(tiny_files):
    assert Classifier(tiny_files.int8).scores(tiny_files.pictures[:0]).shape == (0, 3)


def test_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(MissingFile, match=r"int8.tflite is missing: run `dvc repro`"):
        Classifier(tmp_path / "int8.tflite")


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "notes.tflite"
    path.write_text("not a model")
    with pytest.raises(NotAModel, match=r"notes.tflite is not a .tflite file that can be used here: .* `dvc repro`"):
        Classifier(path)


@pytest.fixture
def rows_file(tmp_path):
    """A function that writes a model whose 24 scores are one row of a picture of 8 px, and returns its path."""

    def write(row, name="picture"):
        kinds = schema.TensorType
        shapes = [(name, [1, 8, 8, 3]), ("row", [1]), ("pixels", [1, 1, 8, 3]), ("shape", [2]), ("scores", [1, 24])]
        graph = schema.SubGraphT(inputs=[0], outputs=[4])
        graph.tensors = [
            schema.TensorT(
                name=name, shape=shape, type=kinds.INT32 if i % 2 else kinds.FLOAT32, buffer=i if i % 2 else 0
            )
            for i, (name, shape) in enumerate(shapes)
        ]
        numbers = {1: [row], 3: [1, 24]}
        model = schema.ModelT(version=3, subgraphs=[graph])
        model.buffers = [
            schema.BufferT(data=np.array(numbers[i], np.int32).view(np.uint8) if i in numbers else None)
            for i in range(4)
        ]
        operators, options = schema.BuiltinOperator, schema.BuiltinOptions
        codes = (operators.GATHER, operators.RESHAPE)
        model.operatorCodes = [schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code) for code in codes]
        graph.operators = [
            schema.OperatorT(
                inputs=[0, 1],
                outputs=[2],
                builtinOptionsType=options.GatherOptions,
                builtinOptions=schema.GatherOptionsT(axis=1),
            ),
            schema.OperatorT(opcodeIndex=1, inputs=[2, 3], outputs=[4]),
        ]
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), b"TFL3")
        path = tmp_path / "rows.tflite"
        path.write_bytes(builder.Output())
        return path

    return write


def test_operator_that_cannot_be_run_is_told(rows_file):
    picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3)
    np.testing.assert_array_equal(Classifier(rows_file(7)).scores(picture), picture[0, 7].reshape(1, 24))
    with pytest.raises(NotAModel, match=r"rows.tflite is not .* here: gather index out of bounds.*\. Make it again"):
        Classifier(rows_file(8)).scores(picture)


def test_name_that_is_not_text_is_told(rows_file):
    path = rows_file(7, name="?" * 16)
    path.write_bytes(path.read_bytes().replace(b"?" * 16, b"\xff" * 16))
    with pytest.raises(NotAModel, match=r"rows.tflite is not .* here: 'utf-8' codec can't decode byte 0xff"):
        Classifier(path)


def test_pictures_of_another_size_are_refused(tiny_files):
    with pytest.raises(WrongPictures, match=r"takes pictures of shape \(8, 8, 3\), got \(9, 8, 3\)\. Resize them"):
        Classifier(tiny_files.int8).scores(np.zeros((1, 9, 8, 3), np.uint8))
