# Works with GNU Make 3.81 (macOS). `make help` lists what there is.

PYTHON ?= python3
CARGO ?= cargo
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
FUZZ_SECONDS ?= 60
POSTS ?= 1000
DAYS ?= 30

# For training only: see training/README.md.
DETECTOR := training/detector
TRAIN_PYTHON ?= training/.venv/bin/python
PEER_PYTHON ?= training/.peers/bin/python
FACES ?= ../shared/data/faces
FACE_V0 ?= ../shared/training/face-v0.onnx
TRAINED ?= training/out

.DEFAULT_GOAL := help
.PHONY: help run build test lint bench chaos-discord bench-discord soak-timelines fuzz runtime check-models train-detector eval-detector clean need-cargo need-python

help: ## this list
	@echo 'Mekiki: make TARGET'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: runtime check-models build ## fetch what is missing, build, start the bot and print the address of its page
	"$(TARGET_DIR)/release/mekiki" serve

build: need-cargo ## build the release binary, target/release/mekiki
	$(CARGO) build --release --locked

test: runtime need-cargo ## run every test
	$(CARGO) test --locked --features failpoints

lint: need-cargo ## format, clippy with warnings denied, cargo-deny
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --features failpoints -- -D warnings
	@scripts/check-dependencies

bench: runtime need-cargo ## run the benchmarks and print the ratios to their bounds
	$(CARGO) bench --locked

chaos-discord: runtime need-cargo ## POSTS (1000) posts on a loopback Discord where much goes wrong; counts what was lost or doubled
	POSTS=$(POSTS) $(CARGO) test --release --locked --test it -- discord::chaos --ignored --nocapture

bench-discord: runtime need-cargo ## time from post to reply on the loopback Discord, and memory after POSTS (1000)
	POSTS=$(POSTS) $(CARGO) test --release --locked --test it -- discord::bench --ignored --nocapture

soak-timelines: runtime need-cargo ## DAYS (30) days of 300 followed accounts by a simulated clock, with outages and kills; counts what was lost or doubled
	DAYS=$(DAYS) $(CARGO) test --release --locked --test it -- timelines::soak --ignored --nocapture

eval-taste: runtime check-models need-cargo ## measure the taste on RATINGS, a .jsonl file of rated faces, and draw taste.svg
	@test -n "$(RATINGS)" || { echo 'Say which ratings: make eval-taste RATINGS=../shared/data/ratings/rater_a.jsonl' >&2; exit 1; }
	$(CARGO) run --release --locked -- eval taste "$(RATINGS)" --plot taste.svg

fuzz: need-cargo ## fuzz the picture decoder for FUZZ_SECONDS (60); needs cargo-fuzz and a nightly toolchain
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo 'cargo-fuzz is missing: cargo install --locked cargo-fuzz' >&2; exit 1; }
	$(CARGO) +nightly fuzz run decode -- -max_total_time=$(FUZZ_SECONDS)

runtime: need-python ## put ONNX Runtime into runtime/ (make run and make test do it by themselves)
	@$(PYTHON) scripts/fetch-onnxruntime

check-models: ## compare the models with their checksums
	@cd models && if command -v sha256sum >/dev/null; then sha256sum -c --quiet SHA256SUMS; \
	else shasum -a 256 -c --quiet SHA256SUMS; fi \
	|| { echo 'A model is damaged or missing. Restore it: git checkout -- models (or git lfs pull)' >&2; exit 1; }

train-detector: need-cargo ## train and export the detector into training/out (hours; needs the pictures, PyTorch, npm, apt-get)
	@test -f $(FACES)/anime.jsonl || { echo 'The pictures are missing: say where they are with FACES=..., see training/README.md' >&2; exit 1; }
	@$(TRAIN_PYTHON) -c 'import onnxruntime, PIL, torch' || { echo 'Python packages are missing: see training/README.md' >&2; exit 1; }
	mkdir -p $(TRAINED)
	$(CARGO) run --release --locked --example draw -- $(TRAINED)/scenes 100000 400
	$(TRAIN_PYTHON) $(DETECTOR)/prepare.py $(FACES) training/labels $(FACE_V0) $(TRAINED)/scenes $(TRAINED)/lists
	$(if $(CORRECTED),$(TRAIN_PYTHON) training/labels/own.py $(CORRECTED) $(FACES) $(TRAINED)/lists)
	$(TRAIN_PYTHON) $(DETECTOR)/warm_start.py $(FACE_V0) $(TRAINED)/lists $(FACES) $(TRAINED)/face-v0.pt
	$(TRAIN_PYTHON) $(DETECTOR)/train.py $(TRAINED)/lists $(FACES) $(TRAINED)/face-v2.pt \
		--init $(TRAINED)/face-v0.pt --steps 700
	$(TRAIN_PYTHON) $(DETECTOR)/mine.py $(TRAINED)/face-v2.pt $(TRAINED)/lists $(FACES)
	$(TRAIN_PYTHON) $(DETECTOR)/faceless.py training/labels/faceless.jsonl $(TRAINED)/packages $(TRAINED)/lists
	$(TRAIN_PYTHON) $(DETECTOR)/train.py $(TRAINED)/lists $(FACES) $(TRAINED)/face-v2.pt \
		--resume --steps 3900 --cool 1400 --lr 6e-4 --shares 0.47 0.08 0.17 0.25 0.03
	$(TRAIN_PYTHON) $(DETECTOR)/calibrate.py $(TRAINED)/face-v2.pt $(TRAINED)/lists $(FACES) $(TRAINED)/face-v2.json
	$(TRAIN_PYTHON) $(DETECTOR)/export.py $(TRAINED)/face-v2.pt $(TRAINED)/face-v2.json $(TRAINED)/face-v2.onnx

eval-detector: ## print the tables of the detector's card (needs the pictures and the lists of train-detector)
	$(PEER_PYTHON) $(DETECTOR)/peer_animeface.py $(FACES) $(TRAINED)/animeface.json $(FACES)/val.jsonl \
		$(TRAINED)/lists/val-anime.jsonl $(TRAINED)/lists/val-negatives.jsonl $(TRAINED)/lists/calibration.jsonl
	$(TRAIN_PYTHON) $(DETECTOR)/compare.py $(TRAINED)/lists $(FACES) $(TRAINED)/report \
		--model face-v2=models/face-v2.onnx face-v0=$(FACE_V0) --once face-v0 \
		--peer animeface=$(TRAINED)/animeface.json --cut face-v2=0.5 face-v0=0.44

clean: ## remove what was built and fetched; your data/ stays
	$(CARGO) clean
	rm -rf runtime

need-cargo:
	@command -v $(CARGO) >/dev/null || { echo 'Rust is missing: install rustup (https://rustup.rs), then run this again' >&2; exit 1; }

need-python:
	@command -v $(PYTHON) >/dev/null || { echo 'Python 3 is missing; it fetches ONNX Runtime. Debian: sudo apt-get install python3 python3-pip' >&2; exit 1; }
