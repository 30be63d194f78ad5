"""The paper's networks through every variant, on drawn pictures: each invariant is checked by the stages themselves.

`make test-network NETWORK=resnet50` runs one of them and shows time and peak memory of each stage.
"""

import json
import re
import sys
import time
from functools import partial

import pandas as pd
import pytest
from small import shrink

from maskopt.tflite.variants import VARIANTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

NETWORKS = ("mobilenet_v2", "inception_v3", "resnet50", "nasnet_mobile")
SIZE_PX = 96


@pytest.mark.parametrize("network", NETWORKS)
def test_paper_network_goes_through_every_variant(network, new_workspace, capsys):
    workspace = new_workspace(partial(shrink, backbones=[network], size_px=SIZE_PX))
    workspace.run("dvc", "repro", "pixels", "teacher@0", f"weights@{network}")
    rows = []
    for variant in VARIANTS:
        started = time.monotonic()
        peak = peak_mib(workspace, "dvc", "repro", "--single-item", f"{variant}@{network}-0")
        rows.append((variant, round(time.monotonic() - started), peak))
    workspace.run("dvc", "repro", f"measured@{network}-finetuned-0")  # each format; brotli takes seconds for a megabyte
    with capsys.disabled():
        table = pd.DataFrame(rows, columns=["variant", "seconds", "peak MiB"])
        sys.stdout.write(f"\n{network}, {SIZE_PX} px\n{table.to_markdown(index=False)}\n")
    for variant, promise in VARIANTS.items():
        files = (workspace.root / f"data/models/seed-0/{network}/{variant}").glob("*.tflite")
        assert {file.stem for file in files} == set(promise.formats)
    metrics = json.loads((workspace.root / f"data/metrics/seed-0/{network}/finetuned.json").read_text())
    assert tuple(metrics["formats"]) == VARIANTS["finetuned"].formats


def peak_mib(workspace, *command):
    """Run a command and return the peak memory of the largest of its processes."""
    report = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    text = workspace.run(sys.executable, "-c", report, *command)
    return round(int(re.search(r"^peak (\d+)$", text, re.MULTILINE)[1]) / 1024)
