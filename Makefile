# make setup, run, ui, mlflow, test, lint, soak. Needs Python 3.11 or newer and make; uv makes the set-up faster where it is there.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: $(READY) ## Make .venv and install what requirements.lock names

$(READY): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed. Name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): over 100 packages, a minute or three …"
	@$(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
		$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes --requirement requirements.lock \
			| awk -v terminal="$$([ -t 1 ] && echo yes)" ' \
				/^ERROR/ { print } \
				/^Collecting/ { n++; if (terminal) printf "\r\033[K%d packages found: %s", n, $$2; else if (n % 50 == 0) print n " packages found" } \
				/^Installing/ { print (terminal ? "\r\033[K" : "") n " packages found, installing them …" } \
				{ fflush() }' && \
		$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .; \
	fi
	@touch $(READY)

.PHONY: run
run: setup ## Make sample trips, train seven models, print how good they are
	@$(BIN)/taxi run $(ARGS)

.PHONY: ui
ui: setup ## Show the assets in Dagster's UI on http://127.0.0.1:3000 (PORT=…), with the daemon
	@eval "$$($(BIN)/taxi env)" && exec dagster dev --host 127.0.0.1 --port $(or $(PORT),3000)

.PHONY: mlflow
mlflow: setup ## Show runs, models and the champion in MLflow's UI on http://127.0.0.1:5000 (PORT=…)
	@eval "$$($(BIN)/taxi env)" && case "$$MLFLOW_TRACKING_URI" in \
		http*) echo "MLflow runs at MLFLOW_TRACKING_URI already: open that address." ;; \
		*) exec mlflow server --backend-store-uri "$$MLFLOW_TRACKING_URI" --host 127.0.0.1 --port $(or $(PORT),5000) --workers 1 ;; \
	esac

.PHONY: test
test: setup lint ## Check style, types and import rules, then run all tests
	@$(BIN)/pytest $(ARGS)

.PHONY: soak
soak: setup ## Kill processes at random while a month is trained on, ten times; some 40 minutes
	@$(BIN)/python -m taxi_assets_tests.e2e.soak $(ARGS)

.PHONY: lint
lint: setup ## Check style, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: lock
lock: ## Pin all dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --no-header --extra dev --extra deploy --upgrade pyproject.toml --output-file requirements.lock

.PHONY: clean
clean: ## Delete .venv and all state below .taxi
	rm -rf $(VENV) .taxi
