"""Every error a user can cause, as a tree.

MaskoptError
├── InvalidParams        params.yaml does not say what it should
├── UnknownName          a network, variant, format or profile that is not known
├── MissingFile          a file another stage or the user should have put there
├── BrokenTable          a table that another stage has not written so
├── BrokenRecord         a file of figures that maskopt has not written so
├── BrokenArchive        an archive that cannot be unpacked
├── UnsafeArchive        an archive that holds what no archive of pictures holds
├── NoClassFolders       no folder, or more than one, that holds the class folders
├── NoKaggleCredentials  Kaggle wants to know who asks
├── KaggleFailed         Kaggle, or the way to it, did not give the pictures
├── UnreadablePicture    a file that is not a JPEG, PNG or WebP picture, or too large a one
├── UnusableFiles        more unreadable, stray or unknown files than params allow
├── EmptyClass           a class without pictures
├── InvalidData          pictures that break an expectation
├── NothingNew           pictures of another source that are those of the data set
├── UnusableAttributes   a table of attributes that does not fit the pictures
├── CannotSplit          classes too small for the fractions
├── CannotFold           classes too small for the folds of cross-validation
├── WrongWeights         a weights file that does not fit its network
├── FixedScale           a width or depth that a network does not have
├── TooSmall             pictures of fewer px than a network takes
├── DownloadFailed       ImageNet's weights could not be fetched
├── Diverged             training that came to no finite loss
├── ChangedMeanwhile     code or params were edited while a stage was at work with them
├── BrokenBundle         a bundle that is not what maskopt makes
├── NoBundle             nothing to classify with
├── UnusableAbout        a text for model cards that is none
├── CannotBundle         a model that is not there to be bundled, or is of other classes
├── Occupied             a place for a bundle where something else is
├── ForeignFiles         a bundle to be replaced that somebody has put more into
├── ChangedFiles         a bundle to be replaced that somebody has changed
├── NoPictures           a path to classify that leads to no picture
├── WrongArray           an array to classify that is not a picture of RGB
├── NotAModel            a file that is not a .tflite picture classifier
├── WrongPictures        pictures of another size than a model takes
└── LostTechnique        a .tflite file without the zeros, clusters or integers it promises

A message says what, got, expected and the next step. A bug stays a bare ValueError.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from maskopt.terminal import inline, legible

MAX_NAME = 100  # letters
MAX_KNOWN = 30  # names that a line still tells one from another
USER_MUST_ACT = 65  # exit code of a stage that would fail again; EX_DATAERR of sysexits.h


class MaskoptError(Exception):
    """The user can mend this: shown without a traceback."""

    transient = False  # whether trying again may be enough

    def __init__(self, message: object) -> None:
        super().__init__(legible(str(message)))


class InvalidParams(MaskoptError):
    """One or more values of params.yaml are unknown, missing or out of range."""

    def __init__(self, path: Path, problems: Iterable[str]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{path} has values that cannot be used:\n{lines}\nEdit {path}, then run again")


class UnknownName(MaskoptError):
    """A name that its table does not hold."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        if len(name) > MAX_NAME:
            name = f"{name[:MAX_NAME]}..."
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        told = f"known: {', '.join(known)}"
        if len(known) > MAX_KNOWN:
            told = f"{len(known)} are known, the nearest: {', '.join(difflib.get_close_matches(name, known, 10, 0))}"
        super().__init__(f"unknown {kind} {name!r}; {told}.{hint}")


class MissingFile(MaskoptError):
    """A file that should be there is not."""

    def __init__(self, path: Path, next_step: str) -> None:
        super().__init__(f"{inline(path)} is missing: {next_step}")


class BrokenTable(MaskoptError):
    """A table is not what the stage that makes it writes."""

    def __init__(self, path: Path, reason: str, stage: str) -> None:
        super().__init__(f"{path} is not what stage {stage} writes: {reason}. Run `dvc repro --force {stage}`")


