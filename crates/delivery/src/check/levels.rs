//! Loudness and peaks against the target.

use crate::finding::{Finding, Remedy, Severity};
use crate::reading::Reading;
use crate::targets::{Force, Target};

/// Readings that differ by less than this are the same, in dB: rounding in the last place of a measurement.
const SAME: f64 = 1e-6;

pub(super) fn judge(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    if reading.silent {
        findings.push(
            Finding::new("silent", Severity::Fail, "The file is silent from beginning to end.")
                .heard("Nothing.")
                .advise(
                    "Render it again, and look whether a mute or a missing source is the cause.",
                    "Nothing but the time it takes",
                    "there is no sound to mend",
                ),
        );
        return;
    }
    true_peak(reading, target, findings);
    sample_peak(reading, target, findings);
    integrated(reading, target, findings);
    short_term(reading, target, findings);
    rms(reading, target, findings);
    noise_floor(reading, target, findings);
}

fn true_peak(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let facts = &reading.facts;
    let Some(peak) = facts.true_peak_dbtp.filter(|peak| *peak > target.ceiling_dbtp) else { return };
    let excess = peak - target.ceiling_dbtp;
    let place = facts.true_peak_frame.map(|frame| frame as f64 / f64::from(reading.sample_rate_hz));
    findings.push(
        Finding::new(
            "true_peak",
            Severity::of(target.true_peak),
            format!(
                "The true peak is {peak:.2} dBTP, {excess:.2} dB above the ceiling of {:.1} dBTP (read at {} \
                 times oversampling).",
                target.ceiling_dbtp, facts.true_peak_factor
            ),
        )
        .at(place)
        .heard("It may crackle in converters and after lossy coding.")
        .mend(
            Remedy::Level,
            format!("{} by {:.2} dB.", how_to_lower(target), excess + 0.005),
            price_of_lowering(target, excess),
        )
        .figure(peak, target.ceiling_dbtp, "dBTP"),
    );
}

/// Where a level is asked for, peaks are limited; elsewhere the whole is turned down, which leaves every sound as it is.
fn how_to_lower(target: &Target) -> &'static str {
    if target.levels() { "Limit its peaks" } else { "Turn it down" }
}

fn price_of_lowering(target: &Target, excess_db: f64) -> String {
    if target.levels() {
        format!("The highest peaks lose up to {excess_db:.2} dB; what is below them stays")
    } else {
        format!("{excess_db:.2} dB of level where players do not level it; the sound stays as it is")
    }
}

fn sample_peak(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some((peak, limit)) = reading.facts.sample_peak_dbfs.zip(target.max_sample_peak_dbfs) else { return };
    if peak <= limit + SAME {
        return;
    }
    findings.push(
        Finding::new(
            "sample_peak",
            Severity::Fail,
            format!("The highest sample is at {peak:.2} dBFS, above {limit:.1} dBFS."),
        )
        .heard("It may be refused.")
        .mend(
            Remedy::Level,
            format!("{} by {:.2} dB.", how_to_lower(target), peak - limit),
            price_of_lowering(target, peak - limit),
        )
        .figure(peak, limit, "dBFS"),
    );
}

