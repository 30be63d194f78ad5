"""How every stage starts and ends: logging, params, errors that a user can read, and code that stayed as it was."""

import logging
import sys
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Concatenate, cast

from maskopt import errors, params, paths, problems, terminal, yaml_text
from maskopt.errors import USER_MUST_ACT, ChangedMeanwhile, MaskoptError
from maskopt.params import Params, load_params
from maskopt.stages import CODE_AT_START, code

# DVC does not watch these, or a new message would train everything again.
UNWATCHED = {Path(str(module.__file__)) for module in (errors, params, paths, problems, terminal, yaml_text)}


def run(stage: Callable[Concatenate[Params, ...], None]) -> None:
    """Call `stage(params, *arguments of the command line)`; exit with a code and a message if the user must act.

    DVC notes the hashes of code and params when a stage has ended; a stage that was started with others must fail.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        given = _Read(load_params(paths.PARAMS))
        stage(cast("Params", given), *sys.argv[1:])
        if changed := [*_changed_code(), *given.changed()]:
            raise ChangedMeanwhile(changed)
    except MaskoptError as err:
        sys.stderr.write(f"error: {err}\n")
        sys.exit(1 if err.transient else USER_MUST_ACT)


class _Read:
    """Params that note which of their sections a stage has read, and which of the networks."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._sections: dict[str, object] = {}
        self._networks: dict[str, object] = {}

    def __getattr__(self, section: str) -> object:
        value = getattr(self._params, section)
        if section == "networks":
            return _Noted(value, self._networks)
        self._sections[section] = value
        return value

    def changed(self) -> list[str]:
        """Return those sections that params.yaml no longer holds as they were."""
        now = load_params(paths.PARAMS)
        names = [name for name, value in self._sections.items() if getattr(now, name) != value]
        names += [f"networks.{name}" for name, value in self._networks.items() if now.networks.get(name) != value]
        return [f"{paths.PARAMS}: {name}" for name in names]


class _Noted(UserDict[str, object]):
    """Entries, those that are asked for written into `asked` as well."""

    def __init__(self, entries: Mapping[str, object], asked: dict[str, object]) -> None:
        super().__init__(entries)
        self._asked = asked

    def __getitem__(self, key: str) -> object:
        value = self._asked[key] = super().__getitem__(key)
        return value


def _changed_code() -> Iterator[str]:
    """Yield the files that this process has loaded and that now have other content."""
    now = code()
    loaded = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    for file in sorted(loaded & CODE_AT_START.keys() - UNWATCHED):
        if now.get(file) != CODE_AT_START[file]:
            yield str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
