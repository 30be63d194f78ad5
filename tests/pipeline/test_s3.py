"""What a remote brings to another clone, from a server that speaks S3."""

import os

import pytest
import requests
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(monkeypatch, tmp_path):
    """Start a server on loopback that the usual variables of AWS lead to, with one bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    requests.put(f"http://{host}:{port}/bucket", timeout=10).raise_for_status()
    yield "s3://bucket/store"
    server.stop()


def test_s3_brings_data_to_another_clone(new_workspace, s3, tmp_path):
    def few(params):
        params["data"]["rows_per_class"] = 4

    workspace = new_workspace(few)
    workspace.run("dvc", "repro", "manifest")
    workspace.run("make", "remote", f"URL={s3}")
    workspace.run("dvc", "push", "--quiet")
    workspace.commit()
    workspace.run("git", "clone", "--quiet", ".", str(tmp_path / "other"))
    other = type(workspace)(tmp_path / "other")
    (other.root / ".venv").mkdir()
    (other.root / ".venv" / ".ready").touch()
    other.run("make", "remote", f"URL={s3}")
    other.run("dvc", "pull", "--quiet", "--with-deps", "manifest")
    assert len(list((other.root / "data/raw").rglob("*.*"))) == 12
    assert "Running stage" not in other.run("dvc", "repro", "manifest")
