import os
from pathlib import Path

import pytest
import yaml

from maskopt.errors import InvalidParams, MissingFile
from maskopt.params import Params, load_params
from maskopt.yaml_text import MAX_BYTES

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def values():
    """The committed params, with the two networks and sizes that the messages below name."""
    loaded = yaml.safe_load((REPOSITORY / "profiles" / "quick.yaml").read_text())
    loaded["backbones"] = ["separable"]
    loaded["pixels"]["sizes_px"] = [32, 64]
    loaded["networks"]["separable"]["size_px"] = 64
    return loaded


@pytest.fixture
def message(values, tmp_path):
    """What is said about the values after one of them was set, dropped or added."""

    def said(change):
        change(values)
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(values))
        with pytest.raises(InvalidParams) as caught:
            load_params(path)
        return str(caught.value).replace(str(path), "params.yaml")

    return said


def framed(*problems):
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"params.yaml has values that cannot be used:\n{lines}\nEdit params.yaml, then run again"


def test_key_that_would_steer_a_terminal_is_shown_as_python_has_it(message):
    said = message(lambda values: values["prune"].update({"a\x1b[31m\nb": 1}))
    assert said == framed(r"prune.'a\x1b[31m\nb': unknown key; remove it or mend its spelling")


def test_huge_table_of_attributes_is_refused(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = Path("data/incoming/known.csv")
    table.parent.mkdir(parents=True)
    table.touch()
    os.truncate(table, 2**26 + 1)  # of holes
    said = message(lambda values: values["evaluation"].update(attributes=str(table)))
    assert said.startswith(
        "params.yaml has values that cannot be used:\n"
        "  evaluation.attributes: want a table of at most 67,108,864 bytes, got 67,108,865"
    )


def test_unknown_key_is_named(message):
    said = message(lambda values: values["prune"].update(final_sparsty=0.5))
    assert said == framed("prune.final_sparsty: unknown key; remove it or mend its spelling")


def test_unknown_section_is_named(message):
    said = message(lambda values: values.update(pruning={}))
    assert said == framed("pruning: unknown key; remove it or mend its spelling")


def test_missing_key_is_named(message):
    assert message(lambda values: values["cluster"].pop("n_clusters")) == framed("cluster.n_clusters: missing")


def test_missing_section_is_named(message):
    assert message(lambda values: values.pop("quantize")) == framed("quantize: missing")


def test_all_problems_are_named_at_once(message):
    def change(values):
        values["cluster"]["n_clusters"] = 1
        values["prune"].pop("epochs")

    assert message(change) == framed(
        "prune.epochs: missing", "cluster.n_clusters: want greater than or equal to 2, got 1"
    )


@pytest.mark.parametrize(
    ("section", "key", "value", "problem"),
    [
        ("prune", "final_sparsity", 50, "prune.final_sparsity: want less than 1, got 50"),
        ("prune", "final_sparsity", -0.1, "prune.final_sparsity: want greater than or equal to 0, got -0.1"),
        ("prune", "epochs", 0, "prune.epochs: want greater than or equal to 1, got 0"),
        ("prune", "learning_rate", 0, "prune.learning_rate: want greater than 0, got 0"),
        ("cluster", "n_clusters", 257, "cluster.n_clusters: want less than or equal to 256, got 257"),
        ("cluster", "centroids", "random", "cluster.centroids: want 'linear' or 'kmeans++', got 'random'"),
        (
            "quantize",
            "epochs",
            1.5,
            "quantize.epochs: want a valid integer, got a number with a fractional part, got 1.5",
        ),
        (
            "training",
            "label_smoothing",
            "much",
            "training.label_smoothing: want a valid number, unable to parse string as a number, got 'much'",
        ),
        ("pixels", "sizes_px", [4, 64], "pixels.sizes_px.0: want greater than or equal to 8, got 4"),
        ("pixels", "aspect", "squeeze", "pixels.aspect: want 'stretch', 'crop' or 'pad', got 'squeeze'"),
        ("data", "source", "web", "data.source: want 'sample', 'archive', 'folder' or 'kaggle', got 'web'"),
        ("data", "classes", ["mask"], "data.classes: want 2 or more, got ['mask']"),
        ("split", "test", 1.5, "split.test: want less than 1, got 1.5"),
        ("split", "val", 0, "split.val: want greater than 0, got 0"),
        ("manifest", "allow_stray", -1, "manifest.allow_stray: want greater than or equal to 0, got -1"),
        ("latency", "threads", [0], "latency.threads.0: want greater than or equal to 1, got 0"),
    ],
)
def test_value_out_of_range_is_named_with_what_is_wanted_and_got(message, section, key, value, problem):
    assert message(lambda values: values[section].update({key: value})) == framed(problem)


def test_value_inside_a_network_is_named_with_its_whole_path(message):
    said = message(lambda values: values["networks"]["separable"]["baseline"].update(epochs=0))
    assert said == framed("networks.separable.baseline.epochs: want greater than or equal to 1, got 0")


def test_distillation_needs_a_teacher(message):
    said = message(lambda values: values["networks"]["separable"]["finetune"].update(distillation=0.5))
    assert said == framed("networks.separable.finetune.distillation: want 0, since there is no teacher, got 0.5")
    said = message(lambda values: values["quantize"].update(distillation=0.5))
    assert said == framed("quantize.distillation: want 0, since there is no teacher, got 0.5")


def test_students_may_learn_from_a_teacher_and_a_teacher_from_nobody(message, values):
    def change(values):
        values["teacher"] = values["networks"]["separable"] | {"views": 2}
        values["quantize"]["distillation"] = 0.5

    change(values)
    assert Params.model_validate(values).quantize.distillation == 0.5
    values["teacher"]["finetune"] = {"epochs": 1, "learning_rate": 0.1, "distillation": 0.5}
    said = message(lambda given: given.update(values))
    assert said == framed("teacher.finetune.distillation: want 0, since a teacher has none itself, got 0.5")


def test_teacher_looks_at_pictures_that_there_are(message):
    def change(values):
        values["teacher"] = values["networks"]["separable"] | {"views": 2, "size_px": 96}

    assert message(change) == framed("teacher.size_px: want one of pixels.sizes_px (32, 64), got 96")


def test_seeds_are_each_given_once(message):
    assert message(lambda values: values.update(seeds=[0, 1, 0])) == framed("seeds: want each once, got [0, 1, 0]")
    assert message(lambda values: values.update(seeds=[])) == framed("seeds: want 1 or more, got []")


def test_fractions_that_do_not_add_up_are_named_with_their_sum(message):
    said = message(lambda values: values["split"].update(train=0.7, val=0.15, test=0.25))
    assert said == framed("split: train + val + test: want 1, got 1.1")


def test_fractions_may_miss_one_by_rounding(values, tmp_path):
    values["split"].update(train=0.7, val=0.2, test=0.1)  # 0.9999999999999999 in floating point
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    assert load_params(path).split.test == 0.1


def test_empty_section_is_named(message):
    assert message(lambda values: values.update(prune=None)) == framed("prune: want keys and values, got None")


def test_backbone_without_a_network_is_named(message):
    said = message(lambda values: values.update(backbones=["separable", "vgg16"]))
    assert said == framed("networks.vgg16: missing, but backbones names it")


def test_only_a_backbone_is_cross_validated(message):
    said = message(lambda values: values["cross_validation"].update(network="bottleneck"))
    assert said == framed("cross_validation.network: want one of backbones ('separable',), got 'bottleneck'")


def test_file_that_dvc_would_not_watch_is_refused(message):
    def change(values):
        values["networks"]["separable"]["weights"] = "/elsewhere/trunk.h5"
        values["evaluation"] |= {"attributes": "data/known.csv", "extra": "data/incoming/../door"}

    assert message(change) == framed(
        "networks.separable.weights: want a path in data/incoming, where DVC sees a change, got /elsewhere/trunk.h5",
        "evaluation.attributes: want a path in data/incoming, where DVC sees a change, got data/known.csv",
        "evaluation.extra: want a path in data/incoming, where DVC sees a change, got data/incoming/../door",
    )


def test_link_to_a_file_is_followed_and_to_a_folder_is_not(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "incoming").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "trunk.h5").touch()
    (tmp_path / "data" / "incoming" / "trunk.h5").symlink_to(tmp_path / "elsewhere" / "trunk.h5")
    (tmp_path / "data" / "incoming" / "door").symlink_to(tmp_path / "elsewhere")

    def change(values):
        values["networks"]["separable"]["weights"] = "data/incoming/trunk.h5"
        values["evaluation"] |= {"attributes": "data/incoming/door/known.csv", "extra": "data/incoming/door"}

    want = "want a path in data/incoming, where DVC sees a change, got data/incoming/door"
    assert message(change) == framed(
        f"evaluation.attributes: {want}/known.csv",
        f"evaluation.extra: {want}, a link to {tmp_path}/elsewhere",
    )