class BrokenRecord(MaskoptError):
    """Figures, which git keeps, are not as they were written."""

    def __init__(self, path: Path, reason: str, command: str) -> None:
        super().__init__(
            f"{inline(path)} is not what maskopt wrote: {reason}. If it holds conflicts of git, take one side with "
            f"`git checkout HEAD -- {inline(path)}`; else make it again with `{command}`"
        )


class BrokenArchive(MaskoptError):
    """An archive is damaged, or of a kind that is not read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{inline(path)} cannot be unpacked: {reason}. Get a whole zip or tar file, "
            "or unpack it yourself and set data.source to folder and data.path to where it is"
        )


class UnsafeArchive(MaskoptError):
    """An archive holds what could harm, and no archive of pictures needs."""

    def __init__(self, path: Path, member: str, reason: str) -> None:
        self.reason = f"{member!r} {reason}"
        super().__init__(
            f"{inline(path)} was not unpacked: {self.reason}. "
            "If you trust it, unpack it yourself and set data.source to folder and data.path to where it is"
        )


class NoClassFolders(MaskoptError):
    """There is no one folder that holds the class folders."""

    def __init__(self, where: Path | str, classes: Iterable[str], found: str) -> None:
        super().__init__(
            f"{inline(where)} must hold one folder per class ({', '.join(classes)}), in one place; found {found}. "
            "Rename or move the folders, or mend data.classes in params.yaml"
        )


class NoKaggleCredentials(MaskoptError):
    """Nobody said who asks Kaggle."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Kaggle needs credentials: {reason}. Make a token at https://www.kaggle.com/settings and put it into "
            "~/.kaggle/access_token or the variable KAGGLE_API_TOKEN; an older user name and key go into "
            "~/.kaggle/kaggle.json or the variables KAGGLE_USERNAME and KAGGLE_KEY"
        )


class KaggleFailed(MaskoptError):
    """Kaggle did not give the pictures."""

    def __init__(self, dataset: str, reason: str, next_step: str, *, transient: bool) -> None:
        self.transient = transient
        super().__init__(f"{dataset} could not be downloaded from Kaggle: {reason}. {next_step}")


class UnreadablePicture(MaskoptError):
    """A file is not a picture that can be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{inline(path)} is not a picture that can be read: {reason}. "
            "Give a whole JPEG, PNG or WebP file of at most manifest.max_pixels of params.yaml"
        )

    def __reduce__(self) -> tuple[type["UnreadablePicture"], tuple[Path, str]]:
        """Return how pickle makes it again: it travels between processes."""
        return type(self), (self.path, self.reason)


class UnusableFiles(MaskoptError):
    """There are more files that are not usable pictures than params allow."""

    def __init__(self, folder: Path, problems: Iterable[str], source: str) -> None:
        lines = "\n".join(f"  {inline(problem)}" for problem in problems)
        super().__init__(
            f"{inline(folder)} holds what is not a usable picture of a class:\n{lines}\n"
            f"Mend or remove them where the pictures come from ({source} of params.yaml), or raise the "
            "limits of manifest there to leave them out; then run again"
        )


class EmptyClass(MaskoptError):
    """A class has no pictures."""

    def __init__(self, folder: Path, labels: Iterable[str], others: Sequence[str], source: str) -> None:
        found = f", got folders of no class: {inline(', '.join(others))}" if others else ""
        super().__init__(
            f"{inline(folder)} holds no usable picture of {', '.join(labels)}: want one folder of that name with "
            f"pictures{found}. Mend data.classes in params.yaml, or add them where the pictures come from ({source}), "
            "then run again"
        )


class InvalidData(MaskoptError):
    """The pictures break one or more expectations."""

    def __init__(self, problems: Iterable[str], docs: Path) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"the pictures are not what params.yaml expects:\n{lines}\nSee {docs}; "
            "then mend the pictures, or data and validation in params.yaml, and run `dvc repro`"
        )


class NothingNew(MaskoptError):
    """The folder that `evaluation.extra` names holds copies of the data set's pictures alone."""

    def __init__(self, folder: Path, pictures: int) -> None:
        super().__init__(
            f"all {pictures} pictures of {inline(folder)} are in the data set too, so they show nothing new: "
            "give others, or set evaluation.extra in params.yaml to null"
        )


