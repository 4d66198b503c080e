.PHONY: run test bench fmt

test:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

fmt:
	cargo fmt
