//! Mixes that were made with known gains, and what they tell.

use super::*;
use audio::db_to_gain;

const RATE_HZ: f64 = 48_000.0;
const FRAMES: usize = 12 * 48_000;

/// Noise that falls by some amount above a frequency, and pauses: on for `on` of every `every` seconds.
fn recording(seed: u64, corner_hz: f64, on_s: f64, every_s: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let keep = (-std::f64::consts::TAU * corner_hz / RATE_HZ).exp();
    let mut low = 0.0;
    (0..FRAMES)
        .map(|n| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            low = keep * low + (1.0 - keep) * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
            let seconds = n as f64 / RATE_HZ + seed as f64;
            if seconds % every_s < on_s { low } else { 0.0 }
        })
        .collect()
}

/// A band of five that overlap in time and in pitch.
fn band() -> Vec<Vec<f64>> {
    vec![
        recording(1, 150.0, 9.0, 9.0),
        recording(2, 4000.0, 3.0, 5.0),
        recording(3, 900.0, 4.0, 7.0),
        recording(4, 2500.0, 1.0, 1.5),
        recording(5, 700.0, 12.0, 12.0),
    ]
}

/// The channels of a mix of recordings with gains for left and right.
fn mixed(recordings: &[Vec<f64>], gains: &[[f64; 2]]) -> [Vec<f64>; 2] {
    [0, 1].map(|side| {
        (0..FRAMES).map(|n| recordings.iter().zip(gains).map(|(x, g)| g[side] * x[n]).sum()).collect()
    })
}

/// Hands all to the meter in blocks of some length.
fn unmix(recordings: &[Vec<f64>], mix: &[Vec<f64>; 2], delay_frames: i64, block: usize) -> Unmixed {
    let mut meter = Unmixer::new(RATE_HZ, recordings.len(), delay_frames).unwrap();
    for start in (0..mix[0].len()).step_by(block) {
        let part =
            |samples: &[f64]| samples[start.min(samples.len())..(start + block).min(samples.len())].to_vec();
        for (number, samples) in recordings.iter().enumerate() {
            meter.push(number, &Buffer::from_channels(&[part(samples)]).as_block());
        }
        meter.push(recordings.len(), &Buffer::from_channels(&mix.each_ref().map(|c| part(c))).as_block());
    }
    meter.finish().unwrap()
}

/// Gains of a fader and of a balance between the sides.
fn gains(fader_db: f64, right_db: f64) -> [f64; 2] {
    [db_to_gain(fader_db - right_db / 2.0), db_to_gain(fader_db + right_db / 2.0)]
}

const FADERS_DB: [f64; 5] = [-3.0, 4.0, -12.0, 0.0, -6.0];
const RIGHT_DB: [f64; 5] = [0.0, 0.0, 8.0, -12.0, 3.0];

fn known() -> Vec<[f64; 2]> {
    FADERS_DB.iter().zip(RIGHT_DB).map(|(fader, right)| gains(*fader, right)).collect()
}

/// What both sides together gained, in dB.
fn gain_db(gains: [f64; 2]) -> f64 {
    power_to_db((gains[0] * gains[0] + gains[1] * gains[1]) / 2.0)
}

fn assert_found(found: &Unmixed, gains: &[[f64; 2]], within_db: f64, what: &str) {
    for (n, (placed, gains)) in found.placed.iter().zip(gains).enumerate() {
        let placed = placed.unwrap_or_else(|| panic!("{what}: nothing said of recording {n}"));
        let off = placed.gain_db - gain_db(*gains);
        assert!(off.abs() < within_db, "{what}: recording {n} is off by {off} dB ({placed:?})");
        let right_db = power_to_db((gains[1] / gains[0]).powi(2));
        assert!(
            (placed.right_db - right_db).abs() < 2.0 * within_db,
            "{what}: {n}: {placed:?} for {right_db}"
        );
    }
}

#[test]
fn gains_and_places_of_a_plain_sum_are_exact() {
    let (recordings, gains) = (band(), known());
    let found = unmix(&recordings, &mixed(&recordings, &gains), 0, 4800);
    // Only the ridge, a millionth, stands between the solution and the truth.
    assert_found(&found, &gains, 0.01, "plain");
    assert!(found.explained > 0.9999, "{}", found.explained);
}

#[test]
fn blocks_change_nothing() {
    let (recordings, gains) = (band(), known());
    let mix = mixed(&recordings, &gains);
    let whole = unmix(&recordings, &mix, 0, FRAMES);
    assert_eq!(whole, unmix(&recordings, &mix, 0, 1237));
}

