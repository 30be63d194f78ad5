from types import SimpleNamespace

import pytest

from flows import pipeline
from flows.graph import Settings, Stage
from flows.plan import Plan


def plan_of(edges, jobs=2, durations=(), **settings):
    graph = {
        name: Stage(name, frozenset(upstream), True, Settings.model_validate(settings.get(name, {})))
        for name, upstream in edges.items()
    }
    return Plan(graph, jobs, dict(durations))


def test_stage_is_ready_when_all_of_its_upstream_has_ended():
    plan = plan_of({"a": [], "b": [], "c": ["a", "b"]})
    assert plan.ready() == ["a", "b"]
    for name in ("a", "b"):
        assert "c" not in plan.ready()
        plan.start(name, 1)
        plan.end(name, well=True)
    assert plan.ready() == ["c"]


def test_longest_way_to_go_comes_first():
    plan = plan_of({"short": [], "long": [], "after": ["long"]}, durations={"short": 5, "long": 1, "after": 9})
    assert plan.ready() == ["long", "short"]


def test_slots_are_not_exceeded():
    plan = plan_of({"a": [], "b": [], "c": []}, jobs=3, b={"slots": 2}, c={"slots": 2})
    plan.start("b", plan.slots("b"))
    assert plan.fits("a")
    assert not plan.fits("c")


def test_stage_of_all_slots_runs_alone():
    plan = plan_of({"a": [], "b": []}, jobs=3, b={"slots": "all"})
    plan.start("a", plan.slots("a"))
    assert not plan.fits("b")
    plan.end("a", well=True)
    assert plan.fits("b")


def test_stage_of_more_slots_than_jobs_runs_all_the_same():
    assert plan_of({"a": []}, jobs=2, a={"slots": 5}).fits("a")


def test_failed_upstream_is_named():
    plan = plan_of({"a": [], "b": [], "c": ["a", "b"]})
    plan.end("a", well=False)
    plan.end("b", well=True)
    assert plan.failed_upstream("c") == ["a"]


def test_time_left_is_work_over_jobs_or_the_longest_way():
    plan = plan_of({"a": [], "b": [], "c": []}, durations={"a": 10, "b": 10, "c": 10})
    assert plan.seconds_left("abc") == 15
    chain = plan_of({"a": [], "b": ["a"], "c": ["b"]}, durations={"a": 10, "b": 10, "c": 10})
    assert chain.seconds_left("abc") == 30
    assert chain.seconds_left("") == 0


def test_stages_that_never_ran_are_known():
    assert plan_of({"a": [], "b": []}, durations={"a": 10}).unknown == {"b"}


@pytest.mark.parametrize(
    ("cores", "free_gib", "threads", "jobs"), [(8, 100, 1, 8), (8, 100, 3, 2), (8, 10, 1, 3), (2, 1, 4, 1)]
)
def test_jobs_are_as_many_as_cores_and_memory_bear(tmp_path, monkeypatch, cores, free_gib, threads, jobs):
    (tmp_path / "params.yaml").write_text(f"training: {{threads: {threads}}}")
    monkeypatch.setattr(pipeline, "cpu_count", lambda: cores)
    memory = SimpleNamespace(available=free_gib << 30)
    monkeypatch.setattr(pipeline.psutil, "virtual_memory", lambda: memory)
    assert pipeline.default_jobs(tmp_path) == jobs
