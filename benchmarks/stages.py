"""What stages cost beside their work, and what the data stages cost: `python benchmarks/stages.py start|data`.

`start`: CPU seconds of each stage of the quick profile on 20 drawn pictures per class, one epoch a phase, where little
is left but what every start of it takes; beside them those of its imports alone, and of training and conversion. 20
minutes.

`data`: seconds and peak memory of the stages from pictures to pixels: on an archive of 8,982 pictures of 128 px, and on
more and more drawn ones. Memory is that of all processes of a stage, what they share counted once. An hour.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from machine import ROOT, environment, introduce, say
from PIL import Image

from flows.experiment import changed_params, make_workspace
from flows.graph import read_graph
from flows.workspace import entries
from maskopt import paths
from maskopt.data.sample import draw_sample
from maskopt.params import load_params
from maskopt.profiles import put_profile
from maskopt.tflite.variants import VARIANTS

ROUNDS = 3
DATA_STAGES = ("fetch", "manifest", "validate", "split 0", "pixels")
ARCHIVED_PER_CLASS, SIDE_PX, QUALITY = 2994, 128, 90
DRAWN_PER_CLASS = (1_000, 3_334, 10_000, 33_334)
LOOK_SECONDS = 0.2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("start", "data"))
    what = parser.parse_args().what
    introduce(("tensorflow", "great-expectations", "pillow", "faiss-cpu"))
    with TemporaryDirectory() as folder:
        (measure_start if what == "start" else measure_data)(Path(folder))


def measure_start(folder: Path) -> None:
    """Each stage in the order of the graph, several times."""
    phases = ("baseline", "finetune")
    workspace = make(
        folder,
        {
            "data.rows_per_class": 20,
            "backbones": ["bottleneck"],
            **{f"networks.bottleneck.{phase}.epochs": 1 for phase in phases},
            **{f"{phase}.epochs": 1 for phase in ("prune", "cluster", "quantize", "entropy")},
        },
    )
    say("| stage | CPU seconds | imports | training and conversion | the rest |\n| --- | --- | --- | --- | --- |")
    for module, *arguments in commands(workspace):
        whole = cpu_seconds(workspace, "-m", module, *arguments)
        imports = cpu_seconds(workspace, "-c", f"import {module}")
        name = module.rpartition(".")[2]
        work = work_seconds(workspace, module, *arguments) if name in VARIANTS else 0
        cells = [
            " ".join([name, *arguments]),
            *(f"{each:.1f}" for each in (whole, imports, work, whole - imports - work)),
        ]
        say(f"| {' | '.join(cells)} |")


def measure_data(folder: Path) -> None:
    """From an archive, then how it grows."""
    say("| source | pictures | stage | seconds | per 1,000 pictures | peak MB |\n| --- | --- | --- | --- | --- | --- |")
    archived = make(folder, {"data.source": "archive", "data.path": "data/incoming/pictures.zip"}, ARCHIVED_PER_CLASS)
    write_archive(archived / "data/incoming/pictures.zip")
    show_data_stages("archive", archived, 3 * ARCHIVED_PER_CLASS)
    shutil.rmtree(archived)
    for count in DRAWN_PER_CLASS:
        drawn = make(folder, {}, count)
        show_data_stages("drawn", drawn, 3 * count)
        shutil.rmtree(drawn)


def make(folder: Path, changes: Mapping[str, object], rows_per_class: int | None = None) -> Path:
    """Return a clone with other params, in which nothing has run yet."""
    workspace = folder / "workspace"
    put_profile("quick", ROOT / paths.PROFILES, folder / "params.yaml")
    rows = {} if rows_per_class is None else {"data.rows_per_class": rows_per_class}
    make_workspace(ROOT, workspace, changed_params(folder / "params.yaml", {**changes, **rows}))
    (workspace / "dvc.lock").unlink()
    return workspace


def commands(workspace: Path) -> Iterator[list[str]]:
    """Yield module and arguments of each stage, upstream first."""
    noted = entries(ROOT)  # DVC tells no command of a stage whose upstream has not run
    for name in read_graph(workspace):
        yield noted[name]["cmd"].split()[2:]


def cpu_seconds(workspace: Path, *words: str) -> float:
    """Return the median of several runs of a command of Python."""
    took = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(workspace, *words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(took)


def work_seconds(workspace: Path, *stage: str) -> float:
    """Return what `work.py` says of a stage, once."""
    return float(run(workspace, str(Path(__file__).with_name("work.py")), *stage).splitlines()[-1])


def run(workspace: Path, *words: str) -> str:
    """Run a command of Python and return what it prints."""
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=workspace, env=environment(workspace), capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr[-3000:]
    return done.stdout


def write_archive(path: Path) -> None:
    """Write a zip of drawn pictures, all as JPEG and of one size."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        params = load_params(ROOT / paths.PARAMS)
        draw_sample(
            folder / "drawn", params.data.classes, ARCHIVED_PER_CLASS, params.sample.seed, params.sample.version
        )
        for picture in (folder / "drawn").rglob("*.*"):
            target = folder / "small" / picture.relative_to(folder / "drawn").with_suffix(".jpg")
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(picture) as image:
                image.convert("RGB").resize((SIDE_PX, SIDE_PX)).save(target, quality=QUALITY)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.make_archive(str(path.with_suffix("")), "zip", folder / "small")


def show_data_stages(source: str, workspace: Path, pictures: int) -> None:
    """Run them, and print a row for each and one for all."""
    whole, most = 0.0, 0
    for stage in DATA_STAGES:
        seconds, peak = watch(workspace, "-m", *f"maskopt.stages.{stage}".split())
        show(source, pictures, stage, seconds, peak)
        whole, most = whole + seconds, max(most, peak)
    show(source, pictures, "all", whole, most)


def show(source: str, pictures: int, stage: str, seconds: float, peak: int) -> None:
    """Print a row."""
    say(f"| {source} | {pictures:,} | {stage} | {seconds:.1f} | {1000 * seconds / pictures:.2f} | {peak / 1e6:.0f} |")


def watch(workspace: Path, *words: str) -> tuple[float, int]:
    """Return the seconds that a command of Python takes, and the most bytes that its processes hold at once."""
    started, most = time.monotonic(), 0
    log = workspace.with_name("log")
    with log.open("w") as file:
        process = psutil.Popen(
            [sys.executable, *words], cwd=workspace, env=environment(workspace), stdout=file, stderr=file
        )
        while process.poll() is None:
            most = max(most, sum(map(held_bytes, [process, *children(process)])))
            time.sleep(LOOK_SECONDS)
    assert not process.returncode, log.read_text()[-3000:]
    return time.monotonic() - started, most


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return all that a process has started, and they."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def held_bytes(process: psutil.Process) -> int:
    """Return what a process holds, its part of what it shares; 0 if it is gone."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
