"""The variants: what each model that comes out of the graph promises, and the files it ships as."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """What one path through the graph promises of the .tflite files at its end."""

    title: str
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
    "baseline": Variant("baseline", ("float32",)),
    "finetuned": Variant("fine-tuned", ("float32", *PLAIN)),
    "pruned": Variant("pruned + PTQ", PLAIN, sparse=True),
    "clustered": Variant("clustered + PTQ", PLAIN, clustered=True),
    "sparse_clustered": Variant("sparse clustered + PTQ", PLAIN, sparse=True, clustered=True),
    "ecqat": Variant("entropy-constrained QAT", PLAIN, coded=True),
    "qat": Variant("QAT", TRAINED),
    "pqat": Variant("PQAT", TRAINED, sparse=True),
    "cqat": Variant("CQAT", TRAINED, clustered=True),
    "sparse_clustered_qat": Variant("QAT of sparse clustered (the paper's QAT)", TRAINED),
    "pcqat": Variant("PCQAT", TRAINED, sparse=True, clustered=True),
}
