# xiaobao: `make run` starts the service, `make test` proves it. Everything lives in the virtual environment $(VENV).
PYTHON ?= python3
VENV ?= .venv
# Not ?=: tcsh and conda export a HOST of their own. `make run HOST=…` still works.
HOST := 127.0.0.1
PORT ?= 8000
BIN := $(VENV)/bin
SOURCES := pyproject.toml

.PHONY: run demo test check format prove wheelhouse clean
.DEFAULT_GOAL := run
# A virtual environment that failed half-way is made anew.
.DELETE_ON_ERROR:

run: $(VENV)/.serving  ## start the service in development mode with the shipped bundle
	XIAOBAO_ENVIRONMENT=development $(BIN)/xiaobao serve --host $(HOST) --port $(PORT)

demo: export XIAOBAO_ENVIRONMENT := development
demo: export XIAOBAO_DATA_FOLDER := .xiaobao/demo
demo: $(VENV)/.serving  ## a fictional bank: 300 complaints of two years, then the service to look at it
	$(BIN)/python -m serving.demo
	$(BIN)/xiaobao serve --host $(HOST) --port $(PORT)

test: $(VENV)/.development  ## everything but the long proofs, on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.development  ## lint, format, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

prove: $(VENV)/.development  ## the long proofs, an hour and more; tables go into docs/operations.md
	$(BIN)/python -m eval.load --seconds 60
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,ray]'
	$(BIN)/python -m pytest -m proof
	XIAOBAO_EXAMPLES=150 $(BIN)/python -m pytest -m "proof or not proof" tests/serving/test_contract.py tests/serving/test_leaks.py
	$(BIN)/python -m eval.proofs $(PROOFS)

wheelhouse: $(VENV)/.development  ## wheels, hashes and SBOM for an air-gapped install; EXTRAS="postgres reports" adds theirs
	$(BIN)/python deploy/wheelhouse.py wheelhouse $(EXTRAS:%=--extra %)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"xiaobao needs Python 3.11 or newer, $(PYTHON) is {v.major}.{v.minor}; run: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(VENV)/bin/python $(SOURCES)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.development: $(VENV)/bin/python $(SOURCES)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.serving

clean:
	rm -rf $(VENV) build wheelhouse *.egg-info
