//! What is wrong with the sound wherever it goes.

use crate::finding::{Finding, Remedy, Severity};
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
/// What is left of them when they are trimmed, in seconds.
const KEPT_S: [f64; 2] = [0.1, 0.5];
/// Fades of ends that are cut, in seconds: shorter than an attack at the start, longer than a click at the end.
const FADES_S: [f64; 2] = [0.002, 0.02];
/// Below this correlation over a whole file one channel is upside down, not wide: turned back it has what any stereo record
/// has.
const TURNED: f64 = -0.5;
/// Bands with this share of the energy at least are asked whether they are opposite as well, in dB.
const TURNED_SHARE_DB: f64 = -20.0;
/// Pauses are found to a hundredth of a second.
const PAUSE_SLACK_S: f64 = 0.02;
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
    clicks(reading, findings);
    pauses(reading, target, findings);
    ends(reading, target, findings);
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
        .advise(
            "Find the stage that clips and lower its level.",
            "Nothing, where the mix is at hand",
            "a repair afterwards guesses what was cut off, and many records are clipped on purpose",
        )
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
        .advise(
            "Listen there; render again with a larger buffer, or copy the source again.",
            "Nothing but the time it takes",
            "what was there is not in the file",
        )
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
        .mend(
            Remedy::RemoveDc,
            "Take the constant off.",
            "What lies below 1 Hz, which nobody hears; no phase is turned",
        )
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
                .mend(
                    Remedy::BothSides,
                    "Put the channel that sounds on both sides.",
                    "It plays in the middle and 3 dB louder; if one side was meant, leave it",
                ),
        );
        return;
    }
    let limit = target.min_correlation.unwrap_or(CORRELATION_LIMIT);
    if let Some(correlation) = facts.correlation.filter(|c| *c < limit) {
        let what = format!("The correlation of left and right is {correlation:.2}, below {limit:.1}.");
        let finding = Finding::new("correlation", Severity::Warn, what)
            .heard("Hollow and wide; parts vanish in mono.")
            .figure(correlation, limit, "");
        findings.push(turned(reading, finding, "Look for a widener that goes too far, or a flipped part."));
    }
    if let Some(loss) = facts.mono_loss_db.filter(|loss| *loss > MONO_LOSS_LIMIT_DB) {
        let what = format!("In mono {loss:.1} dB of the level are lost.");
        let finding = Finding::new("mono_loss", Severity::Warn, what)
            .heard("Thin and quiet on telephones and in clubs.")
            .figure(loss, MONO_LOSS_LIMIT_DB, "dB");
        findings.push(turned(reading, finding, "Narrow the widest parts."));
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
            .advise(
                "Look for a hard-panned loud part, or a fault of one channel.",
                "Whatever is panned moves with the balance",
                "whether the image leans on purpose is not to be told from the file",
            )
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
        .heard(format!("{}.", lost_bass(target)))
        .mend(
            Remedy::MonoBelow { hz: limit_hz },
            format!("Make the bass mono below {limit_hz:.0} Hz."),
            "What differs between left and right in the bass is gone; the middle's phase turns around that frequency",
        )
        .figure(side, BASS_SIDE_LIMIT_DB, "dB"),
    );
}

/// What wide bass does: on a record, and anywhere else.
fn lost_bass(target: &Target) -> &'static str {
    match target.id.as_ref() {
        "vinyl" => "The groove gets shallow and the needle may jump",
        _ => "Bass is lost where a system sums its lows",
    }
}

/// Whether one channel is upside down as a whole: left and right are nearly each other's opposite, in the bass, in the middle
/// and in the treble, and most is gone in mono. What is opposite in some bands only was made so, or is the rumble of a
/// record, whose stylus moves up and down.
fn is_turned(reading: &Reading) -> bool {
    let facts = &reading.facts;
    let mut sounding =
        facts.bands.iter().filter(|band| band.share_db.is_some_and(|share| share > TURNED_SHARE_DB));
    facts.correlation.is_some_and(|c| c < TURNED)
        && facts.mono_loss_db.is_some_and(|l| l > MONO_LOSS_LIMIT_DB)
        && sounding.all(|band| band.correlation.is_none_or(|c| c < 0.0))
}

/// What can be done about channels that cancel each other.
fn turned(reading: &Reading, finding: Finding, otherwise: &str) -> Finding {
    if is_turned(reading) {
        return finding.mend(
            Remedy::InvertRight,
            "Turn the polarity of one channel: one of them is upside down.",
            "Which of the two was turned cannot be told, and nobody hears which",
        );
    }
    finding.advise(
        otherwise,
        "Width",
        "no channel as a whole is upside down, and which part gives way is a decision of the mix",
    )
}

