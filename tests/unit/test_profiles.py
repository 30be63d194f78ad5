from pathlib import Path

import pytest

from maskopt import paths
from maskopt.errors import InvalidParams, MissingFile, UnknownName
from maskopt.params import load_params
from maskopt.profiles import put_profile

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / paths.PROFILES


def test_committed_params_are_the_quick_profile():
    assert (ROOT / "params.yaml").read_text() == (PROFILES / "quick.yaml").read_text()


def test_quick_profile_is_put_to_the_letter(tmp_path):
    put_profile("quick", PROFILES, tmp_path / "params.yaml")
    assert (tmp_path / "params.yaml").read_text() == (PROFILES / "quick.yaml").read_text()


@pytest.mark.parametrize("profile", sorted(path.stem for path in PROFILES.glob("*.yaml")))
def test_every_profile_can_be_used(profile, tmp_path):
    put_profile(profile, PROFILES, tmp_path / "params.yaml")
    assert load_params(tmp_path / "params.yaml").backbones


def test_values_that_a_profile_does_not_name_stay(tmp_path):
    put_profile("paper", PROFILES, tmp_path / "params.yaml")
    quick, paper = load_params(PROFILES / "quick.yaml"), load_params(tmp_path / "params.yaml")
    assert paper.training == quick.training
    assert paper.data.source == "kaggle"


def test_each_value_stays_on_its_line(tmp_path):
    put_profile("photos", PROFILES, tmp_path / "params.yaml")
    lines = (tmp_path / "params.yaml").read_text().splitlines()
    network = load_params(tmp_path / "params.yaml").networks["mobilenet_v2_035_cut"]
    assert f"    weights: {network.weights}" in lines
    assert f"{{architecture: mobilenet_v2, width: 0.35, depth: 1, until: {network.trunk.until}}}" in "\n".join(lines)


def test_params_of_ones_own_are_kept(tmp_path):
    params = tmp_path / "params.yaml"
    put_profile("photos", PROFILES, params)
    assert put_profile("quick", PROFILES, params) is None
    all_kept = {}
    for rows in (b"7", b"8"):
        own = params.read_bytes().replace(b"rows_per_class: 900", b"row_per_class: " + rows)
        params.write_bytes(own)
        all_kept[put_profile("quick", PROFILES, params)] = own
        assert params.read_text() == (PROFILES / "quick.yaml").read_text()
    assert len(all_kept) == 2
    for kept, own in all_kept.items():
        assert kept.name.startswith("params.yaml.former-")
        assert kept.read_bytes() == own


def test_profile_that_somebody_is_writing_is_in_nobodys_way(tmp_path):
    for name in ("quick", "photos"):
        (tmp_path / f"{name}.yaml").write_text((PROFILES / f"{name}.yaml").read_text())
    (tmp_path / "mine.yaml").write_text("prune: [")
    params = tmp_path / "target" / "params.yaml"
    put_profile("photos", tmp_path, params)
    assert put_profile("quick", tmp_path, params) is None


def test_unknown_profile_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownName) as caught:
        put_profile("phots", PROFILES, tmp_path / "params.yaml")
    assert str(caught.value) == "unknown profile 'phots'; known: paper, photos, quick. Did you mean 'photos'?"


def test_broken_profile_leaves_params_as_they_were(tmp_path):
    for name in ("quick", "broken"):
        (tmp_path / f"{name}.yaml").write_text((PROFILES / "quick.yaml").read_text())
    (tmp_path / "broken.yaml").write_text("prune: {sparsity: 0.5}\n")
    target = tmp_path / "target" / "params.yaml"
    put_profile("quick", tmp_path, target)
    before = target.read_text()
    with pytest.raises(
        InvalidParams, match=r"broken\.yaml has values that cannot be used:\n  prune\.sparsity: unknown key"
    ):
        put_profile("broken", tmp_path, target)
    assert target.read_text() == before


def test_profile_in_another_folder_says_where_to_run(tmp_path):
    with pytest.raises(MissingFile) as caught:
        put_profile("quick", tmp_path / "profiles", tmp_path / "params.yaml")
    assert str(caught.value) == f"{tmp_path}/profiles is missing: run in the root of the repository"


def test_profile_that_is_no_yaml_says_where(tmp_path):
    (tmp_path / "quick.yaml").write_text((PROFILES / "quick.yaml").read_text())
    (tmp_path / "broken.yaml").write_text("prune: {epochs: 3\n")
    with pytest.raises(InvalidParams, match=r"broken\.yaml has values that cannot be used:\n  not YAML: line 2"):
        put_profile("broken", tmp_path, tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seeds: 2001-99-99", "a value that is not what its tag or its looks say: month must be in 1..12"),
        ("seeds: " + "[" * 3000, "nested too deep"),
        (
            "seeds: &a [1, *a]",
            "want at most 131,072 letters and values with what aliases repeat, got more",
        ),
    ],
)
def test_profile_with_a_value_that_cannot_be_read_is_refused(tmp_path, text, problem):
    (tmp_path / "quick.yaml").write_text(text)
    with pytest.raises(InvalidParams) as caught:
        put_profile("quick", tmp_path, tmp_path / "params.yaml")
    assert f"quick.yaml has values that cannot be used:\n  {problem}\n" in str(caught.value)


def test_profile_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "quick.yaml").mkdir()
    with pytest.raises(InvalidParams, match=r"quick\.yaml has values .*\n  want a file, got a folder"):
        put_profile("quick", tmp_path, tmp_path / "params.yaml")
