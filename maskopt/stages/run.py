"""How every stage starts: logging, params, and errors that a user can read."""

import logging
import sys
from collections.abc import Callable
from typing import Concatenate

from maskopt import paths
from maskopt.errors import MaskoptError
from maskopt.params import Params, load_params


def run(stage: Callable[Concatenate[Params, ...], None]) -> None:
    """Call `stage(params, *arguments of the command line)`; exit with 1 and a message if the user must act."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        stage(load_params(paths.PARAMS), *sys.argv[1:])
    except MaskoptError as err:
        sys.exit(f"error: {err}")
