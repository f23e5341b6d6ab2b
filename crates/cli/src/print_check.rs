//! Checks and what was mended, as text for people.

use crate::table::{bare, counted, reading, row, table, text_columns, with_unit, wrapped};
use std::collections::BTreeSet;
use workflow::{CheckResult, Finding, Mend, Mended, Preview, Severity, TranslateResult};

/// Findings with their place, sound, remedy and price.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let one = |f: &Finding| {
        let refused = match &f.mend {
            Mend::Refused(why) => why.as_str(),
            _ => "",
        };
        let besides = [
            ("heard as", f.heard_as.as_str()),
            ("remedy", &f.remedy),
            ("price", &f.price),
            ("not by `check --apply`", refused),
        ];
        headline(f) + &lines(&besides)
    };
    findings.iter().map(one).collect()
}

/// What a file is refused for, where it did not pass.
pub(crate) fn failures(findings: &[Finding]) -> String {
    let failed: Vec<Finding> = findings.iter().filter(|f| f.severity == Severity::Fail).cloned().collect();
    findings_once(&failed, &mut BTreeSet::new())
}

/// Findings of many files: how one is heard and what to do about it is said where it comes first.
pub(crate) fn findings_once(findings: &[Finding], said: &mut BTreeSet<String>) -> String {
    let mut one = |f: &Finding| match said.insert(format!("{} {}", f.id, f.remedy)) {
        true => headline(f) + &lines(&[("heard as", &f.heard_as), ("remedy", &f.remedy)]),
        false => headline(f),
    };
    findings.iter().map(&mut one).collect()
}

fn headline(f: &Finding) -> String {
    let mark = match f.severity {
        Severity::Fail => "FAIL",
        Severity::Warn => "warn",
        Severity::Info => "info",
    };
    let place = f.place_s.map(|s| format!(" at {s:.3} s")).unwrap_or_default();
    wrapped(&format!("{mark}{place}: {}", f.what), "  ", text_columns())
}

fn lines(lines: &[(&str, &str)]) -> String {
    let said = lines.iter().filter(|(_, said)| !said.is_empty());
    said.map(|(word, said)| wrapped(&format!("{word}: {said}"), "        ", text_columns())).collect()
}

/// What each service does, a line each.
pub(crate) fn services(services: &[Preview]) -> String {
    let line = |s: &Preview| {
        let plays = with_unit(Some(s.plays_at_lufs), 1, "LUFS");
        // What rounds to nothing has no sign that says more.
        let gain_db = if s.gain_db.abs() < 0.05 { 0.0 } else { s.gain_db };
        format!("  {}: {gain_db:+.1} dB, plays at {plays}\n", s.service)
    };
    services.iter().map(line).collect()
}

fn mended(mended: &Mended, dry_run: bool) -> String {
    let mut text = String::new();
    let would = if dry_run { "would be " } else { "" };
    text += &format!("  {would}mended into {}\n", bare(&mended.path));
    for applied in &mended.applied {
        text += &wrapped(&format!("{}: {}", applied.finding, applied.what), "    ", text_columns());
        text += &wrapped(&format!("price: {}", applied.price), "        ", text_columns());
    }
    for note in &mended.notes {
        text += &wrapped(note, "    ", text_columns());
    }
    if let Some(session) = mended.session.as_deref().filter(|_| !dry_run) {
        text += &format!("    the remedies stand in {}\n", bare(session));
    }
    text
}

pub(crate) fn checked(result: &CheckResult, verbose: bool) -> String {
    let mut text = String::new();
    for f in &result.files {
        text += &one(&f.checked.reading.path.display().to_string(), &f.checked);
        if verbose {
            text += &services(&f.services);
        }
        let Some(done) = &f.mended else {
            let able =
                f.checked.findings.iter().filter(|finding| matches!(finding.mend, Mend::By(_))).count();
            if able > 0 {
                text += &format!("  `--apply` mends {} into a new file\n", counted(able, "finding"));
            }
            continue;
        };
        text += &mended(done, result.dry_run);
        if let Some(after) = &done.checked {
            text += &one(bare(&done.path), after);
        }
    }
    if result.dry_run {
        text += "nothing was written\n";
    }
    text
}

/// The verdict on one file, and its findings.
fn one(path: &str, checked: &workflow::Checked) -> String {
    let reading = &checked.reading;
    let facts = &reading.facts;
    let verdict = if checked.passed { "passes" } else { "does NOT pass" };
    format!("{path}: {verdict} {}\n", checked.target)
        + &format!(
            "  {} Hz, {}, {:.1} s; {}, {}, range {}\n",
            reading.sample_rate_hz,
            reading.encoding,
            reading.duration_s,
            with_unit(facts.integrated_lufs, 1, "LUFS"),
            with_unit(facts.true_peak_dbtp, 2, "dBTP"),
            with_unit(facts.loudness_range_lu, 1, "LU")
        )
        + &findings(&checked.findings)
}

/// A master on every device, as a table.
pub(crate) fn translated(done: &TranslateResult, dry_run: bool) -> String {
    let share = |value: Option<f64>| value.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share));
    let both = |[before, after]: [Option<f64>; 2]| match (before, after) {
        (None, None) => "-".to_string(),
        _ => format!("{} -> {}", share(before), share(after)),
    };
    let mut text = String::new();
    for file in &done.files {
        let mut rows = vec![row(&["on", "loses", "bass", "lead heard", "in mono", "most of it", "drowned"])];
        for d in &file.devices {
            rows.push(vec![
                d.label.to_string(),
                reading(d.lost_lu, 1, "LU"),
                both(d.bass_share),
                both(d.lead_left),
                reading(d.mono_loss_db.map(|loss| -loss), 1, "dB"),
                d.mono_worst_band.map_or("-".into(), |(low, high, loss)| {
                    format!("-{loss:.1} dB at {low:.0} to {high:.0} Hz")
                }),
                share(d.drowned_share),
            ]);
        }
        text += &format!("{}\n{}", bare(&file.path), table(&rows));
        if !dry_run {
            let folder = std::path::Path::new(&file.original).parent().map(|f| f.display().to_string());
            let at = with_unit(file.matched_lufs, 1, "LUFS");
            text += &format!("to listen to, all at {at}: {}\n", bare(&folder.unwrap_or_default()));
        }
    }
    if dry_run { text + "nothing was written\n" } else { text }
}
