//! What is wrong with the sound wherever it goes.

use super::{Finding, Severity};
use crate::reading::Reading;
use crate::targets::Target;

/// A mean beyond this (-60 dBFS) clicks where a file starts and costs headroom.
const DC_LIMIT: f64 = 0.001;
/// Beyond this, in dB, a mono loudspeaker loses more than half of the power of two independent channels.
const MONO_LOSS_LIMIT_DB: f64 = 6.0;
/// Lowest correlation that is still usual for music.
const CORRELATION_LIMIT: f64 = 0.0;
/// One channel may be this much louder than the other, in dB, before the image leans.
const BALANCE_LIMIT_DB: f64 = 4.0;
/// From here on, in dB, the quieter channel is silent: what is in it is dither or crosstalk.
const ONE_SIDED_DB: f64 = 40.0;
/// A file that begins or ends above this, in dBFS, clicks there.
const EDGE_LIMIT_DBFS: f64 = -40.0;
/// Silence before the first sound: worth a word, and worth a warning, in seconds.
const LEADING_S: [f64; 2] = [0.5, 2.0];
/// The same after the last.
const TRAILING_S: [f64; 2] = [3.0, 10.0];
/// The side signal of the bass stays this far below the middle for vinyl, in dB.
const BASS_SIDE_LIMIT_DB: f64 = -6.0;
/// Bands with less than this share of the energy, in dB, say nothing about the bass.
const BASS_SHARE_DB: f64 = -30.0;

pub(super) fn judge(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    if reading.silent {
        return;
    }
    clipping(reading, findings);
    dropouts(reading, findings);
    dc(reading, findings);
    stereo(reading, target, findings);
    bass(reading, target, findings);
    ends(reading, findings);
}

fn seconds(reading: &Reading, frame: usize) -> f64 {
    frame as f64 / f64::from(reading.sample_rate_hz)
}

fn clipping(reading: &Reading, findings: &mut Vec<Finding>) {
    let facts = &reading.facts;
    if facts.clipped_runs == 0 {
        return;
    }
    let place = facts.clipped_places.first().map(|run| seconds(reading, run.frame));
    findings.push(
        Finding::new(
            "clipping",
            Severity::Warn,
            format!(
                "{} {} clipped ({} samples).",
                facts.clipped_runs,
                if facts.clipped_runs == 1 { "peak is" } else { "peaks are" },
                facts.clipped_samples
            ),
        )
        .at(place)
        .heard("Crackle or roughness on loud hits, unless it was clipped on purpose.")
        .mend("Find the stage that clips and lower its level; a repair afterwards only guesses.")
        .figure(facts.clipped_runs as f64, 0.0, ""),
    );
}

fn dropouts(reading: &Reading, findings: &mut Vec<Finding>) {
    let Some(first) = reading.dropouts.first() else { return };
    findings.push(
        Finding::new(
            "dropout",
            Severity::Warn,
            format!(
                "{} {} of silence with sound right before and after, the first {:.1} ms long.",
                reading.dropout_count,
                if reading.dropout_count == 1 { "hole" } else { "holes" },
                1000.0 * seconds(reading, first.frames)
            ),
        )
        .at(Some(seconds(reading, first.frame)))
        .heard("A click or a gap, unless it is a cut effect.")
        .mend("Listen there; render again with a larger buffer, or copy the source again.")
        .figure(reading.dropout_count as f64, 0.0, ""),
    );
}

fn dc(reading: &Reading, findings: &mut Vec<Finding>) {
    let offset = reading.facts.dc_offset;
    if offset.abs() <= DC_LIMIT {
        return;
    }
    findings.push(
        Finding::new(
            "dc_offset",
            Severity::Warn,
            format!("The signal stands {:.2} % of full scale off zero.", 100.0 * offset),
        )
        .heard("A click at the start and the end, and less headroom.")
        .mend("High-pass at 10 Hz before limiting.")
        .figure(100.0 * offset, 100.0 * DC_LIMIT, "% of full scale"),
    );
}

