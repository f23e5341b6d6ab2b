//! File names from titles.

/// Longest stem in bytes: file systems allow 255, and an extension and a suffix follow.
const MOST_BYTES: usize = 200;

/// Names that Windows keeps for devices, whatever the extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A file name without extension for a title: the title itself wherever a file system allows it.
///
/// Characters that some system forbids (`/ \ : * ? " < > |` and control characters) become `-`; spaces and dots at
/// the ends go; what is empty then is "untitled". Letters of every script stay.
pub fn file_stem(title: &str) -> String {
    let allowed = |c: char| {
        if c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
            '-'
        } else {
            c
        }
    };
    let mut stem: String = title.chars().map(allowed).collect();
    while stem.len() > MOST_BYTES {
        stem.pop();
    }
    let stem = stem.trim_matches(|c: char| c.is_whitespace() || c == '.');
    if stem.is_empty() {
        return "untitled".to_owned();
    }
    if is_device(stem) { format!("{stem}_") } else { stem.to_owned() }
}

fn is_device(stem: &str) -> bool {
    let name = stem.split('.').next().unwrap_or(stem).trim_end().to_ascii_lowercase();
    let numbered = ["com", "lpt"].iter().any(|prefix| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    });
    numbered || DEVICES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_stay_as_they_are_where_they_can() {
        for (title, stem) in [
            ("Rye and Rain", "Rye and Rain"),
            ("Füße – 雨 (live)", "Füße – 雨 (live)"),
            ("AC/DC: what?", "AC-DC- what-"),
            ("  ...  ", "untitled"),
            ("", "untitled"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("Con", "Con_"),
            ("lpt1.final", "lpt1.final_"),
            ("Conga", "Conga"),
            ("tab\there\0", "tab-here-"),
        ] {
            assert_eq!(file_stem(title), stem, "{title:?}");
        }
    }

    proptest! {
        #[test]
        fn a_stem_is_one_plain_name(title in ".{0,400}") {
            let stem = file_stem(&title);
            prop_assert!(!stem.is_empty() && stem.len() <= MOST_BYTES + 1);
            prop_assert!(!stem.contains(['/', '\\', '\0']) && stem != "." && stem != "..");
            prop_assert_eq!(file_stem(&stem), stem);
        }
    }
}
