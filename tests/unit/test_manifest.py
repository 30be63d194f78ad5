import hashlib
import os

import numpy as np
import pandas as pd
import pytest
from drawn import huge_png, photograph, write_classes
from PIL import Image

from maskopt.data.key_points import KEY_POINT, MAX_POINTS
from maskopt.data.manifest import build_manifest
from maskopt.data.parallel import FEW
from maskopt.data.rows import read_manifest, read_pictures
from maskopt.errors import EmptyClass, MissingFile, UnusableFiles
from maskopt.params import Manifest

CLASSES = ("cat", "dog")
STRICT = Manifest(allow_unreadable=0, allow_stray=0, allow_unknown_folders=0, max_pixels=50_000_000)


@pytest.fixture
def raw(tmp_path):
    """Two classes of two pictures each."""
    write_classes(tmp_path / "raw", CLASSES, rows=2)
    return tmp_path / "raw"


def refusal(raw):
    with pytest.raises(UnusableFiles) as caught:
        build_manifest(raw, CLASSES, STRICT)
    return str(caught.value)


def test_row_says_what_the_file_is(raw):
    table, points = build_manifest(raw, CLASSES, STRICT)
    assert table["path"].tolist() == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    content = (raw / "cat" / "0.png").read_bytes()
    row = table.iloc[0].to_dict()
    assert row["label"] == "cat"
    assert row["bytes"] == len(content)
    assert (row["width_px"], row["height_px"], row["mode"]) == (48, 48, "RGB")
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(row["phash"]) == 16
    assert (points.shape, points.dtype) == ((4, MAX_POINTS), KEY_POINT)


def test_size_and_hash_are_of_the_upright_picture(raw):
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(0, 96, 64).save(raw / "cat" / "0.png", exif=exif)
    photograph(0, 96, 64).transpose(Image.Transpose.ROTATE_270).save(raw / "cat" / "1.png")
    table, _ = build_manifest(raw, CLASSES, STRICT)
    assert table.loc[0, ["width_px", "height_px"]].tolist() == [64, 96]
    assert table.loc[0, "phash"] == table.loc[1, "phash"]


