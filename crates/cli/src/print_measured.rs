//! `measure` as text: readings under headings, two to a line, and what is wrong with its places.

use crate::table::{counted, reading, row, table, with_unit, wrapped};
use workflow::{ChannelRelation, Facts, Mark, Measured, MeasuredFile, ShownReading, shown_readings};

/// Text and tables are made for terminals of 80 columns.
const COLUMNS: usize = 80;
/// A label and its value, twice on a line.
const LABEL: usize = 21;
const VALUE: usize = 15;
/// A ratio below this is told as such, in dB.
const SILENT_DB: f64 = -120.0;
/// So many places are shown of a long list.
const PLACES: usize = 5;

pub(crate) fn measured(measured: &Measured, verbose: bool) -> String {
    let files: Vec<String> = measured.files.iter().map(|file| one(file, verbose)).collect();
    files.join("\n")
}

fn one(file: &MeasuredFile, verbose: bool) -> String {
    let facts = &file.facts;
    let mut text = format!(
        "{}\n  {}, {} Hz, {}, {}\n",
        file.path,
        file.format,
        facts.sample_rate_hz,
        counted(facts.channels, "channel"),
        clock(facts.duration_s)
    );
    for (heading, mut readings) in shown_readings(facts) {
        readings.retain(|reading| facts.shows(reading.id));
        let body = match heading {
            "Blemishes" => blemishes(file),
            // What the lines above have said.
            "File" => continue,
            _ => pairs(&readings),
        };
        let more = match heading {
            "Loudness" => distribution(facts),
            "Peaks and dynamics" => k_system(facts) + &channels(facts, !facts.loudness_only()),
            "Stereo" => stereo(facts),
            _ => String::new(),
        };
        if !body.is_empty() || !more.is_empty() {
            let heading = if heading.is_empty() { "More" } else { heading };
            text += &format!("\n{heading}\n{body}{more}");
        }
    }
    if file.music.is_some() {
        text += &format!("\nMusic\n{}", crate::print_music::music(file.music.as_ref()));
    }
    text += &services(file, verbose);
    for note in &file.notes {
        text += &wrapped(&format!("note: {note}"), "  ", COLUMNS);
    }
    text + &series(file)
}

