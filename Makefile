.PHONY: run map pictures test plain needs soak interop bench peers serving fuzz fmt deny

LIANHU = $(or $(CARGO_TARGET_DIR),target)/release/lianhu

# The main job: builds the map and the program, and serves the example township on this machine.
run: map
	cargo build --release --locked
	@echo
	@echo "打开 open: http://127.0.0.1:8080    停止 stop: Ctrl+C"
	$(LIANHU) serve --demo

# The map's page, built into the program by the next cargo build. What is newer than the page is built again.
map: web-map/dist/index.html
MAP_SOURCES = $(shell find web-map/src web-map/index.html web-map/vite.config.ts web-map/tsconfig.json -type f)
web-map/node_modules/.package-lock.json: web-map/package.json web-map/package-lock.json
	cd web-map && npm ci --no-audit --no-fund
	@touch $@
web-map/dist/index.html: web-map/node_modules/.package-lock.json $(MAP_SOURCES)
	cd web-map && npm run build
	@touch src/api/web.rs    # the files of the page have new names: the compiler looks again

# Without a service: plans the fixture township, draws its wall maps.
pictures:
	cargo build --release --locked
	$(LIANHU) plan fixtures/township/households.csv --profile huangguoshu --regions fixtures/township/regions.geojson \
	  --barriers fixtures/township/barriers.geojson --out out/plan
	@mkdir -p out/pictures
	@$(LIANHU) draw out/plan --out out/pictures/overview.svg
	@for v in $$(tail -n +2 out/plan/assignment.csv | cut -d, -f3 | sort -u); do \
	  $(LIANHU) draw out/plan --village $$v --out out/pictures/$$v.svg || exit 1; done
	@echo
	@echo "方案 plan: out/plan    挂图 wall maps: out/pictures/*.svg    检查 check: $(LIANHU) check out/plan"

# Clippy is the compiler here: `cargo clippy` beside `cargo test` would check all that we build on a second time. Benches are built, not run.
# What stands behind features is built and tested with the rest: sign-in with an organisation's accounts, traces.
STRICT = RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
test: needs map
	cargo fmt --check
	$(STRICT) cargo test --locked --all-targets --all-features --no-run
	$(STRICT) cargo test --locked --all-features
	cd web-map && npm test && LIANHU=$(abspath $(or $(CARGO_TARGET_DIR),target)/debug/lianhu) npm run journeys

# The program as it is given away, without what stands behind features.
plain:
	cargo clippy --locked --all-targets -- -D warnings

# What the tests of the register run against: PostgreSQL with PostGIS, GDAL, a reader of PDF and a Chinese font for it; a browser for
# the map. Installed where they are missing and we may.
NEEDS = postgresql postgresql-postgis gdal-bin python3-gdal poppler-utils fonts-noto-cjk chromium
needs:
	@if ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 && command -v ogrinfo >/dev/null \
	  && /usr/bin/python3 -c 'import osgeo' 2>/dev/null && command -v pdftotext >/dev/null \
	  && command -v chromium >/dev/null && ls /usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(NEEDS); \
	else echo "请先安装 / please install: $(NEEDS)" >&2; exit 1; fi

# What is too slow for every change: 10,000 batches of edits, 200 rounds of killing on each engine, a day of the monitoring room in minutes.
soak: needs map
	cargo build --release --locked
	cd web-map && LIANHU=$(abspath $(LIANHU)) npm run soak
	LIANHU_CRASH_ROUNDS=200 cargo test --release --locked --test store_contract -- f01_
	cargo test --release --locked --lib -- --ignored --nocapture

# Other programs with our files and we with theirs: headless QGIS and LibreOffice; QGIS, GDAL and OWSLib with the running service; and
# schemathesis, which asks it thousands of things its definitions allow and forbid. Heavy to install.
INTEROP = python3-qgis qgis-providers libreoffice-calc
interop: needs
	@if /usr/bin/python3 -c 'import qgis.core' 2>/dev/null && command -v soffice >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(INTEROP); \
	else echo "请先安装 / please install: $(INTEROP)" >&2; exit 1; fi
	cargo build --release --locked
	test -x out/venv-interop/bin/python || python3 -m venv out/venv-interop
	out/venv-interop/bin/pip install --quiet -r tests/interop/requirements.txt
	sh tests/interop/run.sh $(LIANHU)
	out/venv-interop/bin/python tests/interop/service.py $(LIANHU)
	out/venv-interop/bin/python tests/interop/schemas.py $(LIANHU)

# The service beside tipg, pygeoapi and PostGIS; slow clients, listeners, an end under load; 900,000 households. Takes about half an hour.
serving: needs
	@if command -v wrk >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get install -y -q --no-install-recommends wrk; \
	else echo "请先安装 / please install: wrk" >&2; exit 1; fi
	cargo build --release --locked
	test -x out/venv-serving/bin/python || python3 -m venv out/venv-serving
	out/venv-serving/bin/pip install --quiet -r benches/serving/requirements.txt
	out/venv-serving/bin/python benches/serving/table.py $(LIANHU) out/serving
	out/venv-serving/bin/python benches/serving/patience.py $(LIANHU) out/serving
	out/venv-serving/bin/python benches/serving/whole.py $(LIANHU) out/serving

# Mutated files through each importer, a minute a format: FUZZ_SECONDS=600 FUZZ_SEED=2 make fuzz. What is found stands in out/fuzz/found.
FUZZ_SECONDS = 60
FUZZ_SEED = 1
fuzz:
	cargo build --release --locked
	cargo build --release --manifest-path fuzz/Cargo.toml --bin mutate --target-dir $(or $(CARGO_TARGET_DIR),target)
	sh fuzz/run.sh $(LIANHU) $(dir $(LIANHU))mutate out/fuzz $(FUZZ_SECONDS) $(FUZZ_SEED)

# How cost grows (sizes ×10), then our solvers beside their peers. Wants python3 with venv; takes about half an hour.
bench:
	cargo bench --locked
	$(MAKE) peers

peers: needs
	cargo build --release --locked
	test -x out/venv/bin/python || python3 -m venv out/venv
	out/venv/bin/pip install --quiet -r benches/peers/requirements.txt
	out/venv/bin/python benches/peers/table.py $(LIANHU) out/peers
	test -x out/venv-hotspots/bin/python || python3 -m venv out/venv-hotspots
	out/venv-hotspots/bin/pip install --quiet -r benches/hotspots/requirements.txt
	out/venv-hotspots/bin/python benches/hotspots/table.py $(LIANHU) out/hotspots
	python3 benches/register/table.py $(LIANHU) out/register
	python3 benches/register/elsewhere.py $(LIANHU) out/register

fmt:
	cargo fmt

# What may enter by the lock file (deny.toml): licences, sources, yanked versions, known faults. Fetches the list of faults.
deny:
	@command -v cargo-deny >/dev/null || { echo "请先安装 / please install: cargo install cargo-deny --locked" >&2; exit 1; }
	cargo deny --all-features --locked check
