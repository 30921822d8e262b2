PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo docs tables test test-slow lint

# Trains a small ReDMark network on bundled photos, measures and exports it: a few minutes.
demo: $(VENV)/installed
	$(BIN)/python -m tfwm.recipes.redmark output=demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -n auto --dist loadfile -m "slow or not slow"

docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Writes the tables of README.md and docs/, and results/README.md.
tables: $(VENV)/installed
	$(BIN)/python tools/tables.py

lint: $(VENV)/installed
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/installed: setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[test,lint]'
	touch $@
