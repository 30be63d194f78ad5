"""Where a model came from: written into its file, read from any file, and shown."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from maskopt import cli, paths
from maskopt.completion import list_stages
from maskopt.description import describe, lay_out
from maskopt.errors import MaskoptError, MissingFile, NotAModel
from maskopt.measuring.litert import Classifier
from maskopt.measuring.sizes import pack
from maskopt.params import load_params
from maskopt.tflite.origin import MAX_BYTES, after, begin, read_origin, to_bytes
from maskopt.tflite.slimming import slim
from maskopt.tflite.variants import VARIANTS

ROOT = Path(__file__).parents[2]

ORIGIN = after(begin("small", 3, size_px=8, weights="none"), "baseline", {"epochs": 2, "learning_rate": 0.01})


@pytest.fixture
def carry(tiny_files, tmp_path):
    """A function that puts a note into the tiny int8 file and returns its path."""

    def write(note):
        path = tmp_path / "model.tflite"
        path.write_bytes(slim(tiny_files.int8.read_bytes(), {}, note))
        return path

    return write


def test_record_says_network_settings_and_packages():
    assert ORIGIN["network"] == "small"
    assert ORIGIN["steps"] == [{"variant": "baseline", "epochs": 2, "learning_rate": 0.01}]
    assert list(ORIGIN["packages"]) == ["tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy"]
    assert ORIGIN["packages"]["numpy"] == np.__version__


def test_next_stage_adds_a_step_and_leaves_the_record_before_as_it_was():
    later = after(ORIGIN, "qat", {"epochs": 1})
    assert [step["variant"] for step in later["steps"]] == ["baseline", "qat"]
    assert len(ORIGIN["steps"]) == 1


def test_file_carries_its_record(carry):
    assert read_origin(carry(to_bytes(ORIGIN))) == ORIGIN


def test_file_with_a_record_says_the_same(carry, tiny_files):
    without, carrying = (Classifier(carry(note)).scores(tiny_files.pictures) for note in (b"", to_bytes(ORIGIN)))
    np.testing.assert_array_equal(without, carrying)


def test_same_record_gives_the_same_bytes(carry):
    assert carry(to_bytes(ORIGIN)).read_bytes() == carry(to_bytes(json.loads(to_bytes(ORIGIN)))).read_bytes()


def test_file_of_others_has_no_record(tiny_files):
    assert read_origin(tiny_files.float32) is None


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (b"\x80\x04\x95\x1d\x00", "its record of origin is not JSON: 'utf-8' codec can't decode byte 0x80"),
        (b"{", "its record of origin is not JSON: Expecting property name"),
        (b"[" * 50_000, "its record of origin is not JSON: maximum recursion depth exceeded"),
        (b"[1]", "its record of origin is a list, want an object"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, "its record of origin has more than 16 levels"),
        (b" " * (MAX_BYTES + 1), "its record of origin has 65,537 bytes, want at most 65,536"),
    ],
)
def test_note_that_is_no_record_is_told(carry, note, reason):
    path = carry(note)
    with pytest.raises(NotAModel) as caught:
        read_origin(path)
    assert f"{path} is not a .tflite file that can be used here: {reason}" in str(caught.value)


def test_missing_file_is_told(tmp_path):
    with pytest.raises(MissingFile):
        read_origin(tmp_path / "none.tflite")


def test_broken_copies_of_a_file_are_refused_or_read(carry, monkeypatch):
    """Each byte of the end, where the root of metadata and buffers is, changed in turn."""
    packed = pack(b"")
    monkeypatch.setattr("maskopt.description.pack", lambda _: packed)  # takes any bytes, and most of the time
    path = carry(to_bytes(ORIGIN))
    content, survived = path.read_bytes(), 0
    for place in range(0, min(len(content), 400)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            describe(path)
        except MaskoptError:
            survived += 1
    assert survived


def test_description_has_sizes_costs_and_origin(carry):
    path = carry(to_bytes(ORIGIN))
    described = describe(path)
    assert described["input"] == {"shape": [1, 8, 8, 3], "dtype": "uint8"}
    assert described["output"] == {"shape": [1, 3], "dtype": "uint8"}
    assert described["gzip_bytes"] == len(gzip.compress(path.read_bytes(), mtime=0))
    assert described["operators"]["CONV_2D"] == 3  # one is the preprocessing
    assert described["origin"] == ORIGIN


def test_lines_show_what_the_file_says(carry):
    path = carry(to_bytes(ORIGIN | {"packages": {"numpy": "2.1"}}))
    lines = list(lay_out(path, describe(path)))
    assert lines[0] == f"{path}: (1, 8, 8, 3) uint8 -> (1, 3) uint8"
    assert lines[lines.index("where it came from:") :] == [
        "where it came from:",
        "  network: small",
        "  seed: 3",
        "  size_px: 8",
        "  weights: none",
        "  packages: numpy 2.1",
        "  steps:",
        "    variant baseline, epochs 2, learning_rate 0.01",
    ]


def test_file_cannot_write_to_the_terminal_what_it_likes(carry):
    path = carry(json.dumps({"network\x1b[2J": "\x1b]0;owned\x07"}).encode())
    path = path.rename(path.with_name("a\n\x1b[2J.tflite"))
    first, *others = lay_out(path, describe(path))
    text = "\n".join(others)
    assert r"/a\n\x1b[2J.tflite: (1, 8" in first
    assert "\x1b" not in text
    assert r"'network\x1b[2J': '\x1b]0;owned\x07'" in text


@pytest.mark.parametrize("text", ["\ud800", "\x9b2J"], ids=["half of a letter", "a code of the terminal"])
def test_command_writes_plain_letters_alone(carry, text):
    path = carry(json.dumps({"network": text}).encode())
    shown, for_programs = (CliRunner().invoke(cli.app, ["show", str(path), *flags]) for flags in ([], ["--json"]))
    assert shown.exit_code == for_programs.exit_code == 0
    assert shown.stdout.isascii()
    assert for_programs.stdout.isascii()
    assert json.loads(for_programs.stdout)["origin"] == {"network": text}


def test_file_without_a_record_says_so(tiny_files):
    assert list(lay_out(tiny_files.int8, describe(tiny_files.int8)))[-1] == "carries no record of where it came from"


def test_command_shows_text_and_json(carry):
    path = carry(to_bytes(ORIGIN))
    text, for_programs = (CliRunner().invoke(cli.app, ["show", str(path), *flags]) for flags in ([], ["--json"]))
    assert "  seed: 3\n" in text.stdout
    assert json.loads(for_programs.stdout)["origin"] == ORIGIN


def test_device_is_not_read():
    with pytest.raises(NotAModel, match="it is no file"):
        describe(Path("/dev/null"))


def test_folder_is_told_as_one(tmp_path):
    with pytest.raises(NotAModel) as err:
        describe(tmp_path)
    assert str(err.value) == (
        f"{tmp_path} is not a .tflite file that can be used here: it is a folder. "
        "Give a .tflite file, such as those in data/models"
    )


@pytest.fixture
def unrun(monkeypatch, tmp_path):
    """A folder with params.yaml, where nothing was run."""
    shutil.copy(ROOT / paths.PARAMS, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def why_not(path):
    with pytest.raises(MissingFile) as err:
        describe(path)
    return str(err.value)


def test_missing_output_of_the_graph_says_which_stage_makes_it(unrun):
    model = Path("data/models/seed-0/bottleneck/pcqat/int8.tflite")
    for path in (model, unrun / model):
        assert why_not(path) == f"{path} is missing: run `dvc repro pcqat@bottleneck-0`, which makes it"


@pytest.mark.usefixtures("unrun")
def test_stages_that_make_model_files_are_those_of_the_graph():
    params = load_params(paths.PARAMS)
    stages = set(list_stages(yaml.safe_load((ROOT / paths.GRAPH).read_text())["stages"], params.model_dump()))
    for backbone, (variant, promise), seed in product(params.backbones, VARIANTS.items(), params.seeds):
        for file_format in promise.formats:
            said = why_not(paths.tflite(backbone, variant, seed, file_format))
            assert re.search("`dvc repro (.*)`", said).group(1) in stages


@pytest.mark.parametrize("name", ["data/models/seed-0/bottleneck/baseline/int8.tflite", "mine.tflite"])
def test_missing_file_that_no_stage_makes_wants_another_path(unrun, name):
    told = f"{name} is missing: no stage makes it with params.yaml as it is: give the path of another .tflite file"
    assert why_not(Path(name)) == told
    (unrun / paths.PARAMS).unlink()
    assert why_not(Path(name)) == told


def test_showing_imports_no_tensorflow():
    code = "import sys, maskopt.description; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