/// Minutes and seconds: 3:04.250.
fn clock(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    format!("{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
}

fn shown(reading: &ShownReading) -> Option<String> {
    let value = reading.value?;
    Some(match reading.unit {
        // Below every noise floor: as good as nothing.
        "dB" if value < SILENT_DB => format!("under {SILENT_DB:.0} dB"),
        unit => with_unit(Some(value), reading.decimals, unit),
    })
}

/// Readings that are defined, two to a line; no silence at an end is not worth a word.
fn pairs(readings: &[ShownReading]) -> String {
    let cells: Vec<String> = readings
        .iter()
        .filter(|r| !(r.value == Some(0.0) && (r.id.ends_with("_silence_s") || r.id.ends_with("_quiet_s"))))
        .filter_map(|r| Some((r.label, shown(r)?)))
        .map(|(label, value)| format!("  {label:<LABEL$} {value:>VALUE$}"))
        .collect();
    cells.chunks(2).map(|pair| pair.concat().trim_end().to_string() + "\n").collect()
}

/// A line of several figures under one label.
fn figures(label: &str, text: &str) -> String {
    format!("  {label:<LABEL$} {text}\n")
}

fn distribution(facts: &Facts) -> String {
    let h = &facts.short_term_histogram;
    let (Some(low), Some(middle), Some(high)) = (h.p10_lufs, h.p50_lufs, h.p95_lufs) else {
        return String::new();
    };
    let text = format!("10 % below {low:.1}, half below {middle:.1}, 95 % below {high:.1} LUFS");
    figures("Short-term spread", &text)
}

fn k_system(facts: &Facts) -> String {
    let readings = |name: &str, of: &dyn Fn(&workflow::KReading) -> Option<f64>, unit: &str| {
        let all: Vec<String> =
            facts.k_system.iter().filter_map(|k| Some(format!("K-{:.0} {:+.1}", k.scale, of(k)?))).collect();
        if all.is_empty() { String::new() } else { figures(name, &format!("{} {unit}", all.join(", "))) }
    };
    readings("K-system, RMS", &|k| k.rms_db, "dB")
        + &readings("K-system, loudest", &|k| k.max_rms_db, "dB")
        + &readings("K-system, BS.1770", &|k| k.integrated_lu, "LU")
}

/// What a channel is called.
fn channel_name(channel: usize, channels: usize) -> String {
    match (channels, channel) {
        (1, _) => "mono".into(),
        (2, 0) => "left".into(),
        (2, 1) => "right".into(),
        _ => format!("channel {}", channel + 1),
    }
}

fn channels(facts: &Facts, all: bool) -> String {
    if facts.channels < 2 {
        return String::new();
    }
    // Where only peaks were measured there is nothing to say of the rest.
    let columns = if all { 7 } else { 3 };
    let heads = ["  channel", "true peak", "sample peak", "RMS", "crest", "DR", "DC"];
    let mut rows = vec![row(&heads[..columns])];
    for (n, c) in facts.per_channel.iter().enumerate() {
        let mut cells = vec![
            format!("  {}", channel_name(n, facts.channels)),
            reading(c.true_peak_dbtp, 2, "dBTP"),
            reading(c.sample_peak_dbfs, 2, "dBFS"),
            reading(c.rms_dbfs, 1, "dBFS"),
            reading(c.crest_db, 1, "dB"),
            reading(c.dr_db, 1, "dB"),
            reading(Some(c.dc_offset), 5, ""),
        ];
        cells.truncate(columns);
        rows.push(cells);
    }
    table(&rows)
}

fn relation(relation: ChannelRelation) -> String {
    match relation {
        ChannelRelation::Identical => "both channels carry the same: this is mono in two channels".into(),
        ChannelRelation::Inverted => {
            "what both channels share has opposite polarity: one of them is probably inverted".into()
        }
        ChannelRelation::LeftOnly => "only the left channel sounds".into(),
        ChannelRelation::RightOnly => "only the right channel sounds".into(),
        ChannelRelation::Late { channel, frames, inverted } => format!(
            "what both channels share is {} late on the {}{}",
            counted(frames, "frame"),
            channel_name(channel, 2),
            if inverted { ", and upside down" } else { "" }
        ),
    }
}

fn stereo(facts: &Facts) -> String {
    let mut text = String::new();
    if let Some(told) = facts.channel_relation {
        text += &wrapped(&format!("note: {}", relation(told)), "  ", COLUMNS);
    }
    let sounding: Vec<_> = facts.stereo_bands.iter().filter(|band| band.correlation.is_some()).collect();
    if sounding.is_empty() {
        return text;
    }
    let mut rows = vec![row(&["  band", "correlation", "at worst", "at", "below 0 for", "mono loss"])];
    for band in sounding {
        rows.push(vec![
            format!("  {:.0} to {:.0} Hz", band.low_hz, band.high_hz),
            reading(band.correlation, 2, ""),
            reading(band.min_correlation, 2, ""),
            band.min_correlation_s.map(clock).unwrap_or_else(|| "-".into()),
            reading(Some(band.below_zero_s), 1, "s"),
            reading(band.mono_loss_db, 1, "dB"),
        ]);
    }
    text + &table(&rows)
}

/// The first places of a list that has `count`.
fn places(count: usize, places: impl Iterator<Item = String>) -> String {
    let first: Vec<String> = places.take(PLACES).collect();
    match count - first.len().min(count) {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}

/// What is wrong, each with its places; one line where nothing is.
fn blemishes(file: &MeasuredFile) -> String {
    let (facts, Some(blemishes)) = (&file.facts, &file.blemishes) else { return String::new() };
    let at = |frame: usize| clock(frame as f64 / facts.sample_rate_hz);
    let on = |channel: usize| channel_name(channel, facts.channels);
    let mut told: Vec<(&str, String)> = Vec::new();
    if facts.clipped_runs > 0 {
        let runs = facts
            .clipped_places
            .iter()
            .map(|p| format!("{} {} ({} frames)", at(p.frame), on(p.channel), p.frames));
        let text = format!(
            "{} in {} at {}: {}",
            counted(facts.clipped_samples, "sample"),
            counted(facts.clipped_runs, "run"),
            with_unit(facts.clipped_level_dbfs, 2, "dBFS"),
            places(facts.clipped_runs, runs)
        );
        told.push(("Clipped", text));
    }
    if blemishes.clicks > 0 {
        let text = places(blemishes.clicks, blemishes.click_places_s.iter().map(|s| clock(*s)));
        told.push(("Clicks", format!("{}: {text}", blemishes.clicks)));
    }
    if blemishes.dropouts > 0 {
        let ms = |frames: usize| frames as f64 / facts.sample_rate_hz * 1000.0;
        let holes = blemishes
            .dropout_places
            .iter()
            .map(|d| format!("{} {} ({:.0} ms)", at(d.frame), on(d.channel), ms(d.frames)));
        told.push(("Dropouts", format!("{}: {}", blemishes.dropouts, places(blemishes.dropouts, holes))));
    }
    if let Some(hum) = &blemishes.hum {
        let lines = hum.lines.iter().map(|line| format!("{:.0} Hz {:.1} dBFS", line.hz, line.dbfs));
        told.push(("Hum", format!("mains of {:.0} Hz: {}", hum.mains_hz, places(hum.lines.len(), lines))));
    }
    if facts.non_finite_samples > 0 {
        told.push(("Broken samples", format!("{}, read as zero", facts.non_finite_samples)));
    }
    // What shows at the last digit of a CD is worth a word.
    if facts.dc_offset.abs() >= 0.001 {
        told.push(("DC offset", format!("{:+.4} of full scale", facts.dc_offset)));
    }
    if let Some(hz) = facts.bandwidth_hz {
        let text = format!("{:.1} kHz: coded with loss, or made at a lower sample rate", hz / 1000.0);
        told.push(("Nothing above", text));
    }
    if let Some(text) = bits(facts, &file.format) {
        told.push(("Bits used", text));
    }
    if told.is_empty() {
        told.push(("", "none found: no clipping, clicks, dropouts, hum or DC".into()));
    }
    if let Some(floor) = facts.noise_floor_dbfs {
        told.push(("Noise floor", format!("{floor:.1} dBFS")));
    }
    let indent = " ".repeat(LABEL + 3);
    let line = |(label, text): (&str, String)| {
        if label.is_empty() {
            return format!("  {text}\n");
        }
        let text = wrapped(&text, &indent, COLUMNS);
        figures(label, text.trim())
    };
    told.into_iter().map(line).collect()
}

/// Told where the file promises more than it holds.
fn bits(facts: &Facts, format: &str) -> Option<String> {
    let used = facts.bits_used?;
    let promised = [16, 20, 24, 32].into_iter().find(|bits| format.contains(&format!("{bits}-bit")))?;
    (used < promised && !format.contains("float")).then(|| format!("{used} of {promised}"))
}

fn services(file: &MeasuredFile, verbose: bool) -> String {
    if file.services.is_empty() {
        return String::new();
    }
    let mut rows = vec![row(&["  service", "gain", "plays at", "true peak", "figures from"])];
    for s in &file.services {
        let from = match (s.mark, s.as_of.is_empty()) {
            (Mark::Yours, true) => "your file".to_string(),
            (Mark::Yours, false) => format!("your file, {}", s.as_of),
            (Mark::Standard, _) => format!("the service, {}", s.as_of),
            (Mark::Trade, _) => format!("trade pages, {}", s.as_of),
            (Mark::Unverified, _) => format!("unverified {}", s.as_of).trim_end().to_string(),
        };
        rows.push(vec![
            format!("  {}", s.service),
            format!("{:+.1} dB", if s.gain_db.abs() < 0.05 { 0.0 } else { s.gain_db }),
            reading(Some(s.plays_at_lufs), 1, "LUFS"),
            reading(s.plays_at_dbtp, 1, "dBTP"),
            from,
        ]);
    }
    let mut text = format!("\nServices, as they play it\n{}", table(&rows));
    if verbose {
        for s in &file.services {
            text += &wrapped(&format!("{}: {} ({})", s.service, s.note, s.source), "  ", COLUMNS);
        }
    }
    text
}

fn series(file: &MeasuredFile) -> String {
    let Some(series) = &file.series else { return String::new() };
    let mut rows = vec![row(&["  time", "momentary", "short-term"])];
    let mut next_s = 1.0;
    for (n, time_s) in series.time_s.iter().enumerate() {
        // Once a second is what people read; `--json` has all.
        if *time_s + 1e-9 >= next_s {
            next_s = time_s.floor() + 1.0;
            let at = |values: &[Option<f64>]| reading(values.get(n).copied().flatten(), 1, "LUFS");
            let time = format!("  {time_s:.1} s");
            rows.push(vec![time, at(&series.momentary_lufs), at(&series.short_term_lufs)]);
        }
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(clock(0.0), "0:00.000");
        assert_eq!(clock(59.9996), "1:00.000");
        assert_eq!(clock(3725.25), "62:05.250");
    }

    #[test]
    fn long_lists_are_cut_with_their_count() {
        let all = |n: usize| (0..n).map(|n| n.to_string());
        assert_eq!(places(3, all(3)), "0, 1, 2");
        assert_eq!(places(5, all(5)), "0, 1, 2, 3, 4");
        assert_eq!(places(1234, all(100)), "0, 1, 2, 3, 4, and 1229 more");
    }

    #[test]
    fn readings_stand_two_to_a_line_of_eighty_columns() {
        let facts =
            Facts { integrated_lufs: Some(-14.04), max_momentary_lufs: Some(-9.1), ..Facts::default() };
        let (heading, readings) = shown_readings(&facts).remove(0);
        assert_eq!(heading, "Loudness");
        let text = pairs(&readings);
        assert_eq!(text, "  Integrated loudness        -14.0 LUFS  Loudest moment              -9.1 LUFS\n");
        assert!(text.trim_end().len() <= COLUMNS);
    }
}
