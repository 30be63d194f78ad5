"""The command line in a process of its own, and what the repository says to the telemetry of others."""

import os
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows import workspace as ws
from maskopt.cli import app

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture
def maskopt(tmp_path):
    """A function that runs `maskopt ...` in an empty folder and returns exit code, output and errors."""

    def run(*arguments):
        command = [sys.executable, "-m", "maskopt", *arguments]
        nobody = "http://127.0.0.1:9/api"  # a server that is named is not started
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PREFECT_API_URL": nobody}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_profile_outside_the_repository_says_where_to_run(maskopt):
    assert maskopt("profile", "quick") == (1, "", "error: profiles is missing: run in the root of the repository\n")


def test_debug_shows_where_an_error_arose(maskopt):
    code, _, errors = maskopt("--debug", "profile", "quick")
    assert code == 1
    assert errors.startswith("Traceback (most recent call last):\n")
    assert "maskopt.errors.MissingFile: profiles is missing: run in the root of the repository\n" in errors


def test_help_names_each_command_in_one_line(maskopt):
    code, said, _ = maskopt("--help")
    assert code == 0
    for command in (
        "profile",
        "run",
        "report",
        "bundle",
        "classify",
        "show",
        "doctor",
        "search",
        "experiments",
        "schedule",
    ):
        assert f"\n  {command} " in said
    assert "--install-completion" in said


def test_help_calls_a_network_so(maskopt):
    assert "NETWORK/VARIANT of a finished run" in maskopt("bundle", "--help")[1]
    assert "A stage, network or variant" in maskopt("run", "--help")[1]


def test_profile_is_put_and_told(maskopt, tmp_path):
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    code, said, _ = maskopt("profile", "photos")
    assert (code, said) == (0, "params.yaml holds profile photos: see `git diff params.yaml`, then `make run`\n")
    assert "masks-dev.zip" in (tmp_path / "params.yaml").read_text()


def test_params_that_no_stage_reads_are_refused_before_a_run(maskopt, tmp_path):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(f"{text}\npruning: {{}}\n")
    code, _, errors = maskopt("run", "--no-server")
    assert code == 1
    assert (
        "error: params.yaml has values that cannot be used:\n"
        "  pruning: unknown key; remove it or mend its spelling\n"
        "Edit params.yaml, then run again\n"
    ) in errors


@pytest.mark.parametrize(
    "command",
    [("experiments", "-S", "seeds=[1]"), ("search", "--max-kb", "9"), ("schedule",)],
)
def test_unusable_params_are_told_before_a_server_is_started(maskopt, tmp_path, command):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(f"{text}\npruning: {{}}\n")
    code, _, errors = maskopt(*command)
    assert code == 1
    assert errors.startswith("error: params.yaml has values that cannot be used:\n  pruning: unknown key;")


@pytest.mark.parametrize(
    "command",
    [("run",), ("run", "--dry-run"), ("experiments", "-S", "seeds=[1]"), ("search", "--max-kb", "9")],
)
def test_second_run_is_told_of_the_first_before_anything_starts(maskopt, tmp_path, command):
    with ws.one_run(tmp_path):
        assert maskopt(*command) == (
            1,
            "",
            f"error: another run is at work in this workspace (process {os.getpid()}): wait until it ends, end it with "
            f"Ctrl-C or `kill {os.getpid()}`, or work in another clone\n",
        )


def test_experiment_may_say_where_the_pictures_are(maskopt, tmp_path):
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    code, _, errors = maskopt("experiments", "-S", "data.source=folder", "-S", "data.path=data/incoming/none")
    assert code == 1
    assert errors.startswith("error: data/incoming/none is missing: put the pictures there,")


def test_time_that_is_none_is_told_before_a_server_is_started(maskopt):
    code, _, errors = maskopt("schedule", "--cron", "at night")
    assert code == 1
    assert errors.startswith("error: 'at night' is not a time of cron: want minute, hour,")


def test_error_of_the_file_system_is_told_without_a_traceback(maskopt):
    name = f"{'a' * 300}\n\x1b.tflite"
    assert maskopt("show", name) == (
        1,
        "",
        f"error: {'a' * 300}\\n\\x1b.tflite: File name too long. "
        "Mend that; `maskopt --debug ...` shows where in the code it arose\n",
    )
    assert maskopt("--debug", "show", name)[2].startswith("Traceback")