class UnusableAttributes(MaskoptError):
    """The table that `evaluation.attributes` names is not one of this data set's pictures."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{inline(path)} does not say attributes of the pictures: {reason}. "
            "Mend it, or set evaluation.attributes in params.yaml to null"
        )


class UnusableAbout(MaskoptError):
    """What `data.about` names is no text for model cards."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{inline(path)} cannot be put into a model card: {reason}. "
            "Write it as a short text in UTF-8, or set data.about in params.yaml to null"
        )


class CannotSplit(MaskoptError):
    """A side of the split would be left without a class."""

    def __init__(self, label: str, side: str, pictures: int, groups: int) -> None:
        super().__init__(
            f"no picture of {label!r} is left for {side}: the class has {pictures} pictures in {groups} groups of "
            "look-alikes. Give more pictures, or set another split in params.yaml"
        )


class CannotFold(MaskoptError):
    """A class is too small to be in each fold of cross-validation."""

    def __init__(self, label: str, groups: int, folds: int) -> None:
        super().__init__(
            f"{label!r} cannot be spread over cross-validation: want {folds} groups of look-alikes, one for each of "
            f"cross_validation.folds, got {groups}. Give more pictures, or in params.yaml lower "
            "cross_validation.folds, which is 3 at least, or set cross_validation.network to null"
        )


class WrongWeights(MaskoptError):
    """A weights file does not fit the network it was given for."""

    def __init__(self, path: Path, trunk: object, reason: str) -> None:
        super().__init__(
            f"{inline(path)} does not hold weights of {trunk}: {reason}. "
            "Set weights of the network in params.yaml to a matching file or to 'none'"
        )


class FixedScale(MaskoptError):
    """A network is wanted in a width or depth that it does not have."""

    def __init__(self, architecture: str, scale: str, got: float) -> None:
        super().__init__(
            f"{architecture} has one {scale}: want 1, got {got:g}. Set trunk.{scale} of the network in params.yaml to "
            "1, or trunk.architecture to another"
        )


class TooSmall(MaskoptError):
    """Pictures are smaller than a network takes."""

    def __init__(self, architecture: str, min_size_px: int, got_px: int) -> None:
        super().__init__(
            f"{architecture} takes pictures of {min_size_px} px and more, got {got_px}. "
            "Set size_px of the network and pixels.sizes_px in params.yaml to more"
        )


class DownloadFailed(MaskoptError):
    """Keras could not download the ImageNet weights of a network."""

    transient = True

    def __init__(self, trunk: object, reason: str) -> None:
        super().__init__(
            f"the ImageNet weights of {trunk} could not be downloaded: {reason}. Try again with a connection, or put "
            "an .h5 file of the trunk into data/incoming and set weights of the network in params.yaml to its path, "
            "or to 'none'"
        )


class Diverged(MaskoptError):
    """Training came to nothing that can be kept."""

    def __init__(self, learning_rate: float, epochs: int) -> None:
        super().__init__(
            f"training diverged: after {epochs} epochs no validation loss is finite. Lower learning_rate, which was "
            f"{learning_rate:g}, in params.yaml, then run again"
        )


class ChangedMeanwhile(MaskoptError):
    """Code or params are not what a stage was started with."""

    transient = True

    def __init__(self, what: Iterable[str]) -> None:
        super().__init__(
            f"{', '.join(what)} changed while this stage was at work: what it made is of the old and is not kept. "
            "Run it again"
        )