fn clicks(reading: &Reading, findings: &mut Vec<Finding>) {
    let found = &reading.analysis.blemishes;
    if found.clicks == 0 {
        return;
    }
    findings.push(
        Finding::new(
            "clicks",
            Severity::Warn,
            format!(
                "{} {} out of the sound.",
                found.clicks,
                if found.clicks == 1 { "click stands" } else { "clicks stand" }
            ),
        )
        .at(found.click_places_s.first().copied())
        .heard("A tick, as of a scratch or of two pieces cut together.")
        .mend(
            Remedy::RepairClicks,
            "Put in their place what the sound around them asks for.",
            "Up to 1.6 ms at each click are made up; all other samples stay",
        )
        .figure(found.clicks as f64, 0.0, ""),
    );
}

/// The pauses that a target asks for, in room tone.
fn pauses(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    let mut pause = |id,
                     found: Option<f64>,
                     asked: Option<[f64; 2]>,
                     side: &str,
                     cut: &dyn Fn(f64) -> Remedy| {
        let Some((found, [least, most])) = found.zip(asked) else { return };
        let (limit, word) = match found {
            short if short < least - PAUSE_SLACK_S => (least, "less"),
            long if long > most + PAUSE_SLACK_S => (most, "more"),
            _ => return,
        };
        let what = format!("{found:.2} s of pause stand {side}, {word} than {limit} s.");
        let finding =
            Finding::new(id, Severity::Fail, what).heard("It may be refused.").figure(found, limit, "s");
        findings.push(if found > most {
            let middle = 0.5 * (least + most);
            finding.mend(cut(found - middle), format!("Cut it down to {middle} s."), "Nothing but room tone")
        } else {
            finding.advise(
                format!("Take in {:.2} s of room tone more.", least - found),
                "Nothing, where the recording has it",
                "room tone has to be the recording's own; zeros in its place would be heard",
            )
        });
    };
    let end_s = reading.duration_s;
    pause("pause_start", reading.pause_start_s, target.pause_start_s, "before the first sound", &|by| {
        Remedy::TrimStart { to_s: by }
    });
    pause("pause_end", reading.pause_end_s, target.pause_end_s, "after the last sound", &|by| {
        Remedy::TrimEnd { to_s: end_s - by }
    });
}

fn ends(reading: &Reading, target: &Target, findings: &mut Vec<Finding>) {
    // A target that has its own rule about pauses has been heard.
    let mut silence = |id, length: f64, [word, warning]: [f64; 2], place: f64, side: &str, cut: Remedy| {
        if length <= word || target.pause_start_s.is_some() {
            return;
        }
        let severity = if length > warning { Severity::Warn } else { Severity::Info };
        findings.push(
            Finding::new(id, severity, format!("{length:.2} s of silence stand {side}."))
                .at(Some(place))
                .heard("A pause that listeners take for a fault, unless it is meant.")
                .mend(cut, "Trim it.", "Nothing: what goes is silence")
                .figure(length, word, "s"),
        );
    };
    let (leading, trailing) = (reading.leading_silence_s, reading.trailing_silence_s);
    let last_s = reading.duration_s - trailing;
    let from = Remedy::TrimStart { to_s: (leading - KEPT_S[0]).max(0.0) };
    let to = Remedy::TrimEnd { to_s: (last_s + KEPT_S[1]).min(reading.duration_s) };
    silence("silence_start", leading, LEADING_S, 0.0, "before the first sound", from);
    silence("silence_end", trailing, TRAILING_S, last_s, "after the last sound", to);
    let mut cut = |id, level: Option<f64>, place: f64, what: &str, fade: Remedy, length_ms: f64| {
        let Some(level) = level.filter(|level| *level > EDGE_LIMIT_DBFS) else { return };
        findings.push(
            Finding::new(id, Severity::Warn, format!("The file {what} at {level:.1} dBFS."))
                .at(Some(place))
                .heard("A click, unless it joins its neighbour without a gap.")
                .mend(
                    fade,
                    format!("Fade it over {length_ms} ms, or take in what was cut off."),
                    "A seam where it joins its neighbour without a gap: leave it there",
                )
                .figure(level, EDGE_LIMIT_DBFS, "dBFS"),
        );
    };
    let [fade_in, fade_out] = FADES_S;
    let (start, end) = (Remedy::FadeIn { seconds: fade_in }, Remedy::FadeOut { seconds: fade_out });
    cut("abrupt_start", reading.first_frame_dbfs, 0.0, "starts", start, 1e3 * fade_in);
    cut("abrupt_end", reading.cut_end_dbfs, reading.duration_s, "is cut off", end, 1e3 * fade_out);
}
