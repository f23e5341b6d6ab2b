//! File names from titles and patterns.

use files::Tags;

use crate::error::DeliveryError;

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

/// What a pattern of file names is filled with.
#[derive(Debug, Clone, Copy)]
pub struct NameParts<'a> {
    /// Title, artist, album, track and so on.
    pub tags: &'a Tags,
    /// The target's id.
    pub target: &'a str,
    /// The kind of file: "wav", "mp3".
    pub format: &'a str,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// How samples are stored: "24-bit", "320 kbit/s".
    pub stored: &'a str,
}

/// What stands between braces in a pattern.
const PLACES: [&str; 14] = [
    "title",
    "artist",
    "album",
    "album_artist",
    "track",
    "disc",
    "isrc",
    "barcode",
    "date",
    "year",
    "genre",
    "target",
    "format",
    "rate_khz",
];

impl NameParts<'_> {
    fn part(&self, place: &str) -> Option<String> {
        let tags = self.tags;
        let text = |text: &Option<String>| Some(text.clone().unwrap_or_default());
        match place {
            "title" => text(&tags.title),
            "artist" => text(&tags.artist),
            "album" => text(&tags.album),
            "album_artist" => Some(tags.album_artist.clone().or(tags.artist.clone()).unwrap_or_default()),
            // As wide as the last track's, so that files sort in order.
            "track" => {
                let width = tags.tracks.unwrap_or(0).max(10).to_string().len();
                Some(tags.track.map(|track| format!("{track:0width$}")).unwrap_or_default())
            }
            "disc" => Some(tags.disc.map(|disc| disc.to_string()).unwrap_or_default()),
            "isrc" => text(&tags.isrc),
            "barcode" => text(&tags.barcode),
            "date" => text(&tags.date),
            "year" => Some(tags.date.as_deref().unwrap_or_default().chars().take(4).collect()),
            "genre" => text(&tags.genre),
            "target" => Some(self.target.to_owned()),
            "format" => Some(self.format.to_owned()),
            "rate_khz" => Some(format!("{}", f64::from(self.sample_rate_hz) / 1000.0)),
            "stored" => Some(self.stored.to_owned()),
            _ => None,
        }
    }
}

/// A file name without extension from a pattern such as `{track} {artist} - {title}`. What is between braces is put in;
/// what is not known of a song is left out, with the dashes and spaces that then stand at an end or twice.
///
/// # Errors
/// [`DeliveryError::Pattern`] where braces do not match or hold something else.
pub fn file_name(pattern: &str, parts: &NameParts) -> Result<String, DeliveryError> {
    let wrong = |what: String| DeliveryError::Pattern {
        pattern: pattern.to_owned(),
        what,
        known: PLACES.iter().chain(["stored"].iter()).map(|place| format!("{{{place}}}")).collect(),
    };
    let mut name = String::new();
    let mut rest = pattern;
    while let Some(open) = rest.find(['{', '}']) {
        name += &rest[..open];
        let inside =
            rest[open..].strip_prefix('{').ok_or_else(|| wrong("a } without a { before it".to_owned()))?;
        let close = inside.find('}').ok_or_else(|| wrong("a { that is not closed".to_owned()))?;
        let place = inside[..close].trim();
        let part = parts.part(place).ok_or_else(|| wrong(format!("{{{place}}} is not known")))?;
        // Dashes of an empty place would stand beside those of its neighbours.
        if part.is_empty() {
            let kept = name.trim_end_matches([' ', '-', '_', '.']).len();
            name.truncate(kept);
            if name.is_empty() {
                rest = inside[close + 1..].trim_start_matches([' ', '-', '_', '.']);
                continue;
            }
        }
        name += &part;
        rest = &inside[close + 1..];
    }
    name += rest;
    Ok(file_stem(&name))
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

    #[test]
    fn patterns_are_filled_and_what_is_not_known_leaves_no_trace() {
        let text = |text: &str| Some(text.to_owned());
        let tags = Tags {
            title: text("Rye/Rain"),
            artist: text("Ňovák"),
            track: Some(3),
            tracks: Some(120),
            date: text("2026-11-21"),
            ..Tags::default()
        };
        let parts =
            NameParts { tags: &tags, target: "cd", format: "wav", sample_rate_hz: 44_100, stored: "16-bit" };
        for (pattern, name) in [
            ("{title}", "Rye-Rain"),
            ("{track} {artist} - {title}", "003 Ňovák - Rye-Rain"),
            ("{album} - {title}", "Rye-Rain"),
            ("{artist} - {album} - {title}", "Ňovák - Rye-Rain"),
            ("{title} - {album}", "Rye-Rain"),
            ("{ title } ({rate_khz} kHz, {stored}, {target}) {year}", "Rye-Rain (44.1 kHz, 16-bit, cd) 2026"),
            ("{album}", "untitled"),
            ("../{title}", "-Rye-Rain"),
        ] {
            assert_eq!(file_name(pattern, &parts).unwrap(), name, "{pattern}");
        }
        for (pattern, said) in
            [("{titel}", "{titel} is not known"), ("{title", "not closed"), ("a}b", "without a {")]
        {
            let error = file_name(pattern, &parts).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("{artist}"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_gives_a_name_or_an_error(pattern in ".{0,60}") {
            let tags = Tags::default();
            let parts = NameParts { tags: &tags, target: "", format: "", sample_rate_hz: 1, stored: "" };
            if let Ok(name) = file_name(&pattern, &parts) {
                prop_assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']));
            }
        }

        #[test]
        fn a_stem_is_one_plain_name(title in ".{0,400}") {
            let stem = file_stem(&title);
            prop_assert!(!stem.is_empty() && stem.len() <= MOST_BYTES + 1);
            prop_assert!(!stem.contains(['/', '\\', '\0']) && stem != "." && stem != "..");
            prop_assert_eq!(file_stem(&stem), stem);
        }
    }
}