def test_what_is_there_once_is_named_twice(message):
    def change(values):
        values["data"]["classes"] = ["cat", "dog", "cat"]
        values["pixels"]["sizes_px"] = [64, 64]
        values["backbones"] = ["separable", "separable"]

    assert message(change) == framed(
        "data.classes: want each once, got ['cat', 'dog', 'cat']",
        "pixels.sizes_px: want each once, got [64, 64]",
        "backbones: want each once, got ['separable', 'separable']",
    )


@pytest.mark.parametrize("name", ["../cat", "a/b", "/cat", "..", "", "."])
def test_class_that_is_no_name_of_a_folder_is_refused(name, message):
    said = message(lambda values: values["data"].update(classes=["dog", name]))
    assert said == framed(f"data.classes: want names of folders, got {name!r}")


def test_bounds_out_of_order_are_refused(message):
    said = message(lambda values: values["validation"].update(min_side_px=9, max_side_px=8))
    assert said == framed("validation: want min_side_px at most max_side_px, got 9 and 8")


def test_no_backbones_are_refused(message):
    said = message(lambda values: values.update(backbones=[]))
    assert said == framed("backbones: want 1 or more, got []")


def test_size_that_is_not_among_the_sizes_is_named(message):
    said = message(lambda values: values["networks"]["separable"].update(size_px=48))
    assert said == framed("networks.separable.size_px: want one of pixels.sizes_px (32, 64), got 48")


