"""What `maskopt doctor` says of a machine and a workspace, one thing wrong at a time."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from workspaces import QUIET, ROOT

from flows import doctor, installation
from flows import workspace as ws
from flows.doctor import examine
from flows.errors import NoServer
from flows.graph import read_graph
from flows.installation import Finding, examine_installation
from flows.server import find_or_start, problem_of, without_password

GIB = 2**30


@pytest.fixture
def workspace(new_workspace, monkeypatch, tmp_path):
    """A workspace of one stage with the repository's params, on a machine that has enough of everything."""
    root = new_workspace({"a": {"cmd": "echo 1 > a"}}).root
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (root / ws.DVC_TMP).mkdir()
    (root / "data" / "incoming").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "docs" / "about-faces.md").write_text("Of faces.")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(doctor, "cpu_count", lambda: 2)
    monkeypatch.setattr(doctor, "problem_of", lambda _: "no answer")
    monkeypatch.setattr(doctor, "read_graph", lambda _: {})  # DVC takes seconds, and most tests look at something else
    set_free(monkeypatch, memory=8, disk=50)
    return root


@pytest.fixture
def dvc(workspace, monkeypatch):  # noqa: ARG001  after it
    """Ask DVC what it says of the workspace."""
    monkeypatch.setattr(doctor, "read_graph", read_graph)


def set_free(monkeypatch, memory, disk):
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: SimpleNamespace(available=memory * GIB))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=disk * GIB))


def change(workspace, old, new):
    file = workspace / "params.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def ill(workspace):
    return [finding for finding in examine(workspace) if finding.mend]


@pytest.mark.usefixtures("dvc")
def test_nothing_is_wrong_with_a_new_workspace(workspace):
    findings = list(examine(workspace))
    assert [finding for finding in findings if finding.mend] == []
    found = {finding.what: finding.found for finding in findings}
    assert found["stages"] == "1 of 1 have changed since they ran"
    assert found["server"] == "none is running: `maskopt run` starts one"
    assert found["data"] == "drawn here"
    assert found["weights of separable"] == "random"


def test_little_memory_and_disk_are_told(workspace, monkeypatch):
    set_free(monkeypatch, memory=1, disk=2)
    assert ill(workspace) == [
        Finding(
            "memory",
            "1.0 GiB free, want 3",
            "end other programs: large networks need it; `ps -eo rss,pid,comm | sort -nr | head` lists the largest",
        ),
        Finding("disk", "2.0 GiB free, want 5", "dvc gc --workspace"),
    ]


def test_run_at_work_is_told_and_its_locks_are_left_alone(workspace):
    (workspace / ws.RWLOCK).write_text("{")  # as it is while DVC writes
    with ws.one_run(workspace):
        assert ill(workspace) == [
            Finding(
                "run",
                f"another run is at work in this workspace (process {os.getpid()})",
                f"wait until it ends, end it with Ctrl-C or `kill {os.getpid()}`, or work in another clone",
            )
        ]


def test_list_of_programs_is_one_that_this_system_makes():
    command = doctor.LARGEST.strip("`").removesuffix(" | head")
    lines = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.splitlines()
    sizes = [int(line.split()[0]) for line in lines if line.split()[0].isdigit()]
    assert sizes
    assert sizes == sorted(sizes, reverse=True)


def test_nothing_is_wrong_with_this_installation():
    python, packages = examine_installation()
    assert (python.mend, packages.mend) == ("", "")
    assert packages.found.endswith(" as they should be")


def test_other_python_is_told(monkeypatch):
    monkeypatch.setattr(installation, "PYTHONS", ((3, 8), (3, 9)))
    finding, _ = examine_installation()
    assert finding.found.endswith(", want 3.8 to 3.9")
    assert finding.mend == "install one, then rm -f .venv/.ready && make run"


def test_wrong_and_missing_packages_are_told(monkeypatch):
    wanted = ["typer>=9", "no-such-package", "pytest", 'no-such-extra; extra == "dev"']
    monkeypatch.setattr(installation, "requires", lambda _: wanted)
    _, finding = examine_installation()
    assert finding.what == "packages"
    assert finding.found.startswith("typer 0.")
    assert finding.found.endswith(", want >=9; no-such-package is missing")
    assert finding.mend == "rm -f .venv/.ready && make run"


@pytest.fixture
def run_without(tmp_path):
    """A function that runs `maskopt ...` where a package cannot be imported; returns exit code, output and errors."""

    def run(package, *arguments):
        code = f"import sys; sys.modules[{package!r}] = None; from maskopt.cli import main; main()"
        command = [sys.executable, "-c", code, *arguments]
        environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("package", ["filelock", "httpx", "joblib", "packaging", "prefect", "psutil", "ruamel.yaml"])
def test_missing_package_is_told_before_it_is_imported(run_without, package):
    code, said, errors = run_without(package, "doctor")
    assert code == 1
    python, packages, *rest = said.splitlines()
    assert python.startswith("ok   python: ")
    assert packages.startswith(f"MEND packages: {package}")
    assert packages.endswith(" is missing")
    assert rest == [
        "     -> rm -rf .venv && make run",
        "The rest is looked at when that is mended: run `maskopt doctor` again",
    ]
    assert "Traceback" not in errors


@pytest.mark.parametrize(("package", "command"), [("pydantic", "doctor"), ("psutil", "run")])
def test_package_that_the_command_itself_needs_is_told(run_without, package, command):
    said = f"error: package {package} is missing: `rm -rf .venv && make run` installs all of them anew\n"
    assert run_without(package, command) == (1, "", said)


def test_unusable_params_are_told(workspace):
    change(workspace, "seeds: [0]", "seeds: many")
    (finding,) = ill(workspace)
    assert "seeds: " in finding.found
    assert finding.mend == "mend those places of params.yaml, or `maskopt profile quick` for all anew"


