import zipfile
from pathlib import Path

import pytest
from drawn import write_classes

from maskopt.data.source import fetch, find_class_folders
from maskopt.errors import BrokenArchive, MissingFile, NoClassFolders
from maskopt.params import Data, Sample

CLASSES = ("cat", "dog")
SAMPLE = Sample(version=1, seed=0)


def data(source, path, classes=CLASSES):
    return Data(source=source, path=path, kaggle_dataset="owner/name", classes=classes, rows_per_class=None, about=None)


def pack(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def pictures(tmp_path):
    write_classes(tmp_path / "pictures", CLASSES, rows=2)
    return tmp_path / "pictures"


EXPECTED = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]


@pytest.mark.parametrize("prefix", ["", "dataset/", "a/b/c/"])
def test_class_folders_of_an_archive_may_lie_deep(prefix, pictures, tmp_path):
    fetch(data("archive", pack(pictures, tmp_path / "a.zip", prefix)), SAMPLE, tmp_path / "data" / "raw")
    assert names(tmp_path / "data" / "raw") == EXPECTED
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]


@pytest.mark.parametrize("below", [".", "dataset"])
def test_folder_is_copied(below, pictures, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    pictures.rename(whole / "dataset")
    fetch(data("folder", whole if below == "." else whole / below), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == EXPECTED
    assert names(whole / "dataset") == EXPECTED
    assert (tmp_path / "raw" / "cat" / "0.png").stat().st_nlink == 1  # a change of one does not change the other


def test_links_to_pictures_and_class_folders_are_followed(pictures, tmp_path):
    linked = tmp_path / "linked"
    (linked / "cat").mkdir(parents=True)
    (linked / "cat" / "0.png").symlink_to(pictures / "cat" / "0.png")
    (linked / "dog").symlink_to(pictures / "dog")
    fetch(data("folder", linked), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == ["cat/0.png", "dog/0.png", "dog/1.png"]
    assert not (tmp_path / "raw" / "cat" / "0.png").is_symlink()


def test_links_that_are_not_followed_are_named_and_leave_an_empty_file(pictures, tmp_path, caplog):
    (pictures / "cat" / "2.png").symlink_to(tmp_path / "nowhere")
    (pictures / "cat" / "more").symlink_to(pictures / "dog")
    fetch(data("folder", pictures), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == ["cat/0.png", "cat/1.png", "cat/2.png", "cat/more", "dog/0.png", "dog/1.png"]
    assert (tmp_path / "raw" / "cat" / "2.png").stat().st_size == 0
    assert [record.getMessage() for record in caplog.records] == [
        f"{pictures}/cat/{name} is neither a file nor a link to one: an empty file stands for it"
        for name in ("2.png", "more")
    ]


def test_what_lies_above_the_class_folders_is_named(pictures, tmp_path, caplog):
    with zipfile.ZipFile(pack(pictures, tmp_path / "a.zip", "a/set/"), "a") as archive:
        archive.writestr("readme.txt", "")
        archive.writestr("a/more/bird/1.png", "")
    fetch(data("archive", tmp_path / "a.zip"), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == EXPECTED
    assert caplog.records[0].getMessage() == (
        f"{tmp_path}/a.zip: left out, not beside the class folders: 'a/more', 'readme.txt'"
    )


def test_what_lies_beside_the_classes_comes_along(pictures, tmp_path):
    (pictures / "Cat").mkdir()
    (pictures / "Cat" / "9.png").touch()
    (pictures / "readme.txt").touch()
    fetch(data("folder", pictures), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == ["Cat/9.png", *EXPECTED, "readme.txt"]


def test_new_pictures_replace_the_old(pictures, tmp_path):
    write_classes(tmp_path / "raw", ["old"], rows=1)
    fetch(data("folder", pictures), SAMPLE, tmp_path / "raw")
    assert names(tmp_path / "raw") == EXPECTED


def test_broken_archive_leaves_the_old_pictures_and_nothing_half_written(pictures, tmp_path):
    path = pack(pictures, tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-40])
    write_classes(tmp_path / "data" / "raw", ["old"], rows=1)
    with pytest.raises(BrokenArchive, match="cannot be unpacked"):
        fetch(data("archive", path), SAMPLE, tmp_path / "data" / "raw")
    assert names(tmp_path / "data") == ["raw/old/0.png"]


@pytest.mark.parametrize(
    ("source", "next_step"),
    [
        ("archive", "put the archive there, or set data.path in params.yaml to where it is"),
        ("folder", "set data.path in params.yaml to the folder of the pictures"),
    ],
)
def test_missing_source_says_what_to_do(source, next_step, tmp_path):
    with pytest.raises(MissingFile) as caught:
        fetch(data(source, Path("nowhere")), SAMPLE, tmp_path / "raw")
    assert str(caught.value) == f"nowhere is missing: {next_step}"
    assert list(tmp_path.iterdir()) == []


def test_no_class_folder_names_what_is_there_instead(pictures, tmp_path):
    with pytest.raises(NoClassFolders) as caught:
        fetch(data("folder", pictures, ("Cat", "bird")), SAMPLE, tmp_path / "raw")
    assert str(caught.value) == (
        f"{pictures} must hold one folder per class (Cat, bird), in one place; found 'cat', 'dog'. "
        "Rename or move the folders, or mend data.classes in params.yaml"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_archive_is_named_and_not_its_temporary_folder(pictures, tmp_path):
    path = pack(pictures / "cat", tmp_path / "a.zip")
    with pytest.raises(NoClassFolders) as caught:
        fetch(data("archive", path), SAMPLE, tmp_path / "raw")
    assert f"{path} must hold one folder per class (cat, dog), in one place; found no folder at all" in str(
        caught.value
    )


def test_classes_in_two_places_are_refused(tmp_path):
    for part in ("train", "valid"):
        write_classes(tmp_path / part, CLASSES, rows=1)
    with pytest.raises(NoClassFolders, match="in one place; found them in 'train', 'valid'"):
        find_class_folders(tmp_path, CLASSES, "a.zip")


def test_sample_is_drawn(tmp_path):
    classes = ("with_mask", "without_mask", "mask_weared_incorrect")
    options = data("sample", Path(), classes).model_copy(update={"rows_per_class": 2})
    fetch(options, SAMPLE, tmp_path / "raw")
    assert sorted(name.split("/")[0] for name in names(tmp_path / "raw")) == sorted(2 * classes)


def test_folder_where_the_archive_lies_is_told_from_the_archive(tmp_path):
    with pytest.raises(MissingFile) as caught:
        fetch(data("archive", tmp_path), SAMPLE, tmp_path / "raw")
    assert str(caught.value) == (
        f"{tmp_path}/the archive is missing: set data.path in params.yaml to a zip or tar file"
    )


def test_notes_of_git_and_dvc_are_not_data(pictures, tmp_path):
    for name in (".gitignore", "masks.zip.dvc"):
        (pictures / name).touch()
    fetch(data("folder", pictures), SAMPLE, tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["cat", "dog"]


def test_what_a_killed_run_left_is_removed(pictures, tmp_path):
    (tmp_path / ".fetch").mkdir()
    (tmp_path / ".fetch" / "half.png").touch()
    fetch(data("archive", pack(pictures, tmp_path / "a.zip")), SAMPLE, tmp_path / "raw")
    assert not (tmp_path / ".fetch").exists()
