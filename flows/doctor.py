"""This machine and this workspace -> what a run would stumble over, each with what mends it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from joblib import cpu_count
from prefect.settings import get_current_settings

from flows import workspace as ws
from flows.errors import Busy
from flows.graph import read_graph
from flows.installation import Finding
from flows.plan import GIB_PER_JOB
from flows.server import own_url, problem_of, without_password
from maskopt import paths
from maskopt.errors import MaskoptError
from maskopt.params import Params, load_params
from maskopt.terminal import inline

FREE_GIB = 5  # of disk: DVC's cache of a run of the photographs is 2 GiB
LARGEST = "`ps -eo rss,pid,comm | sort -nr | head`"  # of Linux and macOS
SIGN_IN = (  # the token is in no history of a shell
    "make a token at https://www.kaggle.com/settings, then "
    "`mkdir -p ~/.kaggle && (umask 077; cat > ~/.kaggle/access_token)`, paste it and press Enter and Ctrl-D"
)


def examine(workspace: Path) -> Iterator[Finding]:
    """Look at everything but the installation that a run in this workspace needs; nothing is changed."""
    yield _memory()
    yield _disk(workspace)
    yield from _left_by_runs(workspace)
    yield _server()
    try:
        params = load_params(workspace / paths.PARAMS)
    except MaskoptError as err:
        yield Finding("params", str(err), "mend those places of params.yaml, or `maskopt profile quick` for all anew")
        return
    yield Finding("params", f"{', '.join(params.backbones)} on {params.data.source}")
    yield _cores(params)
    yield _source(params, workspace)
    yield from _weights(params, workspace)
    yield from _other_files(params, workspace)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 2**30
    mend = "" if free >= GIB_PER_JOB else f"end other programs: large networks need it; {LARGEST} lists the largest"
    return Finding("memory", f"{free:.1f} GiB free, want {GIB_PER_JOB}", mend)


def _disk(workspace: Path) -> Finding:
    free = shutil.disk_usage(workspace).free / 2**30
    mend = "" if free >= FREE_GIB else "dvc gc --workspace"
    return Finding("disk", f"{free:.1f} GiB free, want {FREE_GIB}", mend)


def _left_by_runs(workspace: Path) -> Iterator[Finding]:
    """Look at what runs leave to the next one, which has no meaning while one is at work."""
    try:
        ws.refuse_busy(workspace)
    except Busy as err:
        yield Finding("run", err.found, err.next_step)
        return
    yield _lockfile(workspace)
    yield _rwlock(workspace)
    yield _stages(workspace)


def _lockfile(workspace: Path) -> Finding:
    try:
        whole = not (workspace / ws.LOCKFILE).is_file() or ws.is_whole(workspace / ws.LOCKFILE)
    except MaskoptError as err:
        return Finding("dvc.lock", str(err), "git checkout HEAD -- dvc.lock")
    return Finding("dvc.lock", "whole") if whole else Finding("dvc.lock", "cut off or empty", "maskopt run")


def _rwlock(workspace: Path) -> Finding:
    if ws.is_stale(workspace / ws.RWLOCK):
        return Finding("locks", f"{ws.RWLOCK} names processes that are gone", "maskopt run")
    return Finding("locks", "none is stale")


def _stages(workspace: Path) -> Finding:
    try:
        graph = read_graph(workspace)
    except MaskoptError as err:
        return Finding("stages", str(err), "git checkout HEAD -- dvc.yaml, or mend what it says")
    changed = sum(stage.changed for stage in graph.values())
    return Finding("stages", f"{changed} of {len(graph)} have changed since they ran")


def _server() -> Finding:
    if named := get_current_settings().api.url:
        problem = problem_of(named)
        variable = "PREFECT_API_URL"
        mend = f"unset {variable}" if variable in os.environ else f"prefect config unset --yes {variable}"
        return Finding("server", f"{without_password(named)}: {problem or 'answers'}", mend if problem else "")
    answers = problem_of(own_url()) is None
    return Finding("server", f"{own_url()} answers" if answers else "none is running: `maskopt run` starts one")


def _cores(params: Params) -> Finding:
    cores, threads = cpu_count(), params.training.threads
    mend = "" if threads <= cores else f"set training.threads in params.yaml to {cores} or fewer"
    return Finding("cores", f"{cores}, {threads} for each stage", mend)


def _source(params: Params, workspace: Path) -> Finding:
    data = params.data
    if data.source == "sample":
        return Finding("data", "drawn here")
    if data.source == "kaggle":
        return _credentials()
    is_there = Path.is_file if data.source == "archive" else Path.is_dir
    return _file("data", data.path, workspace, "set data.path in params.yaml", is_there)


def _credentials() -> Finding:
    from maskopt.data.kaggle import check_credentials  # noqa: PLC0415  kagglehub takes a second

    try:
        check_credentials()
    except MaskoptError as err:
        return Finding("data", str(err), SIGN_IN)
    return Finding("data", "credentials for Kaggle are there")


def _weights(params: Params, workspace: Path) -> Iterator[Finding]:
    sections = {f"networks.{name}": params.networks[name] for name in params.backbones}
    sections |= {"teacher": params.teacher} if params.teacher else {}
    for name, network in sections.items():
        what, source = f"weights of {name.removeprefix('networks.')}", network.weights
        if source in ("none", "imagenet"):
            yield Finding(what, "random" if source == "none" else "of ImageNet, which Keras downloads")
        else:
            yield _file(what, Path(source), workspace, f"set {name}.weights in params.yaml")


def _other_files(params: Params, workspace: Path) -> Iterator[Finding]:
    asked, null = params.evaluation, "set {} in params.yaml to null"
    if params.data.about:
        yield _file("about the data", params.data.about, workspace, null.format("data.about"))
    if asked.attributes:
        yield _file("attributes", asked.attributes, workspace, null.format("evaluation.attributes"))
    if asked.extra:
        yield _file("extra pictures", asked.extra, workspace, null.format("evaluation.extra"), Path.is_dir)


def _file(
    what: str, path: Path, workspace: Path, otherwise: str, is_there: Callable[[Path], bool] = Path.is_file
) -> Finding:
    here = workspace / path
    if is_there(here) and (here.is_dir() or here.stat().st_size):
        return Finding(what, inline(path))
    kind = "folder" if is_there is Path.is_dir else "file"
    found = "is missing" if not here.exists() else "is empty" if is_there(here) else f"is no {kind}"
    return Finding(what, f"{inline(path)} {found}", f"put it there, or {otherwise}")
