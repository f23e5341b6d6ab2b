//! CUE sheets of a CD image: track marks in sectors, and what a player or a burner shows (CD-Text, catalogue number, ISRC).

/// Sectors of a second of a CD (IEC 60908): 588 stereo frames at 44.1 kHz each.
pub const SECTORS_PER_SECOND: usize = 75;

/// Longest text of CD-Text, in characters, that every reader shows.
const MOST_CHARACTERS: usize = 160;

/// One track of a CD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CueTrack {
    /// Its title.
    pub title: Option<String>,
    /// Who plays it.
    pub performer: Option<String>,
    /// Who wrote it.
    pub songwriter: Option<String>,
    /// International Standard Recording Code, twelve characters.
    pub isrc: Option<String>,
    /// The sector on which the pause before it begins, where there is one.
    pub pause_sector: Option<usize>,
    /// The sector on which it begins.
    pub start_sector: usize,
}

/// A CD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CueSheet {
    /// Name of the image beside the sheet.
    pub file: String,
    /// Its title.
    pub title: Option<String>,
    /// Whose album it is.
    pub performer: Option<String>,
    /// Who wrote it.
    pub songwriter: Option<String>,
    /// UPC or EAN, digits alone.
    pub catalog: Option<String>,
    /// Its genre.
    pub genre: Option<String>,
    /// The day or year of release.
    pub date: Option<String>,
    /// In their order.
    pub tracks: Vec<CueTrack>,
}

impl CueSheet {
    /// The text of the sheet, in UTF-8. A double quote cannot be said in it and becomes a single one.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |indent: usize, key: &str, value: &Option<String>| {
            if let Some(value) = value.as_ref().filter(|value| !value.trim().is_empty()) {
                text += &format!("{:indent$}{key} \"{}\"\r\n", "", quoted(value));
            }
        };
        line(0, "REM GENRE", &self.genre);
        line(0, "REM DATE", &self.date);
        line(0, "PERFORMER", &self.performer);
        line(0, "TITLE", &self.title);
        line(0, "SONGWRITER", &self.songwriter);
        if let Some(catalog) = &self.catalog {
            // A UPC is an EAN with a zero in front.
            text = format!("CATALOG {catalog:0>13}\r\n{text}");
        }
        text += &format!("FILE \"{}\" WAVE\r\n", quoted(&self.file));
        for (n, track) in self.tracks.iter().enumerate() {
            text += &format!("  TRACK {:02} AUDIO\r\n", n + 1);
            let mut line = |key: &str, value: &Option<String>| {
                if let Some(value) = value.as_ref().filter(|value| !value.trim().is_empty()) {
                    text += &format!("    {key} \"{}\"\r\n", quoted(value));
                }
            };
            line("TITLE", &track.title);
            line("PERFORMER", &track.performer);
            line("SONGWRITER", &track.songwriter);
            if let Some(isrc) = &track.isrc {
                text += &format!("    ISRC {isrc}\r\n");
            }
            if let Some(pause) = track.pause_sector.filter(|pause| *pause < track.start_sector) {
                text += &format!("    INDEX 00 {}\r\n", mark(pause));
            }
            text += &format!("    INDEX 01 {}\r\n", mark(track.start_sector));
        }
        text
    }
}

/// A sector as minutes, seconds and sectors.
pub fn mark(sector: usize) -> String {
    let (seconds, rest) = (sector / SECTORS_PER_SECOND, sector % SECTORS_PER_SECOND);
    format!("{:02}:{:02}:{rest:02}", seconds / 60, seconds % 60)
}

fn quoted(text: &str) -> String {
    let plain = text.chars().map(|c| {
        if c == '"' {
            '\''
        } else if c.is_control() {
            ' '
        } else {
            c
        }
    });
    plain.take(MOST_CHARACTERS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_told_as_players_tell_them() {
        for (sector, told) in [(0, "00:00:00"), (74, "00:00:74"), (75, "00:01:00"), (359_774, "79:56:74")] {
            assert_eq!(mark(sector), told);
        }
    }

    #[test]
    fn a_sheet_says_everything_and_breaks_on_nothing() {
        let text = |text: &str| Some(text.to_owned());
        let sheet = CueSheet {
            file: "a.wav".into(),
            title: text("The \"best\"\nof"),
            catalog: text("036000291452"),
            tracks: vec![
                CueTrack { isrc: text("DEA123400001"), ..CueTrack::default() },
                CueTrack {
                    title: text("Füße"),
                    pause_sector: Some(100),
                    start_sector: 250,
                    ..CueTrack::default()
                },
            ],
            ..CueSheet::default()
        };
        assert_eq!(
            sheet.text(),
            "CATALOG 0036000291452\r\nTITLE \"The 'best' of\"\r\nFILE \"a.wav\" WAVE\r\n  TRACK 01 AUDIO\r\n    ISRC \
             DEA123400001\r\n    INDEX 01 00:00:00\r\n  TRACK 02 AUDIO\r\n    TITLE \"Füße\"\r\n    INDEX 00 \
             00:01:25\r\n    INDEX 01 00:03:25\r\n"
        );
    }
}
