"""`maskopt classify` with a bundle that is named."""

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from bundles import CLASSES, picture
from typer.testing import CliRunner

from maskopt.answers import lay_out_lines
from maskopt.bundle.classifier import Answer
from maskopt.cli import app
from maskopt.errors import NoPictures


@pytest.fixture
def command(bundle, tmp_path):
    """A function that runs `maskopt classify` on a folder of two pictures and a file that is none."""
    folder = tmp_path / "door"
    (folder / "inner").mkdir(parents=True)
    picture().save(folder / "a.png")
    picture((12, 12)).save(folder / "inner" / "b.jpg")
    (folder / "notes.txt").write_text("no picture")

    def run(*options):
        return CliRunner().invoke(app, ["classify", str(folder), "--bundle", str(bundle), *options])

    return run


def test_classify_says_what_each_picture_shows(command):
    done = command()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [Path(line.split()[-1]).name for line in lines] == ["a.png", "b.jpg"]
    assert all(re.match(r"unsure: without_mask  +\d+\.\d%, under \d+\.\d%  +\d+\.\d ms  /", line) for line in lines)


def test_line_of_an_unsure_answer_says_whose_the_figure_is_and_what_it_is_under():
    answers = [Answer("cat", 0.854, True, {}, 0.7), Answer("dog", 0.602, False, {}, 12.3)]
    said = list(zip([Path("a.png"), Path("b.png")], answers, strict=True))
    assert list(lay_out_lines(said, 0.8535)) == [
        "cat           85.4%                  0.7 ms  a.png",
        "unsure: dog   60.2%, under 85.4%    12.3 ms  b.png",
    ]
    assert list(lay_out_lines(said[:1], 0.8535)) == ["cat   85.4%     0.7 ms  a.png"]


def test_classify_writes_json_and_csv(command):
    said = json.loads(command("--json").stdout)
    assert [set(each) for each in said] == [{"path", "answer", "label", "confidence", "ms", "scores"}] * 2
    rows = list(csv.DictReader(io.StringIO(command("--csv").stdout)))
    assert [row["path"] for row in rows] == [each["path"] for each in said]
    assert float(rows[0]["without_mask"]) == said[0]["scores"]["without_mask"] == said[0]["confidence"]
    assert command("--json", "--csv").exit_code == 2


def test_unreadable_pictures_are_named_at_the_end(command, tmp_path):
    (tmp_path / "door" / "no.png").write_text("no picture")
    done = command()
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("1 of 3 cannot be read:\n")
    assert "door/no.png: it starts with b'no picture', which is neither JPEG, PNG nor WebP" in done.stderr


def test_unreadable_pictures_are_told_to_programs(command, tmp_path):
    (tmp_path / "door" / "größe.png").write_text("no picture")
    error = "it starts with b'no picture', which is neither JPEG, PNG nor WebP"
    done = command("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[1] == {"path": str(tmp_path / "door" / "größe.png"), "error": error}
    assert "größe.png" in done.stdout
    done = command("--csv")
    assert done.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["error"] for row in rows] == ["", error, ""]
    assert (rows[1]["path"], rows[1]["answer"]) == (str(tmp_path / "door" / "größe.png"), "")


def test_no_name_of_a_file_steers_a_terminal(command, tmp_path):
    good, bad = tmp_path / "door" / "a\x1b[31m\nb\x9b.png", tmp_path / "door" / "a\nno\x9b\udcff.png"
    picture().save(tmp_path / "door" / "a.png")
    (tmp_path / "door" / "a.png").rename(good)
    bad.write_text("no picture")
    done = command()
    assert [line.split("/")[-1] for line in done.stdout.splitlines()] == ["a\\x1b[31m\\nb\\x9b.png", "b.jpg"]
    assert len(done.stderr.splitlines()) == 2
    assert "door/a\\nno\\x9b\\udcff.png: it starts with" in done.stderr
    done = command("--json")
    assert done.stdout.replace("\n", "").isprintable()
    assert {str(good), str(bad)} < {each["path"] for each in json.loads(done.stdout)}
    assert os.fsencode(bad) in command("--csv").stdout_bytes  # as it is, for programs


def test_csv_of_unreadable_pictures_alone_has_their_names_and_all_columns(bundle, tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "no.png"), "--bundle", str(bundle), "--csv"])
    assert done.exit_code == 1
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert list(row) == ["path", "answer", "label", "confidence", "ms", "error", *CLASSES]
    assert (row["path"], row["confidence"]) == (str(tmp_path / "no.png"), "")


def test_path_without_pictures_is_an_error(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, found in (
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "empty", "is no picture and holds none"),
    ):
        done = CliRunner().invoke(app, ["classify", str(path), "--bundle", str(bundle)])
        assert isinstance(done.exception, NoPictures)
        assert str(done.exception) == f"{path} {found}: give JPEG, PNG or WebP files, or folders of them"
