# Needs Python 3.11 to 3.13 and make; everything else is installed into virtual environments here.
#
#   make run                          the whole path on built-in phantoms, in minutes
#   DATA=archive.zip make run         the same on the Kaggle archive or a folder of your own
#   DATA=archive.zip make results     what the page of results shows: audit, cross-validation, run
#   make demo                         the page, without TensorFlow
#   make test                         the fast tests        make test-slow   the long ones
#   make check                        formatter, linter, types
#   make bench-predict                rate, start and memory of `alzedge predict`
#   make bench-train                  images/s of a training step, beside PyTorch with ARGS='--torch-python PATH'
#   make bench-audit                  time and memory of `alzedge audit` at 1, 10 and 100 times the images
#   make bench-page                   load on the running page: 1, 10 and 50 users, memory, first page
#   make bench-serving                the same on the endpoints for programs, beside the page's and the bare classifier
#   make bench-install                what an installation weighs
#   make fuzz                         every parser on changed files; more with ARGS='--count 50000 --seed 15'
#   make soak                         hostile and honest load on the page for an hour, or ARGS='--minutes 10'
#   make test-wheel                   build the wheel, type-check and test what it installs

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
DATA ?= phantoms
# A second source, such as what `alzedge prepare` wrote.
SCANS ?=
SETS = $(if $(SCANS),"$(SCANS)")
OUT ?= runs/$(basename $(notdir $(abspath $(DATA))))
ARGS ?=
# A file's tests stay together: they share what took long to make.
WORKERS ?= 2
PYTEST = pytest -n $(WORKERS) --dist loadfile
PORT ?= 7860

# Python must be free to write bytecode, or every process compiles TensorFlow again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run results demo test test-slow check bench-predict bench-train bench-audit bench-page bench-serving bench-install fuzz soak test-wheel clean
.DELETE_ON_ERROR:

run: .venv/export
	.venv/bin/alzedge run "$(DATA)" --out "$(OUT)" $(ARGS)
	@echo "  or: make demo ARGS='--model $(OUT)/student_int8.tflite'"

results: .venv/export
	.venv/bin/alzedge audit "$(DATA)" --out "$(OUT)-audit"
	.venv/bin/alzedge crossval "$(DATA)" $(SETS) --out "$(OUT)-crossval" $(ARGS)
	.venv/bin/alzedge run "$(DATA)" $(SETS) --out "$(OUT)" --crossval "$(OUT)-crossval" $(ARGS)
	.venv/bin/python docs/results.py "$(OUT)-audit" "$(OUT)-crossval" "$(OUT)" > "$(OUT)/results.md"
	.venv/bin/alzedge card "$(OUT)/student_int8.tflite" --evaluation "$(OUT)-crossval/evaluation/metrics.json" --out "$(OUT)/card.md"
	@echo "wrote $(OUT)/results.md and $(OUT)/card.md"

demo: .venv-demo/demo
	.venv-demo/bin/alzedge demo --open --port $(PORT) $(ARGS)

test: .venv/dev
	.venv/bin/python -m $(PYTEST) -m "not slow" $(ARGS)

test-slow: .venv/dev
	.venv/bin/python -m $(PYTEST) -m slow $(ARGS)

check: .venv/dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy alzedge teacher student export demo

bench-predict: .venv/dev
	.venv/bin/python benchmarks/bench_predict.py $(ARGS)

bench-train: .venv/dev
	.venv/bin/python benchmarks/bench_train.py $(ARGS)

bench-audit: .venv/dev
	.venv/bin/python benchmarks/bench_audit.py $(ARGS)

bench-page: .venv/dev
	.venv/bin/python benchmarks/bench_page.py $(ARGS)

bench-serving: .venv/dev
	.venv/bin/python benchmarks/bench_serving.py $(ARGS)

bench-install: .venv/dev
	.venv/bin/python benchmarks/bench_install.py $(ARGS)

fuzz: .venv/dev
	.venv/bin/python benchmarks/fuzz.py $(ARGS)

soak: .venv/dev
	.venv/bin/python benchmarks/soak.py $(ARGS)

# From an empty folder, so that nothing of the checkout but its tests can be imported.
test-wheel: .venv/dev
	rm -rf build/wheel && mkdir -p build/wheel/cwd
	.venv/bin/python -m build --outdir build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/pip install --quiet "$$(echo build/wheel/alzedge-*.whl)[dev]"
	cp -r tests build/wheel/cwd/tests && cp pyproject.toml build/wheel/cwd/
	cd build/wheel/cwd && ../venv/bin/mypy -p alzedge
	cd build/wheel/cwd && ../venv/bin/$(PYTEST) -m "not slow" $(ARGS)

.venv/export: EXTRA = export
.venv/dev: EXTRA = dev
.venv-demo/demo: EXTRA = demo
.venv/export .venv/dev .venv-demo/demo: pyproject.toml setup.cfg build/files
	@test -n "$(PYTHON)" || { echo "AlzEdge needs Python 3.11, 3.12 or 3.13 on the PATH."; exit 2; }
	test -x $(@D)/bin/pip || $(PYTHON) -m venv $(@D)
	@echo "installing alzedge[$(EXTRA)] into $(@D), some minutes the first time"
	$(@D)/bin/pip install --quiet --editable ".[$(EXTRA)]"
	@touch $@

# An editable installation knows the files it was made from: a new one asks for a new installation.
FILES := $(shell find alzedge teacher student export demo -type f -not -name '*.pyc' | sort)
build/files: FORCE
	@mkdir -p build && echo "$(FILES)" | cmp -s - $@ || echo "$(FILES)" > $@
FORCE:

clean:
	rm -rf .venv .venv-demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
