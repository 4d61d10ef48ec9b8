# One command runs it, one passes its tests. Only Python >= 3.11 and make need to be there.

# The first Python that is new enough; `make PYTHON=…` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV := .venv/bin/python
RUNTIME := .venv/.requirements.lock
DEVELOPMENT := .venv/.requirements-dev.lock

.PHONY: help run test check format lock docs clean
.DEFAULT_GOAL := help

help:
	@echo "make run      set up and start everything"
	@echo "make test     set up and run all tests"
	@echo "make check    what continuous integration runs: format, lint, types, imports, tests"
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
	@exec $(VENV) -m pytest $(ARGS)

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
