"""What a notebook would do, in the order of its cells: one network, each technique, one after another.

    python benchmarks/notebook.py FOLDER WEIGHTS SIZE_PX BATCH_SIZE FROZEN FINETUNE PRUNE CLUSTER QAT

FOLDER holds train, val and test, each with a folder per class; the last five are epochs. It is written as the guides of
Keras and of TensorFlow Model Optimization do it, without anything of maskopt but the choice of Keras. Each cell prints
a line of JSON: seconds, peak memory so far, and the validation accuracy after each epoch.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from maskopt.networks.keras import keras, tf, tfmot

FOLDER, WEIGHTS = Path(sys.argv[1]), sys.argv[2]
SIZE, BATCH, FROZEN, FINETUNE, PRUNE, CLUSTER, QAT = map(int, sys.argv[3:])
started = time.monotonic()


def cell(name, history=None, **figures):
    """Print what the cell that has ended took."""
    global started  # noqa: PLW0603  as in a notebook
    now = time.monotonic()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    epochs = [round(value, 4) for value in history.history["val_accuracy"]] if history else []
    print(json.dumps({"cell": name, "seconds": now - started, "peak_bytes": peak, "epochs": epochs, **figures}))  # noqa: T201
    sys.stdout.flush()
    started = time.monotonic()


def load(side, shuffle):
    """Return batches of pictures and one-hot labels."""
    return keras.utils.image_dataset_from_directory(
        FOLDER / side, label_mode="categorical", image_size=(SIZE, SIZE), batch_size=BATCH, shuffle=shuffle, seed=0
    )


train, val, test = load("train", True), load("val", False), load("test", False)
augment = keras.Sequential(
    [keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.03), keras.layers.RandomZoom(0.2)]
)
rescale = keras.layers.Rescaling(1 / 127.5, -1)
train = train.map(lambda x, y: (rescale(augment(x, training=True)), y)).prefetch(tf.data.AUTOTUNE)
val = val.map(lambda x, y: (rescale(x), y)).prefetch(tf.data.AUTOTUNE)
test = test.map(lambda x, y: (rescale(x), y))
n_classes = train.element_spec[1].shape[-1]
cell("load")

trunk = keras.applications.MobileNetV2((SIZE, SIZE, 3), include_top=False, weights=WEIGHTS, pooling="avg")
trunk.trainable = False
scores = keras.layers.Dense(n_classes, activation="softmax")(trunk.output)
model = keras.Model(trunk.input, scores)


def compile_and_fit(trained, epochs, rate, callbacks=()):
    """Train as the guides do."""
    trained.compile(keras.optimizers.legacy.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    return trained.fit(train, validation_data=val, epochs=epochs, callbacks=list(callbacks), verbose=0)


def convert(trained, name):
    """Write an int8 file and return its size and how often it is right about the test pictures."""
    converter = tf.lite.TFLiteConverter.from_keras_model(trained)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[i : i + 1]] for x, _ in train.take(7) for i in range(len(x)))
    content = converter.convert()
    path = Path(tempfile.gettempdir()) / f"{name}.tflite"
    path.write_bytes(content)
    interpreter = Interpreter(str(path))
    path.unlink()
    interpreter.allocate_tensors()
    to, of = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    right = []
    for images, labels in test:
        for image, label in zip(images.numpy(), labels.numpy(), strict=True):
            interpreter.set_tensor(to, image[None])
            interpreter.invoke()
            right.append(interpreter.get_tensor(of)[0].argmax() == label.argmax())
    return {"bytes": len(content), "test_accuracy": round(float(np.mean(right)), 4)}


cell("frozen", compile_and_fit(model, FROZEN, 1e-3))
trunk.trainable = True
cell("finetune", compile_and_fit(model, FINETUNE, 1e-4))
saved = Path(tempfile.mkdtemp()) / "finetuned.keras"
model.save(saved)

model = keras.models.load_model(saved)
steps = PRUNE * len(train)
schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.2, 0, steps // 2)
pruned = tfmot.sparsity.keras.prune_low_magnitude(model, pruning_schedule=schedule)
history = compile_and_fit(pruned, PRUNE, 1e-4, [tfmot.sparsity.keras.UpdatePruningStep()])
cell("pruned", history, **convert(tfmot.sparsity.keras.strip_pruning(pruned), "pruned"))

model = keras.models.load_model(saved)
init = tfmot.clustering.keras.CentroidInitialization.LINEAR
clustered = tfmot.clustering.keras.cluster_weights(model, number_of_clusters=16, cluster_centroids_init=init)
history = compile_and_fit(clustered, CLUSTER, 1e-5)
cell("clustered", history, **convert(tfmot.clustering.keras.strip_clustering(clustered), "clustered"))

model = keras.models.load_model(saved)
quantised = tfmot.quantization.keras.quantize_model(model)
history = compile_and_fit(quantised, QAT, 1e-5)
cell("qat", history, **convert(quantised, "qat"))
