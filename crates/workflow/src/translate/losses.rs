//! What devices lose of a sound that is already measured: its spectrum against time behind each device's curve. Nothing is
//! rendered, so that every report can tell it.
//!
//! A device is linear: behind it each third octave of the middle has its power times the curve's, and the side besides
//! that times the square of the width. Loudness is the sum of those powers under the weighting of BS.1770, gated like it
//! over stretches of three seconds in place of blocks of 400 ms; it was within 0.1 LU of what the rendered device
//! measures on two masters.

use super::devices::{DEVICES, Device, session_of};
use audio::{Spec, db_to_power, power_to_db};
use measure::{Analysis, BandFacts, ERB_BANDS, ErbFrames, Part, ToneSeries};
use serde::Serialize;

/// Bands that end below this are bass, in hertz.
pub(super) const BASS_HZ: f64 = 120.0;
/// A band says something about mono when it has this share of the whole at least, in dB.
const SHARE_DB: f64 = -20.0;
/// Points at which a curve is read within a band.
const POINTS: usize = 8;
/// Edges of a third octave from its centre (IEC 61260-1: a tenth of a decade wide).
const THIRD: f64 = 1.122_018_454_301_963_3;
/// Nothing below this counts for a loudness, in LUFS, and nothing so much below the rest (BS.1770-5, annex 1).
const GATES: (f64, f64) = (-70.0, -10.0);
/// What is added to the level of weighted power to get LUFS (BS.1770-5, annex 1, equation 2).
const OFFSET_LU: f64 = -0.691;
/// A momentary loudness is that of so many rows of 50 ms.
const MOMENT_ROWS: usize = 8;

/// What one device loses.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    /// The device.
    pub device: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// How it is modelled.
    pub model: &'static str,
    /// Loudness that the device loses, in LU: negative where it gets louder.
    pub lost_lu: Option<f64>,
    /// Share of the power that lies below 120 Hz, before and after, 0 to 1.
    pub bass_share: [Option<f64>; 2],
    /// What is lost in the sum of both channels, where the device has one, in dB.
    pub mono_loss_db: Option<f64>,
    /// The band that loses most in that sum: its edges in hertz, and its loss in dB.
    pub mono_worst_band: Option<(f64, f64, f64)>,
    /// Loudness of the lead beside the rest against its loudness alone, before and after, 0 to 1; with the tracks only.
    pub lead_left: [Option<f64>; 2],
    /// Share of the time that the noise around covers, 0 to 1, where the device is used in noise.
    pub drowned_share: Option<f64>,
    /// Third octaves: centre in hertz, level before and after, in dB against the loudest before.
    pub bands: Vec<(f64, f64, f64)>,
}

/// What every device loses; `voices` are the lead and the rest of the mix, where they are known.
pub(crate) fn losses(sound: &Analysis, voices: Option<&[ErbFrames; 2]>) -> Vec<Loss> {
    if sound.tone.mid.is_empty() || sound.facts.integrated_lufs.is_none() {
        return Vec::new();
    }
    let lead_before = voices.and_then(|voices| lead_left(voices, None));
    DEVICES.iter().map(|device| loss(device, sound, voices, lead_before)).collect()
}

fn loss(
    device: &Device,
    sound: &Analysis,
    voices: Option<&[ErbFrames; 2]>,
    lead_before: Option<f64>,
) -> Loss {
    let (facts, tone) = (&sound.facts, &sound.tone);
    let curve = Curve::of(device, facts.sample_rate_hz);
    let thirds: Vec<f64> = tone.hz.iter().map(|hz| curve.mean_power(hz / THIRD, hz * THIRD)).collect();
    let side = curve.side_power;
    let [before, after] =
        [(None, 1.0), (Some(&thirds), side)].map(|(curve, side)| Heard::of(tone, curve, side));
    let lost_lu = before.lufs().zip(after.lufs()).map(|(before, after)| before - after);
    let mono = device.width_percent == 0.0 && facts.channels == 2;
    let drowned = |below_lu: f64| {
        let floor = facts.integrated_lufs? - lost_lu? - below_lu;
        drowned_share(sound, &curve, floor)
    };
    let peak = before.powers.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let level = |power: f64| power_to_db((power / peak).max(1e-12));
    let pairs = before.powers.iter().zip(&after.powers);
    Loss {
        device: device.id,
        label: device.label,
        model: device.model,
        lost_lu,
        bass_share: [before.bass_share(&tone.hz), after.bass_share(&tone.hz)],
        mono_loss_db: facts.mono_loss_db.filter(|_| mono),
        mono_worst_band: if mono { mono_worst_band(&facts.bands) } else { None },
        lead_left: [lead_before, voices.and_then(|voices| lead_left(voices, Some(&curve)))],
        drowned_share: device.drowned_below_lu.and_then(drowned),
        bands: tone.hz.iter().zip(pairs).map(|(hz, (a, b))| (*hz, level(*a), level(*b))).collect(),
    }
}

