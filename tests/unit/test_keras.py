"""maskopt/networks/keras.py chooses Keras, sets the environment and quiets imports: all that only if it comes first."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "maskopt"
HEAVY = {"tensorflow", "tensorflow_model_optimization", "tf_keras", "keras"}


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_no_other_module_imports_tensorflow_itself():
    importers = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if HEAVY & set(imported_packages(path))}
    assert importers == {Path("networks/keras.py")}


def test_keras_is_the_one_that_tfmot_takes():
    from maskopt.networks.keras import keras, tfmot

    tfmot.quantization.keras.quantize_annotate_layer(keras.layers.Dense(2))


def test_keras_3_which_takes_seconds_is_not_imported():
    script = "import sys, maskopt.networks.keras; print({'keras.src', 'sklearn', 'matplotlib'} & sys.modules.keys())"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"