fn integrated(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some(aim) = target.integrated_lufs_for(reading.channels) else { return };
    let severity = Severity::of(target.loudness);
    let Some(loudness) = reading.facts.integrated_lufs else {
        findings.push(
            Finding::new(
                "integrated_loudness",
                severity,
                "The file is too short or too quiet for a loudness.",
            )
            .advise(
                "Nothing above -70 LUFS lasts 400 ms: look whether the right file was taken.",
                "Nothing",
                "there is no loudness to bring anywhere",
            ),
        );
        return;
    };
    let off = loudness - aim;
    // Loudness is read to one decimal (EBU R 128), and is held against the tolerance as it is read.
    if (10.0 * off).round().abs() / 10.0 <= target.tolerance_lu + SAME {
        return;
    }
    let side = if off > 0.0 { "above" } else { "below" };
    let what = format!(
        "The integrated loudness is {loudness:.1} LUFS, {:.1} LU {side} the target's {aim:.1} LUFS.",
        off.abs()
    );
    let finding = Finding::new("integrated_loudness", severity, what).figure(loudness, aim, "LUFS");
    let required = target.loudness == Force::Required;
    let heard = match (off > 0.0, required) {
        (true, true) => "Louder than what stands beside it; it may be refused.",
        (true, false) => "Players that level loudness turn it down; what was limited away stays lost.",
        (false, true) => "Quieter than what stands beside it; it may be refused.",
        (false, false) => "Quieter than its neighbours in players that do not turn up.",
    };
    let finding = finding.heard(heard);
    let (remedy, price) = match off > 0.0 {
        true if required => {
            (format!("Turn it down by {off:.1} dB."), "Nothing: the sound stays as it is".into())
        }
        true => (
            "Keep it if the music wants it, or master to the target for more punch at the same level.".into(),
            "Loudness where players do not level".into(),
        ),
        false => turn_up(reading, target, -off),
    };
    findings.push(match required {
        true => finding.mend(Remedy::Level, remedy, price),
        false => finding.advise(
            remedy,
            price,
            "no player refuses it, and how loud it wants to be is the music's: `tonmeister master` makes another master",
        ),
    });
}

/// How a file gets louder by `gain_db`, and what it costs: by gain alone as far as its peaks allow.
fn turn_up(reading: &Reading, target: &Target, gain_db: f64) -> (String, String) {
    let room = reading.facts.true_peak_dbtp.map_or(gain_db, |peak| target.ceiling_dbtp - peak).max(0.0);
    if room >= gain_db {
        let remedy = format!("Turn it up by {gain_db:.1} dB: the ceiling allows it.");
        return (remedy, "Nothing: the sound stays as it is".to_owned());
    }
    (
        format!(
            "Master it {gain_db:.1} dB louder: the ceiling leaves {room:.1} dB, a limiter takes the rest."
        ),
        format!("The limiter takes up to {:.1} dB off the highest peaks", gain_db - room),
    )
}

fn short_term(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some((loudest, limit)) = reading.facts.max_short_term_lufs.zip(target.max_short_term_lufs) else {
        return;
    };
    if loudest <= limit + SAME {
        return;
    }
    findings.push(
        Finding::new(
            "short_term_loudness",
            Severity::Fail,
            format!("The loudest 3 s have {loudest:.1} LUFS, above {limit:.1} LUFS."),
        )
        .heard("One part jumps out of the programme.")
        .advise(
            format!("Bring the loudest part down by {:.1} dB.", loudest - limit),
            "The contrast between that part and the rest",
            "which part gives way is a decision of the mix",
        )
        .figure(loudest, limit, "LUFS"),
    );
}

fn rms(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some((level, [lowest, highest])) = reading.facts.rms_dbfs.zip(target.rms_dbfs) else { return };
    let (limit, word) = if level < lowest - SAME {
        (lowest, "below")
    } else if level > highest + SAME {
        (highest, "above")
    } else {
        return;
    };
    findings.push(
        Finding::new(
            "rms",
            Severity::Fail,
            format!("The RMS level is {level:.1} dBFS, {word} {limit:.1} dBFS."),
        )
        .heard("It may be refused.")
        .mend(
            Remedy::Level,
            format!("Change the level by {:+.1} dB and keep the peak limit.", limit - level),
            match limit > level {
                true => {
                    "Room tone comes up by as much, and a limiter takes what then stands over the peak limit"
                }
                false => "Nothing: the sound stays as it is",
            },
        )
        .figure(level, limit, "dBFS"),
    );
}

fn noise_floor(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some((floor, limit)) = reading.facts.noise_floor_dbfs.zip(target.max_noise_floor_dbfs) else {
        return;
    };
    if floor <= limit + SAME {
        return;
    }
    findings.push(
        Finding::new(
            "noise_floor",
            Severity::Fail,
            format!("The noise floor is {floor:.1} dBFS, above {limit:.1} dBFS."),
        )
        .heard("Hiss or hum between the words.")
        .advise(
            "Reduce the noise before mastering, or expand the pauses gently.",
            "Breath and ends of words go with the noise",
            "how much of the voice may go with it has to be heard",
        )
        .figure(floor, limit, "dBFS"),
    );
}