def test_more_threads_than_cores_are_told(workspace):
    change(workspace, "threads: 1", "threads: 3")
    assert ill(workspace) == [
        Finding("cores", "2, 3 for each stage", "set training.threads in params.yaml to 2 or fewer")
    ]


def test_missing_archive_and_weights_are_told(workspace):
    change(workspace, "source: sample", "source: archive")
    change(workspace, "path: data/incoming", "path: data/incoming/a.zip")
    change(workspace, "weights: none", "weights: data/incoming/w.h5")
    assert ill(workspace) == [
        Finding("data", "data/incoming/a.zip is missing", "put it there, or set data.path in params.yaml"),
        Finding(
            "weights of separable",
            "data/incoming/w.h5 is missing",
            "put it there, or set networks.separable.weights in params.yaml",
        ),
    ]


def test_files_of_the_wrong_kind_are_told(workspace):
    change(workspace, "source: sample", "source: archive")
    change(workspace, "weights: none", "weights: data/incoming/w.h5")
    change(workspace, "extra: null", "extra: data/incoming/w.h5")
    change(workspace, "attributes: null", "attributes: data/incoming/none.csv")
    (workspace / "data/incoming/w.h5").touch()
    (workspace / "docs/about-faces.md").unlink()
    assert [(finding.what, finding.found) for finding in ill(workspace)] == [
        ("data", "data/incoming is no file"),
        ("weights of separable", "data/incoming/w.h5 is empty"),
        ("about the data", "docs/about-faces.md is missing"),
        ("attributes", "data/incoming/none.csv is missing"),
        ("extra pictures", "data/incoming/w.h5 is no folder"),
    ]


def test_password_in_an_address_is_not_shown(workspace):
    with temporary_settings({PREFECT_API_URL: "http://me:hunter2@127.0.0.1:9/api"}):
        (finding,) = ill(workspace)
        with pytest.raises(NoServer) as err:
            find_or_start()
    assert finding.found == "http://127.0.0.1:9/api: no answer"
    assert "http://127.0.0.1:9/api" in str(err.value)
    assert "hunter2" not in str(err.value)


@pytest.mark.parametrize(
    "url", ["me:hunter2@127.0.0.1:9/api", "http://me:hunter2#3@127.0.0.1:9/api", "http://me:hun/ter2@127.0.0.1:9/api"]
)
def test_password_in_an_address_that_is_none_is_not_shown(url):
    assert "hun" not in without_password(url)
    assert "hun" not in problem_of(url)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """The home folder of somebody without credentials for Kaggle."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "somebody"


@pytest.mark.usefixtures("home")
def test_missing_credentials_are_told(workspace):
    change(workspace, "source: sample", "source: kaggle")
    (finding,) = ill(workspace)
    assert "Kaggle" in finding.found
    assert finding.mend == (
        "make a token at https://www.kaggle.com/settings, then `mkdir -p ~/.kaggle && (umask 077; cat > "
        "~/.kaggle/access_token)`, paste it and press Enter and Ctrl-D"
    )


def test_token_that_was_kept_as_told_is_found_and_nobody_else_may_read_it(workspace, home):
    change(workspace, "source: sample", "source: kaggle")
    command = doctor.SIGN_IN.split("`")[1]
    subprocess.run(command, shell=True, input="KGAT_test\n", text=True, check=True)
    assert ill(workspace) == []
    assert (home / ".kaggle/access_token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("content", "mend"),
    [("", "maskopt run"), ("<<<<<<< HEAD\n", "git checkout HEAD -- dvc.lock")],
    ids=["cut off", "conflict"],
)
def test_broken_lockfile_is_told(workspace, content, mend):
    (workspace / "dvc.lock").write_text(content)
    finding = next(finding for finding in ill(workspace) if finding.what == "dvc.lock")
    assert finding.mend == mend
    assert (workspace / "dvc.lock").read_text() == content


def test_stale_lock_is_told_and_left(workspace):
    content = {"write": {"b": {"pid": 2**22 + 1, "cmd": "dvc repro"}}}
    (workspace / ws.RWLOCK).write_text(json.dumps(content))
    assert ill(workspace) == [Finding("locks", ".dvc/tmp/rwlock names processes that are gone", "maskopt run")]
    assert json.loads((workspace / ws.RWLOCK).read_text()) == content


@pytest.mark.usefixtures("dvc")
def test_graph_that_dvc_cannot_read_is_told(workspace):
    (workspace / "dvc.yaml").write_text("stages: 3")
    (finding,) = ill(workspace)
    assert (finding.what, finding.mend) == ("stages", "git checkout HEAD -- dvc.yaml, or mend what it says")


NOBODY = "http://127.0.0.1:9/api"


def test_named_server_that_does_not_answer_is_told(workspace, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", NOBODY)
    with temporary_settings({PREFECT_API_URL: NOBODY}):
        assert ill(workspace) == [Finding("server", f"{NOBODY}: no answer", "unset PREFECT_API_URL")]


def test_server_that_a_profile_names_and_that_does_not_answer_is_told(workspace, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with temporary_settings({PREFECT_API_URL: NOBODY}):
        mend = "prefect config unset --yes PREFECT_API_URL"
        assert ill(workspace) == [Finding("server", f"{NOBODY}: no answer", mend)]


def test_command_ends_with_one_if_something_is_wrong(workspace):
    (workspace / ws.RWLOCK).write_text("")
    environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "maskopt", "doctor"]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "MEND locks: .dvc/tmp/rwlock names processes that are gone\n     -> maskopt run\n" in done.stdout
    assert "ok   python: 3." in done.stdout
