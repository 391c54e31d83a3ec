# Everything is set up by the first target that needs it: a virtual environment, the locked
# dependencies, and for demo and tests the servers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := chatfold streams projections providers schemas
FUZZ_SECONDS ?= 60
# Tests wait more than they compute, so that more of them go at once than there are cores.
WORKERS ?= 3
INSTALLED := $(VENV)/.installed

.PHONY: demo test check fix fault fuzz bench docs lock clean install

demo: install  ## set up, run every role, play webhooks of every kind through them, and look
	@$(BIN)/chatfold demo $(ARGS)

test: install  ## unit, property, contract, integration, e2e and a short pass of the fault tests
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

check: install  ## lint, format, types, import contracts, generated documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m docs.generate --check

fix: install  ## what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/python -m docs.generate

fault: install  ## the full counts of the fault tests
	@CHATFOLD_FAULT_RUNS=20 $(BIN)/python -m pytest --timeout=1800 tests/fault $(ARGS)

fuzz: $(VENV)/.fuzzing  ## mutated webhooks against every provider, for FUZZ_SECONDS
	@$(BIN)/python -m tests.fuzz -max_total_time=$(FUZZ_SECONDS) $(ARGS)

bench: install  ## every benchmark, one after the other
	@$(BIN)/python -m tests.bench $(ARGS)

docs: install  ## generated documents: schemas, AsyncAPI, settings
	@$(BIN)/python -m docs.generate

lock: install  ## resolve the pins of pyproject.toml again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra stack --extra analysis --group dev \
		--generate-hashes --no-annotate --no-header pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group pyproject.toml:fuzz \
		--generate-hashes --no-annotate --no-header --output-file fuzz.lock

clean:  ## stop the servers and delete their data and the virtual environment
	@if [ -x $(BIN)/chatfold ]; then $(BIN)/chatfold stack down; fi
	@rm -rf $(VENV) .chatfold

install: $(INSTALLED)

$(INSTALLED): requirements.lock bootstrap.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …")'
	@echo "installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@# Compiled once: a demo starts ten processes, the tests hundreds.
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

$(VENV)/.fuzzing: $(INSTALLED) fuzz.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r fuzz.lock
	@touch $@
