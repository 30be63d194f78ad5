"""Every error a user can cause, as a tree.

MaskoptError
├── InvalidParams        params.yaml does not say what it should
├── UnknownName          a backbone, variant, format or profile that is not known
├── MissingFile          a file another stage or the user should have put there
└── WrongWeights         a weights file that does not fit its network

A message says what, got, expected and the next step. A bug stays a bare ValueError.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path


class MaskoptError(Exception):
    """The user can mend this: shown without a traceback."""


class InvalidParams(MaskoptError):
    """One or more values of params.yaml are unknown, missing or out of range."""

    def __init__(self, path: Path, problems: Iterable[str]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{path} has values that cannot be used:\n{lines}\nEdit {path}, then run again")


class UnknownName(MaskoptError):
    """A name that its table does not hold."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(known)}.{hint}")


class MissingFile(MaskoptError):
    """A file that should be there is not."""

    def __init__(self, path: Path, next_step: str) -> None:
        super().__init__(f"{path} is missing: {next_step}")


class WrongWeights(MaskoptError):
    """A weights file does not fit the network it was given for."""

    def __init__(self, path: Path, network: str, reason: str) -> None:
        super().__init__(
            f"{path} does not hold weights of {network}: {reason}. "
            f"Set networks.{network}.weights in params.yaml to a matching file, to 'imagenet' or to 'none'"
        )