def test_network_that_no_branch_uses_may_have_any_size(values, tmp_path):
    values["networks"]["bottleneck"]["size_px"] = 48
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    assert load_params(path).networks["bottleneck"].size_px == 48


def test_text_that_is_not_yaml_is_refused_with_its_place(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 0\nprune: {epochs: 3\ncluster: 4\n")
    with pytest.raises(InvalidParams) as caught:
        load_params(path)
    assert str(caught.value) == (
        f"{path} has values that cannot be used:\n"
        "  not YAML: line 3, column 8: expected ',' or '}', but got ':'\n"
        f"Edit {path}, then run again"
    )


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"seed: 0 # \xe9t\xe9")
    with pytest.raises(InvalidParams) as caught:
        load_params(path)
    assert str(caught.value) == (
        f"{path} has values that cannot be used:\n"
        "  not UTF-8: invalid continuation byte at byte 10\n"
        f"Edit {path}, then run again"
    )


def test_empty_file_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("")
    with pytest.raises(InvalidParams, match=r"values that cannot be used:\n  want keys and values, got None\n"):
        load_params(path)


def test_key_given_twice_is_named(values, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values) + "\nseeds: 7\n")
    with pytest.raises(
        InvalidParams, match=r'\n  not YAML: line \d+, column 1: found duplicate key "seeds" with value "7"'
    ):
        load_params(path)


def test_missing_file_says_where_to_get_one(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(MissingFile) as caught:
        load_params(path)
    assert str(caught.value) == f"{path} is missing: run in the root of the repository, or `maskopt profile quick`"


@pytest.fixture
def refusal(tmp_path):
    """What is said about a text of `params.yaml`."""

    def said(text):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        with pytest.raises(InvalidParams) as caught:
            load_params(path)
        return str(caught.value).replace(str(path), "params.yaml")

    return said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2001-99-99", "month must be in 1..12"),
        ("!!int abc", "invalid literal for int() with base 10: 'abc'"),
        ("!!float abc", "could not convert string to float: 'abc'"),
        ("!!bool abc", "'abc'"),
        ("!!int ''", "string index out of range"),
        ("9999-12-31T23:59:59.9999999Z", "date value out of range"),
    ],
)
def test_value_that_is_not_what_it_looks_like_is_refused(refusal, text, reason):
    assert refusal(f"seeds: {text}") == framed(f"a value that is not what its tag or its looks say: {reason}")


