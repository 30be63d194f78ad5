"""What make says to people."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_installing_is_told_before_it_takes_minutes(tmp_path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "--dry-run", "run"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert 0 < said.find("installing into .venv: about 4 GB, some minutes") < said.find("-m venv .venv")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "installing into" not in said


def test_one_of_the_papers_networks_has_to_be_named(tmp_path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    asked = subprocess.run(["make", "test-network"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "which network? make test-network NETWORK=resnet50" in asked.stdout
