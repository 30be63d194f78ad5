"""docs/ as a site: what `make site` does, in a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make_site(tmp_path):
    """A function that runs `make site` and returns exit code and output; the environment is this Python's."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("Makefile", "mkdocs.yml", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def make():
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = ["make", "--old-file=.venv/.ready", "site"]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"PATH": tools}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return make


def test_site_is_made(make_site, tmp_path):
    code, said = make_site()
    assert code == 0, said
    assert (tmp_path / "build/site/results/exploration-earlier/index.html").is_file()


def test_page_that_the_menu_leaves_out_and_link_that_leads_nowhere_are_refused(make_site, tmp_path):
    (tmp_path / "docs" / "new.md").write_text("See [nothing](nothing.md).\n")
    code, said = make_site()
    assert code != 0
    assert 'not included in the "nav" configuration:\n  - new.md' in said
    assert "contains a link 'nothing.md', but the target is not found" in said
