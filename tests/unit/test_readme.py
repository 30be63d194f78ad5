"""README, as somebody types it from top to bottom."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_environment_is_activated_before_the_first_command_that_needs_it():
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    lines = "".join(blocks).splitlines()
    first = next(number for number, line in enumerate(lines) if line.split()[0] in ("maskopt", "dvc", "prefect"))
    assert ". .venv/bin/activate" in lines[:first]
