"""Training after its last whole epoch -> a file, so that a run that was killed goes on there.

Keras' BackupAndRestore keeps weights and optimizer; what ends training early, and the curves, would start anew.
"""

import json
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt.files import replacing
from maskopt.networks.keras import keras, tf

Arrays = list[npt.NDArray[Any]]
STATE = ("wait", "best", "best_epoch", "stopped_epoch")  # of early stopping


class Checkpoint(keras.callbacks.EarlyStopping):  # type: ignore[misc]  # Keras has no types
    """Ends training early, keeps the best weights and the curves, and can go on with what another process began."""

    def __init__(self, file: Path | None, patience: int, start_from_epoch: int) -> None:
        """Note each epoch in `file`; None: nowhere."""
        super().__init__(patience=patience, restore_best_weights=True, start_from_epoch=start_from_epoch)
        self.file = file
        self.rows: list[dict[str, float]] = []  # one per epoch
        self.saved: dict[str, Any] = {}

    def restore(self, model: keras.Model) -> int:
        """Set the compiled model and its optimizer to what the file holds; return the epoch to begin with."""
        if self.file is None or not self.file.is_file():
            return 0
        with np.load(self.file, allow_pickle=False) as arrays:
            noted = json.loads(str(arrays["noted"]))
            model.set_weights(_list(arrays, "model"))
            # As Keras does on loading. Fake quantisation has variables that no gradient reaches, and no state is for.
            model.optimizer._create_all_weights([model.trainable_variables[i] for i in noted["trained"]])
            model.optimizer.set_weights(_list(arrays, "optimizer"))
            self.saved = noted["state"] | {"best_weights": _list(arrays, "best") or None}
        self.rows = noted["rows"]
        return noted["epochs"] if noted["state"]["stopped_epoch"] else len(self.rows)

    def on_train_begin(self, logs: object = None) -> None:
        """Go on where the other process was."""
        super().on_train_begin(logs)
        for name, value in self.saved.items():
            setattr(self, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Note the epoch."""
        super().on_epoch_end(epoch, logs)
        self.rows.append({"epoch": epoch, **{name: float(value) for name, value in logs.items()}})
        if self.file:
            self._save(self.file)

    def curves(self) -> pd.DataFrame:
        """Return a row per epoch, those of the other process too."""
        return pd.DataFrame(self.rows)

    def _save(self, path: Path) -> None:
        state = {name: float(vars(self)[name]) if name == "best" else int(vars(self)[name]) for name in STATE}
        trained = [i for i, variable in enumerate(self.model.trainable_variables) if self._has_state(variable)]
        noted = {"rows": self.rows, "epochs": self.params["epochs"], "state": state, "trained": trained}
        groups = {
            "model": self.model.get_weights(),
            "optimizer": self.model.optimizer.get_weights(),
            "best": self.best_weights or [],
        }
        arrays = {f"{group}-{i}": array for group, values in groups.items() for i, array in enumerate(values)}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, noted=json.dumps(noted), **arrays)

    def _has_state(self, variable: tf.Variable) -> bool:
        try:
            return self.model.optimizer.get_slot(variable, "m") is not None
        except KeyError:
            return False


def _list(arrays: Any, group: str) -> Arrays:
    names = (f"{group}-{i}" for i in count())
    return [arrays[name] for name in takewhile(arrays.__contains__, names)]
