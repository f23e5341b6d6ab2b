//! File names as text, without loss.
//!
//! A name that is valid Unicode stands in the session as it is. One that is not is written with the mark
//! `bytes:` in front and every byte outside the visible ASCII characters, and `%` itself, as `%` and two
//! hexadecimal digits (as in RFC 3986, section 2.1): `bytes:audio/caf%E9.wav`. A Unicode name that begins with `bytes:`
//! is written in the same way, so that the two can never be mixed up. On Windows, where names are 16-bit
//! units, an unpaired surrogate is `%u` and four digits.

use std::path::{Path, PathBuf};

const MARK: &str = "bytes:";

/// The text that stands for a file name in the session.
pub fn file_text(file: &Path) -> String {
    match file.to_str() {
        Some(text) if !text.starts_with(MARK) => text.to_string(),
        _ => format!("{MARK}{}", escaped(file)),
    }
}

/// The file name that a text in the session stands for; nothing when an escape is broken.
pub fn text_file(text: &str) -> Option<PathBuf> {
    match text.strip_prefix(MARK) {
        None => Some(PathBuf::from(text)),
        Some(escaped) => restored(escaped),
    }
}

fn escape_byte(text: &mut String, byte: u8) {
    if byte.is_ascii_graphic() && byte != b'%' || byte == b' ' {
        text.push(char::from(byte));
    } else {
        text.push_str(&format!("%{byte:02X}"));
    }
}

fn hex(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(not(windows))]
fn escaped(file: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut text = String::new();
    file.as_os_str().as_bytes().iter().for_each(|&byte| escape_byte(&mut text, byte));
    text
}

#[cfg(not(windows))]
fn restored(escaped: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    let mut rest = escaped;
    while let Some(character) = rest.chars().next() {
        if character == '%' {
            bytes.push(u8::try_from(hex(rest.get(1..3))?).ok()?);
            rest = &rest[3..];
        } else {
            let (this, next) = rest.split_at(character.len_utf8());
            bytes.extend_from_slice(this.as_bytes());
            rest = next;
        }
    }
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(windows)]
fn escaped(file: &Path) -> String {
    use std::os::windows::ffi::OsStrExt;
    let mut text = String::new();
    for unit in char::decode_utf16(file.as_os_str().encode_wide()) {
        match unit {
            Ok(character) => {
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().for_each(|byte| escape_byte(&mut text, byte));
            }
            Err(surrogate) => text.push_str(&format!("%u{:04X}", surrogate.unpaired_surrogate())),
        }
    }
    text
}

#[cfg(windows)]
fn restored(escaped: &str) -> Option<PathBuf> {
    use std::os::windows::ffi::OsStringExt;
    let mut units: Vec<u16> = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = escaped;
    while let Some(character) = rest.chars().next() {
        if rest.starts_with("%u") {
            units.extend(std::str::from_utf8(&bytes).ok()?.encode_utf16());
            bytes.clear();
            units.push(u16::try_from(hex(rest.get(2..6))?).ok()?);
            rest = &rest[6..];
        } else if character == '%' {
            bytes.push(u8::try_from(hex(rest.get(1..3))?).ok()?);
            rest = &rest[3..];
        } else {
            let (this, next) = rest.split_at(character.len_utf8());
            bytes.extend_from_slice(this.as_bytes());
            rest = next;
        }
    }
    units.extend(std::str::from_utf8(&bytes).ok()?.encode_utf16());
    Some(PathBuf::from(std::ffi::OsString::from_wide(&units)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_usual_name_is_written_as_it_is() {
        for name in ["audio/01_Kick In.wav", "100% Gesang ä.wav", "a\\xFFb.wav"] {
            assert_eq!(file_text(Path::new(name)), name);
        }
        assert_eq!(file_text(Path::new("bytes:ä")), "bytes:bytes:%C3%A4");
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["bytes:%", "bytes:%4", "bytes:%zz", "bytes:%+1", "bytes:%ä"] {
            assert_eq!(text_file(text), None, "{text}");
        }
    }

    #[cfg(unix)]
    proptest! {
        #[test]
        fn every_name_comes_back(bytes in prop::collection::vec(1u8.., 0..24), marked: bool) {
            use std::os::unix::ffi::OsStringExt;
            let mark: &[u8] = if marked { b"bytes:" } else { b"" };
            let name = std::ffi::OsString::from_vec([mark, &bytes].concat());
            let file = PathBuf::from(name);
            prop_assert_eq!(text_file(&file_text(&file)), Some(file));
        }
    }
}
