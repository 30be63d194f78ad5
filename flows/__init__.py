"""Prefect runs the graph of dvc.yaml: in parallel, with retries and a live page. Nothing here restates the graph."""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")  # read by Prefect's client; pyproject.toml says it to its server
