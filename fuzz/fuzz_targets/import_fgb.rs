#![no_main]

mod import;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| import::try_all_layers(bytes, "fgb"));