def test_more_pictures_than_one_process_takes_give_the_same_rows(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    for i in range(FEW + 8):
        Image.new("RGB", (20, 20), (i % 256, i // 256, 0)).save(tmp_path / CLASSES[i % 2] / f"{i:03}.png")
    table, points = build_manifest(tmp_path, CLASSES, STRICT)
    assert len(table) == len(points) == FEW + 8
    assert table["path"].is_monotonic_increasing
    assert table["sha256"].nunique() == FEW + 8


def test_table_comes_back_from_its_file(raw, tmp_path):
    photograph(7).save(raw / "cat" / 'größe, "漢字" NA.webp')
    table, _ = build_manifest(raw, CLASSES, STRICT)
    table["phash"] = "0000000000000001"  # must stay text
    table.to_csv(tmp_path / "manifest.csv", index=False)
    read = read_manifest(tmp_path / "manifest.csv")
    assert read.to_dict("list") == table.to_dict("list")
    assert 'cat/größe, "漢字" NA.webp' in read["path"].tolist()


def test_missing_manifest_says_which_stage_makes_it(tmp_path):
    with pytest.raises(MissingFile) as caught:
        read_manifest(tmp_path / "manifest.csv")
    assert str(caught.value) == f"{tmp_path}/manifest.csv is missing: run `dvc repro manifest`"


def test_missing_folder_says_which_stage_makes_it(tmp_path):
    with pytest.raises(MissingFile) as caught:
        build_manifest(tmp_path / "raw", CLASSES, STRICT)
    assert str(caught.value) == f"{tmp_path}/raw is missing: run `dvc repro fetch`"


def test_unreadable_pictures_are_counted_and_named(raw):
    (raw / "cat" / "text.png").write_text("hello")
    (raw / "cat" / "huge.png").write_bytes(huge_png(20_000, 20_000))
    content = (raw / "dog" / "0.png").read_bytes()
    (raw / "dog" / "0.png").write_bytes(content[:1000])
    assert refusal(raw) == (
        f"{raw} holds what is not a usable picture of a class:\n"
        "  3 unreadable pictures: cat/huge.png: 20,000 x 20,000 pixels are 400,000,000, more than 50,000,000, "
        "cat/text.png: it starts with b'hello', which is neither JPEG, PNG nor WebP, "
        "dog/0.png: damaged (image file is truncated); manifest.allow_unreadable is 0\n"
        "Mend or remove them where the pictures come from (data.source and data.path of params.yaml), or raise the "
        "limits of manifest there to leave them out; then run again"
    )


def test_stray_files_are_counted_and_named(raw):
    (raw / "readme.txt").write_text("hello")
    (raw / "cat" / "notes.txt").write_text("hello")
    (raw / "cat" / ".0.png").write_bytes((raw / "cat" / "0.png").read_bytes())
    (raw / "dog" / "more").mkdir()
    photograph(0).save(raw / "dog" / "more" / "0.png")
    assert "4 stray files: cat/.0.png, cat/notes.txt, dog/more/0.png, readme.txt; manifest.allow_stray is 0" in refusal(
        raw
    )


def test_unknown_folders_are_counted_and_named(raw):
    (raw / "Cat").mkdir()
    photograph(0).save(raw / "Cat" / "0.png")
    (raw / "__MACOSX").mkdir()
    assert "2 folders of no class: Cat (1 files), __MACOSX (0 files); manifest.allow_unknown_folders is 0" in refusal(
        raw
    )


def test_of_many_files_all_are_named(raw):
    for i in range(50):
        (raw / "cat" / f"{i:02}.txt").touch()
    assert f"50 stray files: {', '.join(f'cat/{i:02}.txt' for i in range(50))};" in refusal(raw)


def test_all_kinds_of_problems_are_told_at_once(raw):
    (raw / "cat" / "text.png").write_text("hello")
    (raw / "readme.txt").touch()
    (raw / "bird").mkdir()
    message = refusal(raw)
    assert all(kind in message for kind in ("1 unreadable", "1 stray", "1 folders of no class"))


@pytest.mark.parametrize("name", [b"new\nline.png", b"not-utf-8-\xff.png"])
def test_names_that_no_table_can_hold_are_stray(name, raw):
    with open(os.fsencode(raw / "cat") + b"/" + name, "wb") as file:  # noqa: PTH123  (a Path cannot say it)
        file.write((raw / "cat" / "0.png").read_bytes())
    assert "1 stray files: cat/n" in refusal(raw)


def test_what_params_allow_is_left_out_and_logged(raw, caplog):
    (raw / "cat" / "text.png").write_text("hello")
    (raw / "readme.txt").touch()
    (raw / "bird").mkdir()
    limits = Manifest(allow_unreadable=1, allow_stray=1, allow_unknown_folders=1, max_pixels=10_000)
    table, points = build_manifest(raw, CLASSES, limits)
    assert len(table) == len(points) == 4
    assert "left out 1 unreadable pictures: cat/text.png: it starts with b'hello'" in caplog.text
    assert "left out 1 stray files: readme.txt" in caplog.text
    assert "left out 1 folders of no class: bird (0 files)" in caplog.text


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_empty_class_is_named(folder_is_there, raw):
    classes = (*CLASSES, "bird")
    if folder_is_there:
        (raw / "bird").mkdir()
    with pytest.raises(EmptyClass) as caught:
        build_manifest(raw, classes, STRICT)
    assert str(caught.value) == (
        f"{raw} holds no usable picture of bird: want one folder of that name with pictures. Mend data.classes in "
        "params.yaml, or add them where the pictures come from (data.source and data.path), then run again"
    )


def test_pictures_of_another_source_need_not_show_each_class(raw):
    table, _ = build_manifest(raw, (*CLASSES, "bird"), STRICT, "evaluation.extra")
    assert set(table["label"]) == set(CLASSES)


def test_source_without_any_picture_is_named(raw):
    with pytest.raises(EmptyClass, match=r"or add them where the pictures come from \(evaluation\.extra\), then run"):
        build_manifest(raw, ("bird",), STRICT, "evaluation.extra")


def test_class_whose_name_is_misspelt_is_told_with_the_folders_of_no_class(raw):
    with pytest.raises(
        EmptyClass, match=r"picture of dgo: .* with pictures, got folders of no class: dog \(2 files\)\."
    ):
        build_manifest(raw, ("cat", "dgo"), STRICT)


def test_grey_palette_and_one_pixel_pictures_are_rows(raw):
    Image.new("L", (1, 1)).save(raw / "cat" / "one.png")
    Image.new("P", (30, 20)).save(raw / "cat" / "palette.png")
    Image.fromarray(np.zeros((20, 20), np.uint16)).save(raw / "cat" / "deep.png")
    table, _ = build_manifest(raw, CLASSES, STRICT)
    modes = dict(zip(table["path"], table["mode"], strict=True))
    assert [modes[f"cat/{name}.png"] for name in ("one", "palette", "deep")] == ["L", "P", "I;16"]


def test_texts_of_a_table_of_pictures_stay_as_they_are(tmp_path):
    rows = pd.DataFrame({"path": ["1", "null", "NA"], "label": ["1", "None", "true"], "int8": ["0", "NaN", "false"]})
    rows.assign(group=[3, 4, 5]).to_csv(tmp_path / "rows.csv", index=False)
    read = read_pictures(tmp_path / "rows.csv", "int8")
    pd.testing.assert_frame_equal(read, rows.assign(group=[3, 4, 5]), check_dtype=False)
