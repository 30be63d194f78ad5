"""The paper's own figures, to print beside ours. None of them was measured here.

Source: D. Sikorskyi 2023, "Face Mask Detection with optimization", its tables 1 and 2: Kaggle's
`vijaykumar1799/face-mask-detection`, sizes of .tflite files, gzipped but for `baseline`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """What the paper prints of one model."""

    accuracy: float  # fraction
    size_mb: float | None = None  # 2**20 bytes for `baseline`, else 10**6 bytes


Papers = Mapping[str, Mapping[str, Published]]  # network -> variant -> figures

CLASSES = frozenset({"with_mask", "without_mask", "mask_weared_incorrect"})
PAPER: Papers = {
    "mobilenet_v2": {
        "baseline": Published(0.9939, 8.55),
        "finetuned": Published(0.9955),
        "pruned": Published(0.9894, 2.06),
        "clustered": Published(0.9666, 1.11),
        "sparse_clustered_qat": Published(0.9939, 2.02),
        "pcqat": Published(0.9688, 1.24),
    },
    "inception_v3": {
        "baseline": Published(0.9961, 83.24),
        "finetuned": Published(0.9950),
        "pruned": Published(0.9927, 18.25),
        "clustered": Published(0.9881, 5.46),
        "sparse_clustered_qat": Published(0.9933, 18.03),
        "pcqat": Published(0.9783, 9.46),
    },
    "resnet50": {
        "baseline": Published(0.9916, 89.77),
        "finetuned": Published(0.9905),
        "pruned": Published(0.9861, 19.51),
        "clustered": Published(0.8685, 6.84),
        "sparse_clustered_qat": Published(0.9916, 17.94),
        "pcqat": Published(0.9738, 9.21),
    },
    "nasnet_mobile": {
        "baseline": Published(0.9889, 16.37),
        "finetuned": Published(0.9939),
        "pruned": Published(0.9487, 3.91),
        "clustered": Published(0.8038, 1.54),
        "sparse_clustered_qat": Published(0.9911, 3.84),
        "pcqat": Published(0.9654, 1.79),
    },
}


def comparable(classes: Collection[str]) -> Papers:
    """Return the figures that may stand beside those of a run: none where it tells other classes."""
    return PAPER if set(classes) == CLASSES else {}
