.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
# The supervisor ends with make, even if make is killed. `exec` leaves no shell in between.
EMBEDDED = exec $(PYTHON) -m embedded --parent $$PPID
BABEL := .venv/bin/pybabel --quiet
LOCALE := locale
PYTEST := $(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

UNIT := KITCHEN_MODE=demo SECRET_KEY=unit $(PYTHON) -m pytest -c tests/unit/unit.ini --rootdir . --confcutdir tests/unit -n 2

.PHONY: help setup run reset unit test coverage soak speed lint messages

# Write bytecode even if the shell disables it: otherwise pytest rewrites every assertion on each run.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

setup: ## Create the environment from the lock file with hashes (fast if nothing has changed)
	@sh tools/embedded/setup.sh

run: setup ## Run the whole site on this machine, until Ctrl-C (PORT=8000 chooses the port)
	@$(EMBEDDED) run

reset: setup ## Delete the data of `make run`
	@$(EMBEDDED) reset

unit: setup ## Run the tests that need no services, in half a minute (ARGS="-k guard" chooses some)
	@$(UNIT) -m "not soak" tests/unit $(ARGS)

test: setup ## Run the tests with real services (ARGS="tests/chat -k stop" chooses some)
	@$(EMBEDDED) with -- $(PYTEST) -m "not soak" $(ARGS)

coverage: setup ## Run the tests and measure them; fails below the floor in pyproject.toml
	@$(EMBEDDED) with -- $(PYTEST) -m "not soak" --cov --cov-report=term:skip-covered $(ARGS)

soak: setup ## Run the tests with full counts; takes long
	@export SOAK=1; $(EMBEDDED) with -- $(PYTEST) -m "soak or not soak" $(ARGS)

speed: setup ## Measure one streamed answer at a time: first words, CPU and statements
	@$(EMBEDDED) with -- $(PYTHON) -m benchmarks.streaming --short --passes 1 --json

lint: setup ## Check style (Python, templates, CSS), types and layers
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	.venv/bin/djangofmt --check templates
	.venv/bin/oxfmt --check static/css
	KITCHEN_MODE=demo SECRET_KEY=lint $(PYTHON) -m mypy
	.venv/bin/lint-imports

messages: setup ## Update the Spanish catalog from templates and code
	@mkdir -p .data
	@$(BABEL) extract -F pyproject.toml -k gettext_lazy -k gettext_noop -k ngettext_lazy:1,2 -k pgettext_lazy:1c,2 \
		--add-location=file -o .data/messages.pot .
	@$(BABEL) update -i .data/messages.pot -d $(LOCALE) -D django -l es \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@.venv/bin/pybabel compile --statistics -d $(LOCALE) -D django
