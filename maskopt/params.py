"""params.yaml -> frozen models, one per section. A fraction is in [0, 1], never a percent."""

import os
import unicodedata
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from ruamel.yaml import YAML

from maskopt.errors import InvalidParams
from maskopt.paths import INCOMING
from maskopt.problems import list_problems, shown
from maskopt.yaml_text import parse_yaml, read_text

TABLE_BYTES = 2**26  # of attributes of pictures
NAME_BYTES = 255  # of a file or folder, as file systems take them


def _short(path: Path) -> Path:
    if any(len(os.fsencode(name)) > NAME_BYTES for name in path.parts):
        raise ValueError(f"want names of at most {NAME_BYTES} bytes in a path, got {shown(str(path))}")
    return path


def _in_incoming(path: Path) -> Path:
    """Return a path where DVC sees a change: it follows links to files, and none to folders."""
    try:
        place = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
    except (OSError, RuntimeError) as err:  # too long a name; links in a circle
        reason = err.strerror if isinstance(err, OSError) else "links in a circle"
        raise ValueError(f"want a path in {INCOMING}, got {shown(str(path))}: {reason}") from None
    if not place.is_relative_to(INCOMING.resolve()):
        got = f"{path}, a link to {place}" if path.is_symlink() else path
        raise ValueError(f"want a path in {INCOMING}, where DVC sees a change, got {got}")
    return path


def _small(table: Path) -> Path:
    """Return a table that does not fill the memory."""
    if table.is_file() and (got := table.stat().st_size) > TABLE_BYTES:
        raise ValueError(f"want a table of at most {TABLE_BYTES:,} bytes, got {got:,}")
    return table


def _weights(source: str) -> str:
    if source not in ("imagenet", "none"):
        _in_incoming(Path(source))
    return source


def _unique(values: tuple[object, ...]) -> tuple[object, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"want each once, got {shown(list(values))}")
    return values


def _folders(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name in ("", "..") or Path(name).name != name:
            raise ValueError(f"want names of folders, got {shown(name)}")
        if any(unicodedata.category(letter).startswith("C") for letter in name):
            raise ValueError(f"want names of letters that can be seen, got {shown(name)}")
        if name in ("path", "label"):  # tables have a column of scores for each class beside these
            raise ValueError(f"want names other than path and label, which are columns of tables, got {name!r}")
    return names


Unique = AfterValidator(_unique)
Folders = AfterValidator(_folders)
Fraction = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what NumPy, Keras and scikit-learn all take
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]  # of learning
Width = Annotated[float, Field(gt=0, le=4)]
Depth = Annotated[int, Field(ge=1, le=16)]
Price = Annotated[float, Field(gt=0)]  # of a bit, in nats
Place = Annotated[Path, AfterValidator(_short)]
Incoming = Annotated[Path, AfterValidator(_in_incoming)]  # what the user has put there
Table = Annotated[Incoming, AfterValidator(_small)]


TECHNIQUES = ("prune", "cluster", "quantize", "entropy")  # sections that are phases of training


class Section(BaseModel, frozen=True, extra="forbid"):
    """A part of params.yaml."""


class Data(Section):
    """Where the pictures come from, and what they show."""

    source: Literal["sample", "archive", "folder", "kaggle"]
    path: Place  # of the archive or folder; the other sources do not use it
    kaggle_dataset: str  # owner/name
    classes: Annotated[tuple[str, ...], Field(min_length=2), Unique, Folders]  # in the order of the model's outputs
    rows_per_class: Positive | None  # None: any number
    about: Place | None  # Markdown for model cards: uses, limits, privacy, licences; None: nothing was said


class Sample(Section):
    """The drawn data set."""

    version: Positive  # of the drawing; a new version is another data set
    seed: Seed


class Manifest(Section):
    """How many files that are not usable pictures are let pass: each is counted and named all the same."""

    allow_unreadable: Count
    allow_stray: Count
    allow_unknown_folders: Count
    max_pixels: Positive  # width times height, above which a picture is not decoded


class Validation(Section):
    """Bounds that Great Expectations checks."""

    min_side_px: Positive
    max_side_px: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_side_px > self.max_side_px:
            raise ValueError(f"want min_side_px at most max_side_px, got {self.min_side_px} and {self.max_side_px}")
        return self


class Split(Section):
    """Fractions of the pictures, and what counts as alike."""

    train: Part
    val: Part
    test: Part
    test_seed: Seed  # apart from `seeds`: all of them keep the test pictures
    hash_distance_bits: Annotated[int, Field(ge=0, le=16)]  # of 64: perceptual hashes this close are near-copies
    crop_places: Annotated[int, Field(ge=3)]  # key points that crops of one photograph share; fewer join strangers
    keep_together: bool  # False: look-alikes are parted as chance will, to see what that leak gains
    largest_group: Fraction  # of the pictures: likeness, which may err, never joins more (nor fewer than 20 rows)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + val + test: want 1, got {total:g}")
        return self


