# The only front door: every command that a person or CI runs is a target here.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SPARK  := $(VENV)/spark
ROUNDS ?= 10
MINUTES ?= 30
FAST   := -m "not slow" --hypothesis-profile fast
unexport PYTHONDONTWRITEBYTECODE  # without bytecode every process compiles every library that it imports
.DEFAULT_GOAL := help
.PHONY: help setup demo test unit spark coverage check format bench docs site pictures chaos soak image clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/make \1|\2/' | column -t -s '|'

setup: $(VENV)/.done  ## the virtual environment, from pinned versions

$(VENV):
	mkdir -p $@

$(VENV)/.done: pyproject.toml constraints.txt | $(VENV)
	@echo 'Installing makiserve, with all libraries of its tests and models, into $(VENV). This takes some minutes.'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## train, log, serve on an embedded broker, replay, compare, report
	$(BIN)/python -m examples.demo

test: setup  ## every test, on a real Kafka broker that the tests start themselves
	$(MAKE) unit SLOW=1
	$(BIN)/python -m pytest -n 3 --dist worksteal tests/integration tests/chaos -m "not sweep"

unit: setup  ## the fast unit tests: no broker, no browser, no Java; with SLOW=1 the slow ones too
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(if $(SLOW),,$(FAST)) tests/unit

spark: $(SPARK)/.done  ## features and scores on a real Spark, which it installs (800 MB); needs Java 17 and Maven
	$(SPARK)/bin/python -m pytest -q tests/spark

$(SPARK)/.done: pyproject.toml constraints.txt | $(VENV)  # apart: Spark Connect and rxsci need different versions of zstandard
	@echo 'Installing makiserve and Spark into $(SPARK). This takes some minutes.'
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lake,spark]' \
		'pyspark[connect]' 'pyiceberg[sql-sqlite]' hypothesis playwright pytest pytest-timeout
	touch $@

coverage: setup  ## all unit tests, with the lines and branches that they do not reach
	$(BIN)/python -m pytest -q -n 2 --cov --cov-report term:skip-covered tests/unit

check: setup  ## format, lint, types, layers: changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## the figures of benchmarks/README.md, measured here and now
	$(BIN)/python -m benchmarks

chaos: setup  ## faults against three brokers and several workers, then a crash at every call: ROUNDS=10 SEED=1 KEYS=50000
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(KEYS),--keys $(KEYS))
	$(BIN)/python -m pytest -q tests/chaos/test_crash_points.py

soak: setup  ## steady traffic with a broker's and a rolling restart, with figures of memory and latency: MINUTES=30
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

image: setup  ## the container image, tested on a real broker: non-root, read-only (docker, podman or buildah)
	$(BIN)/python -m image

docs: setup  ## the reference, from docstrings, settings and commands
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/reference.py
	$(BIN)/python -m docs.metrics
	$(BIN)/python -m docs.python_api
	$(BIN)/python -m docs.decision_index

site: setup  ## the documentation as a site in build/site, with a new reference; a broken link is an error
	$(BIN)/python -m mkdocs build

pictures: setup  ## docs/images: the status page and a report, from a real run
	$(BIN)/python -m docs.pictures

clean:  ## remove what the targets above made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
