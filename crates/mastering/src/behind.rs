//! What the spectrum of a song becomes behind a lone equaliser: nothing that has to be heard again.
//!
//! A filter that does not change in time multiplies the power at each frequency by the square of its gain. Of a third octave that is
//! taken at the centre: the equalisers of a master are broad.

use audio::{Spec, db_to_power, power_to_db};
use measure::{Analysis, Facts, WIDE_EDGES_HZ};
use session::{Insert, Session};

/// Where the gain of what lies below 25 Hz is taken: the middle of the two octaves there.
const RUMBLE_HZ: f64 = 12.5;
/// Half a third octave, as a ratio.
const HALF_A_THIRD: f64 = 1.122_018_454_301_963;

/// The song `before` it as it stands behind the master chain of a session, as far as its spectrum goes (tone, third octaves,
/// octaves, image); the other readings are those before it. `None` where the chain is anything but an equaliser that does the same
/// to every channel, or nothing was measured.
pub fn behind_equaliser(session: &Session, before: &Analysis) -> Option<Analysis> {
    let strip = &session.master.strip;
    let [insert] = &strip.inserts[..] else { return None };
    let rest = session::Strip { inserts: Vec::new(), ..strip.clone() };
    if rest != Session::new().master.strip || !is_alike(insert) || before.tone.hz.is_empty() {
        return None;
    }
    let response = insert.kind.response?;
    let spec = Spec { sample_rate_hz: before.facts.sample_rate_hz, channels: 2, max_frames: 1 };
    Some(filtered(before, |hz| response(&insert.values, &spec, hz).norm_sqr()))
}

/// Whether an equaliser does the same to every channel.
fn is_alike(insert: &Insert) -> bool {
    let items = insert.values.groups.first().map_or(0, Vec::len);
    let stereo = |item: usize| {
        let address = insert.kind.address(&format!("bands.{item}.channel")).ok();
        address.is_some_and(|address| insert.values.get(address) == insert.kind.param(address).default)
    };
    insert.kind.id == "eq" && !insert.bypass && insert.key.is_none() && (0..items).all(stereo)
}

/// The same sound through a filter that multiplies the power at a frequency in hertz by `gain`.
fn filtered(before: &Analysis, gain: impl Fn(f64) -> f64) -> Analysis {
    let Analysis { facts, tone, .. } = before;
    let gains: Vec<f64> = tone.hz.iter().map(|hz| gain(*hz)).collect();
    let mut after = Analysis { facts: facts.clone(), tone: tone.clone(), ..Analysis::default() };
    for stretch in after.tone.mid.iter_mut().chain(&mut after.tone.side) {
        stretch.iter_mut().zip(&gains).for_each(|(power, gain)| *power = (f64::from(*power) * gain) as f32);
    }
    let wide: Vec<f64> = WIDE_EDGES_HZ.windows(2).map(|e| between(facts, (e[0], e[1]), &gain)).collect();
    for window in &mut after.tone.wide {
        window.iter_mut().zip(&wide).for_each(|(power, gain)| *power = (f64::from(*power) * gain) as f32);
    }
    // No third octave reaches below 25 Hz.
    let rumble = facts.below_25_hz_db.map_or(0.0, db_to_power).min(1.0);
    let whole = (1.0 - rumble) * between(facts, (0.0, f64::INFINITY), &gain) + rumble * gain(RUMBLE_HZ);
    for band in &mut after.facts.third_octave_db {
        band.db = band.db.map(|db| db + power_to_db(gain(band.hz)));
    }
    for band in &mut after.facts.bands {
        let moved = between(facts, (band.low_hz, band.high_hz), &gain) / whole;
        band.share_db = band.share_db.map(|db| db + power_to_db(moved));
    }
    after
}

/// How a filter multiplies the power between two frequencies, by the third octaves in between.
fn between(facts: &Facts, (low_hz, high_hz): (f64, f64), gain: &impl Fn(f64) -> f64) -> f64 {
    let inside = |hz: f64| hz * HALF_A_THIRD > low_hz && hz / HALF_A_THIRD < high_hz;
    let thirds = facts.third_octave_db.iter().filter(|band| inside(band.hz));
    let powers = thirds.filter_map(|band| Some((band.hz, db_to_power(band.db?))));
    let (was, is) = powers.fold((0.0, 0.0), |sum, (hz, power)| (sum.0 + power, sum.1 + power * gain(hz)));
    if was > 0.0 { is / was } else { 1.0 }
}

