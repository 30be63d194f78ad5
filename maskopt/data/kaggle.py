"""Kaggle -> folder, by the official client. Apart from the download it sends nothing: its version check rides on that.

Importing this takes a second, for kagglehub.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kagglehub
import requests
from kagglehub import config, exceptions, http_resolver

from maskopt.data.archive import Limits, unpack
from maskopt.errors import BrokenArchive, KaggleFailed, NoKaggleCredentials, UnsafeArchive

REASONS = {  # HTTP status -> what it means here, and the next step
    403: ("it refuses (403)", "Accept the terms on the page of the data set, and check that the token may read it"),
    404: ("there is no such data set (404)", "Mend data.kaggle_dataset in params.yaml: owner/name"),
    429: ("it has had too many requests (429)", "Wait some minutes, then run `dvc repro fetch`"),
}
FINAL = (403, 404)  # asking again gets the same
BY_HAND = (
    "Run `dvc repro fetch` again later, or download the archive with a browser, put it into data/incoming "
    "and set data.source to archive and data.path to it"
)
UNPACKED = (
    "Run `dvc repro fetch` again later, or download the archive with a browser, unpack it yourself "
    "and set data.source to folder and data.path to where it is"
)


def download(dataset: str, cache: Path) -> Path:
    """Return a folder inside `cache` with the files of the newest version.

    Args:
        dataset: owner/name.
        cache: where kagglehub may keep what it likes; nothing is written to the home folder.

    Raises:
        NoKaggleCredentials: none were found, or Kaggle does not accept them.
        KaggleFailed: it has no such data set, is not to be reached, or sent what is no archive that we unpack.
    """
    check_credentials()
    try:
        with _cache_in(cache), _unpacking_as_we_do():
            return Path(kagglehub.dataset_download(dataset))
    except requests.HTTPError as err:
        status = err.response.status_code if err.response is not None else 0
        if status == requests.codes.unauthorized:
            raise NoKaggleCredentials("it does not accept those it got (401)") from None
        reason, next_step = REASONS.get(status, (f"it answers with HTTP status {status}", BY_HAND))
        raise KaggleFailed(dataset, reason, next_step, transient=status not in FINAL) from None
    except requests.RequestException as err:  # its text may hold a signed address
        raise KaggleFailed(dataset, f"no connection ({type(err).__name__})", BY_HAND, transient=True) from None
    except (exceptions.BackendError, exceptions.DataCorruptionError) as err:
        raise KaggleFailed(dataset, f"what came is not whole ({err})", BY_HAND, transient=True) from err
    except (BrokenArchive, UnsafeArchive) as err:
        raise KaggleFailed(dataset, f"what came was not unpacked: {err.reason}", UNPACKED, transient=False) from err
    except ValueError as err:  # of an odd name
        raise KaggleFailed(dataset, str(err).rstrip("."), REASONS[404][1], transient=False) from err


def check_credentials() -> None:
    """Look for credentials, without asking Kaggle what they are worth.

    Raises:
        NoKaggleCredentials: there are none, or they cannot be read.
    """
    try:
        found = config.get_kaggle_credentials()
    except (ValueError, OSError) as err:  # they name the file, not what is in it
        raise NoKaggleCredentials(str(err)) from err
    except (TypeError, RecursionError) as err:  # JSON, but not the two texts
        raise NoKaggleCredentials("kaggle.json does not hold a username and a key") from err
    if not found:
        raise NoKaggleCredentials("none were found")


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    name = config.CACHE_FOLDER_ENV_VAR_NAME
    before = os.environ.get(name)
    os.environ[name] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _unpacking_as_we_do() -> Iterator[None]:
    """Let kagglehub unpack with our bounds: it has none, and no way to give the archive alone."""
    theirs = http_resolver._extract_archive
    http_resolver._extract_archive = lambda archive, target: unpack(Path(archive), Path(target), Limits())
    try:
        yield
    finally:
        http_resolver._extract_archive = theirs