/// A device as factors on power.
pub(super) struct Curve {
    eq: Option<(dsp::Values, dsp::Response)>,
    spec: Spec,
    /// What is left of the power of the side.
    side_power: f64,
}

impl Curve {
    pub(super) fn of(device: &Device, sample_rate_hz: f64) -> Curve {
        let inserts = session_of(device).master.strip.inserts;
        let eq = inserts.into_iter().find(|insert| insert.kind.id == "eq");
        Curve {
            eq: eq.and_then(|insert| Some((insert.values, insert.kind.response?))),
            spec: Spec { sample_rate_hz, channels: 2, max_frames: 1 },
            side_power: (device.width_percent / 100.0).powi(2),
        }
    }

    /// The factor on the power at a frequency.
    fn power(&self, hz: f64) -> f64 {
        // The response ends at half the sample rate.
        let hz = hz.min(0.499 * self.spec.sample_rate_hz);
        self.eq.as_ref().map_or(1.0, |(values, response)| response(values, &self.spec, hz).norm_sqr())
    }

    /// Its mean over a band in which every step of pitch has the same power.
    fn mean_power(&self, low_hz: f64, high_hz: f64) -> f64 {
        let ratio = (high_hz / low_hz).powf(1.0 / POINTS as f64);
        (0..POINTS).map(|n| self.power(low_hz * ratio.powf(n as f64 + 0.5))).sum::<f64>() / POINTS as f64
    }

    /// The factors on the auditory bands of some frames.
    fn factors(&self, erb: &ErbFrames) -> Vec<f64> {
        let width = |hz: f64| 0.5 * 24.7 * (0.00437 * hz + 1.0);
        erb.centres_hz
            .iter()
            .map(|hz| self.mean_power((hz - width(*hz)).max(10.0), hz + width(*hz)))
            .collect()
    }
}

/// A sound in third octaves: the whole, and the weighted power of every stretch.
struct Heard {
    powers: Vec<f64>,
    stretches: Vec<f64>,
}

impl Heard {
    /// Behind a curve, with this share of the side's power.
    fn of(tone: &ToneSeries, curve: Option<&Vec<f64>>, side: f64) -> Heard {
        let weights: Vec<f64> = tone.hz.iter().map(|hz| db_to_power(measure::k_weighting_db(*hz))).collect();
        let mut heard = Heard { powers: vec![0.0; tone.hz.len()], stretches: Vec::new() };
        for (mid, sides) in tone.mid.iter().zip(&tone.side) {
            let mut sum = 0.0;
            for band in 0..tone.hz.len() {
                let factor = curve.map_or(1.0, |curve| curve[band]);
                // Left and right together have twice the power of middle and side.
                let power = 2.0 * factor * (f64::from(mid[band]) + side * f64::from(sides[band]));
                heard.powers[band] += power;
                sum += power * weights[band];
            }
            heard.stretches.push(sum);
        }
        heard
    }

    /// Gated loudness of the stretches.
    fn lufs(&self) -> Option<f64> {
        let lufs = |power: f64| power_to_db(power) + OFFSET_LU;
        let mean_above = |floor: f64| {
            let kept: Vec<f64> =
                self.stretches.iter().copied().filter(|p| *p > 0.0 && lufs(*p) > floor).collect();
            (!kept.is_empty()).then(|| lufs(kept.iter().sum::<f64>() / kept.len() as f64))
        };
        let ungated = mean_above(GATES.0)?;
        mean_above((ungated + GATES.1).max(GATES.0))
    }

