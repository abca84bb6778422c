# Everything a person or a machine does here. `make help` prints this list; the first target sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 python))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_SECONDS ?=
CODE := shared services cli deploy tests

.PHONY: help demo test check fmt lint types unit contract integration e2e bench schema verify images kube browser lock clean setup

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## run the whole system with the demo county; DEMO_SECONDS=90 ends by itself and reconciles
	@$(BIN)/whistle demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: $(READY) browser ## run everything that must hold: lint, types, contracts, generated files and all tests
	@$(BIN)/python -m tests.stages

check: $(READY) ## run the quick half of test: lint, types, contracts, generated files, unit and contract tests
	@$(BIN)/python -m tests.stages --quick

fmt: $(READY) ## format the code and mend what ruff can mend
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(READY) ## ruff, its format check, and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(READY) ## mypy, strict, tests included
	@$(BIN)/mypy

unit: $(READY) ## decisions and handlers on fakes; no sockets, seconds
	@$(BIN)/python -m pytest tests/unit

contract: $(READY) ## the catalogue, the manifests and the house rules
	@$(BIN)/python -m pytest tests/contract

integration: $(READY) ## each port over its fake and over the real Kafka or PostgreSQL
	@$(BIN)/python -m pytest tests/integration

e2e: $(READY) browser ## reports through all services over real processes, and services killed half-way
	@$(BIN)/python -m pytest tests/e2e

bench: $(READY) ## print rates, delays and memory, each beside its bare engine; BENCH=name runs one
	@$(BIN)/python -m tests.bench $(BENCH)

schema: $(READY) ## write the generated files anew: JSON Schema, AsyncAPI, OpenAPI, state graph, Kafka manifests
	@$(BIN)/python -m tests.stages --generate

verify: $(READY) ## fail when a generated file or a lock is stale
	@$(BIN)/python -m tests.stages --verify

images: ## build one container image for each service (needs docker)
	@deploy/docker/build

kube: $(READY) ## build a Kubernetes API server once (needs Go, ~5 minutes) and check the manifests on it
	@deploy/k8s/tests/build && WHISTLE_KUBE_APISERVER=on $(BIN)/python -m pytest tests/integration/kubernetes

browser: $(READY) ## Chromium and fonts for the page tests: installed as root by apt-get, otherwise said and skipped
	@.ci/browser

lock: $(READY) ## resolve the dependencies of pyproject.toml anew into requirements/, with hashes
	@$(BIN)/python -m deploy.lock

clean: ## remove what make and the tools made, the virtual environment too
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

setup: $(READY) ## set up the virtual environment; every other target does it by itself

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@.ci/setup "$(PYTHON)" $(VENV)
	@touch $@
