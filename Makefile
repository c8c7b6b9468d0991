# `make demo` and `make test` need Python 3.10 or 3.11, pip and make; they set up the rest in .venv, once.
# A second run starts at once: .venv/.ready is newer than what it was made from.

PYTHON ?=
PYTEST_FLAGS ?=
READY := .venv/.ready
RUN := .venv/bin/python -m
BONEAGE := .venv/bin/boneage
PIP := $(RUN) pip --disable-pip-version-check install --quiet
RUFF_PATHS := lib tests tools $(wildcard monailabel_app slicer_extension)

USABLE := import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 12))
IMPORTS := import torch, torchvision, monai, monailabel.app, ultralytics, segmentation_models_pytorch, \
	openvino, pydicom, highdicom, SimpleITK, pytest, boneage

.PHONY: help setup demo test lint format clean

help:
	@echo "make demo      start the server, assess two radiographs, correct one, stop"
	@echo "make test      run the tests                 (PYTEST_FLAGS='-k growth -n 2')"
	@echo "make lint      check style, form and types   (make format puts style and form right)"
	@echo "make setup     only make or complete .venv   (about 8 GB; demo, test and lint do it too)"
	@echo "make clean     remove .venv and what the tools keep"
	@echo "PYTHON=/path/to/python chooses another Python 3.10 or 3.11, after make clean"

setup: $(READY)

demo: $(READY)
	@.venv/bin/python tools/demo.py

test: $(READY)
	@$(RUN) pytest $(PYTEST_FLAGS)

lint: $(READY)
	@$(RUN) ruff check $(RUFF_PATHS)
	@$(RUN) ruff format --check $(RUFF_PATHS)
	@$(RUN) mypy

format: $(READY)
	@$(RUN) ruff check --fix $(RUFF_PATHS)
	@$(RUN) ruff format $(RUFF_PATHS)

# .ready comes last, after every import was tried: an interrupted run is completed by the next one.
$(READY): pyproject.toml requirements/monailabel.txt
	@python=; for candidate in $(or $(PYTHON),python3.11 python3.10 python3); do \
	    if "$$candidate" -c '$(USABLE)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Found no Python 3.10 or 3.11 with its venv module among: $(or $(PYTHON),python3.11 python3.10 python3)."; \
	    echo "Install one (on Debian with its python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
	    exit 1; \
	fi >&2; \
	rm -f $@; \
	if .venv/bin/python -c '$(USABLE)' 2>/dev/null && $(RUN) pip --version >/dev/null 2>&1; \
	then .venv/bin/python tools/mend_environment.py; \
	else echo "Making .venv with $$python"; "$$python" -m venv --clear .venv; fi
	@echo "Installing into .venv: about 3 GB to fetch, 8 GB on the disk; minutes, and silent."
	@$(PIP) --editable '.[server,dev]'
	@$(PIP) --no-deps --requirement requirements/monailabel.txt
	@echo "Trying the imports"
	@.venv/bin/python -c '$(IMPORTS)' >.venv/imports.log 2>&1 || { cat .venv/imports.log; exit 1; }
	@$(BONEAGE) models compile
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache out build lib/*.egg-info
