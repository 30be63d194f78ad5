"""A value that is not as it should be -> what a message says of it, short whatever it is."""

import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_PROBLEMS = 50  # that are named
MAX_KEY = 100  # letters
MAX_LETTERS = 1000  # of what is said of one


class _Shown(reprlib.Repr):
    """What a message shows of a value, whatever its size."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 100

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() <= 256 else f"a number of {x.bit_length():,} bits"


shown = _Shown().repr  # of any value, at most some hundred letters


def cut(text: str) -> str:
    """Return a text, or as much of it as a message may hold."""
    return text if len(text) <= MAX_LETTERS else f"{text[:MAX_LETTERS]}..."


def place(keys: Iterable[str | int]) -> str:
    """Return where a value is: keys with dots between; long ones and those that cannot be seen as Python has them."""
    return ".".join(_key(str(key)) for key in keys)


def _key(key: str) -> str:
    return key if key.isprintable() and len(key) <= MAX_KEY else shown(key)


def list_problems(err: ValidationError) -> Iterator[str]:
    """Yield each problem with its place, and at the end how many more there are."""
    details = [detail for detail in err.errors(include_url=False) if not _follows(detail)]
    for detail in details[:MAX_PROBLEMS]:
        where = place(detail["loc"])
        yield cut(f"{where}: {_wish(detail)}" if where else _wish(detail))
    if len(details) > MAX_PROBLEMS:
        yield f"and {len(details) - MAX_PROBLEMS:,} more"


def _follows(detail: ErrorDetails) -> bool:
    """Return whether it is of a list that is short for its items alone, which are named."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _wish(detail: ErrorDetails) -> str:
    got: Any = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return "unknown key; remove it or mend its spelling"
        case "missing":
            return "missing"
        case "value_error":  # ours, complete
            return detail["msg"].removeprefix("Value error, ")
        case "model_type":
            return f"want keys and values, got {shown(got)}"
        case "too_short":
            return f"want {detail['ctx']['min_length']} or more, got {shown(got)}"
        case _:
            return f"{detail['msg'].replace('Input should be', 'want')}, got {shown(got)}"