    /// Share of the power below [`BASS_HZ`].
    fn bass_share(&self, hz: &[f64]) -> Option<f64> {
        let all: f64 = self.powers.iter().sum();
        let below = |centre: f64| ((BASS_HZ / (centre / THIRD)).ln() / (THIRD * THIRD).ln()).clamp(0.0, 1.0);
        let bass: f64 = self.powers.iter().zip(hz).map(|(power, hz)| power * below(*hz)).sum();
        (all > 0.0).then(|| bass / all)
    }
}

/// Share of the time in which the 400 ms around are softer than a floor in LUFS, behind a device.
fn drowned_share(sound: &Analysis, curve: &Curve, floor_lufs: f64) -> Option<f64> {
    let (erb, tone) = (&sound.erb, &sound.tone);
    let factors = curve.factors(erb);
    let weights: Vec<f64> =
        erb.centres_hz.iter().map(|hz| db_to_power(measure::k_weighting_db(*hz))).collect();
    let nearest = |hz: f64| {
        let places = 0..tone.hz.len();
        places.min_by(|a, b| (tone.hz[*a] / hz).ln().abs().total_cmp(&(tone.hz[*b] / hz).ln().abs()))
    };
    let thirds: Option<Vec<usize>> = erb.centres_hz.iter().map(|hz| nearest(*hz)).collect();
    let thirds = thirds?;
    // What of the power is left of a band in the stretch that is playing.
    let kept = |row: usize, band: usize| {
        let stretch = ((row as f64 * erb.frame_s / tone.stretch_s) as usize).min(tone.mid.len() - 1);
        let [mid, side] = [&tone.mid, &tone.side].map(|part| f64::from(part[stretch][thirds[band]]));
        if mid + side > 0.0 { (mid + curve.side_power * side) / (mid + side) } else { 1.0 }
    };
    let rows: Vec<[f64; 2]> = (0..erb.rows())
        .map(|row| {
            let mut sums = [0.0; 2];
            for (band, power) in erb.row(row).iter().enumerate().take(ERB_BANDS) {
                let power = weights[band] * f64::from(*power);
                sums[0] += power;
                sums[1] += power * factors[band] * kept(row, band);
            }
            sums
        })
        .collect();
    // The measured loudness of every moment, less what the device takes there.
    let moments = sound.loudness.time_s.iter().zip(&sound.loudness.momentary_lufs);
    let (mut sounding, mut under) = (0usize, 0usize);
    for (time_s, lufs) in moments {
        let Some(lufs) = lufs.filter(|lufs| *lufs > GATES.0) else { continue };
        let end = ((time_s / erb.frame_s).round() as usize).clamp(1, rows.len().max(1));
        let moment = rows.get(end.saturating_sub(MOMENT_ROWS)..end).unwrap_or_default();
        let [before, after] = [0, 1].map(|n| moment.iter().map(|sums| sums[n]).sum::<f64>());
        if before <= 0.0 {
            continue;
        }
        sounding += 1;
        under += usize::from(lufs + power_to_db((after / before).max(1e-12)) < floor_lufs);
    }
    (sounding > 0).then(|| under as f64 / sounding as f64)
}

/// Loudness of the lead beside the rest against its loudness alone, behind a device.
pub(super) fn lead_left(voices: &[ErbFrames; 2], curve: Option<&Curve>) -> Option<f64> {
    let behind = |erb: &ErbFrames| {
        let Some(curve) = curve else { return erb.clone() };
        let factors = curve.factors(erb);
        let power = erb.power.iter().zip(factors.iter().cycle());
        ErbFrames { power: power.map(|(p, factor)| (f64::from(*p) * factor) as f32).collect(), ..erb.clone() }
    };
    let [lead, rest] = [behind(&voices[0]), behind(&voices[1])];
    let parts = [&lead, &rest].map(|erb| Part { erb, gain: 1.0, emphasis: None });
    measure::loudness_left(&parts, 0)
}

