//! How it sounds: loudness, spectrum, stereo, dynamics.

use super::{cell, figure as picture, row_head, table, write_legend};
use crate::markup::Markup;
use crate::model::{ReductionPart, Report, SignalPart};
use crate::plot::{self, BandPlot, LoudnessPlot, Rung, SpectrumPlot};
use crate::text::{self, figure, number, prose};
use measure::{BandFacts, BandLevel, Facts, READINGS, Reading};

/// The strip of the mastering chain.
const MASTER: &str = "master";

/// Below this an insert counts as having done nothing, in dB.
const IDLE_DB: f32 = 0.1;

/// The readings of the table of dynamics, in order; their names and units are those of the meters.
const DYNAMICS: &[&str] = &[
    "integrated_lufs",
    "max_short_term_lufs",
    "max_momentary_lufs",
    "loudness_range_lu",
    "true_peak_dbtp",
    "sample_peak_dbfs",
    "rms_dbfs",
    "crest_db",
    "plr_lu",
    "psr_min_lu",
    "psr_median_lu",
    "noise_floor_dbfs",
    "clipped_samples",
    "dc_offset",
];

/// The same for stereo.
const STEREO: &[&str] = &["correlation", "mono_loss_db", "side_mid_db", "balance_db"];

/// Whether there is a signal to tell about.
pub(super) fn has_signal(report: &Report) -> bool {
    main_signal(report).is_some()
}

/// The master, or else the mix.
fn main_signal(report: &Report) -> Option<&SignalPart> {
    report.master.as_ref().or(report.premaster.as_ref())
}

/// What the main signal was made from, where it was made in this run.
fn earlier_signal(report: &Report) -> Option<&SignalPart> {
    report.master.as_ref().and(report.premaster.as_ref())
}

/// What the main signal is called.
fn main_name(report: &Report) -> &'static str {
    if report.master.is_some() { "master" } else { "mix" }
}

/// Loudness over time, and the gain reduction of the mastering chain.
pub(super) fn loudness(section: &mut Markup, report: &Report) {
    let Some(signal) = main_signal(report) else { return };
    section.element("p", &[], |p| p.text(&loudness_in_words(&signal.facts, main_name(report))));
    let aim = report
        .target
        .as_ref()
        .and_then(|t| t.loudness_lufs)
        .map(|l| (l, format!("aim {} LUFS", number(l, 1))));
    let own = signal.facts.integrated_lufs.map(|l| (l, format!("whole song {} LUFS", number(l, 1))));
    let aim = aim.or(own);
    let chain: Vec<&ReductionPart> = match report.master.is_some() {
        true => report.gain_reduction.iter().filter(|r| r.strip == MASTER && worked(r)).collect(),
        false => Vec::new(),
    };
    let duration_s = if report.duration_s > 0.0 { report.duration_s } else { signal.facts.duration_s };
    let plot = LoudnessPlot {
        duration_s,
        series: &signal.loudness,
        aim: aim.as_ref().map(|(lufs, _)| *lufs),
        range_lufs: None,
        sections: &report.sections,
        reductions: chain.clone(),
    };
    let mut legend: Vec<(&str, String)> = vec![
        ("line main", "short-term, 3 s".into()),
        ("box momentary", "momentary, 400 ms".into()),
        ("line aim", aim.map(|(_, name)| name).unwrap_or_default()),
    ];
    for (place, part) in chain.iter().enumerate() {
        let class = if place + 1 == chain.len() { "box taken" } else { "line second" };
        legend.push((class, format!("taken away by the {}", text::spaced(&part.insert))));
    }
    legend.retain(|(_, words)| !words.is_empty());
    let legend: Vec<(&str, &str)> = legend.iter().map(|(class, words)| (*class, words.as_str())).collect();
    let known = |lufs: &[Option<f64>]| lufs.iter().flatten().any(|l| l.is_finite());
    if !known(&plot.series.momentary_lufs) && !known(&plot.series.short_term_lufs) {
        return;
    }
    picture(section, "loudness-plot", |size, id| plot::loudness(&plot, size, id), &legend);
}