#[test]
fn a_limiter_and_a_room_on_the_mix_are_residue() {
    let (recordings, gains) = (band(), known());
    let mix = mixed(&recordings, &gains);
    let peak = mix.iter().flatten().fold(0.0f64, |peak, x| peak.max(x.abs()));
    let room = recording(77, 1500.0, 12.0, 12.0);
    // A curve that takes the tops by 3 dB, and noise of a room that nobody recorded.
    let bent = mix.map(|side| {
        let curve = |x: f64| (2.0 * x / peak).tanh() * peak / 2.0;
        side.iter().zip(&room).map(|(x, r)| curve(*x) + 0.1 * r).collect()
    });
    let found = unmix(&recordings, &bent, 0, 4800);
    // A common loss of level is the curve's: what counts is how recordings stand to each other.
    let off: Vec<f64> =
        found.placed.iter().zip(&gains).map(|(p, g)| p.unwrap().gain_db - gain_db(*g)).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    // Half a decibel is what a fader's step is heard at.
    assert!(off.iter().all(|off| (off - mean).abs() < 0.5), "{off:?}");
    assert!(mean < 0.0 && (0.8..0.9999).contains(&found.explained), "{mean} {}", found.explained);
}

#[test]
fn a_late_and_an_early_mix_are_met_where_they_are() {
    let (recordings, gains) = (band(), known());
    let mix = mixed(&recordings, &gains);
    let late = mix.clone().map(|side| [vec![0.0; 1105], side].concat());
    assert_found(&unmix(&recordings, &late, 1105, 4800), &gains, 0.01, "late");
    let early = mix.clone().map(|side| side[700..].to_vec());
    assert_found(&unmix(&recordings, &early, -700, 4800), &gains, 0.01, "early");
    // Unmet, 100 ms is beyond a frame: the mix is not explained, and nobody is misled.
    let lost = mix.map(|side| [vec![0.0; 4800], side].concat());
    assert!(unmix(&recordings, &lost, 0, 4800).explained < 0.2);
}

#[test]
fn what_is_not_in_the_mix_is_not_told() {
    let (recordings, mut gains) = (band(), known());
    gains[3] = [0.0; 2];
    let mix = mixed(&recordings, &gains);
    // With a residue, so that the absent one has something to be mistaken for.
    let room = recording(78, 1500.0, 12.0, 12.0);
    let mix = mix.map(|side| side.iter().zip(&room).map(|(x, r)| x + 0.2 * r).collect());
    let found = unmix(&recordings, &mix, 0, 4800);
    let level = found.placed[3].map_or(-200.0, |placed| placed.gain_db);
    assert!(level < -20.0, "{:?}", found.placed[3]);
    // Foreign material is no mix of these at all.
    let foreign = [recording(90, 3000.0, 12.0, 12.0), recording(91, 3000.0, 12.0, 12.0)];
    assert!(unmix(&recordings, &foreign, 0, 4800).explained < 0.05);
}

#[test]
fn one_recording_twice_is_told_as_two_halves_or_not_at_all() {
    let mut recordings = band();
    recordings.push(recordings[1].clone());
    let mut gains = known();
    gains.push([0.0; 2]);
    let found = unmix(&recordings, &mixed(&recordings, &gains), 0, 4800);
    // Nobody can say which of the two was used: never more than the mix has of both.
    for twin in [1, 5] {
        assert!(found.placed[twin].is_none_or(|p| p.gain_db < gain_db(gains[1]) + 0.1), "{:?}", found.placed);
    }
    assert!((found.placed[0].unwrap().gain_db - gain_db(gains[0])).abs() < 0.05);
}

#[test]
fn silence_and_broken_samples_do_no_harm() {
    let nothing = [vec![0.0; FRAMES], vec![0.0; FRAMES]];
    let recordings = band();
    let mut meter = Unmixer::new(RATE_HZ, 1, 0).unwrap();
    meter.push(0, &Buffer::from_channels(&recordings[..1]).as_block());
    meter.push(1, &Buffer::from_channels(&nothing).as_block());
    assert_eq!(meter.finish(), None);
    let mut broken = recordings.clone();
    broken[2][5000] = f64::NAN;
    broken[3][9000] = f64::INFINITY;
    let found = unmix(&broken, &mixed(&recordings, &known()), 0, 4800);
    assert!(found.placed.iter().flatten().all(|p| p.gain_db.is_finite() && p.error_db.is_finite()));
    assert!(Unmixer::new(f64::NAN, 1, 0).is_err());
}
