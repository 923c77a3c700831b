# The front door. `make demo` and `make test` do everything on a fresh machine.
# A distribution's Python is compiled with profile-guided optimisation; the first in the path (pyenv's, say) may not be,
# and is a fifth slower (docs/operations.md).
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); print(sys.executable)' 2>/dev/null || echo python3)
BIN := .venv/bin
# Tests begin hundreds of processes: each would compile the product again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo picture services collected test quick check bench format lock sbom clean

demo: .venv  ## a family and 200 other citizens, one year, every page
	@$(BIN)/habarshy demo

picture: .venv services  ## the picture of the demo that README begins with, and the emblems of emails
	TEST_PICTURE=1 $(BIN)/pytest tests/app/demo/test_browser.py tests/app/pages/test_email_browser.py -k picture

# Tests wait for servers now and then, so there are more processes than cores. Each collects all tests and starts servers of its own: on
# two cores four take 692 s, and six 726.
WORKERS := $(shell expr $$(nproc) + 2)
# They make and throw away hundreds of databases: in memory, where 4 GB are free, that takes a sixth less processor time.
IN_MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 >= 4194304 { print "TMPDIR=/dev/shm" }')

test: .venv services  ## every test, none skipped; a file is one process's, for its servers are
	$(IN_MEMORY) $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 6 --dist loadfile --no-loadscope-reorder

services:  ## what the tests start for themselves, where it is not installed yet
	@tests/services/install.sh

collected: .venv  # each of the processes of `make test` would else compile the product and the tests for itself
	@$(BIN)/pytest --collect-only --quiet -p no:xdist > /dev/null

quick: .venv check  ## a minute: style, types, layers, and the tests of the domain, the templates and the house
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal tests/domain tests/templates tests/house --ignore tests/house/test_benchmarks.py

check: .venv  ## style, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv  ## speed and memory, as ratios to a raw baseline; results in benchmarks/results
	$(BIN)/python -m benchmarks

format: .venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv: pyproject.toml requirements.lock tests/fuzz/atheris.lock
	$(PYTHON) -m venv --clear .venv || { apt-get update && apt-get install -y --no-install-recommends python3-venv && $(PYTHON) -m venv --clear .venv; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/fuzz/atheris.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch .venv

lock:  ## renew requirements.lock; needs pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-options --no-header --extra dev --output-file requirements.lock pyproject.toml

	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-options --no-header --output-file deploy/sbom.lock deploy/sbom.in
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-options --no-header --output-file tests/fuzz/atheris.lock tests/fuzz/atheris.in

sbom: dist/habarshy.cdx.json  ## what is in it, as CycloneDX, from the lock

dist/habarshy.cdx.json: requirements.lock pyproject.toml deploy/sbom.lock
	$(PYTHON) -m venv --clear .sbom
	.sbom/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement deploy/sbom.lock
	@mkdir -p dist
	.sbom/bin/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file $@

clean:
	rm -rf .sbom .venv .services tests/peers/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
