import re
from types import SimpleNamespace

import pytest

from flows import experiments, pipeline, search
from flows.graph import Settings, Stage
from flows.noise import is_noise
from flows.plan import Plan, default_jobs


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


def test_lines_of_every_run_are_noise_and_warnings_are_not():
    for line in (
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "I0000 00:00:1795834971.334393   15276 port.cc:153] oneDNN custom operations are on. You may see",
        "I0000 00:00:1795834971.335683   15276 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU",
        "I0000 00:00:1795834971.335683   15276 cpu_feature_guard.cc:227] This binary is optimized to use available CPU "
        "instructions in performance-critical operations.",
        "Use `dvc push` to send your updates to remote storage.",
        "To track the changes with git, run:",
        "\tgit add data/curves/a.csv dvc.lock",
        "To enable auto staging, run:",
        "\tdvc config core.autostage true",
    ):
        assert is_noise(line)
    for line in (
        "W0000 00:00:1795834971.3   15276 gpu_device.cc:2] Could not find cuda drivers",
        "E0000 00:00:1795834971.3   15276 cuda_dnn.cc:8] Unable to register cuDNN factory",
        "I0000 00:00:1795834971.3   15276 device_compiler.h:1] Compiled cluster",
        "WARNING maskopt.stages.extra: left out 2 of 3 pictures",
        "error: data/raw is missing",
        "> git add a && false",
    ):
        assert not is_noise(line)


@pytest.mark.parametrize(
    ("params", "idle"),
    [("a: null", True), ("b: 1", True), ("a: {b: null}", True), ("a: {b: 0}", False), ("a: {b: some}", False)],
)
def test_stage_is_idle_where_its_setting_is_null(tmp_path, params, idle):
    (tmp_path / "params.yaml").write_text(params)
    stage = Stage("x", frozenset(), True, Settings(idle_without="a.b"))
    assert stage.is_idle(tmp_path) == idle
    assert not Stage("y", frozenset(), True, Settings()).is_idle(tmp_path)


@pytest.mark.parametrize(
    ("name_of", "parameters", "start"),
    [
        (pipeline.name_of_run, {}, "all stages"),
        (pipeline.name_of_run, {"targets": []}, "all stages"),
        (pipeline.name_of_run, {"targets": ["qat", "pqat"]}, "qat, pqat"),
        (experiments.name_of_run, {"overrides": ["seeds=[0],[1]", "prune.epochs=2"]}, "seeds=[0],[1] prune.epochs=2"),
        (search.name_of_run, {"max_kb": 100}, "search up to 100 kB"),
    ],
)
def test_run_is_named_after_what_was_asked_for_its_commit_and_time(monkeypatch, tmp_path, name_of, parameters, start):
    for module in (pipeline, experiments, search):
        monkeypatch.setattr(module, "flow_run", SimpleNamespace(parameters=parameters), raising=False)
    start, time = re.escape(start), r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    with monkeypatch.context() as clone:
        clone.setattr("flows.flow_runs.commit_of", lambda _: "0123456789abcdef")
        assert re.fullmatch(f"{start} of 0123456, {time}", name_of())
    monkeypatch.chdir(tmp_path)  # no clone
    assert re.fullmatch(f"{start}, {time}", name_of())
    monkeypatch.setenv("PATH", "")  # no git
    assert re.fullmatch(f"{start}, {time}", name_of())


def test_long_list_of_experiments_is_cut_in_the_name_of_their_run(monkeypatch):
    asked = [f"prune.epochs=range(1,{number})" for number in range(100)]
    monkeypatch.setattr(experiments, "flow_run", SimpleNamespace(parameters={"overrides": asked}), raising=False)
    name = experiments.name_of_run()
    assert name.startswith("prune.epochs=range(1,0) ")
    assert len(name) < 150


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
    monkeypatch.setattr("flows.plan.cpu_count", lambda: cores)
    memory = SimpleNamespace(available=free_gib << 30)
    monkeypatch.setattr("flows.plan.psutil.virtual_memory", lambda: memory)
    assert default_jobs(tmp_path) == jobs
