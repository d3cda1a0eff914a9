# Two commands are all a newcomer needs: `make demo` and `make test`.
# Each finds a Python >= 3.11, makes .venv, installs what it needs, and does its job.

VENV ?= .venv
BIN := "$(VENV)/bin"

.DEFAULT_GOAL := help
.PHONY: help demo booking test quick docs lint format types workflows imports coverage bench benchrooms benchcache benchfaces benchrefresh benchscale benchstores growth kill mutants fuzz fuzzfaults overblock foreign nightly notebooks picture screenshots host house matrix lock sbom ci clean

help: ## list the targets
	@echo "extcal: make ..."
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: ## read two pasted addresses, show their availability and common free slots, and draw a picture
	@sh tools/venv.sh "$(VENV)"
	@$(BIN)/python examples/demo.py

test: ## run the tests
	@sh tools/venv.sh "$(VENV)" test
	@sh tools/axe.sh "$(VENV)"
	@$(BIN)/python tools/run_tests.py $(ARGS)

quick: ## the most important tests only, in seconds: run it after every change
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python tools/run_tests.py --quick $(ARGS)

docs: ## the documentation as a site, in build/docs: a warning is an error, and its code runs
	@sh tools/venv.sh "$(VENV)" docs
	@$(BIN)/python -m sphinx -q -E -W --keep-going -b html -d build/doctrees docs build/docs
	@sh tools/axe.sh "$(VENV)"
	@$(BIN)/python tools/axe.py build/docs
	@$(BIN)/python -m pytest -q tests/docs tests/notebooks tests/testing/test_recipes.py tests/test_readme.py
	@echo build/docs/index.html

matrix: ## all tests on every installed Python, with the oldest and newest libraries; ARGS="-x"
	@sh tools/matrix.sh whole

lint: ## ruff: rules and format
	@sh tools/venv.sh "$(VENV)" dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: ## ruff: fix what it can
	@sh tools/venv.sh "$(VENV)" dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: ## mypy --strict and pyright
	@sh tools/venv.sh "$(VENV)" dev
	@$(BIN)/mypy --strict
	@command -v node >/dev/null 2>&1 || $(BIN)/python -m pip install -qq --disable-pip-version-check 'pyright[nodejs]'
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python

workflows: ## lint the workflows in .github: actionlint and zizmor
	@sh tools/venv.sh .venv-workflows workflows
	@.venv-workflows/bin/actionlint
	@.venv-workflows/bin/zizmor --offline --quiet .github

imports: ## import-linter: which package may import which
	@sh tools/venv.sh "$(VENV)" dev
	@$(BIN)/lint-imports

coverage: ## the tests, with branch coverage
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python -m coverage run -m pytest -q $(ARGS)
	@$(BIN)/python -m coverage report

bench: ## from bytes of a feed to free/busy, compared with other libraries; ARGS=--quick in a minute, ARGS=--instructions
	@sh tools/venv.sh "$(VENV)"
	@sh benchmarks/peers.sh $(BIN)/python
	@$(BIN)/python benchmarks/bench.py $(ARGS)
	@$(MAKE) --no-print-directory benchcache benchstores ARGS=

benchrooms: ## where the time for reading a feed goes; ARGS="outlook-10000" for another feed
	@sh tools/venv.sh "$(VENV)"
	@$(BIN)/python benchmarks/rooms.py $(ARGS)

benchcache: ## a fresh answer, a thousand people, ten thousand calendars in memory
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python benchmarks/cache_bench.py $(ARGS)

benchfaces: ## threads and tasks side by side: what a refresh costs, and how long the event loop waits
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python benchmarks/faces.py $(ARGS)

benchrefresh: ## what one refresh costs, compared with a plain client: minutes; ARGS=--quick in one
	@sh tools/venv.sh "$(VENV)" test
	@sh benchmarks/peers.sh $(BIN)/python
	@$(BIN)/python benchmarks/refresh.py $(ARGS)

benchscale: ## one feed to ten thousand on loopback, with threads, processes and Dask: minutes
	@sh tools/venv.sh "$(VENV)" dev
	@$(BIN)/python benchmarks/scale.py $(ARGS)

benchstores: ## what a fresh answer costs from each store, and ten thousand snapshots in memory
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python benchmarks/stores.py

