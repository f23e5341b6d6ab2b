//! A tape machine: hysteresis under a bias, the speed's tone, and how the tape runs.
//!
//! Path: record equalisation, at 4, 8 or 16 times the sample rate the magnetisation (`hysteresis`), replay
//! equalisation (the inverse), head bump, losses, wow and flutter, hiss.
//!
//! Equalisation: a machine records its treble so that the flux on the tape follows the standard curve of its speed
//! (NAB: 50 us at 19 and 38 cm/s; AES: 17.5 us at 76 cm/s) after the thickness loss; what that asks of the
//! magnetisation against the middle is +4 dB at 15 kHz at 19 cm/s, -2.5 dB at 38, +0.5 dB at 76. So slow tape runs
//! out of treble first.
//!
//! Losses of a wave number `w = 2 pi f / speed` (R. L. Wallace, *The reproduction of magnetically recorded signals*,
//! Bell System Technical Journal 1951): gap `sin(w g/2)/(w g/2)`, spacing `exp(-w d)`, thickness
//! `(1 - exp(-w t))/(w t)`. A lined-up machine makes up for the thickness at the nominal bias; more bias records
//! deeper, which makes the treble duller, less makes it brighter.
//!
//! Third harmonic of a sine of 1 kHz at -18 dBFS RMS, relative to the fundamental, at the nominal bias (no even
//! harmonics): drive 0 dB -50.0 dB, 6 dB -38.1 dB, 12 dB -26.7 dB; it falls by 2 dB per dB of drive.

mod hysteresis;
mod transport;

pub use crate::blocks::colour::Match;
pub use crate::blocks::oversample::Rate;

use crate::blocks::colour::{Blend, direct_current_filter, nominal_amplitude};
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::matched::{self, Fraction};
use crate::blocks::oversample::Oversampler;
use crate::blocks::ramp::Ramp;
use crate::blocks::short_fir::{self, Fir};
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use hysteresis::{DELAY, Mono, Stereo, Tape, magnetise};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2, TAU};
use transport::{Hiss, Sway};

choices! {
    /// How fast the tape runs.
    pub enum Speed {
        /// 38 cm/s, 15 inches per second: even, with a low bump.
        Fifteen = "15_ips",
        /// 19 cm/s, 7.5 inches per second: the treble saturates and fades first.
        SevenAndAHalf = "7.5_ips",
        /// 76 cm/s, 30 inches per second: the cleanest treble, the bump in the upper bass.
        Thirty = "30_ips",
    }
}