/// The band that loses most when both channels are added: of middle and side the middle is left.
pub(super) fn mono_worst_band(bands: &[BandFacts]) -> Option<(f64, f64, f64)> {
    let sounding = bands.iter().filter(|band| band.share_db.is_some_and(|share| share > SHARE_DB));
    let losses = sounding.filter_map(|band| {
        let loss_db = 10.0 * (1.0 + 10f64.powf(band.side_mid_db? / 10.0)).log10();
        Some((band.low_hz, band.high_hz, loss_db))
    });
    losses.max_by(|a, b| a.2.total_cmp(&b.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Quiet, TranslateRequest, translate};
    use audio::{Buffer, Layout};
    use files::{FileType, SampleFormat, WriteSpec, Writer};
    use measure::{Analyser, Options};
    use std::sync::atomic::AtomicBool;

    const RATE: u32 = 48_000;

    /// Noise with the slope of music, wider above than below, that grows and fades within 20 s.
    fn wide_noise() -> Buffer {
        let mut state = 3u64;
        let mut white = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let (mut low, mut planes) = ([0.0; 3], [Vec::new(), Vec::new()]);
        // Music has next to nothing below 22 Hz, where third octaves end.
        let mut slow = [0.0; 4];
        for n in 0..20 * RATE as usize {
            let swell = 0.3 + 0.7 * (n as f64 / RATE as f64 * 0.4).sin().powi(2);
            let inputs = [white(), white(), white()];
            for (low, input) in low.iter_mut().zip(inputs) {
                *low += 0.02 * (input - *low);
            }
            let mut parts = [low[0], low[2]];
            for (n, slow) in slow.iter_mut().enumerate() {
                *slow += 0.004 * (parts[n % 2] - *slow);
                parts[n % 2] -= *slow;
            }
            let (mid, side) = (parts[0] + 0.05 * inputs[1], 0.3 * parts[1] + 0.04 * inputs[2]);
            planes[0].push(0.8 * swell * (mid + side));
            planes[1].push(0.8 * swell * (mid - side));
        }
        Buffer::from_channels(&planes)
    }

    // Finds a curve that is read at another frequency, a side that is left in mono, a share before taken for one after.
    #[test]
    fn what_is_worked_out_is_what_the_rendered_device_measures() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("noise.wav");
        let noise = wide_noise();
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float32,
            sample_rate_hz: RATE,
            channels: 2,
        };
        let mut writer = Writer::create(&path, spec).expect("a file");
        writer.write_f64(&noise.as_block()).expect("written");
        writer.finish().expect("whole");
        let cancel = AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        let request = TranslateRequest { dry_run: true, ..TranslateRequest::default() };
        let rendered = translate(&[path], &request, &context).expect("translated").files.remove(0);
        let options = Options { pitch: false, music: false, ..Options::default() };
        let mut analyser = Analyser::new(f64::from(RATE), Layout::Stereo, options).expect("an analyser");
        analyser.push(&noise.as_block());
        let worked_out = losses(&analyser.finish(), None);
        assert_eq!(worked_out.len(), rendered.devices.len());
        for (out, heard) in worked_out.iter().zip(&rendered.devices) {
            assert_eq!(out.device, heard.device);
            let [a, b] = [out.lost_lu, heard.lost_lu].map(Option::unwrap);
            // Gates over 3 s and over 400 ms, curves averaged over third octaves.
            assert!((a - b).abs() < 0.25, "{}: {a} LU, rendered {b} LU", out.device);
            for (a, b) in out.bass_share.iter().zip(heard.bass_share) {
                // The third octave at 125 Hz is parted as if it were even, and what lies below 22 Hz is left out.
                assert!((a.unwrap() - b.unwrap()).abs() < 0.06, "{}: bass {a:?}, rendered {b:?}", out.device);
            }
            assert_eq!(out.mono_loss_db.is_some(), heard.mono_loss_db.is_some());
            match (out.drowned_share, heard.drowned_share) {
                (Some(a), Some(b)) => assert!((a - b).abs() < 0.03, "{}: {a} drowned, {b}", out.device),
                (a, b) => assert_eq!(a, b),
            }
        }
        let curve = &worked_out[0].bands;
        let at = |hz: f64| curve.iter().find(|band| band.0 == hz).map(|band| band.2 - band.1).unwrap();
        // Two high-passes of 12 dB per octave at 650 and 300 Hz: 24 dB per octave far below both; the side is gone too.
        assert!((at(50.0) - at(25.0) - 24.0).abs() < 1.0, "{} {}", at(25.0), at(50.0));
    }

    #[test]
    fn nothing_is_told_of_silence() {
        assert!(losses(&Analysis::default(), None).is_empty());
    }
}
