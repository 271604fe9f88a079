# Every target installs what it needs: a fresh machine with Python (3.11 to 3.13) and make can run `make demo`.
SHELL := /bin/sh
# The first interpreter with a supported version. To use another one: make setup PYTHON=/path/to/python3.12
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Create .venv from requirements.lock

$(READY): requirements.lock
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUPPORTED)' || \
	  { echo "Pippin needs Python 3.11, 3.12 or 3.13. Choose one with: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Installing into $(VENV) (about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: $(READY) ## Start everything, train the MNIST model, download it, stop everything
	@$(BIN)/pippin demo

.PHONY: test
test: $(READY) ## Run the tests (about 4 minutes on 2 cores)
	@$(BIN)/python -m pytest -m 'not full' --hypothesis-profile quick -n auto --dist worksteal

.PHONY: test-full
test-full: $(READY) fuzz ## Run the fuzzer and the long tests (about 25 minutes)
	@$(BIN)/python -m pytest -m full -n 3 --dist worksteal

.PHONY: fuzz
fuzz: $(READY) ## Send 20,000 invalid models and specs to the service
	@$(BIN)/python -m pytest tests/service/fuzz --fuzz-cases 20000 -n auto

.PHONY: load
load: $(READY) ## Run 1,000 jobs and 500 stream clients against the service; print latencies and memory
	@$(BIN)/python -m tests.load

.PHONY: abuse
abuse: $(READY) ## Attack a service from one client; print the effect on other clients (a few minutes)
	@$(BIN)/python -m tests.abuse

SEED ?= 1

.PHONY: chaos
chaos: $(READY) ## Inject 200 faults into 60 jobs and print the results (about 20 minutes); SEED=n draws other faults
	@$(BIN)/python -m tests.chaos --seed $(SEED)

TSC := $(VENV)-clients/node_modules/.bin/tsc

.PHONY: lint
lint: $(READY) ## Check style, types and the import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@if [ -x $(TSC) ]; then $(TSC) --project tools/dashboard; else echo "No TypeScript here: make test-full checks the dashboard's types"; fi

.PHONY: audit
audit: $(READY) ## Check the pinned packages for known vulnerabilities (needs pypi.org)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements.lock

.PHONY: openapi
openapi: $(READY) ## Regenerate docs/openapi.json and docs/rest.md from the service's routes
	@$(BIN)/python tools/openapi_document.py
	@$(BIN)/python tools/rest_reference.py

.PHONY: client
client: $(READY) ## Regenerate the blocking Python client from the asyncio one
	@$(BIN)/python tools/blocking_client.py

.PHONY: settings
settings: $(READY) ## Regenerate docs/settings.md from the settings
	@$(BIN)/python tools/settings_table.py

.PHONY: layers
layers: $(READY) ## Regenerate docs/layers.md from the layer types
	@$(BIN)/python tools/layers_table.py

.PHONY: decisions
decisions: $(READY) ## Regenerate the lists of decisions from the pages in docs/decisions
	@$(BIN)/python tools/decisions_list.py

.PHONY: docs
docs: $(VENV)-docs/.ready ## Build the documentation into site/; a broken link is an error
	@$(VENV)-docs/bin/zensical build --clean --strict

# A separate environment: it installs in seconds, and needs no package of Pippin.
$(VENV)-docs/.ready: tools/docs.lock
	@echo "Installing the documentation tools into $(VENV)-docs (a few seconds)"
	@$(PYTHON) -m venv --clear $(VENV)-docs
	@$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# A separate environment for the tests of generated clients, with the packages for Node.js in it.
$(VENV)-clients/.ready: tools/clients.lock tools/clients/package-lock.json
	@command -v npm >/dev/null || { echo "The tests of generated clients need Node.js 20.19 or newer, with npm"; exit 1; }
	@echo "Installing client generators into $(VENV)-clients (half a minute)"
	@$(PYTHON) -m venv --clear $(VENV)-clients
	@$(VENV)-clients/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r $<
	@cp tools/clients/package.json tools/clients/package-lock.json $(VENV)-clients
	@npm ci --prefix $(VENV)-clients --ignore-scripts --no-audit --no-fund --silent --fetch-retries 1 --fetch-timeout 30000
	@touch $@

.PHONY: bench
bench: $(READY) $(VENV)-bench/.ready ## Time an epoch against Keras/TensorFlow and PyTorch, a job's start, the service's memory
	@$(BIN)/python benchmarks/epoch.py --peers $(VENV)-bench/bin/python
	@$(BIN)/python benchmarks/service.py

MNIST ?= ../shared/data/mnist

.PHONY: bench-mnist
bench-mnist: $(READY) ## Train on all 60,000 digits as the seed app does; MNIST=folder is where the four files are
	@$(BIN)/python benchmarks/mnist.py --from "$(MNIST)"

MAC_RUN ?= ../shared/data/mac-run

.PHONY: replay
replay: $(READY) ## Replay a published training of a Mac and print each rule's distance; MAC_RUN=folder is where the run is
	@$(BIN)/python benchmarks/replay.py --from "$(MAC_RUN)"

.PHONY: torch-parity
torch-parity: $(READY) $(VENV)-bench/.ready ## Print the distance of our trained weights from PyTorch's
	@$(BIN)/python benchmarks/parity_with_torch.py --peers $(VENV)-bench/bin/python

.PHONY: screenshots
screenshots: $(READY) ## Take pictures of the dashboard into build/screenshots, and renew the README's; needs chromium
	@$(BIN)/python -m pytest -q tests/dashboard/test_screenshots.py --screenshots build/screenshots
	@$(BIN)/python tools/readme_picture.py build/screenshots

.PHONY: bench-dashboard
bench-dashboard: $(READY) ## Measure the dashboard's first paint, scrolling and page sizes; needs chromium
	@$(BIN)/python benchmarks/dashboard.py

$(VENV)-bench/.ready: benchmarks/requirements.lock
	@echo "Installing Keras/TensorFlow and PyTorch into $(VENV)-bench (a few minutes)"
	@$(PYTHON) -m venv --clear $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# uv resolves the versions. The files name no package index, so that they work with any mirror.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --no-annotate --quiet
IMAGE := --constraint requirements.lock deploy/docker/build.in

.PHONY: lock
lock: $(READY) ## Pin the requirements in pyproject.toml again
	@$(COMPILE) pyproject.toml --extra service --extra worker --extra mac --extra otel --extra dev -o requirements.lock
	@$(COMPILE) $(IMAGE) pyproject.toml --extra service --extra otel -o deploy/docker/service.lock
	@$(COMPILE) $(IMAGE) pyproject.toml --extra worker --extra otel -o deploy/docker/worker.lock
	@$(COMPILE) tools/docs.in -o tools/docs.lock
	@$(COMPILE) tools/clients.in -o tools/clients.lock
	@$(COMPILE) benchmarks/requirements.in -o benchmarks/requirements.lock
