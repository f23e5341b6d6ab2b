//! What Tonmeister knows, as text for people.

use crate::table::{row, table, text_columns, with_unit, wrapped};
use workflow::{NamedInfo, ProcessorInfo, RoleInfo, Target};

pub(crate) fn processors(all: &[ProcessorInfo]) -> String {
    let mut text = String::new();
    for p in all {
        text += &format!("{} ({}, {})\n", p.id, p.label, p.family);
        text += &wrapped(p.help, "  ", text_columns());
        let mut rows = Vec::new();
        for s in &p.params {
            let range = match s.choices.is_empty() {
                false => s.choices.join(" | "),
                true if s.neutral == "on" || s.neutral == "off" => "on | off".into(),
                true => format!("{} to {} {}", s.min, s.max, s.unit).trim_end().to_string(),
            };
            let fixed = if s.fixed { " (cannot be automated)" } else { "" };
            rows.push(vec![
                format!("  {}", s.id),
                range,
                format!("neutral {}", s.neutral),
                format!("{}{fixed}", s.help),
            ]);
        }
        text += &table(&rows);
        text.push('\n');
    }
    text
}

/// A line each, or all about some.
pub(crate) fn targets(all: &[Target], whole: bool) -> String {
    if whole {
        return all.iter().map(whole_target).collect();
    }
    let mut rows = vec![row(&["target", "loudness", "true peak", "what for"])];
    for t in all {
        rows.push(vec![
            t.id.to_string(),
            with_unit(t.integrated_lufs, 0, "LUFS"),
            with_unit(Some(t.ceiling_dbtp), 1, "dBTP"),
            t.label.to_string(),
        ]);
    }
    table(&rows) + "\n`tonmeister targets NAME` tells more and where it is from\n"
}

/// Everything a row asks for, a line each; what it has no rule about is left out.
fn whole_target(t: &Target) -> String {
    let loudness = match (t.integrated_lufs, t.mono_integrated_lufs) {
        (None, _) => "not asked for".to_string(),
        (Some(lufs), mono) => {
            let mono = mono.map_or(String::new(), |mono| format!("; mono {mono} LUFS"));
            format!("{lufs} LUFS, {} LU either way{mono}", t.tolerance_lu)
        }
    };
    let from_to = |[low, high]: [f64; 2], unit: &str| match low > 0.0 || unit == "dBFS" {
        true => format!("{low} to {high} {unit}"),
        false => format!("at most {high} {unit}"),
    };
    let listed = |all: Vec<String>| (!all.is_empty()).then(|| all.join(", "));
    let rates = t.sample_rates_hz.iter().map(|hz| format!("{}", f64::from(*hz) / 1000.0)).collect();
    let channels = t.channels.iter().map(|n| match n {
        1 => "mono".to_string(),
        2 => "stereo".to_string(),
        n => format!("{n} channels"),
    });
    let rate = t.min_bit_rate_kbps.map(|kbps| {
        let constant = if t.constant_bit_rate { ", constant" } else { "" };
        format!("at least {kbps} kbit/s{constant}")
    });
    let rows = [
        ("loudness", Some(loudness)),
        ("loudest 3 s", t.max_short_term_lufs.map(|lufs| format!("at most {lufs} LUFS"))),
        ("RMS", t.rms_dbfs.map(|window| from_to(window, "dBFS"))),
        ("noise floor", t.max_noise_floor_dbfs.map(|floor| format!("at most {floor} dBFS"))),
        ("true peak", Some(format!("at most {} dBTP", t.ceiling_dbtp))),
        ("sample peak", t.max_sample_peak_dbfs.map(|peak| format!("at most {peak} dBFS"))),
        ("kinds of file", listed(t.containers.iter().map(|c| c.name().to_string()).collect())),
        ("depths", listed(t.depths.iter().map(|d| d.name().to_string()).collect())),
        ("rates", listed(rates).map(|rates| format!("{rates} kHz"))),
        ("coded with loss", rate),
        ("channels", listed(channels.collect())),
        ("length", t.duration_s.map(|window| from_to(window, "s"))),
        ("pause before", t.pause_start_s.map(|window| from_to(window, "s"))),
        ("pause after", t.pause_end_s.map(|window| from_to(window, "s"))),
        ("correlation", t.min_correlation.map(|least| format!("at least {least}"))),
        ("bass", t.mono_below_hz.map(|hz| format!("in phase below {hz} Hz"))),
        ("source", Some(format!("{} ({})", t.source, t.mark.describe()))),
        ("as of", Some(t.as_of.to_string())),
    ];
    let told = rows
        .into_iter()
        .filter_map(|(name, told)| Some(vec![format!("  {name}"), told?]))
        .collect::<Vec<_>>();
    let mut text = format!("{}: {}\n", t.id, t.label);
    text += &wrapped(&t.about, "  ", text_columns());
    text += &table(&told);
    text += &wrapped(&t.notes, "  ", text_columns());
    text + "\n"
}

pub(crate) fn roles(all: &[RoleInfo]) -> String {
    let mut rows = vec![row(&["role", "family", "names such as"])];
    rows.extend(all.iter().map(|r| vec![r.id.to_string(), r.family.to_string(), r.names.join(", ")]));
    table(&rows)
}

pub(crate) fn named(all: &[NamedInfo]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|n| vec![n.name.clone(), n.role.to_string(), format!("{:.0} % sure", n.confidence * 100.0)])
        .collect();
    table(&rows)
}
