PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo

.PHONY: help install demo test lint audit format clean

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

install: $(VENV)/.installed ## the package and its development tools in .venv

$(VENV)/.installed: setup.cfg constraints.txt
	@echo "Setting up $(VENV) (TensorFlow is a large download: a few minutes the first time)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install    ## the whole job on the embedded sample; results in ./demo (OUT=...)
	$(BIN)/ctrmoe demo --out $(OUT)

test: install    ## all tests, one process a core
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: install    ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit:           ## known vulnerabilities of the pinned packages, risky calls of our own
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit bandit
	$(VENV)-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip $(AUDIT)
	$(VENV)-audit/bin/bandit --quiet --recursive ctrmoe --severity-level medium

format: install  ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove the virtual environment and what the demo wrote
	rm -rf $(VENV) $(VENV)-audit demo
