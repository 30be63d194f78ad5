"""The words of a report -> what each means. docs/reading.md has the same table."""

import pandas as pd

WORDS = {
    "network": "what is trained and compressed; params.yaml says how each is built",
    "variant": "what one way of compressing makes of a network, by one path through the graph of stages",
    "seed": "a number that decides what chance decides: first weights, the order of pictures, which of them validate",
    "test, validation": "pictures that no model learned from: test pictures measure alone, validation pictures choose",
    "baseline": "float training of the head, the layer that tells the classes, on a frozen trunk, which is the rest",
    "finetuned": "the baseline with all layers trained: the float model that the others are made of and compared with",
    "pruned": "small weights set to zero while training; quantised afterwards (PTQ)",
    "clustered": "few values for all weights of a tensor; quantised afterwards (PTQ)",
    "sparse_clustered": "pruned, then clustered with the zeros kept; quantised afterwards (PTQ)",
    "ecqat": "entropy-constrained QAT: the loss pays for each bit of a code for the weights",
    "qat": "QAT of the float model",
    "pqat": "QAT of the pruned model, keeping its zeros",
    "cqat": "QAT of the clustered model, keeping its clusters",
    "sparse_clustered_qat": "QAT of the sparse clustered model, keeping neither",
    "pcqat": "QAT of the sparse clustered model, keeping zeros and clusters",
    "PTQ": "post-training quantisation: weights become 8-bit integers once training has ended",
    "QAT": "quantisation-aware training: it trains with the rounding",
    "float32": "file format: float weights and activations",
    "dynamic": "file format of PTQ, dynamic range: 8-bit weights, float input and output",
    "int8": "file format of PTQ or QAT: integers throughout, for microcontrollers and phones alike",
    "gzip, brotli, xz": "compression that loses nothing; what pruning and clustering save shows there alone",
    "Pareto front": "the models that no smaller (or faster) one beats; the others are not worth their bytes",
    "p": "how often chance alone would part two equally good models as far: under 0.05 a difference counts as shown",
    "macro F1": "the harmonic mean of precision (how many that are called so are) and recall, mean over the classes",
    "unsure": "said in place of a class, where a bundle is less sure than it must be to be right often enough",
    "recall": "how many of the pictures of a class are called so",
    "MACs": "multiplications, each with an addition, for one picture",
    "sparsity": "share of the weights that are zero, between 0 and 1",
}


def lay_out_words() -> pd.DataFrame:
    """Return text: a row per word."""
    return pd.DataFrame(WORDS.items(), columns=["word", "what it means"])
