"""Sample, archive, folder or Kaggle -> one folder per class."""

import logging
import shutil
from collections.abc import Collection
from pathlib import Path

from maskopt.data.archive import Limits, unpack
from maskopt.errors import MissingFile, NoClassFolders
from maskopt.files import replacing, scratch
from maskopt.params import Data, Sample

MAX_DEPTH = 5  # of the class folders, below what the user names
NAMED = 5  # folders that a message names
SAMPLE_ROWS = 2994  # per class, as in the Kaggle set, where data.rows_per_class does not say

logger = logging.getLogger(__name__)


def fetch(data: Data, sample: Sample, target: Path) -> None:
    """Write the pictures to `target`/class/file, and what lies beside the classes too: the manifest names it.

    Until all is there, what was at `target` stays.

    Raises:
        MissingFile, NoClassFolders: there is nothing to take, or not as one folder per class.
        BrokenArchive, UnsafeArchive: of source `archive`.
        NoKaggleCredentials, KaggleFailed: of source `kaggle`.
    """
    with replacing(target) as part, scratch(target.with_name(".fetch")) as whole:
        match data.source:  # each imports what no other needs
            case "sample":
                from maskopt.data.sample import draw_sample  # noqa: PLC0415

                draw_sample(part, data.classes, data.rows_per_class or SAMPLE_ROWS, sample.seed, sample.version)
            case "archive":
                if data.path.is_dir():
                    raise MissingFile(data.path / "the archive", "set data.path in params.yaml to a zip or tar file")
                unpack(data.path, whole, Limits())
                find_class_folders(whole, data.classes, str(data.path)).rename(part)
            case "folder":
                if not data.path.is_dir():
                    raise MissingFile(data.path, "set data.path in params.yaml to the folder of the pictures")
                _copy(find_class_folders(data.path, data.classes, str(data.path)), part)
            case "kaggle":
                from maskopt.data.kaggle import download  # noqa: PLC0415

                folder = download(data.kaggle_dataset, whole)
                find_class_folders(folder, data.classes, data.kaggle_dataset).rename(part)
    logger.info("pictures of source %s in %s", data.source, target)


def find_class_folders(folder: Path, classes: Collection[str], name: str) -> Path:
    """Return the one folder, at or below `folder`, that holds a class folder, the others missing perhaps.

    Args:
        folder: what was fetched.
        classes: names of the class folders.
        name: of `folder`, for people.

    Raises:
        NoClassFolders: there is none, or more than one on the highest level that has any.
    """
    level, seen = [folder], []
    for _ in range(MAX_DEPTH):
        holding = [place for place in level if any((place / label).is_dir() for label in classes)]
        if len(holding) == 1:
            if beside := _beside(folder, holding[0]):
                logger.warning("%s: left out, not beside the class folders: %s", name, _name(folder, beside))
            return holding[0]
        if holding:
            raise NoClassFolders(name, classes, f"them in {_name(folder, holding)}")
        level = [
            entry
            for place in level
            for entry in sorted(place.iterdir())
            if entry.is_dir() and not entry.name.startswith(".")
        ]
        seen += level
    raise NoClassFolders(name, classes, _name(folder, seen) if seen else "no folder at all")


def _name(folder: Path, places: list[Path]) -> str:
    rest = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(repr(place.relative_to(folder).as_posix()) for place in places[:NAMED]) + rest


def _beside(folder: Path, holding: Path) -> list[Path]:
    """Return what lies on the way from `folder` down to `holding`."""
    on_the_way = [place for place in (holding, *holding.parents) if place != folder and place.is_relative_to(folder)]
    return [entry for place in on_the_way for entry in sorted(place.parent.iterdir()) if entry != place]


def _copy(folder: Path, target: Path) -> None:
    """Copy the files of a folder and its folders. Links are followed to files, and from the first level to folders.

    Of a pipe and of another link an empty file remains, which the manifest counts and names. What git and DVC note
    beside data is not data.
    """
    tops = sorted(top for top in folder.iterdir() if top.name != ".gitignore" and top.suffix != ".dvc")
    files = tops + [path for top in tops if top.is_dir() for path in sorted(top.rglob("*"))]
    target.mkdir()
    for path in files:
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and (path in tops or not path.is_symlink()):
            copy.mkdir(exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, copy)
        else:
            logger.warning("%s is neither a file nor a link to one: an empty file stands for it", path)
            copy.touch()
