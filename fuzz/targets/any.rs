#![no_main]

// The extension is a hint that decides where the content does not.
const EXTENSIONS: [&str; 8] = ["wav", "aiff", "flac", "mp3", "aac", "ogg", "m4a", ""];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((extension, bytes)) = bytes.split_first() else { return };
    tonmeister_fuzz::audio_file(bytes, EXTENSIONS[usize::from(extension % 8)]);
});
