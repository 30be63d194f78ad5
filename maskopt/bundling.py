"""A model of this repository -> the folder that ships.

Shape legend: N pictures, H height px, W width px, K classes.
"""

import hashlib
import logging
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Collection, Iterator
from itertools import product
from pathlib import Path

import numpy as np

from maskopt import paths
from maskopt.bundle import card, micro
from maskopt.bundle.description import FILE, LABELS, MODEL, VECTORS, Description, Input, Output, read_description
from maskopt.bundle.sums import SUMS, list_changed, write_sums
from maskopt.bundle.threshold import choose_threshold, share_unsure
from maskopt.choosing import are_of
from maskopt.data.picture import BACKGROUND
from maskopt.data.rows import read_pixels, read_split
from maskopt.errors import (
    CannotBundle,
    ChangedFiles,
    ForeignFiles,
    MissingFile,
    Occupied,
    UnknownName,
    UnusableAbout,
)
from maskopt.files import read_record, replacing
from maskopt.guessing import beats_guessing, doubt
from maskopt.measuring.litert import Classifier
from maskopt.params import Params
from maskopt.readable import refuse_unreadable
from maskopt.terminal import inline
from maskopt.tflite.inspection import read_graph
from maskopt.tflite.origin import Origin, read_origin
from maskopt.tflite.variants import VARIANTS
from maskopt.training.pictures import Pictures, choose_pictures, digest

logger = logging.getLogger(__name__)

WRITTEN = {MODEL, FILE, LABELS, VECTORS, SUMS, "README.md", "micro", *(f"micro/{name}" for name in micro.FILES)}
TEMPLATE = Path(card.__file__).parent / "template"  # files that are the same in each bundle
LEARNED_FROM = {  # data.source -> what a reader must know
    "sample": "drawings that maskopt makes: no photograph was among them, how it does on photographs was not measured",
    "archive": "an archive of pictures of its maker's",
    "folder": "a folder of pictures of its maker's",
    "kaggle": "Kaggle's data set {dataset}",
}
UNIX, RIGHTS = 3, (stat.S_IFREG | 0o644) << 16  # in entries of zip files
TEST_PICTURES = 4
ABOUT_BYTES = 100_000  # of the text for model cards
CLASSES_IN_NAME = 48  # letters, in the name of a bundle that was put aside
# What scores of the test pictures may differ by where another processor, or LiteRT Micro, computes them.
TOLERANCES = {"float32": 1e-5, "dynamic": 1e-3, micro.FORMAT: micro.TOLERANCE_STEPS / 256}


def make_bundle(params: Params, name: str, file_format: str, seed: int, target: Path) -> Description:
    """Write a bundle and return its description.

    Args:
        params: of this repository.
        name: network/variant.
        file_format: one of the variant's.
        seed: one of params.
        target: folder; a bundle that was there is replaced if nobody has put more into it or changed it, and kept
            beside it if it tells other classes.

    Raises:
        UnknownName: there is no such network, variant or format.
        CannotBundle: the model was not made or not measured, or is not of the pictures that are here now.
        MissingFile: there is no file of what people say of the data.
        Occupied: there is something else at `target`.
        ForeignFiles: somebody has put something into the bundle that is there.
        ChangedFiles: somebody has changed files of it.
    """
    _refuse_occupied(target)
    backbone, slash, variant = name.partition("/")
    if not slash:
        models = ["/".join(model) for model in product(params.backbones, VARIANTS)]
        raise UnknownName("NETWORK/VARIANT", name, [each for each in models if name in each.split("/")] or models)
    for kind, given, known in (
        ("network", backbone, params.backbones),
        ("variant", variant, tuple(VARIANTS)),
        ("seed", str(seed), tuple(map(str, params.seeds))),
    ):
        if given not in known:
            raise UnknownName(kind, given, known)
    if file_format not in VARIANTS[variant].formats:
        raise UnknownName(f"format of {variant}", file_format, VARIANTS[variant].formats)
    file, measured = paths.tflite(backbone, variant, seed, file_format), paths.metrics(backbone, variant, seed)
    for needed in (file, measured, paths.split(seed), paths.pixels(params.networks[backbone].size_px)):
        if not needed.is_file():
            raise CannotBundle(name, f"{needed} is missing", f"measured@{backbone}-{variant}-{seed}")
    about = params.data.about
    if about and not about.is_file():
        raise MissingFile(about, "write it, or set data.about in params.yaml to null")
    description = _describe(params, (backbone, variant, seed), file_format, file)
    with replacing(target.resolve()) as folder:  # a link stays one
        folder.mkdir()
        _write(folder, file, description, about)
        _keep_other_classes(target, description.classes)
    return description


