"""A YAML file that a user writes -> its values, or an error that says where it is broken."""

from itertools import chain
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from maskopt.errors import InvalidParams, MissingFile
from maskopt.problems import cut

MAX_BYTES = 2**17  # of a file, and of letters and values with what aliases repeat; the largest profile has 4 kB

# What ruamel raises, beside its own errors, where a tag or the looks of a value promise what it is not.
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def read_text(path: Path) -> str:
    """Return what a file of params holds.

    Raises:
        MissingFile: there is no `path`.
        InvalidParams: it is a folder, not UTF-8, or has more than 128 KiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except FileNotFoundError:
        raise MissingFile(path, "run in the root of the repository, or `maskopt profile quick`") from None
    except IsADirectoryError:
        raise InvalidParams(path, ["want a file, got a folder"]) from None
    except UnicodeDecodeError as err:
        raise InvalidParams(path, [f"not UTF-8: {err.reason} at byte {err.start}"]) from None
    if len(content) > MAX_BYTES:
        raise InvalidParams(path, [f"want at most {MAX_BYTES:,} bytes, got more"])
    return text


def parse_yaml(reader: YAML, text: str, path: Path) -> Any:
    """Return what `reader` makes of a text; `path` is where the user would mend it.

    Raises:
        InvalidParams: it is not YAML, says more than any params need, or a value is not what its tag says.
    """
    try:
        if _outgrows(reader.compose(text)):
            more = f"want at most {MAX_BYTES:,} letters and values with what aliases repeat, got more"
            raise InvalidParams(path, [more])
        return reader.load(text)
    except YAMLError as err:
        raise InvalidParams(path, [cut(f"not YAML: {_place_and_problem(err)}")]) from None
    except RecursionError:
        raise InvalidParams(path, ["nested too deep"]) from None
    except _BROKEN as err:
        raise InvalidParams(path, [cut(f"a value that is not what its tag or its looks say: {err}")]) from None


def _outgrows(node: Node | None) -> bool:
    """Return whether there is more than any params need, each alias counted as what it repeats: so do merges."""
    left, waiting = MAX_BYTES, [node] if node else []
    while waiting and left >= 0:
        part = waiting.pop()
        left -= len(part.value)
        if isinstance(part, MappingNode):
            waiting += chain.from_iterable(part.value)
        elif isinstance(part, SequenceNode):
            waiting += part.value
    return left < 0


def _place_and_problem(err: YAMLError) -> str:
    if not isinstance(err, MarkedYAMLError) or err.problem_mark is None:
        return str(err)
    return f"line {err.problem_mark.line + 1}, column {err.problem_mark.column + 1}: {err.problem}"
