"""`evaluation.attributes` -> the attributes of each picture of the manifest."""

import logging

import pandas as pd

from maskopt import paths
from maskopt.data.attributes import NOT_SAID, read_attributes
from maskopt.data.rows import read_manifest
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.stages.shared.run import run

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Write the table of attributes; the paths alone where params name none."""
    pictures, source = read_manifest(paths.MANIFEST)["path"], params.evaluation.attributes
    rows = pd.DataFrame({"path": pictures})
    if source:
        rows = read_attributes(source, pictures)
        for name, values in rows.drop(columns="path").items():
            logger.info("%s: %d of %d pictures not said", name, (values == NOT_SAID).sum(), len(values))
    with replacing(paths.ATTRIBUTES) as file:
        rows.to_csv(file, index=False)


if __name__ == "__main__":
    run(main)
