# Two commands for a fresh machine: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
BROADSHEET_HOME ?= $(HOME)/.local/share/broadsheet
export BROADSHEET_HOME HOST PORT
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: all run setup test test-fast lint format bench docs-check docs help clean

all: lint test ## lint and test

run: $(VENV)/run ## set everything up and serve the site (HOST, PORT)
	$(BIN)/broadsheet encoder build --if-missing || echo "Without the encoder, search goes by words alone."
	exec $(BIN)/broadsheet run --host $(HOST) --port $(PORT)

setup: $(VENV)/run $(VENV)/dev ## the virtual environment with everything in it, and the encoder
	$(BIN)/broadsheet encoder build --if-missing || echo "Without the encoder, search goes by words alone."

test: setup ## pass every test: the fast part, then the slow one
	$(BIN)/python -m pytest -n 2 -m "not slow"
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

test-fast: $(VENV)/dev ## the fast part of the tests
	$(BIN)/python -m pytest -n 2 -m "not slow"

lint: $(VENV)/dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev ## put the code into its one form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup ## every benchmark; results go to bench/results
	for name in import index encode search judged integrity api digest foryou groups scale engines cluster web; do $(BIN)/broadsheet bench $$name --save || exit 1; done

docs: $(VENV)/dev ## write the generated parts of the documents anew
	$(BIN)/python -m broadsheet.docs --write

docs-check: $(VENV)/dev ## every command, setting and route is documented as it is
	$(BIN)/python -m broadsheet.docs --check

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

clean: ## remove the virtual environment
	rm -rf $(VENV)

# An interrupted installation must not pass for a finished one: the mark is written last.
$(VENV)/run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Broadsheet needs Python 3.11 or later; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing what Broadsheet needs (once) ..."
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements/dev.txt requirements/old-client.txt $(VENV)/run
	@echo "Installing what the tests need (once) ..."
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --require-hashes --target $(VENV)/old-client --upgrade -r requirements/old-client.txt
	@touch $@
