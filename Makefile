# make demo | test | oldest | lint | bench | docs
# Needs python3 (3.11 or newer, with venv and pip) and make; everything else goes into the folder $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help demo test oldest lint bench docs
.DELETE_ON_ERROR:

help:
	@echo "make demo    train an ensemble on the 12-bit task, draw its information plane, write a report into demo/"
	@echo "make test    the fast test suite"
	@echo "make oldest  the fast tests on the oldest packages that pyproject.toml allows, without PyTorch"
	@echo "make lint    ruff and pyright"
	@echo "make bench   benchmarks against the plain way of doing the same"
	@echo "make docs    the documentation, into docs/_build/html"

demo: $(VENV)/.installed
	@$(BIN)/infoplane demo --out demo

# One thread for linear algebra and for PyTorch: two test processes share the cores, and waiting threads would slow both.
test: $(VENV)/.installed-test
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# An environment of its own, made anew. uv, which is asked for the oldest versions, lives in it too.
oldest:
	rm -rf .venv-oldest
	@$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --disable-pip-version-check --quiet uv
	.venv-oldest/bin/uv pip install --python .venv-oldest/bin/python --resolution lowest-direct --quiet -e '.[test-core]'
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.pairwise_bounds

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

# The environment, made once. A stamp for each set of extras: nothing is installed again until pyproject.toml changes.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("infoplane needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 ...")'
	@echo "Making an environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) -m venv failed; Debian and Ubuntu have it in the package python3-venv."; exit 1; }
	@touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	$(call install,.)

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.created
	$(call install,.[test])
	@touch $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.created
	$(call install,.[docs])
	@touch $(VENV)/.installed

# One word a package while it comes; all that pip says is kept in a log, whose end is shown if it fails.
define install
	@echo "Installing $(if $(filter .,$(1)),infoplane,infoplane$(1:.%=%)) into $(VENV); this takes a few minutes the first time"
	@{ $(BIN)/python -m pip install --disable-pip-version-check -e '$(1)' 2>&1; echo "pip ended with $$?"; } \
	  | tee $(VENV)/install.log \
	  | awk '/^Collecting |^Processing .*[.]whl/{sub(/.*\//, "", $$2); sub(/-[0-9].*|[^A-Za-z0-9._-].*/, "", $$2); \
	      printf " %s", $$2; fflush()} \
	      /^Installing (build dep|collected)/{printf " ..."; fflush()} \
	      /^pip ended with /{code = $$4} END {print ""; exit code}' \
	  || { tail -n 15 $(VENV)/install.log; echo "Installing failed; the whole log is $(VENV)/install.log"; exit 1; }
	@touch $@
endef
