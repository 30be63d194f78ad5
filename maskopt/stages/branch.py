"""One branch of the graph: a backbone, its pictures, and the files of its variants."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskopt import backbones, paths
from maskopt.convert import convert
from maskopt.coverage import list_layers
from maskopt.files import replacing
from maskopt.inspection import read_graph
from maskopt.invariants import check
from maskopt.keras import configure, keras
from maskopt.params import Params
from maskopt.rebuilding import SkipReason
from maskopt.records import read_record, write_record
from maskopt.training import Pictures, Trainer
from maskopt.variants import VARIANTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Branch:
    """What every training stage of one backbone works with."""

    backbone: str
    size_px: int
    trainer: Trainer
    n_examples: int  # pictures that set the ranges of int8 activations

    def build(self) -> keras.Model:
        """Return the untrained classifier: (B, H, W, 3) preprocessed -> (B, K) logits."""
        return backbones.build_classifier(self.backbone, self.size_px, self.trainer.train.n_classes)

    def load(self, variant: str) -> keras.Model:
        """Return a trained classifier."""
        model = self.build()
        model.load_weights(paths.weights(self.backbone, variant))
        return model

    def save(
        self,
        variant: str,
        model: keras.Model,
        curves: pd.DataFrame,
        techniques: Mapping[str, SkipReason] | None = None,
        final_sparsity: float = 0.0,
        n_clusters: int = 256,
    ) -> None:
        """Write the files of a variant, all or none, after its promises were found kept in each .tflite file.

        Args:
            variant: a key of VARIANTS.
            model: as trained; fake quantisation is kept in .tflite files alone.
            curves: one row per epoch.
            techniques: what was done to the layers -> why a layer was left out.
            final_sparsity: what a sparse variant promises.
            n_clusters: what a clustered variant promises.

        Raises:
            LostTechnique: a promise is broken.
        """
        promise = VARIANTS[variant]
        examples = self.trainer.train.pixels[:: max(1, len(self.trainer.train.pixels) // self.n_examples)]
        with replacing(paths.model(self.backbone, variant)) as folder:
            folder.mkdir()
            for file_format in promise.formats:
                file = folder / paths.tflite(self.backbone, variant, file_format).name
                file.write_bytes(convert(model, self.trainer.preprocessing, file_format, examples))
                check(read_graph(file), promise, file_format, final_sparsity, n_clusters)
                logger.info("%s/%s: wrote %s, %d bytes", self.backbone, variant, file.name, file.stat().st_size)
            if not promise.quantised_in_training:
                model.save_weights(folder / paths.weights(self.backbone, variant).name)
            list_layers(self.build(), techniques or {}).to_csv(
                folder / paths.layers(self.backbone, variant).name, index=False
            )
            facts = read_record(paths.start_facts(self.backbone)) | {"epochs": len(curves), "seed": self.trainer.seed}
            write_record(folder / paths.facts(self.backbone, variant).name, facts)
        with replacing(paths.curves(self.backbone, variant)) as file:
            curves.round(6).to_csv(file, index=False)


def open_branch(params: Params, backbone: str) -> Branch:
    """Set up Keras and return the branch of one backbone; to be called first in a training stage."""
    configure(params.seed, params.training.threads)
    size_px = params.networks[backbone].size_px
    preprocessing = backbones.backbone(backbone).preprocessing
    train, val = (_pictures(params.data.classes, size_px, split) for split in ("train", "val"))
    trainer = Trainer(train, val, preprocessing, params.training, params.seed)
    return Branch(backbone, size_px, trainer, params.convert.representative_pictures)


def _pictures(classes: tuple[str, ...], size_px: int, split: str) -> Pictures:
    rows = pd.read_csv(paths.SPLIT)
    chosen = (rows["split"] == split).to_numpy()
    labels = rows["label"][chosen].map(classes.index).to_numpy(np.int64)
    return Pictures(np.load(paths.pixels(size_px), mmap_mode="r")[chosen], labels, len(classes))
