#![no_main]

// The first byte chooses the extension, which is a hint where the content does not decide.
const EXTENSIONS: [&str; 6] = ["wav", "aiff", "flac", "mp3", "m4a", "ogg"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((extension, bytes)) = bytes.split_first() else { return };
    tonmeister_fuzz::tags(bytes, EXTENSIONS[usize::from(extension % 6)]);
});
