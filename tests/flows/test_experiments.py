"""Sets of params through a small graph that reads some of the real params.yaml."""

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from workspaces import wait_until

from flows.errors import GitFailed, UnusableSets
from flows.experiment import changed_params, make_workspace
from flows.experiments import name_of, read_sets
from maskopt.errors import InvalidParams

ROOT = Path(__file__).parents[2]
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")
LOAD = "import yaml; p = yaml.safe_load(open('params.yaml'))"
READ = f"python -c \"{LOAD}; print(p['prune']['epochs'] * p['sample']['seed'])\""
GRAPH = {
    "fetch": {"cmd": "cat data/incoming/given > fetch; echo fetch >> RAN", "deps": ["data/incoming"]},
    "train": {
        "cmd": f"{READ} > train; echo train >> RAN; test $(cat train) -ne 6",  # 6 fails
        "deps": ["fetch"],
        "params": ["prune.epochs", "sample.seed"],
        "meta": {"prefect": {"retries": 0}},
    },
    "other": {"cmd": "cat fetch > other", "deps": ["fetch"], "outs": ["other"]},
    "measure": {
        "cmd": 'mkdir -p data/metrics; echo {\\"accuracy\\": $(cat train)} > data/metrics/m.json',
        "deps": ["train"],
        "outs": [],
        "metrics": [{"data/metrics/m.json": {"cache": False}}],
    },
}


@pytest.mark.parametrize(
    ("overrides", "sets"),
    [
        (["seed=1"], [{"seed": 1}]),
        (["prune.epochs=range(1,4)"], [{"prune.epochs": 1}, {"prune.epochs": 2}, {"prune.epochs": 3}]),
        (["a.b=0.2,0.5", "c=x"], [{"a.b": 0.2, "c": "x"}, {"a.b": 0.5, "c": "x"}]),
        (
            ["a=1,2", "b=true,null"],
            [{"a": 1, "b": True}, {"a": 1, "b": None}, {"a": 2, "b": True}, {"a": 2, "b": None}],
        ),
        (["a='x, y',z"], [{"a": "x, y"}, {"a": "z"}]),
        (["a=[1,2],[3]"], [{"a": [1, 2]}, {"a": [3]}]),
    ],
)
def test_sets_are_all_combinations(overrides, sets):
    assert read_sets(overrides) == sets


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("seed", "Error parsing override 'seed' missing EQUAL at '<EOF>'"),
        ("+more=1", "+more=1 is not one value or a list of values"),
        ("~seed", "~seed is not one value or a list of values"),
        ("seed=interval(0,1)", "seed=interval(0,1) is not one value or a list of values"),
    ],
)
def test_other_things_than_values_are_refused(override, reason):
    with pytest.raises(UnusableSets) as caught:
        read_sets([override])
    hint = "\nSay it as KEY=VALUE, KEY=A,B or 'KEY=range(A,B)' with a key of params.yaml"
    assert str(caught.value) == reason + hint


def test_key_that_params_do_not_have_is_refused():
    for key in ("prune.epoch", "pruning.epochs", "sample.seed.epochs"):
        with pytest.raises(UnusableSets, match=f"params.yaml has no {key}\nSay it as"):
            changed_params(ROOT / "params.yaml", {key: 1})


def test_value_out_of_range_is_refused():
    with pytest.raises(InvalidParams, match=r"prune\.epochs: want greater than or equal to 1, got 0"):
        changed_params(ROOT / "params.yaml", {"prune.epochs": 0})


def test_params_change_in_what_is_set_alone():
    before = (ROOT / "params.yaml").read_text()
    expected = before.replace("version: 1\n  seed: 0\n", "version: 1\n  seed: 5\n")
    assert changed_params(ROOT / "params.yaml", {"sample.seed": 5}) == expected


def test_what_git_says_is_passed_on(tmp_path):
    with pytest.raises(GitFailed) as err:
        make_workspace(tmp_path / "nowhere", tmp_path / "clone", "")
    command, *said, last = str(err.value).splitlines()
    assert command == f"`git clone --quiet {tmp_path / 'nowhere'} {tmp_path / 'clone'}` failed:"
    assert "does not exist" in " ".join(said)
    assert last == "Mend that, then run again"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"prune.epochs": 3, "sample.seed": 0}, "prune.epochs=3,sample.seed=0"),
        ({"data.path": "data/incoming/a b.zip"}, "data.path=data-incoming-a-b.zip"),
        ({"pixels.sizes_px": [64, 96]}, "pixels.sizes_px=-64,-96"),
        ({"x": "a..b."}, "x=a-.b"),
    ],
)
def test_name_says_what_is_set_in_letters_that_git_takes(values, name):
    assert name_of(values) == name
    subprocess.run(["git", "check-ref-format", f"refs/exps/aa/{name}"], check=True)


