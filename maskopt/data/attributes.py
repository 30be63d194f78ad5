"""A table that the user gives of what is known of pictures beside their class: skin tone, glasses, age and so on."""

import warnings
from pathlib import Path

import pandas as pd

from maskopt.errors import MissingFile, UnusableAttributes

PATH = "path"
NOT_SAID = "not said"
MOST_ATTRIBUTES = 50
HEADER_BYTES = 2**14  # of the first line
ROW_BYTES = 2**11  # of a picture: its path and values
MOST_VALUES = 20  # of one attribute: names or numbers of pictures are no attribute


def read_attributes(path: Path, pictures: pd.Series) -> pd.DataFrame:
    """Return a row per picture of `pictures`, in their order: path, and a column of text for each attribute.

    Args:
        path: a CSV file with a column `path`, as in the manifest, and others. Pictures may be left out, or cells empty.
        pictures: paths of the manifest.

    Raises:
        MissingFile: there is no `path`.
        UnusableAttributes: it is not such a table, is larger than one of these pictures can be, names a picture twice
            or one that is not there, has more than 50 attributes, or one with more than 20 values.
    """
    try:
        _refuse_large(path, len(pictures))
        with warnings.catch_warnings(action="error"):  # of rows that have more cells than there are columns
            rows = pd.read_csv(path, dtype=str, keep_default_na=False, compression=None, index_col=False)
    except FileNotFoundError:
        raise MissingFile(path, "put the table there, or set evaluation.attributes in params.yaml to null") from None
    except IsADirectoryError:
        raise UnusableAttributes(path, "want a CSV file, got a folder") from None
    except pd.errors.ParserWarning:
        raise UnusableAttributes(path, "rows have more cells than there are columns") from None
    except ValueError as err:  # of pandas, and not UTF-8
        raise UnusableAttributes(path, " ".join(str(err).split())) from None
    if problem := _problem(rows, pictures):
        raise UnusableAttributes(path, problem)
    return rows.set_index(PATH).reindex(pictures).replace("", NOT_SAID).fillna(NOT_SAID).rename_axis(PATH).reset_index()


def _refuse_large(path: Path, n_pictures: int) -> None:
    """Raise before pandas reads what would fill the memory."""
    most = HEADER_BYTES + ROW_BYTES * n_pictures
    if path.is_file() and (size_bytes := path.stat().st_size) > most:
        raise UnusableAttributes(path, f"{size_bytes:,} bytes are too many for {n_pictures:,} pictures")
    with path.open("rb") as file:
        header = file.readline(HEADER_BYTES + 1)
    if len(header) > HEADER_BYTES or header.count(b",") > MOST_ATTRIBUTES or header.count(b'"') % 2:
        raise UnusableAttributes(
            path,
            f"want a first line with {PATH} and at most {MOST_ATTRIBUTES} attributes, in {HEADER_BYTES:,} bytes",
        )


def _problem(rows: pd.DataFrame, pictures: pd.Series) -> str:
    if PATH not in rows or len(rows.columns) == 1:
        return f"want a column {PATH} and one or more attributes, got {', '.join(rows.columns)}"
    if twice := sorted(set(rows[PATH][rows[PATH].duplicated()])):
        return f"{len(twice)} pictures are there twice, first {twice[0]}"
    if unknown := sorted(set(rows[PATH]) - set(pictures)):
        return f"{len(unknown)} of {len(rows)} pictures are not in the manifest, first {unknown[0]}"
    for name, values in rows.drop(columns=PATH).items():
        if values.nunique() > MOST_VALUES:
            return f"{name} has {values.nunique()} values, want at most {MOST_VALUES}: put them into groups"
    return ""
