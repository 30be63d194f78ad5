"""What a trunk starts from: random values, or weights of a file or of ImageNet."""

import logging

from maskopt import paths
from maskopt.files import replacing, write_record
from maskopt.params import Trunk

logger = logging.getLogger(__name__)


def bring(trunk: Trunk, source: str, size_px: int, name: str) -> None:
    """Write weights and source below a name; only the source where the network starts from random values.

    Raises:
        WrongWeights: the file is of another network.
    """
    if source == "none":
        bring_nothing(name)
        return
    from maskopt.weights import fingerprint, load_weights  # noqa: PLC0415  TensorFlow, not needed for none

    layers = load_weights(trunk, source, size_px)
    with replacing(paths.start_weights(name)) as folder:
        folder.mkdir()
        layers.save_weights(folder / paths.trunk(name).name)
        facts = {"weights": source, "weights_sha256": fingerprint(layers)}
        write_record(folder / paths.start_facts(name).name, facts)
    logger.info("%s starts from %s", name, facts)


def bring_nothing(name: str) -> None:
    """Write that a network starts from random values."""
    with replacing(paths.start_weights(name)) as folder:
        folder.mkdir()
        write_record(folder / paths.start_facts(name).name, {"weights": "none"})
    logger.info("%s starts from random values", name)
