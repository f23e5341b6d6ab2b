#![no_main]

// A session, a line of =, and settings as the shell gives them, one a line.
libfuzzer_sys::fuzz_target!(|text: &str| tonmeister_fuzz::edit(text));
