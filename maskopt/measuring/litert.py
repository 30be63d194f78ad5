"""The one place that opens an interpreter: .tflite file + pictures -> scores.

Shape legend: N pictures, H height px, W width px, K classes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from maskopt.errors import MissingFile, NotAModel, WrongPictures

Pixels = npt.NDArray[np.uint8]

# What LiteRT raises on broken files; on some it ends the process, which nobody can catch.
_BROKEN = (ValueError, RuntimeError, IndexError)


class Classifier:
    """An opened file that maps one RGB picture in 0..255 to K scores."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Open a file whose input is float32 or uint8.

        Raises:
            MissingFile: there is no `path`.
            NotAModel: it is not a .tflite file, or not one of a picture classifier.
        """
        if not path.is_file():
            raise MissingFile(path, "run `dvc repro`")
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
            self._output = self._interpreter.get_output_details()[0]
        except _BROKEN as err:
            raise NotAModel(path, _reason(err)) from err
        self._path = path
        self._refuse_other_shapes()

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """(H, W, 3) of the pictures it takes."""
        _, height, width, channels = (int(side) for side in self._input["shape"])
        return height, width, channels

    @property
    def n_classes(self) -> int:
        """K."""
        return int(self._output["shape"][-1])

    def scores(self, pictures: Pixels) -> npt.NDArray[np.float32]:
        """Return (N, K) scores of (N, H, W, 3) pictures.

        One picture at a time, as on a device: batches would need files of flexible shape.

        Raises:
            NotAModel: an operator cannot be run as the file says.
            WrongPictures: H, W or the channels are not the model's.
        """
        if pictures.shape[1:] != self.picture_shape:
            raise WrongPictures(self._path, self.picture_shape, pictures.shape[1:])
        rows = np.empty((len(pictures), self.n_classes), np.float32)
        for row, picture in zip(rows, pictures, strict=True):
            row[:] = self._score(picture)
        return rows

    def _score(self, picture: Pixels) -> npt.NDArray[np.float32]:
        try:
            self._interpreter.set_tensor(self._input["index"], picture[None].astype(self._input["dtype"], copy=False))
            self._interpreter.invoke()
            raw = self._interpreter.get_tensor(self._output["index"]).reshape(self.n_classes)  # (1, K) -> (K,)
        except _BROKEN as err:
            raise NotAModel(self._path, _reason(err)) from err
        return _dequantized(raw, *self._output["quantization"])

    def _refuse_other_shapes(self) -> None:
        shape, dtype = tuple(self._input["shape"]), self._input["dtype"]
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or dtype not in (np.float32, np.uint8):
            raise NotAModel(self._path, f"it takes {np.dtype(dtype)} of shape {_text(shape)}, not one RGB picture")
        if len(self._output["shape"]) != 2:
            raise NotAModel(self._path, f"it gives shape {_text(self._output['shape'])}, not one row of scores")


def _dequantized(raw: npt.NDArray[Any], scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    scores = raw.astype(np.float32)
    return scores if raw.dtype.kind == "f" else (scores - zero_point) * np.float32(scale)


def _reason(err: Exception) -> str:
    return " ".join(str(err).split()).rstrip(".")


def _text(shape: Any) -> str:
    return str(tuple(int(side) for side in shape))
