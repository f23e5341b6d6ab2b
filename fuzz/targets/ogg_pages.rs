#![no_main]

// Vorbis and FLAC behind checksums that are put right.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tonmeister_fuzz::ogg_pages(bytes, "ogg"));