growth: ## search for feeds whose cost grows faster than their size, for five minutes; ARGS="--seconds 3600 --seed 2"
	@sh tools/venv.sh "$(VENV)"
	@$(BIN)/python benchmarks/growth.py $(ARGS)

ROUNDS ?= 1000
kill: ## kill -9 processes that write to SQLite and to Redis, at every point of a write
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python tests/cache/stores/kill.py --store sqlite --rounds $(ROUNDS)
	@$(BIN)/python tests/cache/stores/kill.py --store redis --rounds $(ROUNDS)

overblock: ## what doubt costs: minutes busy here and free in recurring-ical-events, and the other way round, by Problem
	@sh tools/venv.sh "$(VENV)" test
	@sh benchmarks/peers.sh $(BIN)/python
	@$(BIN)/python tests/peers/overblock.py $(ARGS)

mutants: ## break guards one at a time, and see whether a test notices: half an hour; ARGS="--sample 40 fetch/policy"
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python tools/mutants.py $(ARGS)

SECONDS ?= 600
fuzz: ## any bytes as feeds, cells, HTTP and addresses, under the laws that always hold; SECONDS=600 ARGS="feed --seed 2"
	@sh tools/venv.sh .venv-fuzz fuzz
	@sh benchmarks/peers.sh .venv-fuzz/bin/python
	@.venv-fuzz/bin/python tests/fuzz/fuzz.py run --seconds $(SECONDS) $(ARGS)

fuzzfaults: ## put faults of the past back, one at a time, and see whether fuzzing finds them: an hour or two
	@sh tools/venv.sh .venv-fuzz fuzz
	@sh benchmarks/peers.sh .venv-fuzz/bin/python
	@.venv-fuzz/bin/python tests/fuzz/faults.py $(ARGS)

foreign: ## two published programs run on extcal, in .venv-foreign: a booking page, and a calendar for language models
	@sh tests/foreign/run.sh

RULES ?= 100000
FUZZ ?= 100000
DOUBT ?= 20000
nightly: ## the long versions: 100,000 random rules and damaged feeds, 20,000 broken values, trio, 1,000 kills a store; an hour
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python -m pip install -q gunicorn celery || echo "without gunicorn and celery: their tests are skipped"
	@EXTCAL_NIGHTLY=1 EXTCAL_RULES=$(RULES) $(BIN)/python -m pytest -q -s tests/oracles
	@EXTCAL_NIGHTLY=1 EXTCAL_FUZZ=$(FUZZ) EXTCAL_DOUBT=$(DOUBT) EXTCAL_TEST_TRIO=1 $(BIN)/python tools/run_tests.py $(ARGS)
	@$(MAKE) --no-print-directory growth kill sbom

picture: ## draw docs/availability.svg again
	@sh tools/venv.sh "$(VENV)"
	@$(BIN)/python examples/demo.py --picture docs/availability.svg

host: ## start the example application, with three people in it; ARGS="--port 8001"
	@sh tools/venv.sh "$(VENV)" examples
	@$(BIN)/python examples/host_app $(ARGS)

booking: ## start the example booking page on http://127.0.0.1:8001/
	@sh tools/venv.sh "$(VENV)" examples
	@$(BIN)/python examples/booking_page $(ARGS)

notebooks: ## run the notebooks of examples/ again; ARGS=--check only compares
	@sh tools/venv.sh "$(VENV)" notebooks
	@$(BIN)/python tools/notebooks.py $(ARGS)

house: ## draw docs/images/house.svg, the picture of the packages, again
	@sh tools/venv.sh "$(VENV)"
	@$(BIN)/python tools/draw_house.py

screenshots: ## make the screenshots in docs/images again, in the system's Chromium
	@sh tools/venv.sh "$(VENV)" test
	@$(BIN)/python examples/host_app/screenshots.py
	@$(BIN)/python tools/grid_images.py

lock: ## write .ci/requirements anew: versions and hashes of all that CI installs
	@sh tools/lock.sh

sbom: ## what the wheel and its extras depend on, as CycloneDX, in build/sbom
	@sh tools/sbom.sh

ci: ## what continuous integration runs
	@bash .ci/run

clean: ## remove the environments and all generated files
	rm -rf .venv .venv-demo .venv-workflows .venv-fuzz .venv-peers .venv-lock .venv-sbom build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
