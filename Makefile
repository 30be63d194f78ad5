# Each target sets itself up: it needs git, make and Python 3.11, 3.12 or 3.13. A second call installs nothing.
PYTHON := $(shell for v in 3.11 3.12 3.13 3; do \
	command -v python$$v >/dev/null && python$$v -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo python$$v && break; done)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(BIN):$(PATH)
# Prefect's client, beside what pyproject.toml says of its server.
export DO_NOT_TRACK := 1

.PHONY: run report test test-all test-network results site bench bench-flow lint format requirements remote help

run: $(READY)  ## the whole experiment, then which model to ship
	maskopt run
	@awk '/^## / { shown = /^## Which model$$/ } shown' data/report/report.md
	@echo "All tables: data/report/report.md. As one page with charts: make report"
	@echo "To use a model, with .venv activated: maskopt classify PICTURE"

report: $(READY)  ## the last run as one page of HTML, in a browser
	maskopt report --open

test: $(READY) lint  ## what CI runs
	pytest -n 2 --dist loadfile

test-all: $(READY)  ## with the slow tier
	pytest -m 'slow or not slow'

test-network: $(READY)  ## one of the paper's networks through every variant: make test-network NETWORK=resnet50
	@test -n "$(NETWORK)" || { echo "which network? make test-network NETWORK=resnet50"; exit 2; }
	pytest -m slow tests/pipeline/test_paper_networks.py -k '$(NETWORK)'

results: $(READY)  ## what `make run` has made, into docs/results/: make results NAME=photos
	python benchmarks/results.py $(NAME)

site: $(READY)  ## docs/ as a site, in build/site
	mkdocs build --strict

bench: $(READY)  ## against a notebook-style script; needs the files of the photos profile in data/incoming
	python benchmarks/compare.py

bench-flow: $(READY)  ## what the flow costs; with the quick profile: make bench-flow QUICK=--quick
	python benchmarks/flow.py $(QUICK)

lint: $(READY)  ## format, lint and types alone
	ruff format --check .
	ruff check .
	mypy

format: $(READY)  ## mends what ruff can mend
	ruff check --fix .
	ruff format .

remote: $(READY)  ## where dvc push and pull keep data and models: make remote URL=/a/folder or URL=s3://bucket/path
	@test -n "$(URL)" || { echo "which remote? make remote URL=/a/folder, or URL=s3://bucket/path"; exit 2; }
	dvc remote add --local --default --force store $(URL)

requirements:  ## pins of all packages from pyproject.toml; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev \
		--custom-compile-command 'make requirements' --quiet --output-file requirements.txt pyproject.toml

help:  ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' Makefile

# A second make waits here for the first. macOS has no flock(1), so Python takes the lock; the shell keeps it, in file 9.
$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found: install one, then run make again"; exit 2; }
	@echo "installing into $(VENV): about 4 GB, some minutes, without a word until it is done; where another make is at it already, this one waits for it"
	@mkdir -p $(VENV)
	@set -e; exec 9>$(VENV)/.lock; $(PYTHON) -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; \
	if ! [ $(READY) -nt requirements.txt -a $(READY) -nt pyproject.toml ]; then \
		$(PYTHON) -m venv $(VENV); \
		$(BIN)/pip install --quiet --require-hashes --requirement requirements.txt; \
		$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .; \
		touch $(READY); \
	fi