class Pixels(Section):
    """The arrays that training and measuring read."""

    sizes_px: Annotated[tuple[Annotated[int, Field(ge=8, le=1024)], ...], Field(min_length=1), Unique]
    aspect: Literal["stretch", "crop", "pad"]  # what becomes of pictures that are not square


class Phase(Section):
    """One run of training."""

    epochs: Positive
    learning_rate: Rate  # at its peak: a cosine to zero follows
    distillation: Fraction = 0.0  # part of the loss that is the teacher's


class Trunk(Section):
    """The layers before the head, as they are built."""

    architecture: str  # a key of `backbones.ARCHITECTURES`
    width: Width  # factor of the number of channels
    depth: Depth  # blocks of each kind, of the hand-made ones
    until: str | None  # last layer; None: all

    def __str__(self) -> str:
        """Return what a message calls it."""
        parts = [self.architecture]
        parts += [f"width {self.width:g}"] if self.width != 1 else []
        parts += [f"depth {self.depth}"] if self.depth != 1 else []
        parts += [f"until {self.until}"] if self.until else []
        return ", ".join(parts)


class Network(Section):
    """What differs between backbones."""

    trunk: Trunk
    size_px: Positive  # input height and width; one of `pixels.sizes_px`
    weights: Annotated[str, AfterValidator(_weights)]  # imagenet (downloaded by Keras), none, or an .h5 file's path
    baseline: Phase  # frozen trunk; all layers where `weights` is none
    finetune: Phase
    trainable_from: str | None  # first layer to fine-tune; None: all


class Teacher(Network):
    """A network that is trained for its answers alone; phases with `distillation` learn from them."""

    views: Positive  # of each picture that it answers for: students see these in turn


class Augmentation(Section):
    """Changes drawn anew for each training picture and epoch."""

    flip: bool  # left and right, one time in two
    zoom: Fraction  # side of the cropped square is 1 - zoom to 1 of the picture's
    stretch: Fraction  # width and height of the crop differ by up to this part
    brightness: Fraction  # added, as a part of the full range
    contrast: Fraction  # factor in [1 - contrast, 1 + contrast]
    rotation_degrees: Annotated[float, Field(ge=0, le=180)]  # either way, up to this
    tint: Fraction  # factor of each of red, green and blue in [1 - tint, 1 + tint]
    saturation: Fraction  # factor of the difference to grey in [1 - saturation, 1 + saturation]
    blur: Fraction  # part of the pictures that is shown at half the resolution
    erase: Fraction  # side of the hidden rectangle is up to this part of the picture's


class Training(Section):
    """What all runs of training share."""

    batch_size: Positive
    threads: Positive  # of TensorFlow within one stage
    label_smoothing: Fraction
    temperature: Annotated[float, Field(ge=1)]  # that softens a teacher's answers
    warmup: Fraction  # part of the steps in which the learning rate rises
    patience_epochs: Positive  # without a better validation loss before training stops
    frozen_views: Positive  # augmented views of each picture that the frozen trunk sees
    augmentation: Augmentation


class Prune(Phase):
    """Schedule: Zhu & Gupta 2017, arXiv:1710.01878, eq. 1."""

    final_sparsity: Annotated[float, Field(ge=0, lt=1)]  # fraction of weights that end at zero
    ramp: Fraction  # part of the steps in which sparsity grows


class Cluster(Phase):
    """Weight sharing: Han et al. 2016, arXiv:1510.00149, section 3."""

    n_clusters: Annotated[int, Field(ge=2, le=256)]  # values per weight tensor
    centroids: Literal["linear", "kmeans++"]  # how they are first placed


class Quantize(Phase):
    """Quantisation-aware training, 8 bits: Jacob et al. 2018, arXiv:1712.05877, section 3."""


class Entropy(Phase):
    """Entropy-constrained quantisation: Oktay et al. 2020, arXiv:1906.06624."""

    nats_per_bit: Annotated[float, Field(ge=0)]  # added to the loss for each bit of a code for the weights, by weight
    first_step: Annotated[float, Field(gt=0)]  # between levels, in standard deviations of a kernel's weights


class Convert(Section):
    """From Keras to LiteRT."""

    representative_pictures: Positive  # of the training split, to set the ranges of activations


class Evaluation(Section):
    """What models are asked beside the test pictures as they are."""

    corruptions: bool  # the test pictures blurred, noisy, dark and so on: 18 times as many
    attributes: Table | None  # a CSV file: path, and a column for each attribute of pictures
    extra: Incoming | None  # a folder of class folders: pictures of another source


