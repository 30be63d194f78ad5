"""A stage in a process of its own, whose code or params change under it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGE = """
from maskopt.stages.shared.run import run
import maskopt.data.rows

def main(params, *_):
    params.prune.epochs, params.networks["separable"].size_px
    input()

run(main)
"""


@pytest.fixture
def stage(tmp_path):
    """A started stage that waits for a line; its working folder has code and params of its own."""
    shutil.copytree(ROOT / "maskopt", tmp_path / "maskopt", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    command = [sys.executable, "-c", STAGE.replace("input()", "print('began', flush=True); input()")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, text=True, **pipes) as process:
        assert process.stdout.readline() == "began\n"
        yield process, tmp_path


def ended(process):
    _, errors = process.communicate("\n")
    return process.returncode, errors.strip()


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_nothing_changed(stage):
    assert ended(stage[0]) == (0, "")


def test_changed_code_that_it_uses_fails_the_stage(stage):
    process, folder = stage
    edit(folder / "maskopt/data/rows.py", "\n", "\n# edited\n")
    assert ended(process) == (
        1,
        "error: maskopt/data/rows.py changed while this stage was at work: what it made is of the old and is not kept. "
        "Run it again",
    )


def test_changed_code_that_it_does_not_use_is_nothing_to_it(stage):
    process, folder = stage
    edit(folder / "maskopt/measuring/latency.py", "\n", "\n# edited\n")
    assert ended(process) == (0, "")


def test_changed_messages_are_nothing_to_it(stage):
    """As DVC does not watch them."""
    process, folder = stage
    edit(folder / "maskopt/errors.py", "\n", "\n# edited\n")
    assert ended(process) == (0, "")


def test_changed_params_that_it_has_read_fail_the_stage(stage):
    process, folder = stage
    edit(folder / "params.yaml", "final_sparsity: 0.2", "final_sparsity: 0.3")
    code, message = ended(process)
    assert code == 1
    assert message.startswith("error: params.yaml: prune changed while this stage was at work")


def test_changed_params_that_it_has_not_read_are_nothing_to_it(stage):
    process, folder = stage
    edit(folder / "params.yaml", "n_clusters: 16", "n_clusters: 15")
    assert ended(process) == (0, "")


@pytest.mark.parametrize(("network", "expected"), [("separable", 1), ("bottleneck", 0)])
def test_params_of_another_network_are_nothing_to_it(network, expected, stage):
    process, folder = stage
    params = YAML(typ="safe").load(folder / "params.yaml")
    params["networks"][network]["finetune"]["epochs"] += 1
    YAML().dump(params, folder / "params.yaml")
    code, message = ended(process)
    assert code == expected
    assert ("networks.separable changed while this stage was at work" in message) == bool(expected)