class BrokenBundle(MaskoptError):
    """A file of a bundle was changed, or is of something else."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{inline(path)} is not what `maskopt bundle` wrote: {reason}. Make the bundle again")


class NoBundle(MaskoptError):
    """There is nothing to tell the classes of params with."""

    def __init__(self, folder: Path, classes: Iterable[str], figures: Path, skipped: Mapping[str, int]) -> None:
        listed = ", ".join(f"{n} {reason}" for reason, n in skipped.items())
        but = f" ({figures} has figures of {sum(skipped.values())}: {listed})" if skipped else ""
        super().__init__(
            f"no bundle in {folder} tells {', '.join(classes)}, and no measured model is there to make one of{but}: "
            "run `maskopt run`, mend data.classes in params.yaml, or name a bundle with --bundle FOLDER"
        )


class CannotBundle(MaskoptError):
    """A model is not there, was not measured, or is not of the pictures that are here."""

    def __init__(self, name: str, reason: str, stage: str) -> None:
        super().__init__(f"{name} cannot be bundled: {reason}. Run `maskopt run --target {stage}`")


class Occupied(MaskoptError):
    """A bundle would replace what is none."""

    def __init__(self, target: Path, found: str) -> None:
        super().__init__(
            f"{inline(target)} is {found}, which a bundle would replace: with --out give a folder that does not exist, "
            "is empty or holds a bundle"
        )


class ForeignFiles(MaskoptError):
    """A bundle to be replaced holds what would be lost."""

    def __init__(self, target: Path, files: list[str]) -> None:
        super().__init__(
            f"{inline(target)} holds {_first(files)}, which no bundle holds and a new one would delete"
            ": move that elsewhere, or give another folder with --out"
        )


class ChangedFiles(MaskoptError):
    """A bundle to be replaced was changed since it was made."""

    def __init__(self, target: Path, files: list[str], sums: str) -> None:
        super().__init__(
            f"{inline(target)} holds {_first(files)} not as {sums} there says: a new bundle would replace what "
            "somebody has changed. Copy elsewhere what you want to keep and delete the folder, or give another "
            "one with --out"
        )


def _first(files: list[str]) -> str:
    more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
    return f"{', '.join(map(repr, files[:3]))}{more}"


class NoPictures(MaskoptError):
    """A path that should be pictures has none."""

    def __init__(self, path: Path) -> None:
        found = "is no picture and holds none" if path.exists() else "does not exist"
        super().__init__(f"{inline(path)} {found}: give JPEG, PNG or WebP files, or folders of them")


class WrongArray(MaskoptError):
    """What should be an array of a picture is not."""

    def __init__(self, got: str) -> None:
        super().__init__(
            f"want a picture as an array of shape (H, W, 3) of uint8, RGB from 0 to 255, got {got}. "
            "Convert it, or give a path or an image of Pillow, which may be grey or transparent"
        )


class NotAModel(MaskoptError):
    """A file cannot be read as a .tflite picture classifier."""

    def __init__(self, path: Path, reason: str) -> None:
        mend = "Make it again with `dvc repro`, or give another file"
        if path.suffix != ".tflite":  # no stage makes such a file
            mend = "Give a .tflite file, such as those in data/models"
        super().__init__(f"{inline(path)} is not a .tflite file that can be used here: {reason}. {mend}")


class WrongPictures(MaskoptError):
    """Pictures have another shape than the model takes."""

    def __init__(self, path: Path, expected: tuple[int, ...], got: tuple[int, ...]) -> None:
        super().__init__(
            f"{inline(path)} takes pictures of shape {expected}, got {got}. "
            "Resize them, or set size_px of the network in params.yaml and run `dvc repro`"
        )


class LostTechnique(MaskoptError):
    """A .tflite file does not hold what its variant and format promise."""

    def __init__(self, technique: str, file_format: str, layer: str, expected: str, got: str) -> None:
        super().__init__(
            f"{technique} was lost in the {file_format} file, layer {layer!r}: want {expected}, got {got}. "
            "Compare the installed packages with requirements.txt; if they agree, report this as a bug of maskopt"
        )
