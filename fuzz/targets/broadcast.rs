#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tonmeister_fuzz::broadcast(bytes));
