"""Named sets of params: profiles/<name>.yaml -> params.yaml.

`quick` is complete; each other profile holds what differs from it.
"""

import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from maskopt.errors import InvalidParams, MissingFile, UnknownName
from maskopt.files import replacing
from maskopt.params import parse_params
from maskopt.problems import shown
from maskopt.yaml_text import parse_yaml, read_text

BASE = "quick"

EDITOR = YAML()  # of params: keeps comments and the order of keys
EDITOR.indent(mapping=2, sequence=4, offset=2)  # as params.yaml is written, so that git shows what differs alone
EDITOR.width = 4096  # one line for each value
EDITOR.representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def put_profile(name: str, profiles: Path, params: Path) -> Path | None:
    """Write the params of a profile to `params`, if they can be used.

    Return where those are now that were there, if they are no profile's: git may not have them.

    Raises:
        MissingFile: there are no profiles here.
        UnknownName: there is no such profile; the known ones are named.
        InvalidParams: the profile is not YAML, or holds unknown keys or values out of range.
    """
    known = {path.stem: path for path in sorted(profiles.glob("*.yaml"))}
    if not known:
        raise MissingFile(profiles, "run in the root of the repository")
    if name not in known:
        raise UnknownName("profile", name, known)
    text = _text(name, known)
    parse_params(text, known[name])
    kept = None
    if params.is_file() and not _is_of_profile(former := params.read_bytes(), known):
        kept = params.with_name(f"{params.name}.former-{hashlib.sha256(former).hexdigest()[:8]}")
        with replacing(kept) as file:
            file.write_bytes(former)
    with replacing(params) as file:
        file.write_text(text, encoding="utf-8")
    return kept


def _is_of_profile(params: bytes, known: Mapping[str, Path]) -> bool:
    for name in known:
        with suppress(InvalidParams):  # of one that somebody is writing
            if _text(name, known).encode() == params:
                return True
    return False


def _text(name: str, known: Mapping[str, Path]) -> str:
    values = _read(known[BASE])
    if name != BASE:
        _override(values, _read(known[name]))
    text = io.StringIO()
    EDITOR.dump(values, text)
    return text.getvalue()


def _read(path: Path) -> dict[str, Any]:
    values = parse_yaml(EDITOR, read_text(path), path)
    if not isinstance(values, dict):
        raise InvalidParams(path, [f"want keys and values, got {shown(values)}"])
    return values


def _override(values: dict[str, Any], differing: dict[str, Any]) -> None:
    for key, value in differing.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _override(values[key], value)
        else:
            values[key] = value
