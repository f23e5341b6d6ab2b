//! Steady broadband noise under all of a recording: learnt in its pauses, turned down gently everywhere.
//!
//! What is learnt is a print of power per hertz in auditory bands: the middle of what stands in the pauses, or, where a
//! part never pauses, before its first note. Only what is steady there, lies in many bands and is near enough to the
//! playing to be heard counts as noise.

use super::head::{HEAD, at_the_head};
use crate::levels::{at, level_db, sorted};
use crate::parts::role;
use crate::rack::settings;
use crate::steps::dynamics::pause_rows;
use crate::words::tenth;
use crate::{TrackFacts, roles};
use dsp::processors::denoise;
use measure::{Analysis, ERB_BANDS, ErbFrames};
use session::{Change, Decision, StepId, Strip};

/// Noise farther than this below what is played is left alone, in dB.
const MATTERS_DB: f64 = 42.0;
/// Where it should come to below what is played, in dB, and the bounds of the reduction.
const WANTED_DB: f64 = 52.0;
const REDUCTION_DB: (f64, f64) = (6.0, 12.0);
/// Pauses of at least this length together, in rows of 50 ms.
const LEAST_ROWS: usize = 30;
/// Before the first note so many rows will do: nothing can still sound there, and even the narrowest band from 200 Hz up
/// has ten independent values of its power in a quarter of a second.
const LEAST_ROWS_AHEAD: usize = 5;
/// The attack of the first note may reach so many rows ahead.
const ATTACK_ROWS: usize = 2;
/// Noise from one row to the next (tenth and ninetieth percentile) differs by no more, in dB.
const STEADY_DB: f64 = 6.0;
/// How far the spectral frames of the rows spread a line, in hertz.
const SPREAD_HZ: f64 = 45.0;
/// Hiss is counted from here up, in hertz: below are hum and rumble, which have their own remedies.
const FROM_HZ: f64 = 200.0;
/// No band of hiss holds more than this share of it: what does is a note or a whistle.
const MOST_SHARE: f64 = 0.5;
/// Nothing in a print is below this, in dB per hertz.
const LOWEST_DB: f64 = -200.0;

/// Noise in the pauses of a recording.
struct Noise {
    /// Frequency in hertz and power per hertz in dB.
    print: Vec<(f64, f64)>,
    /// From [`FROM_HZ`] up, in dBFS.
    dbfs: f64,
    /// Seconds that it was learnt in, and where.
    learnt_s: f64,
    place: &'static str,
}

/// Bandwidth of a band in hertz: equal steps on the scale of Glasberg & Moore (1990) from 20 Hz to 20 kHz.
fn bandwidth_hz(centre_hz: f64) -> f64 {
    let erbs = |hz: f64| 21.4 * (1.0 + 0.00437 * hz).log10();
    let step = (erbs(20_000.0) - erbs(20.0)) / ERB_BANDS as f64;
    let hz = |erb: f64| (10f64.powf(erb / 21.4) - 1.0) / 0.00437;
    hz(erbs(centre_hz) + step / 2.0) - hz(erbs(centre_hz) - step / 2.0)
}

/// Rows before anything is played, digital silence left out.
fn rows_ahead(erb: &ErbFrames) -> Vec<usize> {
    let first = erb.active.iter().position(|active| *active).unwrap_or(0);
    let sounds = |row: &usize| erb.row(*row).iter().any(|power| *power > 0.0);
    (0..first.saturating_sub(ATTACK_ROWS)).filter(sounds).collect()
}

/// Where the noise of a recording stands alone, and what that place is called.
fn quiet_rows(erb: &ErbFrames) -> Option<(Vec<usize>, &'static str)> {
    let pauses = pause_rows(erb);
    if pauses.len() >= LEAST_ROWS {
        return Some((pauses, "of pauses"));
    }
    let ahead = rows_ahead(erb);
    (ahead.len() >= LEAST_ROWS_AHEAD).then_some((ahead, "before its first note"))
}