def zip_bundle(folder: Path) -> Path:
    """Write a zip file beside the folder of a bundle, which holds that folder, and return its path.

    The same files give the same bytes: all have the earliest time that zip files know, and the rights 644.

    Raises:
        Occupied: something else than the zip of a bundle has its name.
    """
    target = folder.with_name(f"{folder.name}.zip")
    if target.exists() and not _is_zip_of(folder, target):
        raise Occupied(target, "no zip of a bundle")
    with replacing(target) as made, zipfile.ZipFile(made, "w") as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            entry = zipfile.ZipInfo((Path(folder.name) / file.relative_to(folder)).as_posix())
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, UNIX, RIGHTS
            archive.writestr(entry, file.read_bytes())
    return target


def _is_zip_of(folder: Path, file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return f"{folder.name}/{FILE}" in archive.namelist()


def _refuse_occupied(target: Path) -> None:
    if Path.cwd().is_relative_to(target.resolve()):
        raise Occupied(target, "the folder that you work in, or around it")
    if target.exists() and not target.is_dir():
        raise Occupied(target, "a file")
    if target.is_dir() and any(target.iterdir()) and not (target / FILE).is_file():
        raise Occupied(target, f"a folder of other files, without a {FILE}")
    ours = WRITTEN | {file.relative_to(TEMPLATE).as_posix() for file in TEMPLATE.rglob("*")}
    if target.is_dir() and (foreign := sorted(_foreign(target, ours))):
        raise ForeignFiles(target, foreign)
    if changed := list_changed(target, ours - {SUMS}):
        raise ChangedFiles(target, changed, SUMS)


def _keep_other_classes(target: Path, classes: tuple[str, ...]) -> None:
    """Give a bundle that tells others another name: its pictures may be gone, and then it cannot be made again."""
    if not (target / FILE).is_file() or set((former := read_description(target)).classes) == set(classes):
        return
    there = target.resolve()
    told = "-".join(re.sub(r"\W", "_", name) for name in former.classes)[:CLASSES_IN_NAME]
    kept = there.with_name(f"{there.name}-{told}-{former.sha256[:8]}")
    if not kept.exists():  # else it is the same model
        there.rename(kept)
        logger.warning(
            "%s held a bundle that tells %s: that is %s beside it now",
            *(inline(target), inline(", ".join(former.classes)), kept.name),
        )


def _foreign(target: Path, ours: Collection[str]) -> Iterator[str]:
    """Yield what a bundle does not hold; what npm and Python put beside it can be had again."""
    for file in target.rglob("*"):
        path = file.relative_to(target)
        again = path.parts[:2] == ("web", "node_modules") or "__pycache__" in path.parts
        if not again and path.as_posix() not in ours:
            yield path.as_posix()


def _describe(params: Params, model: tuple[str, str, int], file_format: str, file: Path) -> Description:
    graph, classifier, content = read_graph(file), Classifier(file), file.read_bytes()
    height, width, _ = classifier.picture_shape
    taken, given = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    figures = read_record(paths.metrics(*model))["formats"][file_format]
    operators = micro.list_operators(graph)
    origin = read_origin(file)
    made_with = {"classes": params.data.classes, "aspect": params.pixels.aspect} | (origin or {})
    classes = tuple(made_with["classes"])
    val = _load_validation(classes, classifier.picture_shape[0], model, origin)
    if (told := figures["recall"].keys()) != set(classes):
        raise _other_classes(model, classes, f"{paths.metrics(*model)} is of {', '.join(told)}")
    if not are_of(figures, content):
        raise _cannot_bundle(model, f"{paths.metrics(*model)} is of another file than {file}")
    scores = classifier.scores(val.pixels)
    unsure_below = choose_threshold(scores, val.labels, params.bundle.right_when_sure)
    _warn_of_guessing(model, figures["val_accuracy"], np.bincount(val.labels).tolist())
    return Description(
        network=model[0],
        variant=model[1],
        format=file_format,
        seed=model[-1],
        classes=classes,
        pictures=LEARNED_FROM[params.data.source].format(dataset=params.data.kaggle_dataset),
        input=Input(
            height_px=height,
            width_px=width,
            dtype=str(taken.dtype),
            aspect=made_with["aspect"],
            background=BACKGROUND,
            max_pixels=params.manifest.max_pixels,
        ),
        output=Output(
            dtype=str(given.dtype),
            scale=float(given.scales[0]) if given.scales.size else 1.0,
            zero_point=int(given.zero_points[0]) if given.zero_points.size else 0,
        ),
        unsure_below=unsure_below,
        unsure_share=share_unsure(scores, unsure_below),
        right_when_sure=params.bundle.right_when_sure,
        sha256=hashlib.sha256(content).hexdigest(),
        raw_bytes=len(content),
        gzip_bytes=figures["gzip_bytes"],
        vectors_tolerance=TOLERANCES[file_format],
        operators=operators,
        arena_bytes=None if micro.why_not(file_format, operators) else micro.arena_bytes(graph),
        metrics=figures,
        commit=_commit(),
        origin=origin,
    )


def _load_validation(
    classes: tuple[str, ...], size_px: int, model: tuple[str, str, int], origin: Origin | None
) -> Pictures:
    """Return the pictures that the model was validated on.

    Raises:
        CannotBundle: those that are here now are of classes that it does not know, or not those it was trained with.
    """
    rows = read_split(paths.split(model[-1]))
    known = rows["label"][rows["split"] != "test"]
    if unknown := sorted(set(known) - set(classes)):
        raise _other_classes(model, classes, f"pictures of {paths.split(model[-1])} show {', '.join(unknown)}")
    pixels = read_pixels(paths.pixels(size_px))
    train, val = (choose_pictures(rows, side, classes, pixels) for side in ("train", "val"))
    here = digest(train, val)
    if (origin or {}).get("pictures", here) != here:
        raise _cannot_bundle(model, "it learned from other pictures than those that are here now")
    return val


def _warn_of_guessing(model: tuple[str, str, int], share: float, counts: Collection[int]) -> None:
    if not beats_guessing(share, counts):
        logger.warning("%s/%s %s", *model[:2], doubt(share, counts))


def _other_classes(model: tuple[str, str, int], classes: tuple[str, ...], but: str) -> CannotBundle:
    return _cannot_bundle(model, f"it tells {', '.join(classes)}, and {but}")


def _cannot_bundle(model: tuple[str, str, int], reason: str) -> CannotBundle:
    backbone, variant, seed = model
    return CannotBundle(f"{backbone}/{variant}", reason, f"measured@{backbone}-{variant}-{seed}")


def _read_about(path: Path) -> str:
    refuse_unreadable(path, ABOUT_BYTES, UnusableAbout)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise UnusableAbout(path, f"it is not UTF-8 ({err})") from None


def _write(folder: Path, file: Path, description: Description, about: Path | None) -> None:
    model = folder / MODEL
    shutil.copyfile(file, model)
    (folder / LABELS).write_text("\n".join(description.classes) + "\n", encoding="utf-8")
    (folder / FILE).write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    said = _read_about(about) if about else None
    (folder / "README.md").write_text(card.write_card(said, description), encoding="utf-8")
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shape = (TEST_PICTURES, description.input.height_px, description.input.width_px, 3)
    pictures = np.random.default_rng(0).integers(0, 256, shape, np.uint8)  # noise: nobody has rights in it
    scores = Classifier(model).scores(pictures)
    np.savez_compressed(folder / VECTORS, pictures=pictures, scores=scores)
    if description.arena_bytes:
        code, given = folder / "micro", description.output
        code.mkdir()
        header = micro.write_header(
            *(description.name, description.raw_bytes, description.classes, description.operators),
            arena=description.arena_bytes,
            sure=micro.sure_from(description.unsure_below, given.scale, given.zero_point),
        )
        output = np.round(scores[0] / given.scale + given.zero_point).astype(np.uint8)
        (code / "test_vector.h").write_text("\n".join(micro.write_test(pictures[0], output)) + "\n", encoding="utf-8")
        (code / "model.h").write_text(header, encoding="utf-8")
        (code / "model.cc").write_text("\n".join(micro.write_array(model.read_bytes())) + "\n", encoding="utf-8")
    write_sums(folder)


def _commit() -> str | None:
    """Return the commit of this repository, None where there is none, or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None