fn stereo(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let facts = &reading.facts;
    if let Some(balance) = facts.balance_db.filter(|b| b.abs() > ONE_SIDED_DB) {
        let side = if balance > 0.0 { "left" } else { "right" };
        findings.push(
            Finding::new("one_sided", Severity::Warn, format!("The {side} channel is silent."))
                .heard("Sound on one side only.")
                .mend("Render it again with both channels, or as mono."),
        );
        return;
    }
    let limit = target.min_correlation.unwrap_or(CORRELATION_LIMIT);
    if let Some(correlation) = facts.correlation.filter(|c| *c < limit) {
        findings.push(
            Finding::new(
                "correlation",
                Severity::Warn,
                format!("The correlation of left and right is {correlation:.2}, below {limit:.1}."),
            )
            .heard("Hollow and wide; parts vanish in mono.")
            .mend("Look for a flipped polarity or a widener that goes too far.")
            .figure(correlation, limit, ""),
        );
    }
    if let Some(loss) = facts.mono_loss_db.filter(|loss| *loss > MONO_LOSS_LIMIT_DB) {
        findings.push(
            Finding::new("mono_loss", Severity::Warn, format!("In mono {loss:.1} dB of the level are lost."))
                .heard("Thin and quiet on telephones and in clubs.")
                .mend("Narrow the widest parts, or turn the polarity of one channel if it is flipped.")
                .figure(loss, MONO_LOSS_LIMIT_DB, "dB"),
        );
    }
    if let Some(balance) = facts.balance_db.filter(|b| b.abs() > BALANCE_LIMIT_DB) {
        let side = if balance > 0.0 { "right" } else { "left" };
        findings.push(
            Finding::new(
                "balance",
                Severity::Warn,
                format!("The {side} channel is {:.1} dB louder than the other.", balance.abs()),
            )
            .heard("The image leans to one side.")
            .mend("Look for a hard-panned loud part, or a fault of one channel.")
            .figure(balance, BALANCE_LIMIT_DB, "dB"),
        );
    }
}

fn bass(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let Some(limit_hz) = target.mono_below_hz else { return };
    let wide = reading
        .facts
        .bands
        .iter()
        .filter(|band| band.high_hz <= 1.5 * limit_hz)
        .filter(|band| band.share_db.is_some_and(|share| share > BASS_SHARE_DB))
        .filter_map(|band| Some((band, band.side_mid_db.filter(|side| *side > BASS_SIDE_LIMIT_DB)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((band, side)) = wide else { return };
    findings.push(
        Finding::new(
            "bass_width",
            Severity::Warn,
            format!(
                "From {:.0} to {:.0} Hz the side signal stands at {side:.1} dB against the middle, above {:.0} dB.",
                band.low_hz, band.high_hz, BASS_SIDE_LIMIT_DB
            ),
        )
        .heard("The groove gets shallow and the needle may jump.")
        .mend(format!("Make the bass mono below {limit_hz:.0} Hz."))
        .figure(side, BASS_SIDE_LIMIT_DB, "dB"),
    );
}

fn ends(reading: &Reading, findings: &mut Vec<Finding>) {
    let mut silence = |id, length: f64, [word, warning]: [f64; 2], place: f64, side: &str| {
        if length <= word {
            return;
        }
        let severity = if length > warning { Severity::Warn } else { Severity::Info };
        findings.push(
            Finding::new(id, severity, format!("{length:.2} s of silence stand {side}."))
                .at(Some(place))
                .heard("A pause that listeners take for a fault, unless it is meant.")
                .mend("Trim it.")
                .figure(length, word, "s"),
        );
    };
    let (leading, trailing) = (reading.leading_silence_s, reading.trailing_silence_s);
    silence("silence_start", leading, LEADING_S, 0.0, "before the first sound");
    silence("silence_end", trailing, TRAILING_S, reading.duration_s - trailing, "after the last sound");
    let mut cut = |id, level: Option<f64>, place: f64, what: &str| {
        let Some(level) = level.filter(|level| *level > EDGE_LIMIT_DBFS) else { return };
        findings.push(
            Finding::new(id, Severity::Warn, format!("The file {what} at {level:.1} dBFS."))
                .at(Some(place))
                .heard("A click, unless it joins its neighbour without a gap.")
                .mend("Fade it over 5 to 20 ms, or take in what was cut off.")
                .figure(level, EDGE_LIMIT_DBFS, "dBFS"),
        );
    };
    cut("abrupt_start", reading.first_frame_dbfs, 0.0, "starts");
    cut("abrupt_end", reading.cut_end_dbfs, reading.duration_s, "is cut off");
}
