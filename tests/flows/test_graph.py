import pytest
import yaml

from flows.errors import DvcFailed, UnusableGraph
from flows.graph import Settings, choose, read_graph
from maskopt.completion import list_stages
from maskopt.errors import UnknownName

MATRIX = """
vars: [{backbones: [big, small]}]
stages:
  report:
    cmd: cat measured-* > report
    deps: [measured-big, measured-small]
    outs: [report]
  fetch:
    cmd: echo 1 > fetch
    outs: [fetch]
    meta: {prefect: {retries: 3, tags: [net]}}
  trained:
    matrix: {backbone: "${backbones}"}
    cmd: cat fetch > trained-${item.backbone}
    deps: [fetch]
    outs: ["trained-${item.backbone}"]
    meta: {prefect: {slots: all}}
  measured:
    matrix: {backbone: "${backbones}", variant: [qat]}
    cmd: cat trained-${item.backbone} > measured-${item.backbone}
    deps: ["trained-${item.backbone}"]
    outs: ["measured-${item.backbone}"]
"""


@pytest.fixture
def workspace(new_workspace):
    made = new_workspace()
    (made.root / "dvc.yaml").write_text(MATRIX)
    return made


@pytest.fixture(scope="module")
def graph(new_workspace_once):
    """What DVC says of it, asked once: a question takes seconds."""
    root = new_workspace_once().root
    (root / "dvc.yaml").write_text(MATRIX)
    return read_graph(root)


def test_shell_is_offered_the_names_that_dvc_knows(graph):
    blocks = yaml.safe_load(MATRIX)["stages"]
    assert set(list_stages(blocks, {"backbones": ["big", "small"]})) == set(graph)


def test_stages_edges_and_settings_come_from_dvc_upstream_first(graph):
    assert list(graph) == [
        "fetch",
        "trained@big",
        "measured@big-qat",
        "trained@small",
        "measured@small-qat",
        "report",
    ]
    assert graph["report"].upstream == {"measured@big-qat", "measured@small-qat"}
    assert graph["fetch"].settings.retries == 3
    assert graph["fetch"].settings.tags == ("net",)
    assert graph["trained@small"].settings.slots == "all"
    assert graph["report"].settings.slots == 1


def test_changes_come_from_dvc(workspace):
    assert all(stage.changed for stage in read_graph(workspace.root).values())
    workspace.dvc("repro", "trained@big")
    unchanged = {name for name, stage in read_graph(workspace.root).items() if not stage.changed}
    assert unchanged == {"fetch", "trained@big"}


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("fetch", {"fetch"}),
        ("trained@big", {"trained@big"}),
        ("small", {"trained@small", "measured@small-qat"}),
        ("qat", {"measured@big-qat", "measured@small-qat"}),
        ("trained", {"trained@big", "trained@small"}),
        ("measured@small", {"measured@small-qat"}),
    ],
)
def test_target_is_a_stage_or_a_word_of_its_name(graph, target, wanted):
    chosen, asked = choose(graph, [target])
    assert asked == wanted
    assert set(chosen) >= wanted | {"fetch"}
    assert "report" not in chosen


def test_each_retry_waits_twice_as_long_as_the_one_before():
    assert Settings(retries=3, retry_delay_seconds=10).retry_delays_seconds == [10, 20, 40]


def test_no_target_asks_for_all(graph):
    assert choose(graph, []) == (graph, frozenset(graph))


def test_unknown_target_is_named_with_what_is_close(graph):
    with pytest.raises(UnknownName, match=r"unknown target 'smal'; known: .*Did you mean 'small'"):
        choose(graph, ["smal"])


def test_unknown_setting_is_named_with_its_stage(workspace):
    (workspace.root / "dvc.yaml").write_text(MATRIX.replace("retries: 3", "retry: 3"))
    with pytest.raises(
        UnusableGraph, match=r"meta\.prefect of stage fetch in dvc.yaml .*retry.*\nKnown settings: slots"
    ):
        read_graph(workspace.root)


def test_what_dvc_complains_about_is_passed_on(workspace):
    (workspace.root / "dvc.yaml").write_text(MATRIX.replace("[fetch]", "[fetch", 1))
    with pytest.raises(DvcFailed, match=r"`dvc [\w -]+` failed:\n[\s\S]*fetch[\s\S]*\nMend that, then run again"):
        read_graph(workspace.root)


def test_data_that_dvc_tracks_is_no_stage(workspace):
    (workspace.root / "archive.zip").write_text("pictures")
    workspace.dvc("add", "--quiet", "archive.zip")
    (workspace.root / "dvc.yaml").write_text(MATRIX.replace("  fetch:\n", "  fetch:\n    deps: [archive.zip]\n"))
    graph = read_graph(workspace.root)
    assert "archive.zip.dvc" not in graph
    assert graph["fetch"].upstream == frozenset()
    assert graph["fetch"].tracked == {"archive.zip.dvc"}
