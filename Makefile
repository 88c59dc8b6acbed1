# Camward: one command each. `make help` lists them.
# Everything installs what it needs by itself: system packages where it may (root or sudo), Python packages by hash.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= demo
SOURCE ?=

.PHONY: help setup setup-test run test lint format bench fuzz reference requirements screenshots clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(VENV)/.run ## set up what running needs; .venv/bin/camward is the command afterwards

setup-test: $(VENV)/.test ## set up what the tests need: peers such as ffmpeg, GStreamer, Chromium

$(VENV)/.run: requirements/run.txt pyproject.toml tools/system-packages
	tools/system-packages run
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python tools/link-package
	touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	tools/system-packages test
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/test.txt
	touch $@

run: setup ## a camera on real footage (or SOURCE=v4l2:/dev/video0) and a recorder; prints what to do next
	$(BIN)/camward demo --state $(STATE) $(if $(SOURCE),--source $(SOURCE))

test: setup-test ## all tests, real peers included
	$(BIN)/python -m pytest -n 2 --dist loadfile tests

lint: setup-test ## format, lint, types, floors
	$(BIN)/ruff format --check src tests fuzz bench
	$(BIN)/ruff check src tests fuzz bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/check-tree
	$(BIN)/python tools/settings-reference --check

format: ## let ruff format and mend
	$(BIN)/ruff format src tests fuzz bench
	$(BIN)/ruff check --fix src tests fuzz bench

bench: setup-test ## side by side with named peers; prints ratios
	$(BIN)/python -m bench

fuzz: setup-test ## each parser, SECONDS=60 a target
	$(BIN)/python tools/fuzz-all --seconds $(or $(SECONDS),60)

reference: setup ## write docs/reference/settings.md from the settings trees
	$(BIN)/python tools/settings-reference

screenshots: setup-test ## the README's pictures, taken from a running demo
	$(BIN)/python tools/screenshots

requirements: ## pin again, after a change of requirements/*.in
	$(BIN)/python -m pip install --quiet pip-tools
	for part in run test; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --strip-extras --allow-unsafe --no-header -o requirements/$$part.txt requirements/$$part.in; done

clean: ## remove what was set up and the demo's state
	rm -rf $(VENV) build demo
