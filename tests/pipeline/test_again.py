"""The same result again: from two cold runs, and from training that was killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import yaml
from small import shrink

from maskopt import paths
from maskopt.tflite.variants import VARIANTS

pytestmark = pytest.mark.slow

# Times differ from run to run, and what shows them.
TIMED = ("data/latency", "data/report")


@pytest.fixture(scope="module")
def shrunk():
    return partial(shrink, backbones=["separable"], size_px=32)


def made(workspace):
    """Output -> its hash, as DVC noted it."""
    lock = yaml.safe_load((workspace.root / "dvc.lock").read_text())
    outs = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    return {path: md5 for path, md5 in outs.items() if path not in TIMED}


def test_two_cold_runs_are_equal_to_the_byte(new_workspace, shrunk):
    one, other = new_workspace(shrunk), new_workspace(shrunk)
    for workspace in (one, other):
        workspace.run("dvc", "repro")
    assert made(one) == made(other)
    assert len([path for path in made(one) if path.startswith("data/models/")]) == 11


@pytest.mark.parametrize("stage", ["finetuned", "pruned"])
def test_killed_stage_goes_on_and_ends_as_an_undisturbed_one(new_workspace, shrunk, stage):
    def longer(params):
        shrunk(params)
        params["prune"]["epochs"] = 6
        params["networks"]["separable"]["finetune"] = {"epochs": 6, "learning_rate": 0.001}

    name = f"{stage}@separable-0"
    undisturbed, killed = new_workspace(longer), new_workspace(longer)
    undisturbed.run("dvc", "repro", name)
    killed.run("dvc", "repro", f"{VARIANTS[stage].parent}@separable-0")
    unfinished = killed.root / paths.unfinished(name)
    command = [sys.executable, "-m", f"maskopt.stages.{stage}", "separable", "0"]
    with subprocess.Popen(command, cwd=killed.root, env=os.environ | {"PYTHONPATH": str(killed.root)}) as process:
        while not [*unfinished.rglob("*.npz")]:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    said = killed.run("dvc", "repro", name)
    assert "goes on after epoch" in said
    assert "Epoch 1/6" not in said
    model = paths.model("separable", stage, 0).as_posix()
    assert made(killed)[model] == made(undisturbed)[model]
    assert not unfinished.exists()
