"""Files of others, broken in every way that Hypothesis thinks of: an error of ours or none, nothing beside them."""

import copy
import io
import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from maskopt import paths
from maskopt.data.attributes import NOT_SAID, read_attributes
from maskopt.data.rows import read_manifest
from maskopt.errors import BrokenTable, InvalidParams
from maskopt.params import Params, parse_params
from maskopt.profiles import put_profile

FUZZ = Path(__file__).parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))
from targets import PICTURES, TARGETS  # noqa: E402  beside its fuzzer

ROOT = Path(__file__).parents[2]
SEEDS = {name: [path.read_bytes() for path in sorted((FUZZ / "corpus" / name).iterdir())] for name in TARGETS}
quickly = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def broken(draw, seeds):
    """A valid file with a few bytes replaced, removed, repeated or cut off."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 16)))
        content[start:end] = draw(st.one_of(st.binary(max_size=16), st.just(bytes(content[start:end]) * 2)))
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_valid_files_are_read(name):
    for content in SEEDS[name]:
        TARGETS[name](content)


@pytest.mark.parametrize("name", TARGETS)
@quickly
@given(data=st.data())
def test_broken_files_raise_errors_of_ours_or_none(name, data):
    TARGETS[name](data.draw(st.one_of(broken(SEEDS[name]), st.binary(max_size=200))))


QUICK = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())


def places(values, above=()):
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from places(value, (*above, key))


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=4,
)


@quickly
@given(place=st.sampled_from(list(places(QUICK))), value=ANYTHING)
def test_params_with_any_value_anywhere_are_params_or_refused(place, value):
    changed = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    section = changed
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(changed, text)
    try:
        assert isinstance(parse_params(text.getvalue(), paths.PARAMS), Params)
    except InvalidParams as err:
        assert place[0] in str(err) or "not YAML" in str(err)


DESCRIBED = json.loads((FUZZ / "corpus" / "bundle" / "small.json").read_bytes())


@quickly
@given(place=st.sampled_from(list(places(DESCRIBED))), value=ANYTHING)
def test_bundle_with_any_value_anywhere_is_one_or_refused(place, value):
    changed = copy.deepcopy(DESCRIBED)
    section = changed
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    TARGETS["bundle"](json.dumps(changed).encode())


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@quickly
@given(st.lists(CELLS, min_size=3, max_size=3))
def test_attributes_are_the_text_of_their_cells(cells):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.csv"
        pd.DataFrame({"path": PICTURES, "known": cells}).to_csv(path, index=False)
        assert read_attributes(path, PICTURES)["known"].tolist() == [cell or NOT_SAID for cell in cells]


@pytest.mark.parametrize("text", ["", "- a list", "just words"])
def test_profile_that_is_no_section_is_refused(text, tmp_path):
    (tmp_path / "quick.yaml").write_text((ROOT / "profiles" / "quick.yaml").read_text())
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InvalidParams, match=r"mine.yaml has values that cannot be used:\n  want keys and values, got "):
        put_profile("mine", tmp_path, tmp_path / "params.yaml")
    assert not (tmp_path / "params.yaml").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "No columns to parse from file"),
        (
            b"path,label\na,b\n",
            "want columns path, label, bytes, width_px, height_px, mode, sha256, phash, got path, label",
        ),
        (b"\xff\xfe", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_broken_manifest_says_how_to_make_it_again(content, reason, tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    with pytest.raises(BrokenTable) as caught:
        read_manifest(path)
    assert str(caught.value) == (
        f"{path} is not what stage manifest writes: {reason}. Run `dvc repro --force manifest`"
    )
