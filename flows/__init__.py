"""Prefect runs the graph of dvc.yaml: in parallel, with retries and a live page. Nothing here restates the graph."""
