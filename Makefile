.PHONY: run test fmt

# The main job: divide the demo village and show the labels' summary.
run:
	cargo build --release --locked
	mkdir -p out
	target/release/lianhu units fixtures/demo_village.csv --min 10 --max 15 --labels out/labels.txt --geojson out/units.geojson --report out/report.json

test:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

fmt:
	cargo fmt