fn loudness_in_words(facts: &Facts, what: &str) -> String {
    let (Some(whole), Some(loudest)) = (facts.integrated_lufs, facts.max_short_term_lufs) else {
        return format!("The {what} has no loudness: it is silent or too short to say.");
    };
    let mut words = format!(
        "The {what} is {} LUFS loud as a whole; its loudest three seconds reach {} LUFS.",
        number(whole, 1),
        number(loudest, 1)
    );
    if let Some(range) = facts.loudness_range_lu {
        words += &format!(" Between quiet and loud passages lie {} LU.", number(range, 1));
    }
    words
}

/// Tonal balance.
pub(super) fn spectrum(section: &mut Markup, report: &Report) {
    let bands = |signal: Option<&SignalPart>| -> Vec<BandLevel> {
        signal.map(|s| s.facts.third_octave_db.clone()).unwrap_or_default()
    };
    let (before, after) = (bands(earlier_signal(report)), bands(main_signal(report)));
    if !after.iter().any(|band| band.db.is_some()) {
        section.leaf(
            "p",
            &[],
            &format!("The {} has no spectrum: it is silent or too short to say.", main_name(report)),
        );
        return;
    }
    let reference = report.reference.as_ref();
    let points = reference.map(|r| r.bands.as_slice()).unwrap_or_default();
    section.leaf(
        "p",
        &[],
        "Where the energy lies, from bass to air. The curves are laid over each other between 100 Hz and 5 kHz, so that \
         tone is compared and not level.",
    );
    let mut legend = vec![("line main", main_name(report))];
    if earlier_signal(report).is_some() {
        legend.push(("line before", "pre-master"));
    }
    if let Some(reference) = reference {
        legend.push(("line goal", &reference.label));
        if points.iter().any(|b| b.spread_db > 0.0) {
            let spread = match report.matched {
                Some(_) => "what they vary",
                None => "where most records lie",
            };
            legend.push(("box spread", spread));
        }
    }
    let plot = SpectrumPlot { before: &before, after: &after, reference: points };
    picture(section, "spectrum-plot", |size, id| plot::spectrum(&plot, size, id), &legend);
}

/// Width, correlation and what mono loses.
pub(super) fn stereo(section: &mut Markup, report: &Report) {
    let Some(signal) = main_signal(report) else { return };
    section.element("p", &[], |p| p.text(&stereo_in_words(&signal.facts)));
    let bands = |signal: Option<&SignalPart>| -> Vec<BandFacts> {
        signal.map(|s| s.facts.bands.clone()).unwrap_or_default()
    };
    let (before, after) = (bands(earlier_signal(report)), bands(main_signal(report)));
    let rows = |value: fn(&BandFacts) -> Option<f64>| -> Vec<_> {
        let longer = if after.len() >= before.len() { &after } else { &before };
        let one = |(place, band): (usize, &BandFacts)| {
            ((band.low_hz, band.high_hz), before.get(place).and_then(value), after.get(place).and_then(value))
        };
        longer.iter().enumerate().map(one).collect()
    };
    let (width, correlation) = (rows(|b| b.side_mid_db), rows(|b| b.correlation));
    if width.iter().chain(&correlation).any(|row| row.1.is_some() || row.2.is_some()) {
        section.element("figure", &[], |figure| {
            write_legend(figure, &before_and_after(report));
            figure.block("div", "pair", |pair| {
                let plot = BandPlot {
                    title: "Width by band",
                    axis: "side against middle, dB",
                    ends: (-42.0, 6.0, 12.0),
                    decimals: 0,
                    zero: 0.0,
                    rows: &width,
                };
                pair.element("div", &[], |div| {
                    div.leaf("h3", &[], plot.title);
                    div.append(plot::bands(&plot, "width-plot"));
                });
                let plot = BandPlot {
                    title: "Correlation by band",
                    axis: "left against right, \u{2212}1 to 1",
                    ends: (-1.0, 1.0, 0.5),
                    decimals: 1,
                    zero: 0.0,
                    rows: &correlation,
                };
                pair.element("div", &[], |div| {
                    div.leaf("h3", &[], plot.title);
                    div.append(plot::bands(&plot, "correlation-plot"));
                });
            });
        });
    }
    readings(section, report, STEREO);
}

