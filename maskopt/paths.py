"""Where each artifact lives, relative to the repository. Nobody else spells a path."""

from pathlib import Path

GRAPH = Path("dvc.yaml")
PARAMS = Path("params.yaml")
PROFILES = Path("profiles")
BUNDLES = Path("bundles")  # one folder each

DATA = Path("data")
INCOMING = DATA / "incoming"  # what the user puts there: archives, folders, weights
RAW = DATA / "raw"  # one folder per class
MANIFEST = DATA / "manifest.csv"
KEY_POINTS = DATA / "key_points.npy"  # rows in the order of `MANIFEST`
VALIDATION = DATA / "validation"
SPLITS = DATA / "split"
PIXELS = DATA / "pixels"
ATTRIBUTES = DATA / "attributes.csv"  # rows in the order of `MANIFEST`
EXTRA = DATA / "extra"  # pictures of another source
EXTRA_MANIFEST = EXTRA / "manifest.csv"
CROSSED = DATA / "crossed"
SEARCH = DATA / "search.csv"  # what `maskopt search` tried last; no stage writes it
SHORTCUTS = DATA / "shortcuts.json"
MODELS = DATA / "models"
METRICS = DATA / "metrics"
LATENCY = DATA / "latency"
CURVES = DATA / "curves"
PREDICTIONS = DATA / "predictions"
CONSTANTS = DATA / "constants"
REPORT = DATA / "report"
SECTIONS = "sections.json"  # in `REPORT`: what the page is made of
PAGE = DATA / "report.html"  # of `REPORT`, and of what git says; no stage writes it

TEACHER = "teacher"  # whose weights stand beside those of the backbones


def bundle(name: str, file_format: str) -> Path:
    """Return the folder of the bundle of backbone/variant, where none is named."""
    return BUNDLES / f"{name.replace('/', '-')}-{file_format}"


def split(seed: int) -> Path:
    """Return the table of path, label, split and group; rows in the order of `MANIFEST`."""
    return SPLITS / f"{seed}.csv"


def split_report(seed: int) -> Path:
    """Return counts of the sides and of what was found alike."""
    return SPLITS / f"{seed}.json"


def leaks(seed: int) -> Path:
    """Return the table of pairs of look-alikes that a split parts, ours or one by chance."""
    return SPLITS / f"{seed}-leaks.csv"


def pixels(size_px: int) -> Path:
    """Return the (N, size_px, size_px, 3) uint8 array, rows in the order of `MANIFEST`."""
    return PIXELS / f"{size_px}.npy"


def extra_pixels(size_px: int) -> Path:
    """Return the array of the pictures of another source, rows in the order of `EXTRA_MANIFEST`."""
    return EXTRA / f"{size_px}.npy"


def crossed(way: str) -> Path:
    """Return what a network says of each picture that it was trained without; rows in the order of `MANIFEST`."""
    return CROSSED / f"{way}.csv"


def start_weights(backbone: str) -> Path:
    """Return the folder of the weights a backbone starts from."""
    return DATA / "weights" / backbone


def trunk(backbone: str) -> Path:
    """Return the weights a backbone starts from; not there if it starts from random values."""
    return start_weights(backbone) / "trunk.h5"


def start_facts(backbone: str) -> Path:
    """Return where those weights came from."""
    return start_weights(backbone) / "facts.json"


def teacher(seed: int) -> Path:
    """Return the folder of what the teacher leaves to its students."""
    return _of(DATA / "teacher", seed)


def lesson(seed: int) -> Path:
    """Return the teacher's (S, B, K) float32 logits for S batches of views; not there without a teacher."""
    return teacher(seed) / "lesson.npy"


def teacher_facts(seed: int) -> Path:
    """Return who the teacher is, and how good."""
    return teacher(seed) / "facts.json"


def model(backbone: str, variant: str, seed: int) -> Path:
    """Return the folder of one model: weights, .tflite files and what was done to its layers."""
    return _of(MODELS, seed) / backbone / variant


def weights(backbone: str, variant: str, seed: int) -> Path:
    """Return the weights that later variants start from."""
    return model(backbone, variant, seed) / "weights.h5"


def tflite(backbone: str, variant: str, seed: int, file_format: str) -> Path:
    """Return the model file that would ship."""
    return model(backbone, variant, seed) / f"{file_format}.tflite"


def layers(backbone: str, variant: str, seed: int) -> Path:
    """Return the table of layers: bytes, and the technique applied or why it was skipped."""
    return model(backbone, variant, seed) / "layers.csv"


def unfinished(stage: str) -> Path:
    """Return the folder for the state of a training stage that is at work or was killed; DVC does not see it."""
    return Path(".dvc/tmp/maskopt/unfinished") / stage


def curves(backbone: str, variant: str, seed: int) -> Path:
    """Return the table of one row per epoch."""
    return _of(CURVES, seed) / backbone / f"{variant}.csv"


def facts(backbone: str, variant: str, seed: int) -> Path:
    """Return what training noted: where the weights came from, and epochs."""
    return model(backbone, variant, seed) / "facts.json"


def origin(backbone: str, variant: str, seed: int) -> Path:
    """Return where the model came from, as its .tflite files carry it."""
    return model(backbone, variant, seed) / "origin.json"


def predictions(backbone: str, variant: str, seed: int) -> Path:
    """Return the table of one row per test picture: path, label, and what each format says, and how surely."""
    return _of(PREDICTIONS, seed) / backbone / f"{variant}.csv"


def constants(backbone: str, variant: str, seed: int) -> Path:
    """Return the table of one row per tensor that a file holds, all formats."""
    return _of(CONSTANTS, seed) / backbone / f"{variant}.csv"


def metrics(backbone: str, variant: str, seed: int) -> Path:
    """Return the figures of one model, all formats."""
    return _of(METRICS, seed) / backbone / f"{variant}.json"


def latency(backbone: str, variant: str) -> Path:
    """Return the latency of one model, all formats."""
    return LATENCY / backbone / f"{variant}.json"


def _of(folder: Path, seed: int) -> Path:
    return folder / f"seed-{seed}"