@pytest.fixture
def workspace(served, tmp_path):
    made = served(
        {name: json.loads(json.dumps(block).replace("RAN", str(tmp_path / "ran"))) for name, block in GRAPH.items()}
    )
    shutil.copyfile(ROOT / "params.yaml", made.root / "params.yaml")
    (made.root / "data" / "incoming").mkdir(parents=True)
    (made.root / "data" / "incoming" / "given").write_text("pictures")
    (made.root / "data" / "incoming" / ".gitignore").write_text("*\n!.gitignore\n")
    (made.root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (made.root / ".gitignore").write_text("/fetch\n/train\n/other\n")
    subprocess.run(["git", "add", "--all"], cwd=made.root, check=True)
    subprocess.run(["git", *AUTHOR, "commit", "--quiet", "--message", "x"], cwd=made.root, check=True)
    return made


def ran(workspace):
    file = workspace.root.parent / "ran"
    return file.read_text().split() if file.is_file() else []


@pytest.mark.slow
def test_experiments_are_run_saved_and_compared(workspace, server):
    workspace.run("run", "--target", "fetch")
    text = workspace.run("experiments", "-S", "prune.epochs=1,2", "-S", "sample.seed=range(1,3)", "--jobs", "2")
    assert ran(workspace) == ["fetch", *["train"] * 4]  # the cache is shared
    answer = httpx.post(f"{server}/artifacts/filter", json={"sort": "CREATED_DESC"}).json()
    table = next(found for found in answer if found["key"] == "experiments")
    rows = {row[""]: row for row in json.loads(table["data"])}
    expected = {"1,sample.seed=1": "1", "1,sample.seed=2": "2", "2,sample.seed=1": "2", "2,sample.seed=2": "4"}
    shown = workspace.dvc("exp", "show", "--csv")
    for name, accuracy in expected.items():
        assert rows["accuracy"][f"prune.epochs={name}"] == accuracy
        assert rows["sample.seed"][f"prune.epochs={name}"] == name[-1]
        assert f'"prune.epochs={name}"' in shown
    names = [run["name"] for run in httpx.post(f"{server}/flow_runs/filter", json={}).json()]
    asked = re.escape("prune.epochs=1,2 sample.seed=range(1,3)")
    assert [name for name in names if re.fullmatch(rf"{asked} of [0-9a-f]{{7}}, [-0-9]{{10}} \d\d:\d\d UTC", name)]
    difference = workspace.dvc(
        "metrics", "diff", "--json", "prune.epochs=1,sample.seed=1", "prune.epochs=2,sample.seed=2"
    )
    assert json.loads(difference)["data/metrics/m.json"]["accuracy"]["diff"] == 3
    assert "accuracy" in text
    assert not (workspace.root / ".dvc/tmp/maskopt/experiments").exists()


@pytest.mark.slow
def test_failed_experiment_is_named_and_the_others_are_saved(workspace):
    text = workspace.run("experiments", "-S", "prune.epochs=3,4", "-S", "sample.seed=2", fails=True)
    assert "error: experiment prune.epochs=3,sample.seed=2 failed; its last lines:" in text
    assert "1 others are saved: see `dvc exp show`. The same command goes on with these" in text
    shown = workspace.dvc("exp", "show", "--csv")
    assert "prune.epochs=4,sample.seed=2" in shown
    assert "prune.epochs=3,sample.seed=2" not in shown
    assert not (workspace.root / ".dvc/tmp/maskopt/experiments").exists()


@pytest.mark.slow
def test_experiments_of_a_part_need_no_outputs_of_the_rest(workspace):
    workspace.run("run")
    subprocess.run(["git", "add", "--all"], cwd=workspace.root, check=True)
    subprocess.run(["git", *AUTHOR, "commit", "--quiet", "--message", "y"], cwd=workspace.root, check=True)
    shutil.rmtree(workspace.root / ".dvc/cache")  # dvc.lock knows outputs that are nowhere now
    workspace.run("experiments", "-S", "prune.epochs=1,2", "--target", "measure")
    assert "prune.epochs=2" in workspace.dvc("exp", "show", "--csv")


@pytest.mark.slow
def test_experiments_take_the_workspace_as_it_is(workspace):
    """Changed, new and removed files: as `dvc exp run --temp` does."""
    (workspace.root / "dvc.yaml").write_text(
        (workspace.root / "dvc.yaml").read_text().replace("cat train)} >", "cat new)} >")
    )
    (workspace.root / "new").write_text("17")
    workspace.run("experiments", "-S", "prune.epochs=1,2")
    difference = json.loads(workspace.dvc("metrics", "diff", "--json", "HEAD", "prune.epochs=1"))
    assert difference["data/metrics/m.json"]["accuracy"]["new"] == 17
    assert not (workspace.root / "data" / "metrics").exists()


@pytest.mark.slow
def test_killed_experiments_leave_nothing_at_work_and_the_next_clean_up(workspace):
    process = workspace.start("experiments", "-S", "prune.epochs=1,2", "-S", "sample.seed=1,2")
    folder = workspace.root / ".dvc/tmp/maskopt/experiments"
    wait_until(lambda: at_work_below(folder))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not at_work_below(folder))
    assert folder.exists()
    workspace.run("experiments", "-S", "prune.epochs=1")
    assert not folder.exists()


def at_work_below(folder):
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if folder in Path(process.cwd()).parents:
                found.append(process)
    return found
