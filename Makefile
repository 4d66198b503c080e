.PHONY: run test bench peers fmt

LIANHU = $(or $(CARGO_TARGET_DIR),target)/release/lianhu

# The main job: plan the fixture township, draw its wall maps, say where they are.
run:
	cargo build --release --locked
	$(LIANHU) plan fixtures/township/households.csv --profile huangguoshu --regions fixtures/township/regions.geojson \
	  --barriers fixtures/township/barriers.geojson --out out/plan
	@mkdir -p out/pictures
	@$(LIANHU) draw out/plan --out out/pictures/overview.svg
	@for v in $$(tail -n +2 out/plan/assignment.csv | cut -d, -f3 | sort -u); do \
	  $(LIANHU) draw out/plan --village $$v --out out/pictures/$$v.svg || exit 1; done
	@echo
	@echo "方案 plan: out/plan    挂图 wall maps: out/pictures/*.svg    检查 check: $(LIANHU) check out/plan"

test:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

# How cost grows (sizes ×10), then our solvers beside their peers. Wants python3 with venv; takes about half an hour.
bench:
	cargo bench --locked
	$(MAKE) peers

peers:
	cargo build --release --locked
	test -x out/venv/bin/python || python3 -m venv out/venv
	out/venv/bin/pip install --quiet -r benches/peers/requirements.txt
	out/venv/bin/python benches/peers/table.py $(LIANHU) out/peers

fmt:
	cargo fmt
