"""What make says to people, and that two of them install once."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maskopt.report.choice import CHOICE, NONE_YET

ROOT = Path(__file__).parents[2]

# In place of Python: an environment made in a second, whose pip notes what it is asked for.
PYTHON = f"""#!/bin/sh
[ "$1" = -m ] || exec {sys.executable} "$@"
sleep 1
mkdir -p "$3/bin"
echo 'echo "$*" >> installed' > "$3/bin/pip"
chmod +x "$3/bin/pip"
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with what make reads, in which nothing is installed."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def ready(clone):
    """The same, as if everything was installed."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / ".ready").touch()
    return clone


def put_command(file, text):
    file.write_text(text)
    file.chmod(0o755)


def make(folder, *arguments):
    command = ["make", "--no-print-directory", *arguments]  # which it says below the make that runs these tests
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_installing_is_told_before_it_takes_minutes(clone):
    _, said, _ = make(clone, "--dry-run", "run")
    assert 0 < said.find("installing into .venv: about 4 GB, some minutes") < said.find("-m venv .venv")


def test_nothing_is_installed_twice(ready):
    code, said, _ = make(ready, "--dry-run", "run")
    assert code == 0
    assert "installing into" not in said


def test_second_make_waits_for_the_one_that_installs(clone):
    put_command(clone / "python", PYTHON)
    command = ["make", "PYTHON=./python", ".venv/.ready"]
    both = [subprocess.Popen(command, cwd=clone, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all("where another make is at it already, this one waits for it\n" in text for text in said)
    assert len((clone / "installed").read_text().splitlines()) == 2  # the packages, then maskopt, once
    assert (clone / ".venv" / ".ready").is_file()


def test_what_could_not_be_installed_is_not_ready(clone):
    put_command(clone / "python", PYTHON.replace("installed'", "installed; exit 1'"))
    code, _, _ = make(clone, "PYTHON=./python", ".venv/.ready")
    assert code == 2
    assert len((clone / "installed").read_text().splitlines()) == 1
    assert not (clone / ".venv" / ".ready").exists()


@pytest.mark.parametrize("choice", [CHOICE, NONE_YET, ""], ids=["some", "none yet", "no int8 file"])
def test_run_ends_in_which_model_to_ship_and_what_comes_next(ready, choice):
    (ready / "made.md").write_text(f"# Report\n\n{choice}\nMeasured on\n\n## Validation\n\n| a table |\n")
    put_command(
        ready / ".venv" / "bin" / "maskopt",
        '#!/bin/sh\n[ "$*" = run ] && mkdir -p data/report && cp made.md data/report/report.md\n',
    )
    code, said, _ = make(ready, "run")
    assert code == 0
    assert said == (
        f"maskopt run\n{choice.split('## How')[0]}"
        "All tables: data/report/report.md. As one page with charts: make report\n"
        "To use a model, with .venv activated: maskopt classify PICTURE\n"
    )


def test_run_that_failed_shows_no_tables_of_before(ready):
    put_command(ready / ".venv" / "bin" / "maskopt", "#!/bin/sh\nexit 1\n")
    (ready / "data" / "report").mkdir(parents=True)
    (ready / "data" / "report" / "report.md").write_text("| a table of before |\n")
    code, said, _ = make(ready, "run")
    assert (code, said) == (2, "maskopt run\n")


def test_help_names_each_target_in_one_line():
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    code, said, _ = make(ROOT, "help")
    assert code == 0
    told = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert sorted(told) == sorted(phony.split())
    assert told["run"] == "the whole experiment, then which model to ship"
    assert told["test-network"].endswith("variant: make test-network NETWORK=resnet50")


def test_one_of_the_papers_networks_has_to_be_named(ready):
    code, said, _ = make(ready, "test-network")
    assert code == 2
    assert "which network? make test-network NETWORK=resnet50" in said
