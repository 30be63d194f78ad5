"""Where a run is: one line that changes on a terminal, one line per stage elsewhere."""

import sys
import time
from collections import Counter
from types import TracebackType

from prefect.client.schemas import State
from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.plan import Plan
from flows.stage import Outcome

WORDS = ("done", "cached", "failed", "skipped")
_OTHER = {Outcome.CACHED.value: "cached", Outcome.RESTORED.value: "cached", "Skipped": "skipped"}  # names of states


class Progress:
    """Counts of stages, those under way, and about how much time is left."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._counts: Counter[str] = Counter()
        self._started = time.monotonic()
        console = Console(file=sys.stderr)
        self._live = (
            Live(console=console, refresh_per_second=4, get_renderable=self._line) if console.is_terminal else None
        )

    def ended(self, name: str, state: State) -> None:
        """Count a stage that came to its end."""
        word = _OTHER.get(state.name or "", "done" if state.is_completed() else "failed")
        self._counts[word] += 1
        if self._live and word not in ("cached", "skipped"):
            self._live.console.print(f"{word:8}{name}  {next(iter((state.message or '').splitlines()), '')}")

    def line(self) -> str:
        """Return the line as text."""
        total = len(self._plan.graph)
        counts = [f"{self._counts[word]} {word}" for word in WORDS]
        running = sorted(self._plan.running)
        left = [*running, *self._plan.waiting]
        ahead = f", {self._time_left(left)}" if left else ""
        names = f": {', '.join(running)}" if running else ""
        return (
            f"{sum(self._counts.values())} of {total} stages: {', '.join(counts)}, {len(running)} running{names}{ahead}"
        )

    def _time_left(self, stages: list[str]) -> str:
        if unknown := len(self._plan.unknown.intersection(stages)):
            so_far = _said(time.monotonic() - self._started)
            return f"{so_far} so far; {unknown} never ran here, so the time left is unknown"
        return f"about {_said(self._plan.seconds_left(stages))} left"

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def _line(self) -> Text:
        return Text(self.line(), overflow="ellipsis", no_wrap=True)


def _said(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
