//! Which files of a folder are audio, in the order people expect.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::info::Format;
use crate::read::{Kind, sniff};

/// The audio of a folder, and what was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Audio files in natural order, each as `folder/name`.
    pub files: Vec<PathBuf>,
    /// Everything else that a person might have meant, in natural order, with the reason.
    pub ignored: Vec<Ignored>,
}

/// Something in a folder that was not taken as audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What it is called.
    pub path: PathBuf,
    /// Why it was passed over, as part of a sentence.
    pub reason: &'static str,
}

/// Audio containers whose files are found by extension.
const FORMATS: [Format; 11] = [
    Format::Wav,
    Format::Aiff,
    Format::Flac,
    Format::Mpeg,
    Format::Ogg,
    Format::Mp4,
    Format::Caf,
    Format::Adts,
    Format::Wave64,
    Format::Au,
    Format::Matroska,
];

/// Extensions of audio that cannot be read.
const NOT_READ: [&str; 18] = [
    "wv", "tta", "ape", "wma", "dsf", "dff", "mpc", "tak", "sd2", "ra", "amr", "ac3", "dts", "shn", "voc",
    "spx", "rx2", "aup",
];

/// Lists the audio files of one folder (not of the folders in it).
///
/// A file is audio by its extension; one without an extension is looked into. Hidden files and the `._` files
/// that macOS leaves on foreign disks are passed over in silence. A link is followed only to a regular file
/// inside the folder. Names that are not Unicode are kept as they are.
///
/// # Errors
/// When the folder cannot be read.
pub fn audio_files(folder: impl AsRef<Path>) -> Result<Listing, FileError> {
    let folder = folder.as_ref();
    let failed = |e| FileError::io(folder, "list the folder", e);
    let root = fs::canonicalize(folder).map_err(failed)?;
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match reason_to_ignore(&path, &root) {
            None => listing.files.push(path),
            Some(reason) => listing.ignored.push(Ignored { path, reason }),
        }
    }
    listing.files.sort_by(|a, b| natural_order(a.as_os_str(), b.as_os_str()));
    listing.ignored.sort_by(|a, b| natural_order(a.path.as_os_str(), b.path.as_os_str()));
    Ok(listing)
}

fn reason_to_ignore(path: &Path, root: &Path) -> Option<&'static str> {
    let Ok(target) = fs::canonicalize(path) else { return Some("a link that leads nowhere") };
    if !target.starts_with(root) {
        return Some("a link that leaves the folder");
    }
    let Ok(metadata) = fs::metadata(&target) else { return Some("cannot be looked at") };
    if metadata.is_dir() {
        return Some("a folder");
    }
    if !metadata.is_file() {
        return Some("not a regular file");
    }
    let Some(extension) = path.extension() else {
        return if content_is_audio(&target) { None } else { Some("not audio") };
    };
    let extension = extension.to_string_lossy().to_ascii_lowercase();
    if NOT_READ.contains(&extension.as_str()) {
        return Some("a kind of audio that is not read; export it as WAV or FLAC");
    }
    let known = FORMATS.iter().any(|f| f.extensions().contains(&extension.as_str()));
    if known { None } else { Some("not an audio file's name") }
}

fn content_is_audio(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|f| f.take(512).read_to_end(&mut head));
    read.is_ok() && matches!(sniff(&head, ""), Kind::Audio(_))
}