fn stereo_in_words(facts: &Facts) -> String {
    match (facts.channels, facts.mono_loss_db, facts.correlation) {
        (1, ..) => "One channel: there is no stereo image.".into(),
        (_, Some(loss_db), Some(correlation)) => {
            let verdict = match correlation {
                c if c < 0.0 => "left and right work against each other",
                c if c > 0.95 => "the image is close to mono",
                _ => "the image is open and holds together",
            };
            format!("Played in mono it loses {} dB; {verdict}.", number(loss_db, 1))
        }
        _ => "The stereo image is not defined: a channel is silent.".into(),
    }
}

fn before_and_after(report: &Report) -> Vec<(&'static str, &'static str)> {
    let before = earlier_signal(report).map(|_| ("point hollow", "pre-master"));
    before.into_iter().chain([("point filled", main_name(report))]).collect()
}

/// Loudness against peaks, and what the dynamics took away.
pub(super) fn dynamics(section: &mut Markup, report: &Report) {
    let mut rungs = Vec::new();
    if let Some(premaster) = &report.premaster {
        rungs.push(Rung { name: "Pre-master", facts: &premaster.facts, main: report.master.is_none() });
    }
    if let Some(master) = &report.master {
        rungs.push(Rung { name: "Master", facts: &master.facts, main: true });
    }
    let mut aims = Vec::new();
    if let Some(target) = &report.target {
        aims.extend(target.loudness_lufs.map(|l| (l, format!("aim {}", number(l, 1)))));
        aims.extend(target.ceiling_dbtp.map(|c| (c, format!("ceiling {}", number(c, 1)))));
    }
    rungs.retain(|rung| rung.facts.integrated_lufs.or(rung.facts.true_peak_dbtp).is_some());
    if rungs.is_empty() {
        section.leaf("p", &[], "Neither loudness nor peak is defined: there is nothing but silence.");
        return readings(section, report, DYNAMICS);
    }
    section.leaf(
        "p",
        &[],
        "From how loud it is to how high it peaks: the longer the bar, the more room the drums have to hit.",
    );
    let legend = [
        ("point filled", "integrated loudness"),
        ("tick stroke-main", "loudest 3 s, loudest 400 ms"),
        ("tick peak-main", "true peak"),
    ];
    picture(section, "ladder-plot", |size, id| plot::ladder(&rungs, &aims, size, id), &legend);
    readings(section, report, DYNAMICS);
    let strip = |part: &ReductionPart| super::change::strip_name(&part.strip, &report.tracks);
    let parts: Vec<(String, &ReductionPart)> =
        report.gain_reduction.iter().filter(|r| worked(r)).map(|r| (strip(r), r)).collect();
    if !parts.is_empty() {
        section.leaf("h3", &[], "What the dynamics took away");
        let duration_s = report.duration_s.max(0.0);
        let draw = |size, id: &str| plot::reductions(&parts, duration_s, size, id);
        picture(
            section,
            "reduction-plot",
            draw,
            &[("box taken", "gain reduction, downwards, all on one scale")],
        );
    }
}

fn worked(part: &ReductionPart) -> bool {
    part.reduction_db.iter().any(|db| db.abs() >= IDLE_DB)
}

/// A table of readings: before, after, and what they say.
fn readings(section: &mut Markup, report: &Report, ids: &[&str]) {
    let signals: Vec<(&str, serde_json::Value)> =
        [("Pre-master", &report.premaster), ("Master", &report.master)]
            .into_iter()
            .filter_map(|(name, signal)| Some((name, signal.as_ref()?)))
            .map(|(name, signal)| (name, serde_json::to_value(&signal.facts).unwrap_or_default()))
            .collect();
    let mut columns = vec!["Reading"];
    columns.extend(signals.iter().map(|(name, _)| *name));
    columns.push("What it says");
    table(section, "readings", &columns, |rows| {
        for reading in ids.iter().filter_map(|id| READINGS.iter().find(|r| r.id == *id)) {
            rows.element("tr", &[], |tr| {
                row_head(tr, |th| th.text(reading.label));
                for (name, facts) in &signals {
                    let value = facts.get(reading.id).and_then(serde_json::Value::as_f64);
                    cell(tr, name, |td| figure(td, value, reading.decimals, unit(reading)));
                }
                tr.block("td", "help", |td| prose(td, reading.help));
            });
        }
    });
}

/// A reading's unit; what is counted is named by its id.
fn unit(reading: &Reading) -> &'static str {
    match reading.id {
        "clipped_samples" => "samples",
        _ => reading.unit,
    }
}
