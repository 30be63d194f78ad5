"""A full disk, a dvc.lock cut off, an rwlock left behind: what a run says, and how it goes on."""

import json
import shutil
import subprocess

import pytest
import yaml

from flows import workspace as ws

pytestmark = pytest.mark.slow

CHAIN = {
    "small": {"cmd": "echo small >> ../ran; echo 1 > small"},
    "large": {"cmd": "echo large >> ../ran; head -c 6000000 /dev/urandom > large", "deps": ["small"]},
    "end": {"cmd": "echo end >> ../ran; wc -c < large > end", "deps": ["large"]},
}
TRACKED = "Data and pipelines are up to date."


def ran(workspace):
    file = workspace.root.parent / "ran"
    return file.read_text().split() if file.is_file() else []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB where workspaces of this test lie."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no right to mount a small disk: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.mark.parametrize("free_bytes", [100_000, 3_000_000, 8_000_000, 11_900_000])
def test_full_disk_is_told_and_the_run_goes_on_after_making_room(small_disk, served, free_bytes):
    workspace = served(CHAIN)
    filler = small_disk / "filler"
    _fill(filler, small_disk, free_bytes)
    text = workspace.run("run", fails=True)
    assert "Make room on the disk" in text
    assert "Traceback" not in text.partition("error: ")[2]
    finished = set(workspace.lock()) if (workspace.root / "dvc.lock").is_file() else set()
    before = ran(workspace)
    filler.unlink()
    workspace.run("run")
    assert workspace.dvc("status").strip() == TRACKED
    assert not finished & set(ran(workspace)[len(before) :])
    assert (workspace.root / "end").read_text().strip() == "6000000"


def _fill(filler, disk, free_bytes):
    """Leave so many bytes free."""
    with filler.open("wb") as file:
        while (left := shutil.disk_usage(disk).free - free_bytes) > 0:
            file.write(b"\0" * min(left, 1 << 16))
            file.flush()


@pytest.mark.parametrize("cut", [lambda _: "", lambda whole: whole[: whole.rindex("path") + 2]], ids=["empty", "cut"])
def test_dvc_lock_cut_off_is_put_aside_and_nothing_runs_again(served, cut):
    given = {"deps": ["given"]}  # DVC's run-cache knows a stage by what it stands on
    workspace = served({"small": CHAIN["small"] | given, "large": CHAIN["large"], "end": CHAIN["end"]})
    (workspace.root / "given").touch()
    workspace.run("run")
    lockfile = workspace.root / "dvc.lock"
    whole = lockfile.read_text()
    lockfile.write_text(cut(whole))
    text = workspace.run("run")
    assert "dvc.lock was cut off or empty and is now dvc.lock.broken-" in text
    assert ran(workspace) == ["small", "large", "end"]
    assert workspace.dvc("status").strip() == TRACKED
    assert workspace.lock() == yaml.safe_load(whole)["stages"]


def test_rwlock_of_a_process_that_is_gone_is_removed(served):
    workspace = served(CHAIN)
    rwlock = workspace.root / ws.RWLOCK
    rwlock.parent.mkdir(parents=True, exist_ok=True)
    gone = {"pid": 2**22 + 1, "cmd": "dvc repro"}
    rwlock.write_text(json.dumps({"write": {str(workspace.root / "large"): gone}, "read": {}}))
    text = workspace.run("run")
    assert "took processes out of .dvc/tmp/rwlock that are gone" in text
    assert ran(workspace) == ["small", "large", "end"]
