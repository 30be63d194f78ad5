"""The same result again: from two cold runs, and from training that was killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from small import PICTURES_PER_CLASS, shrink, trunk_of

from maskopt import paths

pytestmark = pytest.mark.slow

# Times differ from run to run, and what shows them.
TIMED = ("data/latency", "data/report")

# What has to be there before a stage starts.
UPSTREAM = {
    "finetuned": ["baseline@separable-0"],
    "pruned": ["finetuned@separable-0"],
    "crossed": ["baseline@separable-0"],
    "teacher": ["split", "pixels", "teacher_weights"],
}
PHASE = {"epochs": 1, "learning_rate": 0.001}


def change(params):
    """Make params small, and ask for what the quick profile leaves out: a teacher, cross-validation and corruptions."""
    shrink(params, backbones=["separable"], size_px=32)
    params["teacher"] = {
        **{"trunk": trunk_of("bottleneck"), "size_px": 32, "weights": "none", "trainable_from": None, "views": 2},
        **{"baseline": PHASE, "finetune": PHASE},
    }
    taught = PHASE | {"distillation": 0.5}
    params["networks"]["separable"] |= {"baseline": taught, "finetune": taught}
    for section in ("prune", "cluster", "quantize", "entropy"):
        params[section]["distillation"] = 0.5
    params["evaluation"]["corruptions"] = True
    params["cross_validation"] = {"network": "separable", "folds": 3}


def made(workspace):
    """Output -> its hash, as DVC noted it."""
    lock = yaml.safe_load((workspace.root / "dvc.lock").read_text())
    outs = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    return {path: md5 for path, md5 in outs.items() if path not in TIMED}


def test_two_cold_runs_are_equal_to_the_byte(new_workspace):
    one, other = new_workspace(change), new_workspace(change)
    for workspace in (one, other):
        workspace.run("dvc", "repro")
    assert made(one) == made(other)
    assert len([path for path in made(one) if path.startswith("data/models/")]) == 11
    assert len((one.root / paths.crossed("together")).read_text().splitlines()) == 1 + 3 * PICTURES_PER_CLASS
    metrics = json.loads((one.root / paths.metrics("separable", "qat", 0)).read_text())
    assert "corrupted" in metrics["formats"]["int8"]


@pytest.mark.parametrize(
    ("name", "output", "saved", "anew"),
    [
        ("finetuned@separable-0", paths.model("separable", "finetuned", 0), 1, 0),
        ("pruned@separable-0", paths.model("separable", "pruned", 0), 1, 0),
        # Killed in the second of its two trainings.
        ("teacher@0", paths.teacher(0), 2, 0),
        # Two trainings for each of three folds: killed in the second of the second fold, the last fold starts anew.
        ("crossed@together", paths.crossed("together"), 4, 1),
    ],
)
def test_killed_stage_goes_on_and_ends_as_an_undisturbed_one(new_workspace, name, output, saved, anew):
    def longer(params):
        change(params)
        params["prune"]["epochs"] = 6
        for network in (params["networks"]["separable"], params["teacher"]):
            network["finetune"] = network["finetune"] | {"epochs": 6}

    stage, arguments = name.split("@")
    undisturbed, killed = new_workspace(longer), new_workspace(longer)
    undisturbed.run("dvc", "repro", name)
    killed.run("dvc", "repro", *UPSTREAM[stage])
    unfinished = killed.root / paths.unfinished(name)
    command = [sys.executable, "-m", f"maskopt.stages.{stage}", *arguments.split("-")]
    with subprocess.Popen(command, cwd=killed.root, env=os.environ | {"PYTHONPATH": str(killed.root)}) as process:
        while len([*unfinished.rglob("*.npz")]) < saved:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    said = killed.run("dvc", "repro", name)
    assert said.count("goes on after epoch") == saved
    assert said.count("Epoch 1/6") == anew
    assert made(killed)[output.as_posix()] == made(undisturbed)[output.as_posix()]
    assert not unfinished.exists()
