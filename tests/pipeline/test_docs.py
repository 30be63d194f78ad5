"""What docs/ tells people to type, typed: the first run, and one's own pictures."""

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from small import PICTURES_PER_CLASS, shrink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DOCS = Path(__file__).parents[2] / "docs"
ACTIVATE = ". .venv/bin/activate"  # this Python's tools are in front already


def blocks(page, language):
    """Return the blocks of code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Let the Prefect server that a run starts be one of this test's own, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", port)
    monkeypatch.setenv("BROWSER", "true")  # a command that does nothing with the page
    yield
    subprocess.run([sys.executable, "-m", "prefect", "server", "stop"], capture_output=True, check=False)


def type_all(workspace, page):
    """Run each line of the shell blocks of a page; return the last lines' output by command."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line != ACTIVATE]
    return {line: workspace.run(*shlex.split(line)) for line in lines}


@pytest.mark.usefixtures("server")
def test_first_run(new_workspace):
    workspace = new_workspace(lambda params: shrink(params, ["bottleneck"], 32))
    said = type_all(workspace, "index.md")
    assert "Table 1: float models" in said["make run"]
    assert (workspace.root / "data" / "report.html").stat().st_size > 500_000
    assert "bundles/bottleneck-ecqat-int8: " in said["maskopt bundle bottleneck/ecqat"]
    assert said["maskopt classify data/raw/with_mask"].count("data/raw/with_mask/") == PICTURES_PER_CLASS


@pytest.mark.usefixtures("server")
def test_own_pictures_in_one_changed_section(new_workspace):
    workspace = new_workspace(lambda _: None)
    (drawing,) = blocks("own-data.md", "python")
    (section,) = blocks("own-data.md", "yaml")
    for _ in range(2):  # as after a first time that was interrupted
        workspace.run(sys.executable, "-c", drawing)
    workspace.change_params(lambda params: params.update(YAML(typ="safe").load(section)))
    said = type_all(workspace, "own-data.md")
    learned = said["maskopt run --target measured@bottleneck-finetuned-0"]
    assert re.search(r"int8\.tflite: 1\d\d of 180 right", learned)
    lines = said["maskopt classify data/incoming/shapes/circle"].splitlines()
    shown = [line.split()[0] for line in lines if line.endswith(".png")]
    assert len(shown) == 400
    assert shown.count("circle") > 300
    card = (workspace.root / "bundles" / "bottleneck-finetuned-int8" / "README.md").read_text()
    assert "Tells circle, square, triangle." in card
    assert "face" not in card
