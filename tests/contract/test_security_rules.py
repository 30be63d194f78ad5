"""ruff refuses in the product what bandit would; what it does not know of is looked for here."""

import ast
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


@pytest.mark.parametrize("folder", ["flows", "maskopt", "benchmarks"])
def test_arrays_are_never_unpickled(folder):
    """NumPy would execute what it unpickles, and ruff has no rule for it."""
    for path in (ROOT / folder).rglob("*.py"):
        words = [word for node in ast.walk(ast.parse(path.read_text())) for word in getattr(node, "keywords", [])]
        assert all(ast.unparse(word.value) == "False" for word in words if word.arg == "allow_pickle"), path
