"""A notebook-style script against maskopt, on the same pictures, epochs and machine: `make bench` prints tables.

Takes the photos profile's files from data/incoming, MobileNetV2 alone, at 128 px, seed 0, without a teacher. Both use
all cores and begin with a folder of pictures; the notebook runs one cell after another, the flow its branches of
compression side by side. Times are wall-clock seconds; peaks are of resident memory of the process that trains: each
stage is one, the notebook is one for all its cells.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import psutil
from machine import ROOT, environment, introduce, say
from ruamel.yaml import YAML

from flows.experiment import changed_params, make_workspace
from flows.graph import ask_dvc
from flows.workspace import durations
from maskopt import paths
from maskopt.params import load_params
from maskopt.profiles import put_profile

BACKBONE, SIZE_PX, SEED = "mobilenet_v2", 128, 0
COMPRESSED = ("pruned", "clustered", "qat")
STAGES = {
    "baseline": "frozen",
    "finetuned": "finetune",
    **{name: name for name in COMPRESSED},
}  # -> the notebook's cell
FROM_PICTURES = ("manifest", "validate", f"split@{SEED}", "pixels", f"weights@{BACKBONE}")  # beside the cell `load`
LOOK_SECONDS = 0.5


def main() -> None:
    """Run both, then print."""
    introduce(("tensorflow", "tf-keras", "ai-edge-litert"))
    with TemporaryDirectory() as name:
        workspace = make(Path(name) / "maskopt")
        run(workspace, "--target", f"split@{SEED}", "--target", "pixels", "--target", f"weights@{BACKBONE}")
        cells = run_notebook(workspace, link_pictures(workspace, Path(name) / "pictures"))
        with watched_peaks() as peaks:
            started = time.monotonic()
            run(
                workspace, *(w for variant in COMPRESSED for w in ("--target", f"measured@{BACKBONE}-{variant}-{SEED}"))
            )
            whole = time.monotonic() - started
        report(workspace, cells, peaks, whole)


def make(folder: Path) -> Path:
    """Return a clone with the params of the comparison and a cache of its own, in which nothing is trained yet."""
    put_profile("photos", ROOT / paths.PROFILES, folder.with_suffix(".yaml"))
    text = changed_params(
        folder.with_suffix(".yaml"),
        {
            "seeds": [SEED],
            "backbones": [BACKBONE],
            "pixels.sizes_px": [SIZE_PX],
            f"networks.{BACKBONE}.size_px": SIZE_PX,
            "teacher": None,
            **{f"{phase}.distillation": 0 for phase in ("prune", "cluster", "quantize", "entropy")},
            "training.threads": os.cpu_count(),
            "evaluation.corruptions": False,
            "cross_validation.network": None,
            "search.networks": [BACKBONE],
        },
    )
    make_workspace(ROOT, folder, text)
    (folder / "dvc.lock").unlink(missing_ok=True)
    ask_dvc(folder, "config", "--local", "cache.dir", str(folder / ".dvc" / "cache"))
    return folder


def link_pictures(workspace: Path, folder: Path) -> Path:
    """Return a folder of train, val and test, each with a folder per class, as the Keras loader wants it."""
    for row in pd.read_csv(workspace / paths.split(SEED)).itertuples():
        link = folder / str(row.split) / str(row.path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(workspace / paths.RAW / str(row.path))
    return folder


def run_notebook(workspace: Path, pictures: Path) -> dict[str, dict[str, Any]]:
    """Return what each cell took, by its name."""
    params = load_params(workspace / paths.PARAMS)
    network = params.networks[BACKBONE]
    epochs = [
        phase.epochs for phase in (network.baseline, network.finetune, params.prune, params.cluster, params.quantize)
    ]
    numbers = map(str, (SIZE_PX, params.training.batch_size, *epochs))
    script = [sys.executable, str(ROOT / "benchmarks" / "notebook.py"), str(pictures)]
    done = subprocess.run(
        [*script, str(workspace / network.weights), *numbers],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["cell"]: line for line in lines}


def run(workspace: Path, *options: str) -> None:
    """Run a part of the graph, a stage for each core side by side, where they do not wait for each other."""
    command = [sys.executable, "-m", "maskopt", "run", "--no-server", "--jobs", str(os.cpu_count()), *options]
    done = subprocess.run(
        command, cwd=workspace, env=environment(workspace), capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]


@contextmanager
def watched_peaks() -> Iterator[dict[str, int]]:
    """Yield the peak of resident bytes by stage, filled while stages are at work."""
    peaks: dict[str, int] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            for process in psutil.process_iter(["pid", "cmdline"]):
                words = process.info["cmdline"] or []
                if words[1:2] == ["-m"] and words[2:3] and words[2].startswith("maskopt.stages."):
                    stage = "-".join([words[2].rpartition(".")[2], *words[3:]])
                    peaks[stage] = max(peaks.get(stage, 0), high_water_bytes(process.info["pid"]))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield peaks
    finally:
        ended.set()
        watch.join()


def high_water_bytes(pid: int) -> int:
    """Return the most that a process has ever held, 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def report(workspace: Path, cells: dict[str, dict[str, Any]], peaks: dict[str, int], whole: float) -> None:
    """Print the stages side by side, then what the targets are about."""
    seconds = durations(workspace)
    alone = sum(seconds[f"{stage}@{BACKBONE}-{SEED}"] for stage in STAGES if stage not in COMPRESSED)
    say("| | notebook s | maskopt s | ratio | notebook peak MB | maskopt peak MB | notebook | maskopt |")
    say("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for stage, cell in STAGES.items():
        took, theirs = seconds[f"{stage}@{BACKBONE}-{SEED}"], cells[cell]
        peak = peaks.get(f"{stage}-{BACKBONE}-{SEED}", 0)
        ratio = "" if stage in COMPRESSED else f"{theirs['seconds'] / took:.2f}"  # took: beside another
        say(
            f"| {stage} | {theirs['seconds']:.0f} | {took:.0f} | {ratio} | "
            f"{theirs['peak_bytes'] / 1e6:.0f} | {peak / 1e6:.0f} | {reached_notebook(theirs)} | "
            f"{reached_maskopt(workspace, stage)} |"
        )
    say_times("compressed, side by side", [cells[name] for name in COMPRESSED], whole - alone)
    prepared = sum(seconds[stage] for stage in FROM_PICTURES)
    say(f"| pictures to arrays | {cells['load']['seconds']:.0f} | {prepared:.0f} | | | | | |")
    say_times("all", cells.values(), whole + prepared)
    say("")
    say_time_to_accuracy(workspace, cells, seconds)


def say_times(what: str, cells: Iterable[dict[str, Any]], took: float) -> None:
    """Print a row of what several cells took together, and maskopt."""
    theirs = sum(cell["seconds"] for cell in cells)
    say(f"| {what} | {theirs:.0f} | {took:.0f} | {theirs / took:.2f} | | | | |")


def reached_notebook(cell: dict[str, Any]) -> str:
    """Return validation accuracy of the last epoch, and accuracy and size of the file."""
    tested = f"; test {cell['test_accuracy']:.2%}, {cell['bytes']:,} bytes" if "bytes" in cell else ""
    return f"val {cell['epochs'][-1]:.2%}{tested}"


def reached_maskopt(workspace: Path, stage: str) -> str:
    """Return validation accuracy of the epoch that was kept, and accuracy and size of the int8 file."""
    curves = pd.read_csv(workspace / paths.curves(BACKBONE, stage, SEED))
    kept = f"val {curves['val_accuracy'][curves['val_loss'].idxmin()]:.2%}"
    if stage not in COMPRESSED:
        return kept
    figures = YAML(typ="safe").load(workspace / paths.metrics(BACKBONE, stage, SEED))["formats"]["int8"]
    return f"{kept}; test {figures['accuracy']:.2%}, {figures['raw_bytes']:,} bytes"


def say_time_to_accuracy(workspace: Path, cells: dict[str, dict[str, Any]], seconds: Any) -> None:
    """Print when each first reached the best validation accuracy that both reach before compression."""
    stages = ("baseline", "finetuned")
    theirs = [(cells[STAGES[name]]["epochs"], cells[STAGES[name]]["seconds"]) for name in stages]
    ours = [
        (
            list(pd.read_csv(workspace / paths.curves(BACKBONE, name, SEED))["val_accuracy"]),
            seconds[f"{name}@{BACKBONE}-{SEED}"],
        )
        for name in stages
    ]
    wanted = min(max(max(accuracies) for accuracies, _ in phases) for phases in (theirs, ours))
    their_time = cells["load"]["seconds"] + first_time(theirs, wanted)
    our_time = sum(seconds[stage] for stage in FROM_PICTURES) + first_time(ours, wanted)
    say(
        f"To {wanted:.2%} of the validation pictures: notebook {their_time:.0f} s, maskopt {our_time:.0f} s, "
        f"ratio {their_time / our_time:.2f}."
    )


def first_time(phases: list[tuple[list[float], float]], wanted: float) -> float:
    """Return the seconds until an accuracy is first reached; the epochs of a phase are taken to be equally long."""
    before = 0.0
    for accuracies, seconds in phases:
        for epoch, accuracy in enumerate(accuracies, start=1):
            if accuracy >= wanted:
                return before + seconds * epoch / len(accuracies)
        before += seconds
    raise AssertionError(f"{wanted} was never reached")


if __name__ == "__main__":
    main()
