# `make demo` and `make test` need Python 3.10 or 3.11, pip and make; they set up the rest in .venv, once.
# A second run starts at once: .venv/.ready is newer than what it was made from. The extension for 3D Slicer is tested
# in an environment of its own, .venv-slicer, because what stands in for Slicer needs Python 3.11 and numpy 2.

PYTHON ?=
PYTEST_FLAGS ?=
SLICER_PYTHON ?=
SLICER_PYTEST_FLAGS ?=
READY := .venv/.ready
RUN := .venv/bin/python -m
BONEAGE := .venv/bin/boneage
PIP := $(RUN) pip --disable-pip-version-check install --quiet
RUFF_PATHS := lib tests tools $(wildcard monailabel_app slicer_extension)

USABLE := import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 12))
IMPORTS := import torch, torchvision, monai, monailabel.app, ultralytics, segmentation_models_pytorch, \
	openvino, pydicom, highdicom, SimpleITK, pytest, boneage

SLICER_READY := .venv-slicer/.ready
SLICER_RUN := .venv-slicer/bin/python -m
SLICER_TESTS := tests/slicer_extension
SLICER_WANTED := $(if $(PYTEST_FLAGS),$(if $(SLICER_PYTEST_FLAGS),yes),yes)
SLICER_USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))
SLICER_IMPORTS := import slicer, vtk, requests, pydicom, SimpleITK, pytest; from PySide6 import QtUiTools, QtWidgets

.PHONY: help setup demo test lint format clean

help:
	@echo "make demo      start the server, assess two radiographs, correct one, stop"
	@echo "make test      run the tests                 (PYTEST_FLAGS='-k growth -n 2': some of them, without Slicer's;"
	@echo "                                             SLICER_PYTEST_FLAGS='-k widget': with some of Slicer's)"
	@echo "make lint      check style, form and types   (make format puts style and form right)"
	@echo "make setup     only make or complete .venv   (about 8 GB; demo, test and lint do it too)"
	@echo "make clean     remove .venv and what the tools keep"
	@echo "PYTHON=/path/to/python chooses another Python 3.10 or 3.11, after make clean"

setup: $(READY)

demo: $(READY)
	@.venv/bin/python tools/demo.py

# Where .venv-slicer could not be made, its recipe has said why.
test: $(READY) $(if $(SLICER_WANTED),$(SLICER_READY))
	@$(RUN) pytest --ignore=$(SLICER_TESTS) $(PYTEST_FLAGS)
	@if [ -n "$(SLICER_WANTED)" ] && [ -e $(SLICER_READY) ]; then \
	    echo "The tests of the extension for 3D Slicer:"; \
	    $(SLICER_RUN) pytest $(SLICER_TESTS) $(SLICER_PYTEST_FLAGS); \
	fi

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

# Without Python 3.11, or a library of the system that Qt or VTK need, there is no .ready and the tests are left out.
$(SLICER_READY): requirements/slicer.txt
	@python=; for candidate in $(or $(SLICER_PYTHON),python3.11 python3 .venv/bin/python); do \
	    if "$$candidate" -c '$(SLICER_USABLE)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Found no Python 3.11: the tests of the extension for 3D Slicer are skipped."; exit 0; \
	fi; \
	rm -f $@; \
	if .venv-slicer/bin/python -c '$(SLICER_USABLE)' 2>/dev/null && $(SLICER_RUN) pip --version >/dev/null 2>&1; \
	then .venv-slicer/bin/python tools/mend_environment.py || exit 1; \
	else echo "Making .venv-slicer with $$python"; "$$python" -m venv --clear .venv-slicer || exit 1; fi; \
	echo "Installing into .venv-slicer: about 0.6 GB to fetch, 1.8 GB on the disk."; \
	$(SLICER_RUN) pip --disable-pip-version-check install --quiet --requirement requirements/slicer.txt || exit 1; \
	if .venv-slicer/bin/python -c '$(SLICER_IMPORTS)' >.venv-slicer/imports.log 2>&1; then touch $@; \
	else tail -1 .venv-slicer/imports.log; \
	    echo "The tests of the extension for 3D Slicer are skipped; on Debian: apt install libegl1 libgl1 libxkbcommon0"; \
	fi

clean:
	rm -rf .venv .venv-slicer .pytest_cache .ruff_cache .mypy_cache out build lib/*.egg-info
