import numpy as np
import pytest

from maskopt.measuring.litert import Classifier
from maskopt.networks.backbones import CAFFE, SYMMETRIC
from maskopt.networks.keras import keras
from maskopt.tflite.convert import FORMATS, convert
from maskopt.tflite.inspection import parse_graph

PREPROCESSINGS = {"tf": SYMMETRIC, "caffe": CAFFE}  # modes of Keras
PICTURES = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    """A convolution and a dense layer, with weights small enough that no class is certain."""
    keras.utils.set_random_seed(0)
    small = keras.initializers.RandomNormal(stddev=0.01)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(40, 3, activation="relu", kernel_initializer=small)(image)
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """Path of each preprocessing and format."""
    folder = tmp_path_factory.mktemp("converted")
    paths = {(mode, name): folder / f"{mode}_{name}.tflite" for mode in PREPROCESSINGS for name in FORMATS}
    for (mode, name), path in paths.items():
        path.write_bytes(convert(model, PREPROCESSINGS[mode], name, PICTURES))
    return paths


def probabilities(model, mode):
    """What Keras gives with its own preprocessing."""
    inputs = keras.applications.imagenet_utils.preprocess_input(PICTURES.astype(np.float32), mode=mode)
    return keras.activations.softmax(model(inputs)).numpy()


@pytest.mark.parametrize("mode", PREPROCESSINGS)
def test_float_file_agrees_with_keras_on_raw_pictures(model, files, mode):
    scores = Classifier(files[mode, "float32"]).scores(PICTURES)
    expected = probabilities(model, mode)
    assert np.ptp(expected, axis=0).max() > 1e-3  # not the same for all pictures
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize("mode", PREPROCESSINGS)
@pytest.mark.parametrize("name", ["dynamic", "int8"])
def test_quantised_files_agree_with_keras_within_four_levels(model, files, mode, name):
    np.testing.assert_allclose(Classifier(files[mode, name]).scores(PICTURES), probabilities(model, mode), atol=4 / 256)


@pytest.mark.parametrize("mode", PREPROCESSINGS)
def test_int8_file_reads_bytes_as_they_are(files, mode):
    graph = parse_graph(files[mode, "int8"].read_bytes())
    pixels = graph.tensors[graph.inputs[0]]
    assert pixels.dtype == np.uint8
    assert pixels.scales.tolist() == pytest.approx([1])
    assert pixels.zero_points.tolist() == [0]


def test_int8_file_of_dark_examples_reads_bright_bytes_too(model):
    graph = parse_graph(convert(model, SYMMETRIC, "int8", PICTURES // 8))
    assert graph.tensors[graph.inputs[0]].scales.tolist() == pytest.approx([1])


@pytest.mark.parametrize(("name", "dtype"), [("float32", np.float32), ("dynamic", np.float32), ("int8", np.uint8)])
def test_format_fixes_the_types_of_input_and_output(files, name, dtype):
    graph = parse_graph(files["tf", name].read_bytes())
    assert [graph.tensors[index].dtype for index in (*graph.inputs, *graph.outputs)] == [dtype, dtype]


def test_dynamic_file_holds_bytes_in_large_tensors_alone(files):
    graph = parse_graph(files["tf", "dynamic"].read_bytes())
    kernels = {weights.shape: weights.dtype for weights in map(graph.weights, graph.operators) if weights}
    assert kernels == {(3, 1, 1, 3): np.float32, (40, 3, 3, 3): np.int8, (3, 40): np.float32}


def test_same_model_converts_to_the_same_bytes(model, files):
    assert convert(model, SYMMETRIC, "int8", PICTURES) == files["tf", "int8"].read_bytes()


def test_model_is_left_as_it_was(model, files):  # noqa: ARG001
    image = np.ones((1, 8, 8, 3), np.float32)
    before = model(image).numpy()
    convert(model, CAFFE, "int8", PICTURES)
    np.testing.assert_array_equal(model(image).numpy(), before)
