"""dvc.yaml tells DVC everything a stage reads: else a change goes unseen and old results stay."""

import ast
from functools import cache
from pathlib import Path

import pytest
import yaml

from maskopt.stages.shared.run import UNWATCHED

ROOT = Path(__file__).parents[2]
GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PUBLISHED = "maskopt/data/kaggle-manifest.csv"  # data, read by validate
# A new message or path must not retrain everything.
NOT_DECLARED = {
    f"maskopt/{name}.py" for name in ("__init__", "errors", "params", "paths", "problems", "terminal", "yaml_text")
}


def module_of(stage: str) -> Path:
    words = GRAPH[stage]["cmd"].split()
    assert words[:2] == ["python", "-m"]
    return path_of(words[2])


def path_of(module: str) -> Path:
    path = Path(module.replace(".", "/"))
    return path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")


@cache
def imports_of(path: Path) -> frozenset[Path]:
    """The files of maskopt that one file names in its import statements."""
    modules = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    paths = {path_of(module) for module in modules if module.split(".")[0] == "maskopt"}
    return frozenset(path for path in paths if (ROOT / path).is_file() and path.name != "__init__.py")


def closure_of(path: Path) -> set[Path]:
    seen, todo = set(), [path]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo.extend(imports_of(current))
    return seen


def params_read_in(path: Path) -> set[str]:
    """The attributes of `params` in one file: `data.classes`, `networks`, `prune`; a whole section covers its parts."""
    tree = ast.parse((ROOT / path).read_text())
    chains = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Subscript)]
    inner = {id(node.value) for node in chains}
    names = {dotted(node) for node in chains if id(node) not in inner}
    return {name.removeprefix("params.") for name in names if name and name.startswith("params.")}


def covered(names: set[str]) -> set[str]:
    """Drop what a whole section among the names holds."""
    return {name for name in names if not any(name.startswith(f"{other}.") for other in names)}


def dotted(node: ast.expr) -> str | None:
    """`params.networks[backbone].size_px` -> params.networks.${item.backbone}.size_px, as dvc.yaml writes it."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=value, slice=ast.Name(id=index)) if base := dotted(value):
            return f"{base}.${{item.{index}}}"
        case ast.Subscript(value=value, slice=ast.Constant()):
            return dotted(value)
        case ast.Attribute(value=value, attr=attr) if base := dotted(value):
            return f"{base}.{attr}"
    return None


def test_settings_without_which_stages_are_idle_are_keys_of_params():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    wanted = {name: (block.get("meta") or {}).get("prefect", {}).get("idle_without") for name, block in GRAPH.items()}
    idle = {name: key.split(".") for name, key in wanted.items() if key}
    assert idle.keys() == {"attributes", "crossed", "extra", "teacher", "teacher_weights"}
    for section, *rest in idle.values():
        assert section in params
        assert all(key in params[section] for key in rest)


@pytest.mark.parametrize("stage", GRAPH)
def test_stage_module_has_the_name_of_its_stage(stage):
    assert module_of(stage).stem == stage


@pytest.mark.parametrize("stage", GRAPH)
def test_stage_depends_on_every_file_it_imports(stage):
    needed = {path.as_posix() for path in closure_of(module_of(stage))} - NOT_DECLARED
    declared = {dep for dep in GRAPH[stage].get("deps", []) if dep.startswith("maskopt/") and dep != PUBLISHED}
    folders = {dep for dep in declared if (ROOT / dep).is_dir()}
    assert declared == {next((dep for dep in folders if path.startswith(f"{dep}/")), path) for path in needed}
    assert all(sum(path.startswith(f"{dep}/") for path in needed) >= 3 for dep in folders)  # else name the files


@pytest.mark.parametrize("stage", GRAPH)
def test_stage_declares_exactly_the_params_it_reads(stage):
    files = [path for path in closure_of(module_of(stage)) if "stages" in path.parts]
    read = covered(set().union(*(params_read_in(path) for path in files)))
    assert set(GRAPH[stage].get("params", [])) == read


def test_no_stage_can_leave_out_pictures_that_may_be_labelled_wrongly():
    """What finds them is read by the report alone: a param has to say so before another stage does."""
    found = [out for stage in ("crossed", "measured") for out in GRAPH[stage]["outs"]]
    readers = {
        name for name, block in GRAPH.items() for dep in block["deps"] if any(out.startswith(dep) for out in found)
    }
    assert readers == {"report"}


def test_stages_may_find_changed_what_dvc_does_not_watch():
    assert {file.relative_to(ROOT).as_posix() for file in UNWATCHED} == NOT_DECLARED - {"maskopt/__init__.py"}
