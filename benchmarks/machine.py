"""What every benchmark says of itself, and how it starts commands."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def introduce(packages: Iterable[str]) -> None:
    """Print when, at which commit, with what and on how many cores the figures below it are taken."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    say(f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {versions}, Python {platform.python_version()},")
    say(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}\n")


def environment(code: Path = ROOT) -> dict[str, str]:
    """Return the variables of a command: the package of a folder, telemetry off."""
    return os.environ | {"PYTHONPATH": str(code), "DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1"}


def say(line: str) -> None:
    """Print at once: a whole benchmark takes long."""
    print(line, flush=True)  # noqa: T201