fn noise(raw: &Analysis) -> Option<Noise> {
    let erb = &raw.erb;
    let (rows, place) = quiet_rows(erb)?;
    let lines = raw.blemishes.hum.as_ref().map_or(&[][..], |hum| &hum.lines[..]);
    // What hums is no hiss; a line shows in the bands beside it as well.
    let hums = |hz: f64| lines.iter().any(|line| (line.hz - hz).abs() < bandwidth_hz(hz) + SPREAD_HZ);
    let hisses = |hz: f64| hz >= FROM_HZ && !hums(hz);
    let level = |row: &usize| {
        let bands = erb.row(*row).iter().zip(&erb.centres_hz).filter(|(_, hz)| hisses(**hz));
        level_db(bands.map(|(power, _)| f64::from(*power)).sum())
    };
    let levels = sorted(rows.iter().map(level).collect());
    if at(&levels, 0.9)? - at(&levels, 0.1)? > STEADY_DB {
        return None;
    }
    let middle =
        |band: usize| at(&sorted(rows.iter().map(|row| f64::from(erb.row(*row)[band])).collect()), 0.5);
    let powers: Vec<f64> = (0..ERB_BANDS).map(|band| middle(band).unwrap_or(0.0)).collect();
    let hiss = || powers.iter().zip(&erb.centres_hz).filter(|(_, hz)| hisses(**hz)).map(|(power, _)| *power);
    let whole: f64 = hiss().sum();
    if whole <= 0.0 || hiss().fold(0.0, f64::max) > MOST_SHARE * whole {
        return None;
    }
    let point = |(power, hz): (&f64, &f64)| {
        let density_db = level_db(power / bandwidth_hz(*hz)).max(LOWEST_DB);
        (!hums(*hz)).then_some((hz.round(), tenth(density_db)))
    };
    let print = powers.iter().zip(&erb.centres_hz).filter_map(point).collect();
    Some(Noise { print, dbfs: level_db(whole), learnt_s: rows.len() as f64 * erb.frame_s, place })
}

/// Whether steady noise on a part of this role is a fault: the noise of a synthesiser or a sampler is a part of its
/// sound, and what stands between drum strokes is the room and the others.
fn may_hiss(role: &str) -> bool {
    let family = roles::family(role);
    !matches!(family, "synths" | "percussion" | "drums" | "fx" | "returns" | "buses" | "utility")
}

/// A denoiser at the head of the chain, where its print has the levels of the recording.
pub(super) fn denoiser(track: &Strip, known: &TrackFacts) -> Vec<Decision> {
    let raw = &known.raw;
    let free = may_hiss(role(track)) && track.insert("denoise").is_none();
    let found = free.then(|| noise(raw)).flatten();
    let Some((noise, level_dbfs)) = found.zip(raw.facts.active_rms_dbfs) else { return Vec::new() };
    let below_db = level_dbfs - noise.dbfs;
    if below_db > MATTERS_DB {
        return Vec::new();
    }
    let reduction_db = (WANTED_DB - below_db).clamp(REDUCTION_DB.0, REDUCTION_DB.1).round();
    let mut values = settings(&denoise::KIND, &[("reduction_db", reduction_db)], &[]);
    let known = "a setting of the denoiser";
    for (place, (hz, density_db)) in noise.print.iter().enumerate() {
        values.push(&denoise::KIND, "print").expect(known);
        values.set(&denoise::KIND, &format!("print.{place}.freq_hz"), *hz).expect(known);
        values.set(&denoise::KIND, &format!("print.{place}.level_db"), *density_db).expect(known);
    }
    let why = format!(
        "Steady noise of {:.1} dBFS above {FROM_HZ:.0} Hz lies under it, only {below_db:.0} dB below what is played: learnt \
         in {:.1} s {} and turned down by {reduction_db:.0} dB.",
        noise.dbfs, noise.learnt_s, noise.place
    );
    let change = Change::insert(&track.path(), "denoise", &denoise::KIND, &values);
    let decision = Decision::new(StepId::Preparation, change, why)
        .noted(format!("noise {below_db:.0} dB below what is played"))
        .measured("noise above 200 Hz", noise.dbfs, "dBFS")
        .measured("below what is played", below_db, "dB")
        .measured("learnt in", noise.learnt_s, "s")
        .sure(if noise.learnt_s < 1.0 { 0.6 } else { 0.7 })
        .costs("the faintest detail near the noise: breaths and ends of tails are a little softer")
        .unless("the noise is part of the sound");
    let place = at_the_head(track, "denoise", HEAD)
        .map(|place| place.measured("noise above 200 Hz", noise.dbfs, "dBFS"));
    [decision].into_iter().chain(place).collect()
}