settings! {
    /// Settings of the tape machine.
    pub struct Settings {
        /// Level onto the tape; 0 puts -18 dBFS RMS at the tape's reference flux, 10 dB under 3 % distortion.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -40.0, max: 36.0 },
        /// How fast the tape runs.
        speed: Speed { label: "Speed", fixed: true },
        /// Level of the bias: less is brighter and dirtier, more is duller and, up to a point, cleaner; 0 is none.
        bias_percent: f64 { label: "Bias", unit: Unit::Percent, max: 200.0, default: 100.0, fixed: true },
        /// Height of the head's bump in the bass; its frequency follows the speed.
        bump_db: f64 { label: "Head bump", unit: Unit::Decibel, max: 6.0, default: 2.0 },
        /// Worn and dirty heads: a wider gap and a larger distance, less treble.
        wear_percent: f64 { label: "Wear", unit: Unit::Percent, max: 100.0, fixed: true },
        /// Slow swaying of the speed, RMS.
        wow_percent: f64 { label: "Wow", unit: Unit::Percent, max: 0.5 },
        /// Quick trembling of the speed, RMS.
        flutter_percent: f64 { label: "Flutter", unit: Unit::Percent, max: 0.3 },
        /// Level of the hiss, RMS; at the lower end there is none. It sounds while there is a signal.
        hiss_db: f64 { label: "Hiss", unit: Unit::Decibel, min: -120.0, max: -50.0, default: -120.0 },
        /// Share of the tape's signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// How the level is matched to the input's.
        level: Match { label: "Level", fixed: true },
        /// How far the sample rate is raised; automatic is 8x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Tape machine.
pub static KIND: Kind = Kind {
    id: "tape",
    label: "Tape",
    family: Family::Saturation,
    help: "Records on tape and plays back: rounds peaks, thickens the bass and softens the treble the more the hotter \
           it is driven. Use it on drums, bass, buses or a whole mix; slow speeds and wow for effect.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    // Each channel has its own hiss.
    keeps_mono: false,
    build: |values, spec| Box::new(Machine::new(Settings::from_values(values), spec)),
    response: None,
};

/// Field of a full-scale sample without drive, in units of a: puts the third harmonic of the nominal level at
/// -50 dB, 10 dB under the customary limit of 3 %.
const FIELD: f64 = 3.93;

/// Height of the bias at 100 %, in units of a: a little over that of the greatest output, as machines are lined up.
const BIAS: f64 = 2.25;

/// Metres: gap and distance of a good head, of a worn one, and the thickness of the coating.
const GAP: [f64; 2] = [2.5e-6, 6.0e-6];
const DISTANCE: [f64; 2] = [0.2e-6, 4.0e-6];
const COATING: f64 = 12e-6;
/// The least share of the coating that is recorded, however low the bias.
const SHALLOWEST: f64 = 0.3;

/// Corner of the record equalisation's shelf.
const EQUALISATION_HZ: f64 = 7_000.0;

/// Taps on one side of the losses' filter, and its window.
const LOSS_SIDE: usize = 31;
const LOSS_BETA: f64 = 6.0;

/// Hiss goes on for this long after the last sample that was not zero.
const HISS_HOLD_S: f64 = 0.2;

impl Speed {
    fn metres_per_second(self) -> f64 {
        match self {
            Speed::Fifteen => 0.381,
            Speed::SevenAndAHalf => 0.1905,
            Speed::Thirty => 0.762,
        }
    }

    /// What the record equalisation raises the treble of the magnetisation by.
    fn treble_db(self) -> f64 {
        match self {
            Speed::Fifteen => -2.5,
            Speed::SevenAndAHalf => 4.0,
            Speed::Thirty => 0.5,
        }
    }

    /// Centre of the head bump: where the wave on the tape is as long as the pole pieces, 6 mm; held at 40 Hz.
    fn bump_hz(self) -> f64 {
        (self.metres_per_second() / 0.006).clamp(40.0, 100.0)
    }
}

/// The record equalisation and its inverse.
fn equalisation(speed: Speed, sample_rate_hz: f64) -> [[Coefficients; 2]; 2] {
    let mut section = [matched::high_shelf(speed.treble_db(), FRAC_1_SQRT_2)];
    let correction =
        matched::digital(&mut section, EQUALISATION_HZ / sample_rate_hz).unwrap_or(Fraction::ONE);
    let record = [section[0], correction];
    [
        record.map(|f| Coefficients::from_fraction(&f)),
        record.map(|f| Coefficients::from_fraction(&f.inverse())),
    ]
}

/// The head bump.
fn bump(settings: &Settings, sample_rate_hz: f64) -> Coefficients {
    let mut section = [matched::bell(settings.bump_db, 1.0)];
    matched::digital(&mut section, settings.speed.bump_hz() / sample_rate_hz);
    let bell = Coefficients::from_fraction(&section[0]);
    if settings.bump_db == 0.0 { bell.silenced() } else { bell }
}

/// Gain of the losses at a frequency.
fn loss(settings: &Settings, hz: f64) -> f64 {
    let wave = TAU * hz / settings.speed.metres_per_second();
    let worn = |ends: [f64; 2]| ends[0] + settings.wear_percent / 100.0 * (ends[1] - ends[0]);
    let gap = 0.5 * wave * worn(GAP);
    let thickness = |depth: f64| -(-wave * depth).exp_m1() / (wave * depth);
    let depth = COATING * f64::max(settings.bias_percent / 100.0, SHALLOWEST);
    let by_gap = if gap < 1e-9 { 1.0 } else { gap.sin() / gap };
    by_gap * (-wave * worn(DISTANCE)).exp() * thickness(depth) / thickness(COATING)
}

/// The gain after the tape that gives a sine at -18 dBFS RMS its level back.
fn trim(settings: &Settings) -> f64 {
    const POINTS: usize = 64;
    let height = db_to_gain(settings.drive_db) * FIELD * nominal_amplitude();
    let mut tape = Mono::new(BIAS * settings.bias_percent / 100.0);
    // The second turn of a sine: the first one starts from a clean tape.
    let mut wave = [[0.0]; 2 * POINTS];
    for (n, sample) in wave.iter_mut().enumerate() {
        sample[0] = height * (TAU * n as f64 / POINTS as f64).sin();
    }
    magnetise(&mut tape, &mut wave);
    let power: f64 = wave[POINTS..].iter().map(|x| x[0] * x[0]).sum::<f64>() / POINTS as f64;
    nominal_amplitude() / SQRT_2 / power.sqrt().max(1e-9)
}

/// The magnetisations of the channels, two at a time as long as there are two.
enum Tracks {
    One(Mono),
    Two(Stereo),
}

struct Machine {
    settings: Settings,
    sample_rate_hz: f64,
    oversamplers: Vec<Oversampler>,
    tracks: Vec<Tracks>,
    record: Chain,
    /// Replay equalisation, head bump, high-pass against direct current.
    replay: Chain,
    losses: Vec<Fir>,
    sway: Sway,
    hiss: Vec<Hiss>,
    hiss_level: Ramp,
    /// Points of the grid for which hiss goes on, and whether anything came since the last one.
    hiss_left: usize,
    heard: bool,
    /// Frames since the last point of the grid.
    point: Frames,
    /// Gain of the tape's signal by its settings.
    trim: f64,
    drive: Ramp,
    blend: Blend,
    latency: Frames,
}

impl Machine {
    fn new(settings: Settings, spec: &Spec) -> Machine {
        let rate = spec.sample_rate_hz;
        let oversampler = Oversampler::new(settings.oversampling.factor(8), DELAY);
        let taps = short_fir::from_magnitude(LOSS_SIDE, LOSS_BETA, |f| loss(&settings, f * rate));
        let sway = Sway::new(depths(&settings), rate, spec.channels);
        let latency = oversampler.latency() + LOSS_SIDE + sway.latency();
        let [record, replay] = equalisation(settings.speed, rate);
        let last = [bump(&settings, rate), direct_current_filter(rate)];
        let mix = settings.mix_percent / 100.0;
        let trim = trim(&settings);
        let output = db_to_gain(settings.output_db);
        let mut machine = Machine {
            oversamplers: vec![oversampler; spec.channels],
            tracks: Vec::new(),
            record: Chain::new(record, spec.channels),
            replay: Chain::new(replay.into_iter().chain(last), spec.channels),
            losses: vec![Fir::new(taps); spec.channels],
            sway,
            hiss: (0..spec.channels).map(Hiss::new).collect(),
            hiss_level: Ramp::new(0.0),
            hiss_left: 0,
            heard: false,
            point: 0,
            trim,
            drive: Ramp::new(FIELD * db_to_gain(settings.drive_db)),
            blend: Blend::new(latency, settings.level, trim, mix, output, spec),
            latency,
            sample_rate_hz: rate,
            settings,
        };
        machine.tracks = machine.blank(spec.channels).collect();
        machine
    }

    /// Unrecorded tape for this many channels.
    fn blank(&self, channels: usize) -> impl Iterator<Item = Tracks> + use<> {
        let bias = BIAS * self.settings.bias_percent / 100.0;
        let (one, two) = (Mono::new(bias), Stereo::new(bias));
        (0..channels.div_ceil(2))
            .map(move |pair| if 2 * pair + 1 < channels { Tracks::Two(two) } else { Tracks::One(one) })
    }

    /// At a point of the grid: where hiss and speed go from here.
    fn at_point(&mut self) {
        let hold = (HISS_HOLD_S * self.sample_rate_hz) as usize / CONTROL_FRAMES;
        self.hiss_left = if self.heard { hold } else { self.hiss_left.saturating_sub(1) };
        self.heard = false;
        let on = self.hiss_left > 0 && self.settings.hiss_db > KIND_HISS_OFF_DB;
        let level = if on { db_to_gain(self.settings.hiss_db) / self.trim } else { 0.0 };
        if level != self.hiss_level.target() {
            self.hiss_level.go_to(level);
        }
        self.sway.at_point();
    }
}

/// At this level there is no hiss.
const KIND_HISS_OFF_DB: f64 = -120.0;

fn depths(settings: &Settings) -> [f64; 2] {
    [settings.wow_percent / 100.0, settings.flutter_percent / 100.0]
}

/// Lifts the signals of some channels to the raised rate, magnetises them together and brings them back.
fn record<const LANES: usize, const ALL: usize>(
    tape: &mut Tape<LANES, ALL>,
    oversamplers: &mut [Oversampler],
    mut channels: [&mut [f64]; LANES],
    fields: &[f64],
) {
    // The largest factor.
    let mut together = [[0.0; LANES]; 16 * CONTROL_FRAMES];
    let factor = oversamplers[0].factor();
    let together = &mut together[..factor * fields.len()];
    for (lane, (oversampler, samples)) in oversamplers.iter_mut().zip(&mut channels).enumerate() {
        let raised = oversampler.raise(samples);
        for (n, group) in raised.chunks_exact(factor).enumerate() {
            for (i, x) in group.iter().enumerate() {
                together[n * factor + i][lane] = fields[n] * x;
            }
        }
    }
    magnetise(tape, together);
    for (lane, (oversampler, samples)) in oversamplers.iter_mut().zip(&mut channels).enumerate() {
        let raised = oversampler.raised(samples.len());
        raised.iter_mut().zip(together.iter()).for_each(|(x, all)| *x = all[lane]);
        oversampler.lower(samples);
    }
}

impl Processor for Machine {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn tail(&self) -> Tail {
        if self.settings.mix_percent == 0.0 {
            return Tail::Frames(0);
        }
        let hiss = if self.settings.hiss_db > KIND_HISS_OFF_DB { HISS_HOLD_S } else { 0.0 };
        let hiss = (hiss * self.sample_rate_hz) as Frames + 4 * CONTROL_FRAMES;
        Tail::Frames(self.latency + self.record.tail() + self.replay.tail() + hiss)
    }

    fn reset(&mut self) {
        self.oversamplers.iter_mut().for_each(Oversampler::reset);
        let blank = self.blank(self.oversamplers.len());
        self.tracks.iter_mut().zip(blank).for_each(|(tracks, blank)| *tracks = blank);
        self.record.reset();
        self.replay.reset();
        self.losses.iter_mut().for_each(Fir::reset);
        self.sway.reset();
        self.hiss.iter_mut().for_each(Hiss::reset);
        self.hiss_level = Ramp::new(0.0);
        (self.hiss_left, self.heard, self.point) = (0, false, 0);
        self.drive.finish();
        self.blend.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        let settings = &self.settings;
        self.drive.go_to(FIELD * db_to_gain(settings.drive_db));
        self.replay.go_to(2, bump(settings, self.sample_rate_hz));
        self.sway.go_to(depths(settings));
        self.trim = trim(settings);
        self.blend.go_to(self.trim, settings.mix_percent / 100.0, db_to_gain(settings.output_db));
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            if self.point == 0 {
                self.at_point();
            }
            let since_point = self.point;
            let frames = (CONTROL_FRAMES - since_point).min(block.frames() - start);
            self.point = (since_point + frames) % CONTROL_FRAMES;
            self.piece(&mut block.range_mut(start, frames), since_point);
            start += frames;
        }
    }
}

impl Machine {
    /// A piece that does not reach over a point of the grid.
    fn piece(&mut self, block: &mut Block, since_point: Frames) {
        let frames = block.frames();
        let Machine { drive, record: before, replay, oversamplers, tracks, losses, sway, .. } = self;
        let (hiss, hiss_level, heard) = (&mut self.hiss, &mut self.hiss_level, &mut self.heard);
        self.blend.process(block, |wet| {
            *heard |= wet.iter_mut().any(|samples| samples.iter().any(|x| *x != 0.0));
            before.process(wet);
            let mut fields = [0.0; CONTROL_FRAMES];
            fields[..frames].iter_mut().for_each(|field| *field = drive.next_value());
            let mut channels = wet.iter_mut();
            for (tracks, oversamplers) in tracks.iter_mut().zip(oversamplers.chunks_mut(2)) {
                let Some(left) = channels.next() else { break };
                match (tracks, channels.next()) {
                    (Tracks::Two(tape), Some(right)) => {
                        record(tape, oversamplers, [left, right], &fields[..frames]);
                    }
                    (Tracks::One(tape), _) => record(tape, oversamplers, [left], &fields[..frames]),
                    (Tracks::Two(_), None) => {}
                }
            }
            drop(channels);
            replay.process(wet);
            for (c, samples) in wet.iter_mut().enumerate() {
                losses[c].process(samples);
                sway.process(c, since_point, samples);
            }
            add_hiss(hiss, hiss_level, wet);
        });
    }
}

fn add_hiss(hiss: &mut [Hiss], level: &mut Ramp, wet: &mut Block) {
    if level.target() == 0.0 && !level.moves() {
        return;
    }
    let frames = wet.frames();
    let mut levels = [0.0; CONTROL_FRAMES];
    levels[..frames].iter_mut().for_each(|value| *value = level.next_value());
    for (samples, hiss) in wet.iter_mut().zip(hiss) {
        samples.iter_mut().zip(&levels).for_each(|(sample, level)| *sample += level * hiss.next());
    }
}

#[cfg(test)]
mod tests;
