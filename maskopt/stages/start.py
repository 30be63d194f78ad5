"""What a trunk starts from: random values, or weights of a file or of ImageNet."""

import logging
from pathlib import Path

from maskopt import paths
from maskopt.errors import WrongWeights
from maskopt.files import replacing
from maskopt.records import write_record

logger = logging.getLogger(__name__)


def bring(source: str, backbone: str, size_px: int, name: str) -> None:
    """Write weights and source below a name; only the source where the network starts from random values.

    Raises:
        WrongWeights: the file is not in `data/incoming`, or of another network.
    """
    if source not in ("none", "imagenet") and not Path(source).resolve().is_relative_to(paths.INCOMING.resolve()):
        raise WrongWeights(Path(source), backbone, f"it is not in {paths.INCOMING}, where DVC sees a file change")
    facts = {"weights": source}
    with replacing(paths.start_weights(name)) as folder:
        folder.mkdir()
        if source != "none":
            from maskopt.weights import fingerprint, load_weights  # noqa: PLC0415  TensorFlow, not needed for none

            trunk = load_weights(backbone, source, size_px)
            facts["weights_sha256"] = fingerprint(trunk)
            trunk.save_weights(folder / paths.trunk(name).name)
        write_record(folder / paths.start_facts(name).name, facts)
    logger.info("%s starts from %s", name, facts)
