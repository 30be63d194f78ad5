"""What is to be run -> in which order: a stage as soon as its upstream is done, and the longest way to go first."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil
from joblib import cpu_count
from ruamel.yaml import YAML

from flows.graph import Graph
from maskopt.paths import PARAMS

GIB_PER_JOB = 3  # the largest stage of the networks that fit a small device; larger ones take more slots
UNKNOWN_SECONDS = 1.0  # a stage that never ran


class Plan:
    """Which stages wait, and which can start."""

    def __init__(self, graph: Graph, jobs: int, durations: Mapping[str, float]) -> None:
        self.graph = graph
        self.jobs = jobs
        self.waiting = dict.fromkeys(graph)
        self.running: dict[str, int] = {}  # stage -> slots
        self.ended: dict[str, bool] = {}  # stage -> well
        self.unknown = graph.keys() - durations.keys()  # never ran here
        self._seconds = {name: durations.get(name, UNKNOWN_SECONDS) for name in graph}
        self._way = self._ways_to_go()

    def start(self, name: str, slots: int) -> None:
        """Note that a stage has started."""
        del self.waiting[name]
        self.running[name] = slots

    def end(self, name: str, well: bool) -> None:
        """Note that a stage has ended."""
        self.waiting.pop(name, None)
        self.running.pop(name, None)
        self.ended[name] = well

    def ready(self) -> list[str]:
        """Return the stages whose upstream has ended, longest way to go first."""
        ready = [name for name in self.waiting if self.graph[name].upstream <= self.ended.keys()]
        return sorted(ready, key=lambda name: -self._way[name])

    def slots(self, name: str) -> int:
        """Return how many of the jobs a stage takes."""
        wanted = self.graph[name].settings.slots
        return self.jobs if wanted == "all" else min(wanted, self.jobs)

    def fits(self, name: str) -> bool:
        """Tell whether enough jobs are free for a stage."""
        return sum(self.running.values()) + self.slots(name) <= self.jobs

    def failed_upstream(self, name: str) -> list[str]:
        """Return what a stage stands on and that did not end well."""
        return sorted(other for other in self.graph[name].upstream if not self.ended[other])

    def seconds_left(self, among: Iterable[str]) -> float:
        """Return about how long these stages take from now: all jobs busy, and not less than the longest way."""
        names = list(among)
        work = sum(self._seconds[name] * self.slots(name) for name in names)
        return max([work / self.jobs, *(self._way[name] for name in names)])

    def _ways_to_go(self) -> dict[str, float]:
        """Return for each stage the seconds from its start to the end of all that stands on it."""
        way = dict(self._seconds)
        for name in reversed(list(self.graph)):
            for other in self.graph[name].upstream & way.keys():
                way[other] = max(way[other], self._seconds[other] + way[name])
        return way


def default_jobs(workspace: Path) -> int:
    """Return how many stages run side by side on this machine."""
    params = workspace / PARAMS
    given = YAML(typ="safe").load(params) if params.is_file() else {}
    threads = given.get("training", {}).get("threads", 1)
    by_memory = psutil.virtual_memory().available // (GIB_PER_JOB << 30)
    return int(max(1, min(cpu_count() // threads, by_memory)))
