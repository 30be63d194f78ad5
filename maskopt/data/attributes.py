"""A table that the user gives of what is known of pictures beside their class: skin tone, glasses, age and so on."""

from pathlib import Path

import pandas as pd

from maskopt.errors import MissingFile, UnusableAttributes

PATH = "path"
NOT_SAID = "not said"
MOST_VALUES = 20  # of one attribute: names or numbers of pictures are no attribute


def read_attributes(path: Path, pictures: pd.Series) -> pd.DataFrame:
    """Return a row per picture of `pictures`, in their order: path, and a column of text for each attribute.

    Args:
        path: a CSV file with a column `path`, as in the manifest, and others. Pictures may be left out, or cells empty.
        pictures: paths of the manifest.

    Raises:
        MissingFile: there is no `path`.
        UnusableAttributes: it is not such a table, names a picture twice or one that is not there, or has a column
            with more than 20 values.
    """
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, compression=None)  # whatever it is called
    except FileNotFoundError:
        raise MissingFile(path, "put the table there, or set evaluation.attributes in params.yaml to null") from None
    except IsADirectoryError:
        raise UnusableAttributes(path, "want a CSV file, got a folder") from None
    except ValueError as err:  # of pandas, and not UTF-8
        raise UnusableAttributes(path, " ".join(str(err).split())) from None
    if problem := _problem(rows, pictures):
        raise UnusableAttributes(path, problem)
    return rows.set_index(PATH).reindex(pictures).replace("", NOT_SAID).fillna(NOT_SAID).rename_axis(PATH).reset_index()


def _problem(rows: pd.DataFrame, pictures: pd.Series) -> str:
    if not isinstance(rows.index, pd.RangeIndex):  # pandas takes what is more for an index
        return "rows have more cells than there are columns"
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
