"""One place in the graph: a backbone, the variant that a stage makes of it, and its pictures."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt import paths
from maskopt.files import Record, read_record, replacing, write_record
from maskopt.networks import backbones
from maskopt.networks.keras import keras
from maskopt.networks.rebuilding import SkipReason
from maskopt.params import Params, Trunk
from maskopt.stages.shared.opening import open_trainer
from maskopt.tflite.convert import convert
from maskopt.tflite.coverage import count_reached, list_dynamic_range, list_layers
from maskopt.tflite.inspection import read_graph
from maskopt.tflite.invariants import check
from maskopt.tflite.origin import Origin, after, begin, to_bytes
from maskopt.tflite.slimming import slim
from maskopt.tflite.variants import VARIANTS
from maskopt.training.trainer import Trainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Branch:
    """What every training stage works with."""

    backbone: str
    variant: str  # a key of VARIANTS: what the stage makes
    trunk: Trunk
    size_px: int
    classes: tuple[str, ...]  # in the order of the model's outputs
    trainer: Trainer
    n_examples: int  # training pictures that set the ranges of int8 activations
    aspect: str  # stretch, crop or pad: what became of pictures that are not square

    @property
    def stage(self) -> str:
        """The name of the stage in the graph."""
        return stage_name(self.backbone, self.variant, self.trainer.seed)

    @cached_property
    def model(self) -> keras.Model:
        """The flat classifier: (B, H, W, 3) preprocessed -> (B, K) logits, untrained until it is loaded or fitted."""
        return backbones.build_classifier(self.trunk, self.size_px, self.trainer.train.n_classes)

    def load(self) -> keras.Model:
        """Return the model with the trained weights of what the variant stands on."""
        self.model.load_weights(paths.weights(self.backbone, self._parent, self.trainer.seed))
        return self.model

    def save(
        self,
        model: keras.Model,
        curves: pd.DataFrame,
        settings: Mapping[str, object],
        techniques: Mapping[str, SkipReason] | None = None,
        final_sparsity: float = 0.0,
        n_clusters: int = 256,
        steps: Mapping[str, npt.NDArray[np.float32]] = MappingProxyType({}),
    ) -> None:
        """Write the files of the variant, all or none, after its promises were found kept in each .tflite file.

        Args:
            model: as trained; fake quantisation is kept in .tflite files alone.
            curves: one row per epoch.
            settings: of this stage, for the record of where the model came from; plain values.
            techniques: what was done to the layers -> why a layer was left out.
            final_sparsity: what a sparse variant promises.
            n_clusters: what a clustered variant promises.
            steps: layer -> distances of the levels of its weights, of a coded variant.

        Raises:
            LostTechnique: a promise is broken.
        """
        promise, place = VARIANTS[self.variant], (self.backbone, self.variant, self.trainer.seed)
        examples = spread(self.trainer.train.pixels, self.n_examples)
        origin = after(self._origin(), self.variant, settings)
        with replacing(paths.model(*place)) as folder:
            folder.mkdir()
            layers = list_layers(self.model, techniques or {})
            n_reached = count_reached(layers)
            for file_format in promise.formats:
                file = folder / paths.tflite(*place, file_format).name
                converted = convert(model, self.trainer.preprocessing, file_format, examples)
                file.write_bytes(slim(converted, steps, to_bytes(origin)))
                graph = read_graph(file)
                check(graph, promise, file_format, final_sparsity, n_clusters, n_reached)
                if file_format == "dynamic":
                    layers = pd.concat([layers, list_dynamic_range(graph)], ignore_index=True)
                logger.info("%s: %d bytes", paths.tflite(*place, file_format), file.stat().st_size)
            if not promise.quantised_in_training:
                model.save_weights(folder / paths.weights(*place).name)
            layers.to_csv(folder / paths.layers(*place).name, index=False)
            facts = self._start_facts() | {"epochs": len(curves), "seed": self.trainer.seed}
            write_record(folder / paths.facts(*place).name, facts)
            write_record(folder / paths.origin(*place).name, origin)
        with replacing(paths.curves(*place)) as file:
            curves.round(6).to_csv(file, index=False)
        shutil.rmtree(paths.unfinished(self.stage), ignore_errors=True)

    @property
    def _parent(self) -> str:
        parent = VARIANTS[self.variant].parent
        assert parent is not None  # baseline loads nothing
        return parent

    def _start_facts(self) -> Record:
        """Return what the backbone's weights were before any training; variants know it from what they stand on."""
        if VARIANTS[self.variant].parent:
            return read_record(paths.facts(self.backbone, self._parent, self.trainer.seed))
        return read_record(paths.start_facts(self.backbone))

    def _origin(self) -> Origin:
        """Return where the model that this stage started with came from."""
        if VARIANTS[self.variant].parent:
            return read_record(paths.origin(self.backbone, self._parent, self.trainer.seed))
        return begin(
            self.backbone,
            self.trainer.seed,
            classes=self.classes,
            trunk=self.trunk.model_dump(),
            size_px=self.size_px,
            aspect=self.aspect,
            representative_pictures=self.n_examples,
            **self._start_facts(),
            pictures=self.trainer.digest_pictures(),
            training=self.trainer.params.model_dump(),
            teacher=read_record(paths.teacher_facts(self.trainer.seed)) or None,
        )


def open_branch(params: Params, backbone: str, variant: str, seed: int) -> Branch:
    """Set up Keras and return where a training stage works; to be called first in it."""
    trunk, size_px = params.networks[backbone].trunk, params.networks[backbone].size_px
    trainer = open_trainer(params, trunk, size_px, seed, variant, stage_name(backbone, variant, seed))
    if paths.lesson(seed).is_file():
        trainer = replace(trainer, lesson=np.load(paths.lesson(seed)))
    return Branch(
        backbone,
        variant,
        trunk,
        size_px,
        classes=params.data.classes,
        trainer=trainer,
        n_examples=params.convert.representative_pictures,
        aspect=params.pixels.aspect,
    )


def stage_name(backbone: str, variant: str, seed: int) -> str:
    """Return what dvc.yaml makes of its matrix."""
    return f"{variant}@{backbone}-{seed}"


def spread(pixels: npt.NDArray[np.uint8], n: int) -> npt.NDArray[np.uint8]:
    """Return `n` pictures from first to last in equal steps; all of them where they are fewer."""
    rows = np.linspace(0, len(pixels) - 1, min(n, len(pixels))).round().astype(int)
    chosen: npt.NDArray[np.uint8] = pixels[rows]
    return chosen
