"""This Python and its packages -> what a run would miss.

Imports the standard library alone: whatever else is wanted may not be there.
"""

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHONS = ((3, 11), (3, 13))  # first and last that the pinned packages are for
INSTALL = "rm -f .venv/.ready && make run"
INSTALL_ANEW = "rm -rf .venv && make run"  # pip leaves alone what it has noted as installed


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what mends it; nothing if it is well."""

    what: str
    found: str
    mend: str = ""


def examine_installation() -> Iterator[Finding]:
    """Look at what everything else imports; nothing is changed."""
    yield _python()
    yield _packages()


def _python() -> Finding:
    first, last = (".".join(map(str, pair)) for pair in PYTHONS)
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding("python", platform.python_version())
    return Finding("python", f"{platform.python_version()}, want {first} to {last}", f"install one, then {INSTALL}")


def _packages() -> Finding:
    try:
        wanted = _list_wanted()
        if wrong := [text for each in wanted if (text := _what_is_wrong(each))]:
            return Finding("packages", "; ".join(wrong), INSTALL)
        import_module("flows.doctor")  # the wanted stand on others
    except ModuleNotFoundError as err:  # also of maskopt itself, which then is not installed
        return Finding("packages", f"{err.name} is missing", INSTALL_ANEW)
    return Finding("packages", f"{len(wanted)} as they should be")


def _list_wanted() -> "list[Requirement]":
    from packaging.requirements import Requirement  # noqa: PLC0415  may be missing

    wanted = [Requirement(line) for line in requires("maskopt") or ()]
    return [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]


def _what_is_wrong(wanted: "Requirement") -> str:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    return (
        "" if wanted.specifier.contains(found, prereleases=True) else f"{wanted.name} {found}, want {wanted.specifier}"
    )
