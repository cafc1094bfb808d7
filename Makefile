# The two commands: `make demo` and `make test`. On a fresh machine with Python 3.11+, make and Node 20+ each sets itself up.
.DEFAULT_GOAL := help
.PHONY: help demo test setup check format schema bench docs
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
DATA ?= ../shared/data
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

help: ## List what can be made
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: .venv/ready ## Run everything with a simulated world (ARGS='--orders 500 --exit' for an unattended run)
	@$(BIN)/orderloom demo $(ARGS)

test: .venv/ready-dev ## Run every test (ARGS='tests/unit -k money' for some)
	@nice -n 5 $(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n 2 --dist loadgroup)

setup: .venv/ready-dev ## Make the environment for work on Orderloom

check: .venv/ready-dev ## Format, lint, types, layers, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/docs

format: .venv/ready-dev ## Format the code and mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: .venv/ready-dev ## Write schema.sql anew after a change to the migrations
	@$(BIN)/python -m orderloom.plumbing.schema

bench: .venv/ready-dev ## Measure (DATA=folder of the real data sets)
	@echo "== bench/rating.py"; $(BIN)/python bench/rating.py $(wildcard $(DATA)/rates)
	@echo "== bench/routing.py"; $(BIN)/python bench/routing.py && $(BIN)/python bench/routing.py --exact --share 20
	@echo "== bench/batch.py"; $(BIN)/python bench/batch.py
	@if [ -d $(DATA)/cartonization ]; then echo "== bench/cartonization.py"; \
	  $(BIN)/python bench/cartonization.py $(DATA)/cartonization $(if $(wildcard $(DATA)/rates),--landed $(DATA)/rates/usps_retail_2025-10-05.csv); \
	  $(BIN)/python bench/cartonization.py $(DATA)/cartonization --flat; \
	  $(BIN)/python bench/container_loading.py $(DATA)/cartonization --first 10; \
	else echo "bench/cartonization.py left out: $(DATA)/cartonization is absent"; fi
	@echo "== bench/promise.py"; $(BIN)/python bench/promise.py $(wildcard $(DATA)/olist)
	@echo "== bench/capture.py"; $(BIN)/python bench/capture.py --rounds 3 --seconds 4
	@echo "== bench/spike.py"; $(BIN)/python bench/spike.py --seconds 20
	@echo "== bench/journeys.py"; $(BIN)/python bench/journeys.py --orders 6000 --warm 3000

docs: .venv/ready-dev ## Write the generated pages, build the documentation into site/
	@$(BIN)/python -m orderloom.plumbing.settings > docs/settings.md
	@$(BIN)/python -m orderloom.journey.drawn > docs/journey.md
	$(BIN)/zensical build --clean

# --- set-up: each stamp stands for a finished step, so a second run has nothing to do ---------------------------------
.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Orderloom needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo "set-up: making the environment .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

node_modules/ready: package.json package-lock.json
	@echo "set-up: fetching the console's assets (npm)"
	@command -v npm >/dev/null || { echo "Orderloom needs Node 20+ to build from a git checkout: npm was not found."; exit 1; }
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

.venv/ready: .venv/made node_modules/ready requirements/runtime.txt pyproject.toml hatch_build.py
	@echo "set-up: installing the pinned requirements and Orderloom itself"
	@$(PIP) install --require-hashes --prefer-binary -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-dev: .venv/ready requirements/dev.txt
	@echo "set-up: installing the tools for tests and checks"
	@$(PIP) install --require-hashes --prefer-binary -r requirements/dev.txt
	@touch $@