/// Compares names as people do: digits by their value (`Kick 2` before `Kick 10`), letters without regard to
/// case, everything else by its bytes. Names that differ are never equal.
pub fn natural_order(a: &OsStr, b: &OsStr) -> Ordering {
    let (a, b) = (a.as_encoded_bytes(), b.as_encoded_bytes());
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let (Some(first_a), Some(first_b)) = (rest_a.first(), rest_b.first()) else {
            return rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b));
        };
        let order = if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (number_a, number_b) = (take_number(&mut rest_a), take_number(&mut rest_b));
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        } else {
            let order = first_a.to_ascii_lowercase().cmp(&first_b.to_ascii_lowercase());
            (rest_a, rest_b) = (&rest_a[1..], &rest_b[1..]);
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Takes the digits in front, without leading zeros.
fn take_number<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after;
    let zeros = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len());
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(a: &str, b: &str) -> Ordering {
        natural_order(OsStr::new(a), OsStr::new(b))
    }

    #[test]
    fn numbers_count_by_value() {
        let mut names = ["Kick 10", "kick 2", "Kick 1", "kick", "02 Snare", "1 Hat", "Kick 002"];
        names.sort_by(|a, b| order(a, b));
        assert_eq!(names, ["1 Hat", "02 Snare", "kick", "Kick 1", "Kick 002", "kick 2", "Kick 10"]);
    }

    #[test]
    fn numbers_longer_than_any_integer_type_count_too() {
        let long = "9".repeat(60);
        assert_eq!(order(&format!("a{long}"), &format!("a1{long}")), Ordering::Less);
    }

    proptest! {
        // A comparison that is not a total order makes `sort_by` panic or shuffle.
        #[test]
        fn it_is_a_total_order(a in "[aA0-2 ]{0,6}", b in "[aA0-2 ]{0,6}", c in "[aA0-2 ]{0,6}") {
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &b) == Ordering::Equal, a == b);
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(order(&a, &c), Ordering::Greater);
            }
        }
    }

    #[test]
    fn only_audio_is_listed_and_the_rest_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["Kick 10.wav", "Kick 2.WAV", ".hidden.wav", "._Kick 2.wav", "notes.txt", "lead.wv", "bare"]
        {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        fs::write(folder.path().join("oldmac"), b"FORM\0\0\0\x2eAIFFCOMM").unwrap();
        fs::create_dir(folder.path().join("takes.wav")).unwrap();
        let listing = audio_files(folder.path()).unwrap();
        let names: Vec<_> = listing.files.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["Kick 2.WAV", "Kick 10.wav", "oldmac"]);
        let ignored: Vec<_> = listing
            .ignored
            .iter()
            .map(|i| (i.path.file_name().unwrap().to_str().unwrap(), i.reason))
            .collect();
        assert_eq!(
            ignored,
            [
                ("bare", "not audio"),
                ("lead.wv", "a kind of audio that is not read; export it as WAV or FLAC"),
                ("notes.txt", "not an audio file's name"),
                ("takes.wav", "a folder"),
            ]
        );
    }

    // What `open` reads by its extension is no stranger to a folder.
    #[test]
    fn every_format_that_is_read_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut names = std::collections::BTreeSet::new();
        for file in fs::read_dir(fixtures).unwrap().map(|e| e.unwrap().path()) {
            if crate::probe(&file).is_ok() {
                let name = Path::new("take").with_extension(file.extension().unwrap());
                fs::copy(&file, folder.path().join(&name)).unwrap();
                names.insert(name);
            }
        }
        assert!(names.len() > 15, "{names:?}");
        let listing = audio_files(folder.path()).unwrap();
        assert_eq!(listing.ignored, []);
        let listed: std::collections::BTreeSet<_> =
            listing.files.iter().map(|f| PathBuf::from(f.file_name().unwrap())).collect();
        assert_eq!(listed, names);
    }

    #[test]
    fn a_missing_folder_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = audio_files(folder.path().join("none")).unwrap_err();
        assert!(matches!(error, FileError::NotFound { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_inside_and_odd_names_survive() {
        use std::os::unix::ffi::OsStrExt;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("far.wav"), b"x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let latin = folder.path().join(OsStr::from_bytes(b"Gitarre \xfc.wav"));
        fs::write(&latin, b"x").unwrap();
        std::os::unix::fs::symlink(outside.path().join("far.wav"), folder.path().join("far.wav")).unwrap();
        std::os::unix::fs::symlink(&latin, folder.path().join("near.wav")).unwrap();
        std::os::unix::fs::symlink("gone", folder.path().join("gone.wav")).unwrap();
        let listing = audio_files(folder.path()).unwrap();
        assert_eq!(listing.files, [latin, folder.path().join("near.wav")]);
        let reasons: Vec<_> = listing.ignored.iter().map(|i| i.reason).collect();
        assert_eq!(reasons, ["a link that leaves the folder", "a link that leads nowhere"]);
    }
}
