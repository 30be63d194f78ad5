"""Every variant of the table has a stage that makes it, and that stage checks what the variant promises."""

import ast
from pathlib import Path

import pytest
import yaml

from maskopt.tflite.convert import FORMATS
from maskopt.tflite.variants import VARIANTS

STAGES = Path(__file__).parents[2] / "maskopt" / "stages"


def calls(variant):
    return [node for node in ast.walk(ast.parse((STAGES / f"{variant}.py").read_text())) if isinstance(node, ast.Call)]


def save_call(variant):
    """The call of `branch.save` in the variant's stage."""
    (save,) = (call for call in calls(variant) if isinstance(call.func, ast.Attribute) and call.func.attr == "save")
    return save


@pytest.mark.parametrize("variant", VARIANTS)
def test_formats_are_known(variant):
    assert set(VARIANTS[variant].formats) <= set(FORMATS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_stage_makes_the_variant_of_its_name(variant):
    (branch,) = (call for call in calls(variant) if isinstance(call.func, ast.Name) and call.func.id == "open_branch")
    assert branch.args[2].value == variant


# Without these arguments the check asks for a sparsity of 0 and 256 values, which every file has.
@pytest.mark.parametrize("variant", VARIANTS)
def test_stage_gives_the_bounds_of_what_is_promised(variant):
    given = {keyword.arg for keyword in save_call(variant).keywords}
    assert ("final_sparsity" in given) == VARIANTS[variant].sparse
    assert ("n_clusters" in given) == VARIANTS[variant].clustered


@pytest.mark.parametrize("variant", VARIANTS)
def test_stage_lists_the_layers_that_its_techniques_skipped(variant):
    table = next((arg for arg in save_call(variant).args if isinstance(arg, ast.Dict)), ast.Dict([], []))
    named = {key.value for key in table.keys}
    promise = VARIANTS[variant]
    assert ("quantised" in named) == promise.quantised_in_training
    assert ("pruned" in named) >= promise.sparse
    assert ("clustered" in named) >= promise.clustered


@pytest.mark.parametrize("variant", VARIANTS)
def test_graph_knows_what_the_variant_stands_on(variant):
    graph = yaml.safe_load((STAGES.parents[1] / "dvc.yaml").read_text())["stages"]
    models = [dep.rsplit("/", 1)[-1] for dep in graph[variant]["deps"] if dep.startswith("data/models/")]
    assert models == ([parent] if (parent := VARIANTS[variant].parent) else [])


def test_titles_differ():
    assert len({variant.title for variant in VARIANTS.values()}) == len(VARIANTS)
