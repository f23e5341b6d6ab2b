//! Delivery targets, and what services do to a master.

use crate::markdown::{GENERATED, code, number, quantity, table};
use delivery::{Force, SERVICES, TARGETS, Target, TurnsUp};

pub(crate) fn page() -> String {
    let mut text = format!(
        "# Delivery targets\n\n{GENERATED}\n\nWhat each destination asks for. *Required* is what a destination may refuse a \
         file for, and what a check fails on; *advised* is good practice or a fact about playback, and a check warns. \
         Figures of services move: every row says where it is from, how sure it is, and of which month.\n\n"
    );
    let rows = TARGETS.iter().map(|t| {
        let loudness = t.integrated_lufs.map_or("any".into(), |lufs| quantity(lufs, "LUFS"));
        vec![
            format!("[`{0}`](#{0})", t.id),
            t.label.to_string(),
            loudness,
            quantity(t.ceiling_dbtp, "dBTP"),
            format!("{}, {}", t.preferred_container().name(), t.preferred_depth().name()),
        ]
    });
    text += &table(&["target", "for", "loudness", "true peak", "written as"], rows);
    for target in TARGETS.iter() {
        text += &section(target);
    }
    text += &own();
    text += &services();
    text
}

fn own() -> String {
    format!(
        "\n## Rows of your own\n\nPut them into {} beside the session, the album file or, for {} and {}, into the folder you work in; \
         {} names another file. A row has the keys that {} prints. Its {} tells which row of the table it changes, and \
         keys that it has not stay as they are there; a new one begins as the row that {} names. {} takes a rule away. What is \
         misspelt is told with its line and the nearest key.\n\n```text\n[[target]]\nid = \"apple_music\"\nintegrated_lufs = -15.5\n\n\
         [[target]]\nid = \"our_label\"\nbased_on = \"streaming\"\nlabel = \"Our label\"\nintegrated_lufs = -10\ntolerance_lu = 0.5\n\
         depths = [24]\npreferred_rate_hz = 44100\nduration_s = \"none\"\n```\n",
        code("targets.toml"),
        code("check"),
        code("targets"),
        code("--targets FILE"),
        code("tonmeister targets --json"),
        code("id"),
        code("based_on"),
        code("\"none\""),
    )
}

fn section(t: &Target) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |what: &str, value: String, force: &str| rows.push(vec![what.into(), value, force.into()]);
    let force = |force: Force| match force {
        Force::Required => "required",
        Force::Advised => "advised",
    };
    if let Some(lufs) = t.integrated_lufs {
        let value = format!("{} within {}", quantity(lufs, "LUFS"), quantity(t.tolerance_lu, "LU"));
        row("integrated loudness", value, force(t.loudness));
    }
    if let Some(lufs) = t.mono_integrated_lufs {
        row("the same of one channel", quantity(lufs, "LUFS"), force(t.loudness));
    }
    if let Some(lufs) = t.max_short_term_lufs {
        row("loudest 3 s", format!("at most {}", quantity(lufs, "LUFS")), "required");
    }
    if let Some([low, high]) = t.rms_dbfs {
        row("plain RMS", format!("{} to {}", number(low, 2), quantity(high, "dBFS")), "required");
    }
    if let Some(dbfs) = t.max_noise_floor_dbfs {
        row("noise in pauses", format!("at most {}", quantity(dbfs, "dBFS RMS")), "required");
    }
    row("true peak", format!("at most {}", quantity(t.ceiling_dbtp, "dBTP")), force(t.true_peak));
    if let Some(dbfs) = t.max_sample_peak_dbfs {
        row("highest sample", format!("at most {}", quantity(dbfs, "dBFS")), "required");
    }
    let rates: Vec<String> = t.sample_rates_hz.iter().map(|hz| hz.to_string()).collect();
    match (rates.is_empty(), t.preferred_rate_hz) {
        (false, _) => row("sample rate", format!("{} Hz", rates.join(", ")), "required"),
        (true, Some(hz)) => row("sample rate", format!("any; {hz} Hz is usual"), ""),
        (true, None) => {}
    }
    let mut listed = |what: &str, items: Vec<String>| {
        if !items.is_empty() {
            row(what, items.join(", "), "required");
        }
    };
    listed("depth", t.depths.iter().map(|d| d.name().to_string()).collect());
    listed("file", t.containers.iter().map(|c| c.name().to_string()).collect());
    listed("channels", t.channels.iter().map(ToString::to_string).collect());
    if t.native_only {
        row("padded or upsampled audio", "refused".into(), "required");
    }
    if let Some([shortest, longest]) = t.duration_s {
        row("duration", format!("{} to {}", number(shortest, 1), quantity(longest, "s")), "required");
    }
    if let Some([shortest, longest]) = t.pause_start_s {
        row("room tone before", format!("{} to {}", number(shortest, 2), quantity(longest, "s")), "required");
    }
    if let Some([shortest, longest]) = t.pause_end_s {
        row("room tone after", format!("{} to {}", number(shortest, 2), quantity(longest, "s")), "required");
    }
    if let Some(kbps) = t.min_bit_rate_kbps {
        let constant = if t.constant_bit_rate { ", constant" } else { "" };
        row("bit rate of what is coded with loss", format!("{kbps} kbit/s or more{constant}"), "required");
    }
    if t.one_layout {
        row("files of one delivery", "all mono or all stereo".into(), "required");
    }
    if t.service {
        row("master", "the one that all music services get".into(), "");
    }
    if let Some(correlation) = t.min_correlation {
        row("correlation", format!("at least {}", number(correlation, 2)), "advised");
    }
    if let Some(hz) = t.mono_below_hz {
        row("bass in phase", format!("below {}", quantity(hz, "Hz")), "advised");
    }
    let notes = if t.notes.is_empty() { String::new() } else { format!("{}\n\n", t.notes) };
    format!(
        "\n## {}\n\n**{}.** {}\n\n{}\n{notes}From: {} ({}, {}).\n",
        t.id,
        t.label,
        t.about,
        table(&["what", "figure", "force"], rows),
        t.source,
        t.mark.describe(),
        t.as_of
    )
}

fn services() -> String {
    let rows = SERVICES.iter().map(|s| {
        let louder = if s.reference_lufs.is_some() { "turned down" } else { "as delivered" };
        let quieter = match s.turns_up {
            _ if s.reference_lufs.is_none() => "as delivered".to_string(),
            TurnsUp::Never => "stays quiet".to_string(),
            TurnsUp::Within { ceiling_dbtp } => {
                format!("turned up while its peaks stay under {}", quantity(ceiling_dbtp, "dBTP"))
            }
            TurnsUp::Limited { ceiling_dbfs } => {
                format!("turned up, a limiter holds {}", quantity(ceiling_dbfs, "dBFS"))
            }
        };
        vec![
            s.name.to_string(),
            s.reference_lufs.map_or("none".into(), |lufs| quantity(lufs, "LUFS")),
            louder.into(),
            quieter,
            s.note.to_string(),
            format!("{}, {}", s.mark.describe(), s.as_of),
            s.source.to_string(),
        ]
    });
    format!(
        "\n## What services do when they play\n\nFor a track on its own, with each service's default setting. {} shows what this \
         means for a file. Rows of your own take the place of these by their name, or stand beside them: put them into \
         {} in the folder you work in, or name the file with {}; [Measure](../how-to/measure.md) shows one.\n\n{}",
        code("tonmeister measure FILE"),
        code("services.toml"),
        code("--services FILE"),
        table(&["service", "plays at", "louder", "quieter", "note", "how sure", "from"], rows)
    )
}
