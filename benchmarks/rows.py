"""A table that grows while a long benchmark runs, so that one that was stopped goes on after its last row."""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from maskopt.files import replacing


class Rows:
    """A CSV file in docs/results."""

    def __init__(self, file: Path, keys: Sequence[str]) -> None:
        """Open a file, which may be missing; `keys` are the columns by which a row is found."""
        self.file = file
        self.keys = list(keys)

    def has(self, **values: object) -> bool:
        """Return whether there is a row with these keys."""
        if not self.file.is_file():
            return False
        rows = pd.read_csv(self.file)
        return bool((rows[self.keys] == pd.Series(values)[self.keys]).all(axis=1).any())

    def add(self, *rows: Mapping[str, object]) -> None:
        """Write rows, each with commit and date."""
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        about = {"commit": commit.stdout.strip(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        added = pd.DataFrame([{**row, **about} for row in rows])
        if self.file.is_file():
            added = pd.concat([pd.read_csv(self.file), added], ignore_index=True)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.file) as temporary:
            added.to_csv(temporary, index=False)