def test_number_of_thousands_of_digits_is_refused(refusal):
    assert "a value that is not what its tag or its looks say: Exceeds the limit (4300" in refusal(
        "seeds: " + "9" * 5000
    )
    assert "  seeds: want a valid tuple, got a number of 20,000 bits\n" in refusal("seeds: 0x" + "f" * 5000)


def test_deep_nesting_is_refused(refusal):
    assert refusal("seeds: " + "[" * 3000) == framed("nested too deep")


def test_path_too_long_for_a_file_is_refused(message):
    said = message(lambda values: values["evaluation"].update(extra=f"data/incoming/{'a' * 5000}"))
    shown = f"data/incoming/{'a' * 33}...{'a' * 48}"
    assert said == framed(f"evaluation.extra: want a path in data/incoming, got '{shown}': File name too long")


def test_name_too_long_for_an_archive_is_refused(message):
    said = message(lambda values: values["data"].update(path=f"data/incoming/{'ä' * 130}.zip"))
    assert "\n  data.path: want names of at most 255 bytes in a path, got 'data/incoming/" in said


def test_list_with_one_item_that_cannot_be_used_is_not_called_short(message):
    said = message(lambda values: values.update(seeds=[-1]))
    assert said == framed("seeds.0: want greater than or equal to 0, got -1")


def test_file_of_more_than_params_need_is_refused(refusal):
    assert refusal("#" * (MAX_BYTES + 1)) == framed("want at most 131,072 bytes, got more")


def test_aliases_that_repeat_more_than_params_need_are_refused(refusal):
    lists = "".join(
        f"{'abcdefgh'[i + 1]}: &{'abcdefgh'[i + 1]} [{', '.join(['*' + 'abcdefgh'[i]] * 9)}]\n" for i in range(7)
    )
    wanted = framed("want at most 131,072 letters and values with what aliases repeat, got more")
    assert refusal("a: &a [mask]\n" + lists) == wanted
    assert refusal(f"seeds: &a [{'1, ' * 20_000}*a]") == wanted
    assert refusal(f"a: &a {'mask' * 10_000}\nb: [*a, *a, *a, *a]") == wanted


@pytest.mark.timeout(20)
def test_merges_that_repeat_more_than_params_need_are_refused(refusal):
    maps = "".join(f"m{i + 1}: &m{i + 1} {{<<: [{', '.join([f'*m{i}'] * 9)}]}}\n" for i in range(30))
    assert refusal("m0: &m0 {epochs: 1}\n" + maps) == framed(
        "want at most 131,072 letters and values with what aliases repeat, got more"
    )


def test_merge_is_read(values, tmp_path):
    values["cluster"].pop("epochs")
    text = yaml.safe_dump(values).replace("cluster:\n", "cluster:\n  <<: {epochs: 77}\n")
    (tmp_path / "params.yaml").write_text(text)
    assert load_params(tmp_path / "params.yaml").cluster.epochs == 77


def test_large_value_is_shown_in_part(refusal):
    assert len(refusal(f"seeds: {'a' * 100_000}")) < 20_000
    assert len(refusal(f"seeds: [{'[mask], ' * 10_000}]")) < 20_000
    assert "\n  and 1," in refusal("".join(f"key{i}: 1\n" for i in range(1100)))


def test_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(InvalidParams, match="cannot be used:\n  want a file, got a folder\n"):
        load_params(tmp_path)


def test_seeds_that_numpy_does_not_take_are_refused(message, values):
    said = message(lambda values: values.update(seeds=[2**32]))
    assert said == framed("seeds.0: want less than or equal to 4294967295, got 4294967296")
    values["seeds"] = [2**32 - 1]
    assert Params.model_validate(values).seeds == (2**32 - 1,)


@pytest.mark.parametrize("name", ["mask\n", "mask\x1b[31m", "ma\u202esk", "mask\x85"])
def test_class_whose_name_has_letters_that_cannot_be_seen_is_refused(message, name):
    said = message(lambda values: values["data"].update(classes=[name, "no mask"]))
    assert said == framed(f"data.classes: want names of letters that can be seen, got {name!r}")


@pytest.mark.parametrize("name", ["path", "label"])
def test_class_with_the_name_of_a_column_is_refused(message, name):
    said = message(lambda values: values["data"].update(classes=["mask", name]))
    assert said == framed(
        f"data.classes: want names other than path and label, which are columns of tables, got {name!r}"
    )
