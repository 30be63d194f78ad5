import pytest

from maskopt.errors import BrokenRecord, MissingFile
from maskopt.files import read_record, replacing


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_with_what_was_written(tmp_path):
    with replacing(tmp_path / "new.txt") as file:
        file.write_text("whole")
    assert (tmp_path / "new.txt").read_text() == "whole"


def test_folder_of_the_file_is_made(tmp_path):
    with replacing(tmp_path / "a" / "b" / "new.txt") as file:
        file.write_text("whole")
    assert (tmp_path / "a" / "b" / "new.txt").read_text() == "whole"


def test_file_is_not_there_before_it_is_whole(tmp_path):
    with replacing(tmp_path / "new.txt") as file:
        file.write_text("half")
        assert not (tmp_path / "new.txt").exists()


def test_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    with replacing(tmp_path / "old.txt") as file:
        file.write_text("new")
        assert (tmp_path / "old.txt").read_text() == "old"
    assert (tmp_path / "old.txt").read_text() == "new"


def test_folder_replaces_a_folder_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with replacing(tmp_path / "model") as folder:
        folder.mkdir()
        (folder / "new").touch()
    assert names_in(tmp_path / "model") == ["new"]


def test_folder_replaces_a_file(tmp_path):
    (tmp_path / "model").write_text("old")
    with replacing(tmp_path / "model") as folder:
        folder.mkdir()
    assert (tmp_path / "model").is_dir()


def test_file_replaces_a_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with replacing(tmp_path / "model") as file:
        file.write_text("new")
    assert (tmp_path / "model").read_text() == "new"


def test_nothing_is_left_beside_a_finished_file(tmp_path):
    with replacing(tmp_path / "new.txt") as file:
        file.write_text("whole")
    assert names_in(tmp_path) == ["new.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_half_written_file_goes_when_something_is_raised(tmp_path, error):
    with pytest.raises(error), replacing(tmp_path / "new.txt") as file:
        file.write_text("half")
        raise error
    assert names_in(tmp_path) == []


def test_half_written_folder_goes_when_something_is_raised(tmp_path):
    with pytest.raises(ValueError, match="broken"), replacing(tmp_path / "model") as folder:
        folder.mkdir()
        (folder / "half").touch()
        raise ValueError("broken")
    assert names_in(tmp_path) == []


def test_old_folder_stays_when_something_is_raised(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with pytest.raises(ValueError, match="broken"), replacing(tmp_path / "model") as folder:
        folder.mkdir()
        raise ValueError("broken")
    assert names_in(tmp_path / "model") == ["old"]


def test_old_folder_stays_when_nothing_was_written(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "model"):
        pass
    assert names_in(tmp_path / "model") == ["old"]


def test_rest_of_a_killed_run_is_not_mixed_in(tmp_path):
    (tmp_path / ".model.part").mkdir()
    (tmp_path / ".model.part" / "rest").touch()
    with replacing(tmp_path / "model") as folder:
        folder.mkdir()
        (folder / "new").touch()
    assert names_in(tmp_path / "model") == ["new"]


def test_missing_record_says_how_to_make_it(tmp_path):
    with pytest.raises(MissingFile, match="is missing: run `dvc repro`"):
        read_record(tmp_path / "metrics.json")


def test_record_with_conflicts_of_git_says_how_to_mend_it(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text('{\n<<<<<<< HEAD\n  "total": 1\n=======\n  "total": 2\n>>>>>>> other\n}\n')
    with pytest.raises(BrokenRecord) as told:
        read_record(path)
    assert str(told.value) == (
        f"{path} is not what maskopt wrote: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)"
        f". If it holds conflicts of git, take one side with `git checkout HEAD -- {path}`; else make it again with "
        "`dvc repro`"
    )


def test_record_that_is_no_utf8_is_told(tmp_path):
    (tmp_path / "metrics.json").write_bytes(b"\xff")
    with pytest.raises(BrokenRecord, match="can't decode byte 0xff"):
        read_record(tmp_path / "metrics.json")
