"""The flow on a schedule: this process starts it, one run at a time, until it is ended."""

import platform
import re
from collections.abc import Sequence
from pathlib import Path

from prefect.client.schemas.schedules import CronSchedule
from pydantic import ValidationError

from flows.errors import UnusableCron
from flows.pipeline import run_graph


def read_cron(cron: str) -> CronSchedule:
    """Return the schedule of minute, hour, day, month and day of the week, in UTC.

    Raises:
        UnusableCron: the time cannot be read.
    """
    try:
        return CronSchedule(cron=cron, timezone="UTC")
    except ValidationError:
        raise UnusableCron(cron) from None


def serve(due: CronSchedule, targets: Sequence[str] = ()) -> None:
    """Run the graph of this folder whenever it is due, and whenever somebody asks for it on Prefect's page.

    A run that is due while another scheduled one is at work waits for it; while a run by hand is at work, it fails and
    says so. One that finds nothing changed says so within seconds.

    Args:
        due: when.
        targets: as of `run_graph`.
    """
    name = re.sub(r"[^\w.]+", "-", f"scheduled {platform.node()} {Path.cwd()}")  # many may share one server
    run_graph.serve(name=name, schedules=[due], parameters={"targets": list(targets)}, limit=1)
