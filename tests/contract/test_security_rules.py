"""ruff refuses in the product what bandit would."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import pickle\n\npickle.loads(b'')", "S301"),
        ("import subprocess\n\nsubprocess.run('ls', shell=True, check=False)", "S602"),
        ("eval('1')", "S307"),
        ("import yaml\n\nyaml.load('', yaml.UnsafeLoader)", "S506"),
        ("import tarfile\n\ntarfile.open('a').extractall()", "S202"),
        ("import urllib.request\n\nurllib.request.urlopen(input())", "S310"),
    ],
)
@pytest.mark.parametrize("folder", ["flows", "maskopt/data", "maskopt/bundle/template", "benchmarks"])
def test_insecure_code_is_refused(line, rule, folder):
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--stdin-filename"]
    done = subprocess.run(
        [*command, f"{folder}/new.py", "-"], input=line, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert rule in done.stdout
