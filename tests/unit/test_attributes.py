"""What is known of pictures beside their class, and recall by it."""

import gzip

import pandas as pd
import pytest

from maskopt import paths
from maskopt.data.attributes import NOT_SAID, read_attributes
from maskopt.data.rows import Row
from maskopt.errors import MissingFile, UnusableAttributes
from maskopt.measuring.intervals import wilson_interval
from maskopt.params import load_params
from maskopt.report.attributes import lay_out_groups, list_groups
from maskopt.stages import attributes

PICTURES = pd.Series(["cat/1.png", "cat/2.png", "dog/1.png"], name="path")


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "known.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / "known.csv"

    return write


def test_attributes_come_in_the_order_of_the_pictures(table):
    rows = read_attributes(table("path,age,glasses\ndog/1.png,9,no\ncat/1.png,10,\n"), PICTURES)
    assert rows["path"].tolist() == PICTURES.tolist()
    assert rows["age"].tolist() == ["10", NOT_SAID, "9"]
    assert rows["glasses"].tolist() == [NOT_SAID, NOT_SAID, "no"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path\ncat/1.png\n", "want a column path and one or more attributes, got path"),
        ("file,age\ncat/1.png,9\n", "want a column path and one or more attributes, got file, age"),
        ("path,age\ncat/1.png,9\ncat/1.png,8\n", "1 pictures are there twice, first cat/1.png"),
        ("path,age\ncat/1.png,9\n1.png,8\n", "1 of 2 pictures are not in the manifest, first 1.png"),
        ("", "No columns to parse from file"),
        (b"path,age\ncat/1.png,\xff\n", "'utf-8' codec can't decode byte 0xff in position"),
        ("path,age\ncat/1.png,9,8,7\ncat/2.png,1\n", "rows have more cells than there are columns"),
    ],
)
def test_table_of_something_else_is_refused(table, text, reason):
    path = table(text)
    with pytest.raises(UnusableAttributes) as err:
        read_attributes(path, PICTURES)
    assert str(err.value).startswith(f"{path} does not say attributes of the pictures: {reason}")
    assert str(err.value).endswith(". Mend it, or set evaluation.attributes in params.yaml to null")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path" + ",a" * 51 + "\n", "want a first line with path and at most 50 attributes, in 16,384 bytes"),
        ("path," + "a" * 16_384 + "\n", "want a first line with path and at most 50 attributes, in 16,384 bytes"),
        ('path,"a\n' + ",b" * 60 + '"\n', "want a first line with path and at most 50 attributes, in 16,384 bytes"),
        ("path,a\n" + "," * 30_000, "30,007 bytes are too many for 3 pictures"),
    ],
)
def test_table_larger_than_one_of_the_pictures_is_refused(table, text, reason):
    with pytest.raises(UnusableAttributes, match=reason):
        read_attributes(table(text), PICTURES)


def test_numbers_of_pictures_are_no_attribute(table):
    pictures = pd.Series([f"cat/{i}.png" for i in range(21)], name="path")
    path = table("path,id\n" + "".join(f"{picture},{i}\n" for i, picture in enumerate(pictures)))
    with pytest.raises(UnusableAttributes, match="id has 21 values, want at most 20: put them into groups"):
        read_attributes(path, pictures)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip", ".tar", ".zst"])
def test_table_is_text_whatever_its_name(table, suffix, tmp_path):
    path = table("path,age\ncat/1.png,9\n").rename(tmp_path / f"known.csv{suffix}")
    assert read_attributes(path, PICTURES)["age"].tolist() == ["9", NOT_SAID, NOT_SAID]
    path.write_bytes(gzip.compress(b"path,age\ncat/1.png,9\n", mtime=0))
    with pytest.raises(UnusableAttributes, match="'utf-8' codec can't decode byte 0x8b in position 1"):
        read_attributes(path, PICTURES)


def test_folder_is_no_table(tmp_path):
    folder = tmp_path / "known.csv"
    folder.mkdir()
    with pytest.raises(UnusableAttributes, match=r"pictures: want a CSV file, got a folder\. Mend it"):
        read_attributes(folder, PICTURES)


def test_missing_table_says_what_to_do(tmp_path):
    with pytest.raises(MissingFile, match=r"put the table there, or set evaluation.attributes in params.yaml to null"):
        read_attributes(tmp_path / "none.csv", PICTURES)


@pytest.fixture
def run_stage(tmp_path, monkeypatch):
    """Return what runs the stage on three pictures with a table of that name."""
    params = load_params(paths.PARAMS)
    monkeypatch.chdir(tmp_path)
    paths.INCOMING.mkdir(parents=True)
    rows = [Row(picture, "", 1, 8, 8, "RGB", "", "") for picture in PICTURES]
    pd.DataFrame(map(vars, rows)).to_csv(paths.MANIFEST, index=False)

    def run(name):
        named = params.evaluation.model_copy(update={"attributes": name})
        attributes.main(params.model_copy(update={"evaluation": named}))
        return pd.read_csv(paths.ATTRIBUTES)

    return run


def test_stage_without_a_table_writes_that_nothing_is_known(run_stage):
    assert run_stage(None).columns.tolist() == ["path"]


def test_stage_writes_the_table(run_stage):
    name = paths.INCOMING / "known.csv"
    name.write_text("path,glasses\ncat/1.png,yes\n")
    assert run_stage(name)["glasses"].tolist() == ["yes", NOT_SAID, NOT_SAID]


@pytest.fixture
def groups():
    """Two seeds of one model; glasses are known of all pictures, and cats with glasses are often called dogs."""
    labels = ["cat"] * 4 + ["dog"] * 2
    frames = {
        ("net", "qat", seed): pd.DataFrame({"path": list("abcdef"), "label": labels, "int8": said})
        for seed, said in (
            (0, ["dog", "cat", "cat", "cat", "dog", "dog"]),
            (1, ["dog", "dog", "cat", "cat", "dog", "dog"]),
        )
    }
    return list_groups(frames, pd.DataFrame({"path": list("gfedcba"), "glasses": ["no"] * 5 + ["yes"] * 2}))


def test_recall_is_of_each_value_and_class(groups):
    found = groups.set_index(["value", "class"])
    assert groups["attribute"].unique().tolist() == ["glasses"]
    assert found["pictures"].to_dict() == {("no", "cat"): 2, ("no", "dog"): 2, ("yes", "cat"): 2}
    assert found["recall"].to_dict() == {("no", "cat"): 1, ("no", "dog"): 1, ("yes", "cat"): 0.25}
    low, high = (sum(ends) / 2 for ends in zip(wilson_interval(1, 2), wilson_interval(0, 2), strict=True))
    assert found.loc[("yes", "cat"), ["low", "high"]].tolist() == pytest.approx([low, high])


def test_table_has_a_column_for_each_class(groups):
    rows = lay_out_groups(groups).set_index("value")
    assert rows.columns.tolist() == ["network", "variant", "format", "attribute", "cat", "dog"]
    assert rows.loc["no", "dog"] == "100.0% (34.2 to 100.0) of 2"
    assert rows.loc["yes", "dog"] == "-"


def test_nothing_known_gives_no_rows():
    frames = {("net", "qat", 0): pd.DataFrame({"path": ["a"], "label": ["cat"], "int8": ["cat"]})}
    assert list_groups(frames, pd.DataFrame({"path": ["a"]})).empty
