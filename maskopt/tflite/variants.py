"""The variants: what each model that comes out of the graph promises, and the files it ships as."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """What one path through the graph promises of the .tflite files at its end."""

    title: str
    parent: str | None  # variant that it stands on
    formats: tuple[str, ...]
    sparse: bool = False  # zeros of pruning are still there
    clustered: bool = False  # at most `cluster.n_clusters` values per output channel
    coded: bool = False  # one scale for all channels of a kernel

    @property
    def quantised_in_training(self) -> bool:
        """Its weights are those of fake quantisation: no other variant starts from them."""
        return self.coded or self.formats == TRAINED


PLAIN = ("dynamic", "int8")  # quantised after training
TRAINED = ("int8",)  # quantised while training

VARIANTS = {
    "baseline": Variant("baseline", None, ("float32",)),
    "finetuned": Variant("fine-tuned", "baseline", ("float32", *PLAIN)),
    "pruned": Variant("pruned + PTQ", "finetuned", PLAIN, sparse=True),
    "clustered": Variant("clustered + PTQ", "finetuned", PLAIN, clustered=True),
    "sparse_clustered": Variant("sparse clustered + PTQ", "pruned", PLAIN, sparse=True, clustered=True),
    "ecqat": Variant("entropy-constrained QAT", "finetuned", PLAIN, coded=True),
    "qat": Variant("QAT", "finetuned", TRAINED),
    "pqat": Variant("PQAT", "pruned", TRAINED, sparse=True),
    "cqat": Variant("CQAT", "clustered", TRAINED, clustered=True),
    "sparse_clustered_qat": Variant("QAT of sparse clustered (the paper's QAT)", "sparse_clustered", TRAINED),
    "pcqat": Variant("PCQAT", "sparse_clustered", TRAINED, sparse=True, clustered=True),
}
