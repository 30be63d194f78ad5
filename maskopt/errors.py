"""Every error a user can cause, as a tree.

MaskoptError
├── InvalidParams        params.yaml does not say what it should
├── UnknownName          a backbone, variant, format or profile that is not known
├── MissingFile          a file another stage or the user should have put there
├── WrongWeights         a weights file that does not fit its network
├── NotAModel            a file that is not a .tflite picture classifier
├── WrongPictures        pictures of another size than a model takes
└── LostTechnique        a .tflite file without the zeros, clusters or integers it promises

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


class NotAModel(MaskoptError):
    """A file cannot be read as a .tflite picture classifier."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not a .tflite file that can be used here: {reason}. "
            "Make it again with `dvc repro`, or give another file"
        )


class WrongPictures(MaskoptError):
    """Pictures have another shape than the model takes."""

    def __init__(self, path: Path, expected: tuple[int, ...], got: tuple[int, ...]) -> None:
        super().__init__(
            f"{path} takes pictures of shape {expected}, got {got}. "
            "Resize them, or set size_px of the network in params.yaml and run `dvc repro`"
        )


class LostTechnique(MaskoptError):
    """A .tflite file does not hold what its variant and format promise."""

    def __init__(self, technique: str, file_format: str, layer: str, expected: str, got: str) -> None:
        super().__init__(
            f"{technique} was lost in the {file_format} file, layer {layer!r}: want {expected}, got {got}. "
            "Compare the installed packages with requirements.txt; if they agree, report this as a bug of maskopt"
        )
