#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tonmeister_fuzz::album(text));