/// What was measured behind a chain without a spectrum, with that of `spectrum`.
pub fn with_spectrum(measured: Analysis, spectrum: Analysis) -> Analysis {
    let Analysis { facts: of, tone, .. } = spectrum;
    let facts = Facts {
        third_octave_db: of.third_octave_db,
        third_octave_side_mid_db: of.third_octave_side_mid_db,
        bands: of.bands,
        stereo_bands: of.stereo_bands,
        channel_relation: of.channel_relation,
        bandwidth_hz: of.bandwidth_hz,
        tilt_db_per_octave: of.tilt_db_per_octave,
        centroid_hz: of.centroid_hz,
        energy_1_percent_hz: of.energy_1_percent_hz,
        energy_99_percent_hz: of.energy_99_percent_hz,
        below_25_hz_db: of.below_25_hz_db,
        ..measured.facts
    };
    Analysis { facts, tone, ..measured }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Buffer, Layout};
    use dsp::Values;
    use measure::{Options, analyse};

    const RATE_HZ: f64 = 44_100.0;

    /// Twelve seconds of noise of which left and right share half, falling toward the top, with rumble.
    fn music() -> Buffer {
        let mut state = 9u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let mut planes = [Vec::new(), Vec::new()];
        let (mut soft, mut low) = ([0.0; 2], 0.0);
        for n in 0..(12.0 * RATE_HZ) as usize {
            let (middle, loud) = (noise(), 1.0 + 0.5 * (n as f64 / RATE_HZ).sin());
            low = 0.999 * low + 0.001 * noise();
            for (plane, soft) in planes.iter_mut().zip(&mut soft) {
                *soft = 0.9 * *soft + 0.1 * (middle + noise());
                plane.push(loud * (0.4 * *soft + 2.0 * low));
            }
        }
        Buffer::from_channels(&planes)
    }

    fn with_bands(bands: &[(&str, f64, f64)]) -> Session {
        let kind = dsp::kind("eq").expect("an equaliser");
        let mut values = Values::neutral(kind);
        for (form, hz, gain_db) in bands {
            let item = values.push(kind, "bands").expect("a band");
            values.set_choice(kind, &format!("bands.{item}.type"), form).expect("a type");
            for (field, value) in [("freq_hz", *hz), ("gain_db", *gain_db), ("q", 0.7)] {
                values.set(kind, &format!("bands.{item}.{field}"), value).expect("a setting");
            }
        }
        let mut session = Session::new();
        let mut insert = Insert::new("tone", kind);
        insert.values = values;
        session.master.strip.inserts.push(insert);
        session
    }

    fn heard(buffer: &Buffer) -> Analysis {
        let options = Options { lean: true, music: false, pitch: false, ..Options::default() };
        analyse(&buffer.as_block(), RATE_HZ, Layout::Stereo, options).expect("measured")
    }

    /// Beside what is heard of the filtered sound itself: every band from 31 Hz up within 0.3 dB, which is what a slope is more in one half
    /// of a third octave than in the other; the level moves by up to 12 dB.
    #[test]
    fn a_spectrum_behind_an_equaliser_is_what_is_heard_there() {
        let music = music();
        let before = heard(&music);
        for bands in [
            &[("high_pass", 22.0, 0.0)][..],
            &[("low_shelf", 90.0, 2.5), ("bell", 900.0, -3.0), ("high_shelf", 8_000.0, 3.0)],
        ] {
            let session = with_bands(bands);
            let foreseen = behind_equaliser(&session, &before).expect("a lone equaliser");
            let insert = &session.master.strip.inserts[0];
            let mut through = music.clone();
            let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: through.frames() };
            (insert.kind.build)(&insert.values, &spec).process(&mut through.as_block_mut(), None);
            let real = heard(&through);
            let within = |db: f64, a: f64, b: f64, of: &str| {
                assert!((a - b).abs() < db, "{bands:?} {of}: {a} is {b}");
            };
            let near = |a: f64, b: f64, of: &str| within(0.3, a, b, of);
            for (foreseen, real) in foreseen.facts.third_octave_db.iter().zip(&real.facts.third_octave_db) {
                if foreseen.hz > 30.0 && foreseen.hz < 17_000.0 {
                    near(
                        foreseen.db.expect("it plays"),
                        real.db.expect("it plays"),
                        &format!("{} Hz", real.hz),
                    );
                }
            }
            for (foreseen, real) in foreseen.facts.bands.iter().zip(&real.facts.bands) {
                let of = format!("from {} Hz", real.low_hz);
                // The lowest begins at 20 Hz, below the third octaves, where the high-pass takes 2 dB more than at 25.
                let most_db = if real.low_hz < 22.0 { 0.5 } else { 0.3 };
                within(most_db, foreseen.share_db.expect("it plays"), real.share_db.expect("it plays"), &of);
            }
            for (foreseen, real) in foreseen.tone.wide.iter().zip(&real.tone.wide).skip(2) {
                for band in 0..4 {
                    let db = |power: f32| power_to_db(f64::from(power));
                    // A single window has its own weights within a band.
                    assert!((db(foreseen[band]) - db(real[band])).abs() < 1.5, "{bands:?} {band}");
                }
            }
            for (foreseen, real) in foreseen.tone.side.iter().zip(&real.tone.side).skip(1) {
                for n in (0..real.len()).filter(|n| (40.0..16_000.0).contains(&before.tone.hz[*n])) {
                    let off = power_to_db(f64::from(foreseen[n]) / f64::from(real[n]));
                    assert!(off.abs() < 0.5, "{bands:?} side at {} Hz: {off}", before.tone.hz[n]);
                }
            }
            let whole = with_spectrum(real.clone(), foreseen.clone());
            assert_eq!(
                (whole.facts.integrated_lufs, &whole.tone),
                (real.facts.integrated_lufs, &foreseen.tone)
            );
        }
    }

    #[test]
    fn anything_else_is_heard() {
        let before = heard(&music());
        let lone = with_bands(&[("bell", 900.0, -3.0)]);
        assert!(behind_equaliser(&lone, &Analysis::default()).is_none(), "nothing was measured");
        let mut louder = lone.clone();
        louder.master.strip.trim_db = 1.0;
        let mut two = lone.clone();
        two.master.strip.inserts.push(Insert::new("width", dsp::kind("width").expect("a kind")));
        let mut side = lone.clone();
        let insert = &mut side.master.strip.inserts[0];
        insert.values.set_choice(insert.kind, "bands.0.channel", "side").expect("a channel");
        for session in [louder, two, side, Session::new()] {
            assert!(behind_equaliser(&session, &before).is_none(), "{:?}", session.master.strip);
        }
        assert!(behind_equaliser(&lone, &before).is_some());
    }
}