@pytest.mark.parametrize(("value", "start"), [("0", "error: "), ("1", "Traceback")])
def test_debug_of_the_environment_can_be_off(maskopt, monkeypatch, value, start):
    monkeypatch.setenv("MASKOPT_DEBUG", value)
    assert maskopt("profile", "quick")[2].startswith(start)


def test_version_is_that_of_the_package(maskopt):
    assert maskopt("--version") == (0, f"maskopt {VERSION}\n", "")


def test_version_to_cite_is_that_of_the_package():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION


def test_missing_pictures_are_told_before_dvc_looks_for_them(maskopt, tmp_path):
    text = (ROOT / "params.yaml").read_text()
    text = text.replace("source: sample", "source: archive").replace(
        "path: data/incoming", "path: data/incoming/none.zip"
    )
    (tmp_path / "params.yaml").write_text(text)
    code, _, errors = maskopt("run", "--no-server")
    assert code == 1
    assert (
        "error: data/incoming/none.zip is missing: "
        "put the pictures there, or set data.path in params.yaml to where they are\n"
    ) in errors


def test_dvc_and_prefect_are_told_to_report_nothing():
    dvc = ConfigParser()
    dvc.read(ROOT / ".dvc" / "config")
    assert dvc["core"]["analytics"] == dvc["core"]["check_update"] == "false"
    prefect = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["prefect"]
    assert prefect["server"]["analytics_enabled"] is False


def test_report_says_where_it_is_out_of_date_and_where_there_is_no_browser(monkeypatch, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("page")
    monkeypatch.setattr("flows.page.make_page", lambda _: (page, "a stage has changed"))
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    done = CliRunner().invoke(app, ["report", "--open"])
    assert done.stdout == f"{page}: 4 bytes\n"
    assert done.stderr == (
        "it shows what was made before: a stage has changed\nno browser was found here: open the file in one yourself\n"
    )


def test_types_are_shipped():
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["maskopt"]
    assert "py.typed" in shipped
    assert (ROOT / "maskopt" / "py.typed").is_file()


def test_prefect_reads_what_the_repository_says():
    code = "import flows, os; from prefect.settings import get_current_settings as get;"
    code += "print(os.environ['DO_NOT_TRACK'], get().server.analytics_enabled)"
    environment = {name: value for name, value in os.environ.items() if name != "DO_NOT_TRACK"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "False"]


def test_dvc_and_prefect_read_what_a_run_says_to_them(tmp_path):
    from flows.graph import environment
    from flows.server import QUIET

    code = "import os; from dvc.analytics import is_enabled; from prefect.settings import get_current_settings as get;"
    code += (
        "print(os.environ['DO_NOT_TRACK'], is_enabled(), get().server.analytics_enabled, get().server.ui.v2_enabled)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment() | QUIET,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "False", "False", "False"]


@pytest.fixture
def completed(tmp_path, monkeypatch):
    """A function that returns what a shell is offered for the last word, in a repository without a run."""
    monkeypatch.chdir(tmp_path)
    for name in ("profiles", "params.yaml", "dvc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)

    def complete(*words):
        asked = {"_MASKOPT_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words))}
        asked["COMP_WORDS"] = " ".join(["maskopt", *words])
        return CliRunner().invoke(app, prog_name="maskopt", env=asked).stdout.split()

    return complete


def test_shell_completes_profiles(completed):
    assert completed("profile", "p") == ["paper", "photos"]


def test_shell_completes_models_that_are_there(completed, tmp_path):
    assert completed("bundle", "") == []
    for variant in ("qat", "ecqat"):
        (tmp_path / "data/models/seed-0/bottleneck" / variant).mkdir(parents=True)
    assert completed("bundle", "b") == ["bottleneck/ecqat", "bottleneck/qat"]


def test_shell_completes_targets(completed):
    assert completed("run", "--target", "pc") == ["pcqat", "pcqat@bottleneck-0", "pcqat@separable-0"]


def test_shell_is_offered_nothing_where_there_is_nothing(completed, tmp_path):
    for name in ("profiles", "params.yaml", "dvc.yaml"):
        (tmp_path / name).unlink()
    for words in (("profile", ""), ("bundle", ""), ("run", "--target", "")):
        assert completed(*words) == []


def test_completion_imports_nothing_that_takes_long():
    code = "import sys, maskopt.cli as c; c.complete_target(''), c.complete_model('');"
    code += "print({'tensorflow', 'tf_keras', 'ai_edge_litert', 'dvc', 'prefect', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
