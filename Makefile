# The words for people and for CI alike; `make` alone prints them.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
# The lock files are whole, so pip resolves nothing: what it would choose changes with every release of others.
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-build-isolation --no-deps
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --python $(BIN)/python \
	--generate-hashes --no-header --no-annotate --no-emit-index-url $(ARGS)
CODE = $(wildcard src tests bench docs)

CREATED := $(VENV)/created.stamp
RUNTIME := $(VENV)/runtime.stamp
PROJECT := $(VENV)/project.stamp
DEV := $(VENV)/dev.stamp

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test check fix bench lock clean

help: ## Print these lines.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)$$/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

install: $(PROJECT) ## Make .venv with everything that the hub needs to run.

demo: $(PROJECT) ## Run a simulated fleet and its hub; ARGS="--help" for the choices.
	$(BIN)/heliograph demo $(ARGS)

test: $(DEV) ## Run the tests; ARGS="-k rollup" chooses among them.
	$(BIN)/python -m pytest $(ARGS)

check: $(DEV) ## Judge formatting, lint, types, layers, generated docs and spelling; changes nothing.
	$(BIN)/python -m pip --disable-pip-version-check check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/python -m pytest -q tests/test_layers.py
	$(BIN)/python docs/generate.py --check
	$(BIN)/codespell

fix: $(DEV) ## Format, mend what lint can mend, and write the generated docs again.
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	$(BIN)/python docs/generate.py

bench: $(PROJECT) ## Measure; ARGS is passed on.
	$(BIN)/python -m bench $(ARGS)

lock: $(DEV) ## Resolve requirements/ again from pyproject.toml; ARGS="--upgrade" for newer ones.
	$(LOCK) --group build --output-file requirements/build.txt
	$(LOCK) pyproject.toml --constraint requirements/build.txt --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --extra dev --constraint requirements/build.txt --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt

clean: ## Remove .venv, caches and build products.
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# Builders go first: some dependencies exist only as source, and nothing may be fetched that is not pinned.
$(RUNTIME): requirements/build.txt requirements/runtime.txt | $(CREATED)
	$(PIP) --require-hashes -r requirements/build.txt
	$(PIP) --require-hashes -r requirements/runtime.txt
	@touch $@

$(PROJECT): pyproject.toml $(RUNTIME)
	$(PIP) --editable .
	@touch $@

$(DEV): requirements/dev.txt $(PROJECT)
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
