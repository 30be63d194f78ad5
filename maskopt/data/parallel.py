"""One function over many pictures: on all cores, results in order, memory that does not grow with their number."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

FEW = 256  # pictures for which other processes would take longer to start than to help
BATCH = 2048  # pictures whose results may wait for their turn
CHUNK = 16  # pictures handed to a process at once
MAX_PROCESSES = 8  # each takes about 100 MB

T = TypeVar("T")
R = TypeVar("R")


def map_pictures(function: Callable[[T], R], items: Sequence[T], label: str) -> Iterator[R]:
    """Yield `function(item)` for each item, with a progress bar on a terminal.

    Args:
        function: one that `pickle` can name, or a `partial` of one.
        items: any number.
        label: what is being done, for the bar.
    """
    with tqdm(total=len(items), desc=label, unit=" pictures", disable=None) as bar:
        for result in _map(function, items):
            bar.update()
            yield result


def _map(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    if len(items) <= FEW:
        yield from map(function, items)
        return
    # Not forked from here: faiss and BLAS have threads, with which a fork can lock up.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(function, "func", function).__module__])
    remaining = iter(items)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, MAX_PROCESSES), context) as pool:
        while batch := list(islice(remaining, BATCH)):
            yield from pool.map(function, batch, chunksize=CHUNK)
