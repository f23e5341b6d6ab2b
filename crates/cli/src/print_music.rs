//! Tempo, key and sections as text for people.

use crate::table::{row, table, with_unit};
use workflow::{Music, Section};

/// Below this a key or a tempo is told as a guess.
const SURE: f64 = 0.5;
/// Below this another pulse is told as well.
const LEVEL_SURE: f64 = 0.4;

/// What a musician would say of a file; nothing where it was not asked for.
pub(crate) fn music(music: Option<&Music>) -> String {
    let Some(music) = music else { return String::new() };
    let mut rows = vec![vec!["  tempo".to_string(), tempo(music)], vec!["  key".to_string(), key(music)]];
    if let Some(count) = music.beats_per_bar {
        rows.push(vec!["  bars".into(), format!("{count} beats each, {} of them", music.downbeats_s.len())]);
    }
    let mut text = table(&rows);
    if music.sections.len() > 1 {
        let mut rows = vec![row(&["  section", "from", "to", "loudness", "energy"])];
        rows.extend(music.sections.iter().map(section));
        text += &table(&rows);
    }
    text
}

fn guess(confidence: f64) -> &'static str {
    if confidence < SURE { ", a guess" } else { "" }
}

fn tempo(music: &Music) -> String {
    let Some(bpm) = music.tempo_bpm else { return "no steady beat".into() };
    let mut text = format!("{bpm:.1} BPM{}", guess(music.tempo_confidence));
    if let Some(other) = music.tempo_other_bpm.filter(|_| music.tempo_level_confidence < LEVEL_SURE) {
        text += &format!(" (may be felt at {other:.1})");
    }
    text
}

fn key(music: &Music) -> String {
    let Some(key) = &music.key else { return "unknown".into() };
    let cents = music.tuning_cents.unwrap_or(0.0);
    let tuned = match cents.round() as i64 {
        0 => String::new(),
        cents if cents > 0 => format!(", tuned {cents} cents above 440 Hz"),
        cents => format!(", tuned {} cents below 440 Hz", -cents),
    };
    format!("{}{}{tuned}", key.name, guess(key.confidence))
}

/// Minutes and seconds.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

fn section(section: &Section) -> Vec<String> {
    vec![
        format!("  {}", section.label),
        clock(section.start_s),
        clock(section.end_s),
        with_unit(section.loudness_lufs, 1, "LUFS"),
        format!("{:.0} %", 100.0 * section.energy),
    ]
}
