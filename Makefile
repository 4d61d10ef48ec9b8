# One command runs it, one passes its tests. Only Python >= 3.11 and make need to be there.

# The first Python that is new enough; `make PYTHON=…` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV := .venv/bin/python
RUNTIME := .venv/.requirements.lock
DEVELOPMENT := .venv/.requirements-dev.lock

# Where this is set, every process that is started compiles all of the program again: 3 s of a processor instead of 1.
unexport PYTHONDONTWRITEBYTECODE

# Tests that can run side by side: `auto` is two processes for each processor, 0 is all in one.
WORKERS ?= auto
TESTS := $(VENV) -m pytest -v -rfEs -n $(WORKERS) -m "not trial"

.PHONY: help run test fast trials check format lock docs clean
.DEFAULT_GOAL := help

help:
	@echo "make run      set up and start everything"
	@echo "make test     set up and run the tests, several at a time; ORDER=random shuffles them, ARGS goes to pytest"
	@echo "make fast     run only the tests of the domain and the schema"
	@echo "make trials   run what takes long or needs the machine for itself, about two hours; SHORT=1 takes minutes"
	@echo "make check    what continuous integration runs: commits, format, lint, types, imports, tests, short trials"
	@echo "make format   bring the code into shape"
	@echo "make lock     compile the two lock files from pyproject.toml"
	@echo "make docs     write the generated pages of docs/"
	@echo "make clean    remove the environment and caches; the data folder stays"

$(RUNTIME): requirements.lock
	@$(PYTHON) oms/tools/bootstrap.py requirements.lock

$(DEVELOPMENT): requirements-dev.lock
	@$(PYTHON) oms/tools/bootstrap.py requirements-dev.lock

run: $(RUNTIME)
	@exec $(VENV) -m oms run

test: $(DEVELOPMENT)
	@exec $(TESTS) --durations=10 $(if $(filter random,$(ORDER)),-p random_order.plugin --random-order) $(ARGS)

fast: $(DEVELOPMENT)
	@exec $(TESTS) tests/domain tests/schema $(ARGS)

trials: $(DEVELOPMENT)
	@$(VENV) -m pytest -v -rfEs -m trial --durations=10 $(ARGS)
ifndef SHORT
	@$(VENV) -m tests.system.fuzz --cases 10000
	@$(VENV) -m tests.system.crash_sweep --instances 10
	@$(VENV) -m tests.system.simulation --seeds 1000 --steps 200
	@$(VENV) -m tests.system.faults --operations 100000 --faults 9
endif

check:
	@exec .ci/run

format: $(DEVELOPMENT)
	@$(VENV) -m ruff format .
	@$(VENV) -m ruff check --fix .

lock: $(DEVELOPMENT)
	.venv/bin/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
		--no-header --no-emit-index-url --quiet --output-file requirements.lock
	.venv/bin/uv pip compile pyproject.toml --group dev --constraints requirements.lock --universal \
		--generate-hashes --python-version 3.11 --no-header --no-emit-index-url --quiet \
		--output-file requirements-dev.lock

docs: $(RUNTIME)
	@$(VENV) -m oms reference

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
