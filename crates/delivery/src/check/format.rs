//! Whether the file is one that the target takes.

use crate::finding::{Finding, Remedy, Severity};
use crate::reading::Reading;
use crate::targets::Target;

pub(super) fn judge(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    container(reading, target, findings);
    depth(reading, target, findings);
    sample_rate(reading, target, findings);
    channels(reading, target, findings);
    duration(reading, target, findings);
    bit_rate(reading, target, findings);
    for remark in &reading.remarks {
        let mut finding = Finding::new("reader", remark.severity, sentence(&remark.text));
        if remark.severity == Severity::Fail {
            finding = finding.heard("Missing, silenced or changed sound.").advise(
                "Export or copy the file again from its source.",
                "Nothing but the time it takes",
                "what is missing is not in the file",
            );
        }
        findings.push(finding);
    }
}

fn container(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    if reading.container.is_some_and(|c| target.containers.contains(&c)) {
        return;
    }
    let taken = listed(target.containers.iter().map(|c| c.name().to_owned()));
    let finding =
        Finding::new("container", Severity::Fail, format!("The file is {}, not {taken}.", reading.format));
    findings.push(if reading.lossy {
        finding.heard("Coded with loss already; coding it again makes it worse.").advise(
            format!("Deliver {taken} from the master itself."),
            "Nothing, where the master is at hand",
            "what its coding took away does not come back in another kind of file",
        )
    } else {
        finding.heard("It may be refused.").mend(
            Remedy::Store,
            format!("Deliver it as {taken}."),
            "Nothing: every sample stays as it is",
        )
    });
}

fn depth(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    if reading.lossy {
        return;
    }
    if !reading.depth.is_some_and(|d| target.depths.contains(&d)) {
        let taken = listed(target.depths.iter().map(|d| d.name().to_owned()));
        let finding = Finding::new(
            "bit_depth",
            Severity::Fail,
            format!("The samples are {}, not {taken}.", reading.encoding),
        )
        .heard("It may be refused, or reduced without dither by someone else.");
        findings.push(if reading.bits_used >= target.depths.iter().map(|d| d.bits()).min().unwrap_or(0) {
            finding.mend(
                Remedy::Store,
                format!("Deliver it as {taken}, with dither."),
                "The noise of one more rounding: -96 dBFS at 16 bits, -144 at 24, nothing at 32-bit float",
            )
        } else {
            finding.advise(
                format!("Export it again as {taken}."),
                "Nothing, where the session is at hand",
                "more bits here would be zeros: the sound has no more than its own",
            )
        });
    }
    let Some(stated) = reading.depth.filter(|d| !d.is_float()).map(|d| d.bits()) else { return };
    if reading.silent || reading.bits_used >= stated {
        return;
    }
    let severity = match (target.native_only, reading.bits_used) {
        (true, _) => Severity::Fail,
        (false, 0..=16) => Severity::Warn,
        _ => Severity::Info,
    };
    findings.push(
        Finding::new(
            "bits_used",
            severity,
            format!("The file has {stated} bits, but only {} of them are used.", reading.bits_used),
        )
        .heard("Nothing is lost here; somewhere before, the rest was cut off or never there.")
        .advise(
            "Go back to the render before the bits were dropped, if there is one.",
            "Nothing, where there is one",
            "the bits that were dropped are not in the file",
        )
        .figure(f64::from(reading.bits_used), f64::from(stated), "bit"),
    );
}

fn sample_rate(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let rate = reading.sample_rate_hz;
    if !target.takes_rate(rate) {
        let taken = listed(target.sample_rates_hz.iter().map(|r| khz(*r)));
        let wanted = target.rate_for(rate);
        let finding =
            Finding::new("sample_rate", Severity::Fail, format!("The rate is {}, not {taken}.", khz(rate)))
                .heard("It may be refused, or converted by someone else.")
                .figure(f64::from(rate), f64::from(wanted), "Hz");
        findings.push(match (wanted > rate, target.native_only) {
            (true, true) => finding.advise(
                format!("Render it at {}.", khz(wanted)),
                "Nothing, where the session is at hand",
                "a higher rate made of this file holds nothing new, and this target refuses that",
            ),
            (true, false) => finding.mend(
                Remedy::Store,
                format!("Deliver it at {}.", khz(wanted)),
                "A larger file; nothing is heard",
            ),
            (false, _) => finding.mend(
                Remedy::Store,
                format!("Deliver it at {}.", khz(wanted)),
                format!("What lies above {} is cut off; peaks move by tenths of a decibel", khz(wanted / 2)),
            ),
        });
    } else if let Some(preferred) = target.preferred_rate_hz.filter(|p| *p != rate) {
        findings.push(
            Finding::new(
                "sample_rate",
                Severity::Info,
                format!("The rate is {}; {} is usual here.", khz(rate), khz(preferred)),
            )
            .figure(f64::from(rate), f64::from(preferred), "Hz"),
        );
    }
}

fn channels(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    if target.channels.is_empty() || target.channels.contains(&reading.channels) {
        return;
    }
    let taken = listed(target.channels.iter().map(|c| channel_count(*c)));
    let finding = Finding::new(
        "channels",
        Severity::Fail,
        format!("The file is {}, not {taken}.", channel_count(reading.channels)),
    )
    .heard("It may be refused.");
    findings.push(if reading.channels == 1 && target.channels.contains(&2) {
        finding.mend(
            Remedy::Store,
            "Put the one channel on both sides.",
            "A larger file that plays as before; meters read it 3 LU louder",
        )
    } else {
        finding.advise(
            format!("Render it as {taken}."),
            "What only the other channels hold",
            "folding channels together is a decision of the mix",
        )
    });
}

fn duration(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some([shortest, longest]) = target.duration_s else { return };
    let duration = reading.duration_s;
    let (what, limit, remedy) = if duration < shortest {
        ("shorter", shortest, "Add silence or join it with its neighbour.")
    } else if duration > longest {
        ("longer", longest, "Split it, or choose another target.")
    } else {
        return;
    };
    findings.push(
        Finding::new(
            "duration",
            Severity::Fail,
            format!("The file lasts {duration:.1} s, {what} than the {limit:.0} s that are possible."),
        )
        .heard("It may be refused.")
        .advise(
            remedy,
            "Another order of the programme",
            "where it may be cut or joined is for somebody who knows it",
        )
        .figure(duration, limit, "s"),
    );
}

fn bit_rate(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some([low, high]) = reading.bit_rates_kbps else { return };
    let source = "code it again from the master: what is lost in this file does not come back";
    if let Some(least) = target.min_bit_rate_kbps.filter(|least| low < *least) {
        findings.push(
            Finding::new(
                "bit_rate",
                Severity::Fail,
                format!("The bit rate is {low} kbit/s, below {least} kbit/s."),
            )
            .heard("It may be refused; duller and rougher than it could be.")
            .advise(format!("Code it at {least} kbit/s or more."), "A larger file", source)
            .figure(f64::from(low), f64::from(least), "kbit/s"),
        );
    }
    if target.constant_bit_rate && low != high {
        findings.push(
            Finding::new(
                "variable_bit_rate",
                Severity::Fail,
                format!("The bit rate goes from {low} to {high} kbit/s; a constant one is asked for."),
            )
            .heard("It may be refused.")
            .advise("Code it at a constant bit rate.", "A somewhat larger file", source),
        );
    }
}

fn khz(rate: u32) -> String {
    format!("{} kHz", f64::from(rate) / 1000.0)
}

fn channel_count(channels: usize) -> String {
    match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("of {n} channels"),
    }
}

/// "a", "a or b", "a, b or c".
fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// The same words with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
