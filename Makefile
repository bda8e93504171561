# make run      a board to play with on http://localhost:8000/ (another port: make run PORT=8001)
# make example  a help desk with live pages on http://localhost:8000/, from examples/helpdesk (another port: PORT=8001)
# make check    what needs no database, for every commit: style, types, imports, migrations, docs, JavaScript, units
# make test     what a change must pass; each part also on its own:
#               make lint types imports migrations js pytest
# make test-long  endurance, storms, long fault runs and whole matrices, and the units once more on SQLite and memory
# make stress   repeats tests on a busy machine: make stress FILE=tests/flows/test_keys.py TIMES=20 LOAD=10
# make matrix   the units on every Python and Django that is found here: make matrix ONLY="3.13 6.0"
# make faults   kills servers, Redis and PostgreSQL for a while and looks for what got lost, doubled or out of order:
#               make faults SECONDS=600 SEED=7 CROWD=2000
# make hostile  sends a thousand hostile bodies and measures what they cost the server: make hostile BODIES=100 SEED=7
# make reach    measures how far one user's or address's full allowance reaches: make reach KIND=embedded ONLY="boards pings"
# make bench    measures beside other servers and writes docs/benchmarks.md; needs a C compiler:
#               make bench QUICK=1, make bench ONLY=fanout
# make js-build builds static/js/websocket_client.js, static/live/live.js, static/bundle/ and, from the catalogue,
#               static/js/client/wire.d.ts
# make npm      packs the client as the npm package taskrealtime-client into build/: ES module, plain script, types
# make words    collects the texts of the pages into locale/*/LC_MESSAGES/django.po and compiles what stands there:
#               make words, make words NEW=fr
# make screenshots  takes a picture of every page and state, light and dark, wide and on a phone, into docs/screenshots/states/,
#               and those of the demo's board that the README shows
# make lock     works out requirements.lock anew from requirements.txt: exact versions, with hashes, for servers
# make audit    asks the public list of known holes about requirements.lock; needs the network
# make format   lets ruff lay out the Python files

PY := .venv/bin/python
# Images of containers often forbid Python to keep what it compiled. Then each process that runs tests would go through
# all of them once more for the sake of their assertions, which takes it eight seconds.
export PYTHONDONTWRITEBYTECODE :=
CHECK_ENV := SECRET_KEY=only-for-the-checks-of-this-checkout DATABASE_URL=sqlite://:memory: REDIS_URL=
TYPED_BENCHMARKS := $(wildcard benchmarks/*.py) benchmarks/scenarios
WIRE_TYPES := $(CHECK_ENV) $(PY) scripts/wire_types.py

TOOLS := .venv/tools/bin
LOCK_HEAD := \# Made by "make lock" from requirements.txt: what a server installs, with hashes (pip install --require-hashes -r requirements.lock).

.PHONY: setup dev run example check test lint types imports migrations js js-build embedded pytest units test-long stress matrix faults hostile reach bench lock audit format screenshots words npm

setup:
	@sh scripts/setup.sh

dev:
	@sh scripts/setup.sh dev

run:
	@python=$$(sh scripts/setup.sh python) && exec "$$python" scripts/run.py

EXAMPLE := $(PY) examples/helpdesk/manage.py
example: setup
	@$(EXAMPLE) migrate --verbosity 0 --skip-checks
	@$(EXAMPLE) demo --url http://localhost:$(or $(PORT),8000)/
	@$(EXAMPLE) runserver $(or $(PORT),8000)

# Two at a time, since each of them has one core busy.
STATIC := @$(MAKE) --no-print-directory --jobs=2 --output-sync=target types js lint imports migrations

check: dev
	$(STATIC)
	@$(MAKE) --no-print-directory units

test: dev
	$(STATIC)
	@$(MAKE) --no-print-directory pytest

lint: dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) scripts/prose.py

types: dev
	$(CHECK_ENV) $(PY) -m mypy project taskrealtime tests scripts $(TYPED_BENCHMARKS)
	node_modules/.bin/tsc --project jsconfig.json

imports: dev
	.venv/bin/lint-imports

migrations: dev
	$(CHECK_ENV) $(PY) manage.py check
	$(CHECK_ENV) $(PY) manage.py makemigrations --check --dry-run

js: dev
	@node scripts/bundle.js --check
	@$(WIRE_TYPES) --check
	node --test --test-concurrency=4 tests/js/*.test.js

js-build: dev
	node scripts/bundle.js
	$(WIRE_TYPES)

# More workers than cores, since many tests wait. A file's tests stay together, because they share a server, and the
# files come in the order of tests/conftest.py, the longest first.
WORKERS := --numprocesses=4 --dist=loadfile --no-loadscope-reorder
pytest: dev
	$(PY) -m pytest $(WORKERS) -m "not long"

# The tests that ask the services of the pytest process, once more on SQLite and memory.
embedded: dev
	TEST_STACK=embedded $(PY) -m pytest $(WORKERS) -m "services and not one_installation and not long" tests/unit

# The units that ask no service; none is started.
units: dev
	TEST_STACK=embedded $(PY) -m pytest --numprocesses=2 --dist=loadfile -m "not services and not long" tests/unit

test-long: embedded
	$(PY) -m pytest $(WORKERS) -m long

npm: dev
	node scripts/npm_package.js build/npm
	npm pack --silent --pack-destination build ./build/npm

TIMES := 10
LOAD := 8
stress: dev
	$(PY) scripts/stress.py $(TIMES) $(LOAD) $(FILE)

matrix: dev
	$(PY) scripts/matrix.py $(ONLY)

words: dev
	$(PY) scripts/words.py $(NEW)

# The states are those that axe-core looks over. Two minutes; not kept in the repository, for their 6 MB, but for the demo's board.
screenshots: dev
	mkdir -p docs/screenshots/states
	SCREENSHOTS=docs/screenshots/states $(PY) -m pytest --numprocesses=3 tests/browser/test_accessibility.py tests/browser/test_demo.py

faults: dev
	$(PY) -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(KIND),--kind $(KIND)) \
		$(if $(CROWD),--crowd $(CROWD))

hostile: dev
	$(PY) -m tests.faults.hostile $(if $(BODIES),--bodies $(BODIES)) $(if $(SEED),--seed $(SEED))

reach: dev
	$(PY) -m tests.faults.reach $(if $(KIND),--kind $(KIND)) $(if $(ONLY),--only $(ONLY))

bench: dev
	$(PY) -m benchmarks $(if $(QUICK),--quick) $(foreach name,$(ONLY),--only $(name))

# Not of .venv itself: they bring packages that must not get in the way of ours.
$(TOOLS)/uv $(TOOLS)/pip-audit:
	$(PY) -m venv .venv/tools
	$(TOOLS)/pip install --quiet "uv>=0.8" "pip-audit>=2.9,<3"

lock: dev $(TOOLS)/uv
	$(TOOLS)/uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
		--no-header --no-emit-index-url --output-file requirements.lock
	sed -i '1i $(LOCK_HEAD)' requirements.lock

audit: dev $(TOOLS)/pip-audit
	$(TOOLS)/pip-audit --require-hashes --disable-pip --requirement requirements.lock

format: dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
