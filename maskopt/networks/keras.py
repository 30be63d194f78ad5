"""The one place that chooses Keras: tf_keras (Keras 2), since tfmot refuses Keras 3.

Import TensorFlow, Keras and tfmot from here only: it costs seconds.
"""

import logging
import os
import sys
import warnings

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # read by tfmot
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # TensorFlow's default on some processors alone; nearly twice as fast on all
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters is raised; without a GPU the rest is complaints

# tfmot looks for parts of Keras 2 in Keras 3, whose import, scikit-learn and Matplotlib with it, takes a third of all.
sys.modules["keras"] = None  # type: ignore[assignment]

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of packages that TensorFlow imports
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras as keras
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops, quantizers
    from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (
        cluster_preserve_quantize_registry,
        cluster_utils,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_layout_transform,
        default_8bit_quantize_registry,
        default_8bit_quantize_scheme,
    )

tf.get_logger().setLevel(logging.ERROR)
logging.getLogger("absl").setLevel(logging.ERROR)  # of the converter

as_written = tf.autograph.experimental.do_not_convert  # what a function calls is traced without being rewritten

__all__ = [
    "as_written",
    "cluster_preserve_quantize_registry",
    "cluster_utils",
    "configure",
    "default_8bit_quantize_layout_transform",
    "default_8bit_quantize_registry",
    "default_8bit_quantize_scheme",
    "keras",
    "quant_ops",
    "quantizers",
    "tf",
    "tfmot",
]


def configure(seed: int, threads: int) -> None:
    """Make every random number and every sum the same from run to run, on `threads` threads.

    Call it first: TensorFlow fixes its threads when it first computes.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
