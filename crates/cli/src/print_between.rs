//! What lies between files, as text for people.

use crate::print_music::clock;
use crate::table::{counted, row, table, text_columns, wrapped};
use std::path::Path;
use workflow::{Between, MaskedFile, MaskingFile, Measured, PairFound};

/// Text is no wider than this.
const COLUMNS: usize = 80;
/// Less is no loss that anybody hears.
const LOSS_DB: f64 = 0.5;
/// So much has to be hidden to be told, and so many maskers are told.
const HIDDEN: f64 = 0.1;
const MOST: usize = 3;

pub(crate) fn between(measured: &Measured) -> String {
    let Some(between) = &measured.between else { return String::new() };
    let names = Names::new(measured);
    phase(between, &names) + "\n" + &masking(between, &names)
}

fn columns() -> usize {
    text_columns().min(COLUMNS)
}

/// Files by their names without folder and ending, where that tells them apart.
struct Names<'a> {
    paths: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn new(measured: &'a Measured) -> Names<'a> {
        Names { paths: measured.files.iter().map(|f| f.path.as_str()).collect() }
    }

    fn of(&self, path: &'a str) -> &'a str {
        let stem = |path: &'a str| Path::new(path).file_stem().and_then(|s| s.to_str()).unwrap_or(path);
        let same = self.paths.iter().filter(|other| stem(other) == stem(path)).count();
        if same > 1 { path } else { stem(path) }
    }
}

fn phase(between: &Between, names: &Names) -> String {
    let together: Vec<&PairFound> = between.pairs.iter().filter(|p| p.shares_sound).collect();
    let mut text = "same sound in two files\n".to_string();
    if together.is_empty() {
        return text + "  none\n";
    }
    for pair in &together {
        let said = format!("{} and {}: {}", names.of(&pair.a), names.of(&pair.b), stand(pair));
        // The second line of one is set back.
        let lines = wrapped(&said, "    ", columns());
        text += &format!("  {}", lines.strip_prefix("    ").unwrap_or(&lines));
    }
    text
}

/// How the second of two stands, in words.
fn stand(pair: &PairFound) -> String {
    let polarity = if pair.inverted { "opposite polarity" } else { "same polarity" };
    let frames = pair.delay_frames.abs();
    let delay = match (frames < 0.5, pair.delay_frames > 0.0) {
        (true, _) => "together".to_string(),
        (false, late) => format!(
            "the second is {frames:.1} frames ({:.2} ms) {}",
            pair.delay_ms.abs(),
            if late { "late" } else { "early" }
        ),
    };
    let gain_db = pair.sum_gain_db;
    let sum = if gain_db >= LOSS_DB {
        format!("summing them as they are loses {gain_db:.1} dB from 60 to 500 Hz")
    } else {
        "they add up as they are".to_string()
    };
    format!("{polarity}, {delay}: {sum}")
}

fn masking(between: &Between, names: &Names) -> String {
    let mut rows = vec![row(&["file", "hidden", "loudness left", "most by"])];
    let percent =
        |share: Option<f64>| share.map_or("-".to_string(), |share| format!("{:.0} %", 100.0 * share));
    for file in &between.masking {
        let worst = file.by.first().map_or("-", |by| names.of(&by.file));
        rows.push(vec![
            names.of(&file.file).to_string(),
            percent(file.masked_share),
            percent(file.loudness_left),
            worst.to_string(),
        ]);
    }
    let mut text = "what the others hide, all played as they are\n".to_string() + &table(&rows);
    let told: Vec<&MaskedFile> =
        between.masking.iter().filter(|f| f.masked_share.is_some_and(|s| s >= HIDDEN)).collect();
    if told.is_empty() {
        return text + "nobody hides a tenth of another\n";
    }
    text.push('\n');
    for file in told {
        for by in file.by.iter().filter(|by| by.masked_share >= HIDDEN).take(MOST) {
            text += &wrapped(&masked(names.of(&file.file), by, names), "", columns());
        }
    }
    text + &format!(
        "\n{} compared at {} Hz\n",
        counted(between.masking.len(), "file"),
        between.sample_rate_hz
    )
}

fn masked(name: &str, by: &MaskingFile, names: &Names) -> String {
    let hertz = |hz: f64| {
        if hz < 1000.0 {
            format!("{:.0}", (hz / 5.0).round() * 5.0)
        } else {
            format!("{:.0}", (hz / 100.0).round() * 100.0)
        }
    };
    let places: Vec<String> =
        by.places.iter().map(|p| format!("{} to {}", clock(p.start_s), clock(p.end_s))).collect();
    let when = if places.is_empty() { String::new() } else { format!("; worst {}", places.join(", ")) };
    format!(
        "{name} is masked by {}: {:.0} % of its sound, most at {} to {} Hz, where that stands {:.0} dB over it{when}",
        names.of(&by.file),
        100.0 * by.masked_share,
        hertz(by.low_hz),
        hertz(by.high_hz),
        by.over_db
    )
}
