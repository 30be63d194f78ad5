"""What a manifest must hold -> a suite of Great Expectations, each with the claim it stands for."""

from collections.abc import Collection, Iterator

from maskopt.data.gx import Column, Expectation, ExpectationSuite, gxe
from maskopt.data.rows import COLUMNS
from maskopt.params import Validation

REPORTED = "reported"  # key, in the meta of an expectation, of those that stop nothing


def make_suite(
    classes: Collection[str], rows_per_class: int | None, bounds: Validation, published: int | None
) -> ExpectationSuite:
    """Return the expectations on a manifest with the columns `labels_of_file` and, if published, `as_published`.

    Args:
        classes: the labels.
        rows_per_class: None: any number but none.
        bounds: of the sides in px.
        published: number of files in the list of what was published; None: there is no list.
    """
    expectations = [*_table(classes, rows_per_class), *_columns(classes, bounds), *_copies()]
    if published is not None:
        expectations += _published(published)
    return ExpectationSuite(name="manifest", expectations=expectations)


def _table(classes: Collection[str], rows_per_class: int | None) -> Iterator[Expectation]:
    for label in classes:
        chosen = Column("label") == label
        if rows_per_class is None:
            yield gxe.ExpectTableRowCountToBeBetween(min_value=1, notes=f"{label} has pictures", row_condition=chosen)
        else:
            claim = f"{label} has {rows_per_class:,} pictures (data.rows_per_class)"
            yield gxe.ExpectTableRowCountToEqual(value=rows_per_class, notes=claim, row_condition=chosen)


def _columns(classes: Collection[str], bounds: Validation) -> Iterator[Expectation]:
    for column in COLUMNS:
        yield gxe.ExpectColumnValuesToNotBeNull(column=column, notes=f"{column} is never missing")
    yield gxe.ExpectColumnValuesToBeUnique(column="path", notes="each path is there once")
    yield gxe.ExpectColumnValuesToBeInSet(
        column="label", value_set=list(classes), notes=f"labels are {', '.join(classes)} (data.classes)"
    )
    yield gxe.ExpectColumnValuesToBeBetween(column="bytes", min_value=1, notes="no file is empty")
    low, high = bounds.min_side_px, bounds.max_side_px
    for column in ("width_px", "height_px"):
        claim = f"{column} is in [{low}, {high}] (validation.min_side_px, max_side_px)"
        yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, notes=claim)
    for column, digits in (("sha256", 64), ("phash", 16)):
        claim = f"{column} is of {digits} hexadecimal digits"
        yield gxe.ExpectColumnValuesToMatchRegex(column=column, regex=f"^[0-9a-f]{{{digits}}}$", notes=claim)


def _copies() -> Iterator[Expectation]:
    yield gxe.ExpectColumnValuesToBeBetween(
        column="labels_of_file", max_value=1, notes="no file is in two classes, byte for byte"
    )
    yield gxe.ExpectColumnValuesToBeUnique(
        column="sha256", notes="no file is twice in a class, byte for byte", meta={REPORTED: True}
    )


def _published(files: int) -> Iterator[Expectation]:
    yield gxe.ExpectTableRowCountToEqual(value=files, notes=f"all {files:,} published files are there")
    yield gxe.ExpectColumnValuesToBeInSet(
        column="as_published", value_set=[True], notes="each file is, byte for byte, the published one"
    )
