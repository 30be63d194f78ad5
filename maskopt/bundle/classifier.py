"""A bundle and a picture -> what it shows.

Shape legend: H height px, W width px, K classes.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from maskopt.bundle.description import FILE, MODEL, Description, read_description
from maskopt.data.picture import as_seen, fit, open_picture
from maskopt.errors import BrokenBundle, MissingFile, NotAModel, WrongArray
from maskopt.measuring.litert import Classifier
from maskopt.readable import MODEL_BYTES, refuse_unreadable

UNSURE = "unsure"


@dataclass(frozen=True)
class Answer:
    """What a model says of one picture."""

    label: str  # of the likeliest class
    confidence: float  # its probability, in [0, 1]
    is_sure: bool  # whether that is enough, by what validation pictures showed
    scores: dict[str, float]  # class -> probability
    ms: float  # of inference alone

    @property
    def text(self) -> str:
        """The label, or that the model is unsure."""
        return self.label if self.is_sure else UNSURE


class Bundle:
    """An opened bundle; `maskopt.load` makes one."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Open the folder of a bundle.

        Raises:
            MissingFile: it is no bundle.
            BrokenBundle: its description is not one, or is of another model.
            NotAModel: its model is no file, too large or cannot be read.
        """
        self.description: Description = read_description(folder)
        refuse_unreadable(folder / MODEL, MODEL_BYTES, NotAModel)
        try:
            content = (folder / MODEL).read_bytes()
        except FileNotFoundError:
            raise MissingFile(folder / MODEL, "make the bundle again with `maskopt bundle NETWORK/VARIANT`") from None
        if (found := hashlib.sha256(content).hexdigest()) != self.description.sha256:
            raise BrokenBundle(folder / MODEL, f"SHA-256 {found}, want {self.description.sha256}")
        self._classifier = Classifier(folder / MODEL, threads)
        given, classes = self.description.input, self.description.classes
        if (said := (given.height_px, given.width_px, 3)) != (takes := self._classifier.picture_shape):
            raise BrokenBundle(folder / FILE, f"it says pictures of shape {said}, the model takes {takes}")
        if len(classes) != self._classifier.n_classes:
            raise BrokenBundle(
                folder / FILE, f"it names {len(classes)} classes, the model {self._classifier.n_classes}"
            )

    def classify(self, picture: str | Path | Image.Image | npt.NDArray[np.uint8]) -> Answer:
        """Return what a picture shows, treated as the pictures of training were.

        Args:
            picture: a JPEG, PNG or WebP file, an image of Pillow, or (H, W, 3) RGB.

        Raises:
            UnreadablePicture: the file is not such a picture, or has too many pixels.
            WrongArray: an array is of another shape or type.
        """
        given = self.description.input
        match picture:
            case str() | Path():
                image = open_picture(Path(picture), given.max_pixels).image
            case Image.Image():
                image = as_seen(picture)
            case np.ndarray():
                if picture.dtype != np.uint8 or picture.shape[2:] != (3,) or not picture.size:
                    raise WrongArray(f"shape {picture.shape} of {picture.dtype}")
                image = Image.fromarray(picture)
            case _:
                raise WrongArray(type(picture).__name__)
        pixels = fit(image, given.height_px, given.aspect)
        started = time.perf_counter()
        scores = self._classifier.scores(pixels[None])[0]
        ms = 1000 * (time.perf_counter() - started)
        by_class = {name: float(score) for name, score in zip(self.description.classes, scores, strict=True)}
        label = max(by_class, key=lambda name: by_class[name])
        return Answer(label, by_class[label], by_class[label] >= self.description.unsure_below, by_class, ms)