class CrossValidation(Section):
    """A network that is asked about each picture after training without it; for what it tells of the pictures."""

    network: str | None  # of `backbones`; the cheapest will do. None: not done
    folds: Annotated[int, Field(ge=3)]  # one to be asked about, one to stop training by, the others to train on


class Search(Section):
    """What `maskopt search` tries: networks of `networks`, changed, each as one variant."""

    networks: Annotated[tuple[str, ...], Field(min_length=1)]  # those thought cheapest first
    widths: Annotated[tuple[Width, ...], Field(min_length=1)]  # from narrow to wide, of networks without weights
    depths: Annotated[tuple[Depth, ...], Field(min_length=1)]  # likewise
    sizes_px: Annotated[tuple[Positive, ...], Field(min_length=1)]
    variants: Annotated[tuple[Literal["finetuned", "clustered", "cqat", "ecqat"], ...], Field(min_length=1)]
    nats_per_bit: tuple[Price, Price]  # least and most, of ecqat
    epochs: Positive  # of all trials together
    seed: Seed  # of training, and of the choice of what to try


class Bundle(Section):
    """What `maskopt bundle` puts beside a model."""

    right_when_sure: Annotated[float, Field(gt=0, le=1)]  # of the answers that count, how many are right in validation


class Latency(Section):
    """How the time of one inference is taken."""

    threads: tuple[Positive, ...]
    warmup_runs: Positive
    runs: Positive


class Params(Section):
    """The whole of params.yaml."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Unique]  # of training and of the split into train and val
    data: Data
    sample: Sample
    manifest: Manifest
    validation: Validation
    split: Split
    pixels: Pixels
    backbones: Annotated[tuple[str, ...], Field(min_length=1), Unique]  # one branch of the graph each
    networks: dict[str, Network]
    teacher: Teacher | None  # None: no phase has `distillation`
    training: Training
    prune: Prune
    cluster: Cluster
    quantize: Quantize
    entropy: Entropy
    convert: Convert
    evaluation: Evaluation
    cross_validation: CrossValidation
    search: Search
    bundle: Bundle
    latency: Latency

    @model_validator(mode="after")
    def _teacher_fits(self) -> Self:
        if self.teacher:
            phases, why = _phases("teacher", self.teacher), "a teacher has none itself"
        else:
            phases, why = {name: getattr(self, name) for name in TECHNIQUES}, "there is no teacher"
            for name in (name for name in self.backbones if name in self.networks):
                phases |= _phases(f"networks.{name}", self.networks[name])
        for name, phase in phases.items():
            if phase.distillation:
                raise ValueError(f"{name}.distillation: want 0, since {why}, got {phase.distillation:g}")
        return self

    @model_validator(mode="after")
    def _search_fits(self) -> Self:
        if unknown := [name for name in self.search.networks if name not in self.networks]:
            raise ValueError(f"search.networks: want some of networks, got {', '.join(unknown)}")
        if self.search.nats_per_bit[0] > self.search.nats_per_bit[1]:
            raise ValueError(f"search.nats_per_bit: want least and most, got {list(self.search.nats_per_bit)}")
        return self

    @model_validator(mode="after")
    def _networks_fit(self) -> Self:
        for name in self.backbones:
            if name not in self.networks:
                raise ValueError(f"networks.{name}: missing, but backbones names it")
        sizes = {f"networks.{name}": self.networks[name].size_px for name in self.backbones}
        if self.teacher:
            sizes["teacher"] = self.teacher.size_px
        asked = self.cross_validation.network
        if asked and asked not in self.backbones:
            raise ValueError(f"cross_validation.network: want one of backbones {self.backbones}, got {asked!r}")
        for name, size in sizes.items():
            if size not in self.pixels.sizes_px:
                raise ValueError(f"{name}.size_px: want one of pixels.sizes_px {self.pixels.sizes_px}, got {size}")
        return self


def _phases(name: str, network: Network) -> dict[str, Phase]:
    return {f"{name}.baseline": network.baseline, f"{name}.finetune": network.finetune}


def load_params(path: Path) -> Params:
    """Return the checked params.

    Raises:
        MissingFile: there is no `path`.
        InvalidParams: a key is unknown or missing, or a value out of range; all are named.
    """
    return parse_params(read_text(path), path)


def parse_params(text: str, path: Path) -> Params:
    """Return the checked params of a text; `path` is where the user would mend it.

    Raises:
        InvalidParams: a key is unknown or missing, or a value out of range; all are named.
    """
    values = parse_yaml(YAML(typ="safe", pure=True), text, path)
    try:
        return Params.model_validate(values)
    except ValidationError as err:
        raise InvalidParams(path, list_problems(err)) from None
