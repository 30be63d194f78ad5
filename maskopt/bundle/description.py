"""model.json of a bundle: what the model takes, what it gives, how good it is, and where it came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from maskopt.data.picture import Aspect
from maskopt.errors import BrokenBundle, MissingFile
from maskopt.problems import place
from maskopt.readable import refuse_unreadable

K = TypeVar("K")

FILE = "model.json"
MODEL = "model.tflite"
LABELS = "labels.txt"
VECTORS = "test_vectors.npz"
MAX_BYTES = 2**20  # of model.json, which has 5 kB


class _Part(BaseModel, frozen=True, extra="forbid"):
    pass


class Input(_Part):
    """One picture, (1, H, W, 3), RGB, 0 to 255: upright, without transparency, brought to this size."""

    height_px: int = Field(ge=1)
    width_px: int = Field(ge=1)
    dtype: Literal["uint8", "float32"]
    aspect: Aspect  # what becomes of pictures that are not square
    background: tuple[int, int, int]  # RGB, behind transparent pixels and beside padded pictures
    max_pixels: int = Field(ge=1, le=10**9)  # larger pictures are refused


class Output(_Part):
    """Scores, (1, K), in the order of the classes: (raw - zero_point) * scale is the probability."""

    dtype: Literal["uint8", "float32"]
    scale: float  # 1 where dtype is float32
    zero_point: int


class Description(_Part):
    """What a program must know to use the model, and a person to trust it."""

    network: str
    variant: str
    format: str
    seed: int
    classes: tuple[str, ...] = Field(min_length=2)
    pictures: str  # that it learned from and was tested on, in words
    input: Input
    output: Output
    unsure_below: float = Field(ge=0, le=1)  # probability of the likeliest class, under which there is no answer
    unsure_share: float = Field(ge=0, le=1)  # of the answers about the validation pictures
    right_when_sure: float  # how often answers should be right, by which that was chosen on the validation pictures
    sha256: str  # of the model
    raw_bytes: int
    gzip_bytes: int
    vectors_tolerance: float = Field(ge=0)  # by which each score of test_vectors.npz may differ elsewhere
    operators: tuple[str, ...]  # that a device must have
    arena_bytes: int | None  # of LiteRT Micro; None for files that it does not run
    metrics: dict[str, Any]  # on the test pictures
    commit: str | None  # of the repository that the model was made in
    origin: dict[str, Any] | None  # as the model itself carries it

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.network}/{self.variant}/{self.format}"


BEST_BY = "right most often about the validation pictures, of equals the one of the fewest gzip bytes"


def best(figures: Mapping[K, Mapping[str, Any]]) -> K:
    """Return which model is the best as `BEST_BY` says, of the metrics of each."""
    return min(figures, key=lambda each: (-figures[each]["val_accuracy"], figures[each]["gzip_bytes"]))


def read_description(folder: Path) -> Description:
    """Return the description in the folder of a bundle.

    Raises:
        MissingFile: it is no bundle.
        BrokenBundle: its description is not one.
    """
    file = folder / FILE
    refuse_unreadable(file, MAX_BYTES, BrokenBundle)
    try:
        return Description.model_validate_json(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFile(file, "make a bundle with `maskopt bundle NETWORK/VARIANT`") from None
    except ValidationError as err:
        first = err.errors()[0]
        where = place(first["loc"])
        raise BrokenBundle(file, f"{where}: {first['msg']}" if where else first["msg"]) from None
