# make setup   .venv with fxnn in it
# make demo    a network on the virtual Pico (make demo PORT=/dev/ttyACM0: on a real one)
# make test    every test
# make check   format, lint, types, dead code, the rules of tests/host/house: a minute, before the tests
# make test-qemu      the emulated RISC-V and Xtensa with newer QEMUs, fetched from later Debian releases where that can be
# make test-debian13  make demo and make test in a bare Debian 13 (root on a Debian; an hour or more on two cores)
# make test-long      all that takes too long for every change: LONG
# make bench   cycles of five layers and the public networks on the virtual Pico, per backend (BENCH=--write keeps them)
LONG := test-qemu test-debian13
.PHONY: setup demo check test test-long $(LONG) bench clean

PYTHON ?= python3
PORT ?= pico
VENV := .venv
BIN := $(VENV)/bin

setup: $(VENV)/.installed

demo: setup
	@$(BIN)/python -m host_tools.cli.demo --port $(PORT)

check: $(VENV)/.check-installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/vulture
	$(BIN)/vulture host_tools device/fxnn boot.py main.py tests
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/host/house -m "not slow and not pico"

test: $(VENV)/.test-installed
	$(BIN)/python -m host_tools.emulators.setup_env
	$(BIN)/python -m pytest -n logical --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

test-long: $(LONG)

test-qemu: $(VENV)/.test-installed
	$(BIN)/python -m host_tools.emulators.newer_qemu
	$(BIN)/python -m pytest -rs tests/host/emulators

test-debian13: $(VENV)/.test-installed
	$(BIN)/python -m tests.tools.bare_debian --suite trixie "make demo" "make test"

bench: $(VENV)/.test-installed
	$(BIN)/python -m tests.tools.bench $(BENCH)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "fxnn needs Python 3.10 or newer, $$($(PYTHON) --version 2>&1) was found: make setup PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; \
	  else echo "Python's venv is missing. Install it with: sudo apt-get install python3-venv"; exit 1; fi; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing fxnn's host tools into $(VENV) (about half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test-installed: pyproject.toml | $(VENV)/.installed
	@echo "installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/.check-installed: pyproject.toml | $(VENV)/.test-installed
	@echo "installing what checks the source"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[check]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis
