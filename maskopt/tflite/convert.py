"""A trained model -> .tflite bytes that take raw RGB, one function per format.

Shape legend: N pictures, B batch, H height px, W width px, K classes.
"""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from maskopt.networks.backbones import Preprocessing
from maskopt.networks.keras import keras, tf

Pixels = npt.NDArray[np.uint8]


def convert(model: keras.Model, preprocessing: Preprocessing, file_format: str, examples: Pixels) -> bytes:
    """Return a .tflite file: (B, H, W, 3) RGB in 0..255 -> (B, K) probabilities.

    Input and output are float32 in float32 and dynamic files, uint8 in int8 files.

    Args:
        model: (B, H, W, 3) preprocessed -> (B, K) logits, plain or trained with fake quantisation.
        preprocessing: held by the file.
        file_format: a key of FORMATS.
        examples: (N, H, W, 3) pictures of the training split, which set the ranges of int8 activations.
    """

    def classify(image: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(model(preprocessing(image), training=False))

    signature = [tf.TensorSpec(model.input_shape, tf.float32, "image")]
    function = tf.function(classify, signature, autograph=False).get_concrete_function()

    # Traced once and frozen: `from_keras_model`, and a model passed here, save a SavedModel first, which traces each
    # layer several times and takes 20 times as long.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    FORMATS[file_format](converter, examples)
    with warnings.catch_warnings():
        # The converter warns of missing statistics although the examples give them.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        return bytes(converter.convert())


def _float32(converter: tf.lite.TFLiteConverter, examples: Pixels) -> None:
    """Leave everything as trained."""


def _dynamic(converter: tf.lite.TFLiteConverter, examples: Pixels) -> None:  # noqa: ARG001  as the other formats
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter: tf.lite.TFLiteConverter, examples: Pixels) -> None:
    def batches() -> Iterator[list[npt.NDArray[np.float32]]]:
        for picture in examples.astype(np.float32):
            yield [picture[None]]
        # Black to white, so that the input's range is 0..255 and bytes go in as they are.
        yield [np.linspace(0, 255, picture.size, dtype=np.float32).reshape(1, *picture.shape)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = batches
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8


FORMATS: dict[str, Callable[[tf.lite.TFLiteConverter, Pixels], None]] = {
    "float32": _float32,
    "dynamic": _dynamic,  # int8 weights (tensors under 1,024 elements stay float32), float32 activations
    "int8": _int8,  # integers alone
}
