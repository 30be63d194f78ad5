"""Bytes and arrays -> what no others have."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt


def sha256(*parts: bytes | npt.NDArray[Any]) -> str:
    """Return the SHA-256 of the bytes of all parts, one after another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
