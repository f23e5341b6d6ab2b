//! Resonance suppressor: turns down narrow frequencies where they stick out, and only while they do.
//!
//! A short-time Fourier transform is compared with its own envelope, the spectrum smoothed over about an
//! octave; what sticks out of it by more than the selectivity is cut back to it, per bin and with its own attack
//! and release, by a zero-phase gain. How it is found is in `excess.rs`. In the mode `room` only what sticks
//! out most of the time counts: the modes of a room, a whistle, a humming drum shell. Harmonics of a single
//! voice can be spared (`pitch.rs`).
//!
//! With a key the resonances are those of the key: lead vocal into a guitar track, it makes room for just the
//! partials and formants that the voice has at each moment.

mod excess;
mod pitch;
#[cfg(test)]
mod tests;

use crate::blocks::dynamics::one_pole;
use crate::blocks::math;
use crate::blocks::stft::{Frame, Shape, Spectral, Stft};
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use excess::{Excess, Widths};
use pitch::{Pitch, Voice};

choices! {
    /// What counts as a resonance.
    pub enum Mode {
        /// Whatever sticks out at the moment.
        Dynamic = "dynamic",
        /// What sticks out most of the time, over seconds.
        Room = "room",
    }
}

choices! {
    /// How finely the spectrum is cut.
    pub enum Resolution {
        /// Frames of about 85 ms, in the mode `room` twice that: tells narrow resonances from their neighbours.
        Fine = "fine",
        /// Half as long: for speech and percussion.
        Quick = "quick",
    }
}

settings! {
    /// Settings of the resonance suppressor.
    pub struct Settings {
        /// What counts as a resonance.
        mode: Mode { label: "Mode", fixed: true },
        /// The deepest cut; 0 does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 24.0 },
        /// How much of what sticks out is taken away.
        depth_percent: f64 { label: "Depth", unit: Unit::Percent, max: 100.0, default: 100.0 },
        /// How far something must stick out of the envelope; in full 3 dB higher.
        selectivity_db: f64 { label: "Selectivity", unit: Unit::Decibel, max: 18.0, default: 3.0 },
        /// Width of the cuts: 0 a third of an octave, 50 a twelfth, 75 a twenty-fourth, 100 a forty-eighth; in
        /// the mode `room` half of that.
        sharpness_percent: f64 { label: "Sharpness", unit: Unit::Percent, max: 100.0, default: 75.0 },
        /// Width over which the envelope is smoothed, in octaves.
        envelope_octaves: f64 {
            label: "Envelope width", min: 0.25, max: 3.0, default: 1.0, taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a rise of a cut; never faster than the frames follow each other.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 1.0, max: 200.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a fall of a cut.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 10.0, max: 2000.0, default: 100.0,
            taper: Taper::Logarithmic,
        },
        /// Nothing is cut below.
        low_hz: f64 {
            label: "From", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 20.0,
            taper: Taper::Logarithmic,
        },
        /// Nothing is cut above.
        high_hz: f64 {
            label: "To", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 20_000.0,
            taper: Taper::Logarithmic,
        },
        /// Spares the harmonics of a single voice or instrument.
        spare_percent: f64 { label: "Spare harmonics", unit: Unit::Percent, max: 100.0 },
        /// How finely the spectrum is cut.
        resolution: Resolution { label: "Resolution", fixed: true },
    }
}

/// Resonance suppressor.
pub static KIND: Kind = Kind {
    id: "resonance",
    label: "Resonance suppressor",
    family: Family::Restoration,
    help: "Turns narrow frequencies down while they stick out: whistling rooms, harsh cymbals, a nasal voice. \
           3 to 6 dB of range keep the tone. With a key input it makes room for the key's own frequencies.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Suppressor::new(Settings::from_values(values), spec)),
    response: None,
};

/// Frames that the gain hears ahead: about as many as the smoothing of the power is late.
const AHEAD: usize = 2;

/// Time over which the power is smoothed before it is compared.
const SMOOTHING_MS: f64 = 60.0;

/// The same in the mode `room`, which averages afterwards: short, so that a note is over when it is over.
const ROOM_SMOOTHING_MS: f64 = 20.0;

/// How much of what noise sticks out by at its boldest a frame must show to count as one with a resonance.
const SHOWING: f64 = 0.5;

/// Time over which the mode `room` looks.
const ROOM_MS: f64 = 2_000.0;

/// Share of the time that a room's resonance sticks out: nothing below the first, all from the second on.
const PERSISTENT: (f64, f64) = (0.2, 0.4);

/// Frames this much quieter than the loudest of the last seconds tell nothing about the room: -30 dB.
const PAUSE: f64 = 1e-3;

/// Above the selectivity, so many decibels to the full cut.
const KNEE_DB: f64 = 3.0;

/// A key this much quieter than the input is masked anyway: no cut helps it. In full from the second on.
const RELEVANT_DB: (f64, f64) = (-24.0, -12.0);

/// The window blurs what is seen by its main lobe of three bins, and what is done once more: so much of what
/// a blur of five bins takes from a cut is put back on it.
const UNBLUR: f64 = 1.5;

/// Octaves over which the cut fades outside the frequency range.
const EDGE_OCTAVES: f64 = 1.0 / 3.0;

/// What follows from the settings.
struct Design {
    widths: Widths,
    /// Per bin what must be stuck out by.
    least_db: Vec<f64>,
    /// Per bin what a frame must show to count in the mode `room`.
    showing_db: Vec<f64>,
    /// Share of the power before that is kept from frame to frame.
    past: f64,
    /// Per bin 1 within the frequency range.
    range: Vec<f64>,
    attack: f64,
    release: f64,
}

impl Design {
    fn new(bins: usize) -> Design {
        let zeros = || vec![0.0; bins];
        Design {
            widths: Widths::new(bins),
            least_db: zeros(),
            showing_db: zeros(),
            past: 0.0,
            range: zeros(),
            attack: 0.0,
            release: 0.0,
        }
    }

    /// Fills it in. Allocates nothing.
    fn fill(&mut self, settings: &Settings, sample_rate_hz: f64, shape: Shape) {
        let hop_rate_hz = sample_rate_hz / shape.hop() as f64;
        self.attack = one_pole(settings.attack_ms, hop_rate_hz);
        self.release = one_pole(settings.release_ms, hop_rate_hz);
        let room = matches!(settings.mode, Mode::Room);
        // Seconds of frames tell peaks from chance, so that less of their surroundings is needed.
        let widest = if room { 1.0 / 6.0 } else { 1.0 / 3.0 };
        let peak_octaves = widest * math::exp2(-4.0 * settings.sharpness_percent / 100.0);
        self.widths.fill(settings.envelope_octaves, peak_octaves);
        self.past = one_pole(if room { ROOM_SMOOTHING_MS } else { SMOOTHING_MS }, hop_rate_hz);
        let averaged = if room { one_pole(ROOM_MS, hop_rate_hz) } else { self.past };
        for k in 0..self.range.len() {
            let octaves = math::log2(k.max(1) as f64 * sample_rate_hz / shape.size as f64);
            let below = math::log2(settings.low_hz) - octaves;
            let above = octaves - math::log2(settings.high_hz.max(settings.low_hz));
            self.range[k] = 1.0 - smooth_step(below.max(above) / EDGE_OCTAVES);
            let selectivity_db = settings.selectivity_db;
            self.least_db[k] = selectivity_db.max(self.widths.chance_db(k, averaged));
            self.showing_db[k] = selectivity_db.max(SHOWING * self.widths.chance_db(k, self.past));
        }
        self.range[0] = 0.0;
    }
}

/// 0 up to 0, 1 from 1 on, and a smooth way between.
fn smooth_step(place: f64) -> f64 {
    let place = place.clamp(0.0, 1.0);
    place * place * (3.0 - 2.0 * place)
}

/// What is remembered of the resonances.
struct State {
    settings: Settings,
    sample_rate_hz: f64,
    shape: Shape,
    design: Design,
    own: Excess,
    key: Excess,
    /// Of the mode `room`: mean excess, share of time, loudest frame, frames heard.
    mean_db: Vec<f64>,
    share: Vec<f64>,
    loudest: f64,
    heard: f64,
    pitch: Pitch,
    voices: [Voice; AHEAD + 1],
    /// The cuts in decibels, as wanted and as they move.
    wanted_db: Vec<f64>,
    cut_db: Vec<f64>,
    deepest_db: f64,
}

struct Suppressor {
    stft: Stft,
    state: State,
}

impl Suppressor {
    fn new(settings: Settings, spec: &Spec) -> Suppressor {
        let seconds = match settings.resolution {
            Resolution::Fine => 0.0853,
            Resolution::Quick => 0.0427,
        };
        // What stands for seconds can be looked at for longer, and is narrower.
        let longer = if matches!(settings.mode, Mode::Room) { 2.0 } else { 1.0 };
        let shape = Shape::of_seconds(longer * seconds, spec.sample_rate_hz, AHEAD);
        let bins = shape.bins();
        let mut state = State {
            sample_rate_hz: spec.sample_rate_hz,
            shape,
            design: Design::new(bins),
            own: Excess::new(bins),
            key: Excess::new(bins),
            mean_db: vec![0.0; bins],
            share: vec![0.0; bins],
            loudest: 0.0,
            heard: 0.0,
            pitch: Pitch::new(shape.size, spec.sample_rate_hz),
            voices: [Voice::default(); AHEAD + 1],
            wanted_db: vec![0.0; bins],
            cut_db: vec![0.0; bins],
            deepest_db: 0.0,
            settings,
        };
        state.design.fill(&state.settings, spec.sample_rate_hz, shape);
        Suppressor { stft: Stft::new(shape, spec.channels, true), state }
    }
}

impl State {
    /// The cuts that the present excess asks for.
    fn want(&mut self, keyed: bool) {
        let settings = &self.settings;
        let depth = settings.depth_percent / 100.0;
        let room = matches!(settings.mode, Mode::Room);
        let heard = if keyed { &self.key } else { &self.own };
        // A room is not known before a good part of a second.
        let known = (self.heard * self.shape.hop() as f64 / self.sample_rate_hz).min(1.0);
        for k in 0..self.wanted_db.len() {
            let excess_db = if room { self.mean_db[k] } else { heard.excess_db[k] };
            let sure = smooth_step((excess_db - self.design.least_db[k]) / KNEE_DB);
            let mut cut = (depth * excess_db * sure).clamp(0.0, settings.range_db) * self.design.range[k];
            if room {
                cut *= known * smooth_step((self.share[k] - PERSISTENT.0) / (PERSISTENT.1 - PERSISTENT.0));
            }
            self.wanted_db[k] = cut;
        }
        if keyed {
            for k in 0..self.wanted_db.len() {
                let apart_db = self.key.level_db[k] - self.own.level_db[k];
                let place = (apart_db - RELEVANT_DB.0) / (RELEVANT_DB.1 - RELEVANT_DB.0);
                self.wanted_db[k] *= place.clamp(0.0, 1.0);
            }
        }
    }

    /// Remembers what sticks out over seconds.
    fn remember(&mut self, keyed: bool, power: f64) {
        let hop_rate_hz = self.sample_rate_hz / self.shape.hop() as f64;
        let past = one_pole(ROOM_MS, hop_rate_hz);
        self.loudest = power.max(self.loudest * past);
        if power <= self.loudest * PAUSE {
            return;
        }
        let past = past.min(self.heard / (self.heard + 1.0));
        self.heard += 1.0;
        let heard = if keyed { &self.key } else { &self.own };
        for k in 0..self.share.len() {
            let excess_db = heard.excess_db[k];
            let present = if excess_db > self.design.showing_db[k] { 1.0 } else { 0.0 };
            self.mean_db[k] = past * self.mean_db[k] + (1.0 - past) * excess_db;
            self.share[k] = past * self.share[k] + (1.0 - past) * present;
        }
    }

    /// Moves the cuts and writes the gains; false when all are one.
    fn move_cuts(&mut self, gains: &mut [f64]) -> bool {
        let (attack, release) = (self.design.attack, self.design.release);
        let last = gains.len() - 1;
        let mut deepest = 0.0;
        for k in 0..gains.len() {
            let around = |reach: usize| {
                self.wanted_db[k.saturating_sub(reach)] + self.wanted_db[(k + reach).min(last)]
            };
            let here = self.wanted_db[k];
            let blurred = (3.0 * here + 2.0 * around(1) + around(2)) / 9.0;
            let wanted = (here + UNBLUR * (here - blurred)).clamp(0.0, self.settings.range_db);
            let past = if wanted > self.cut_db[k] { attack } else { release };
            let cut = past * self.cut_db[k] + (1.0 - past) * wanted;
            // A hundredth of a decibel is no cut; so that a cut ends.
            self.cut_db[k] = if cut < 0.01 && wanted <= 0.0 { 0.0 } else { cut };
            deepest = if self.cut_db[k] > deepest { self.cut_db[k] } else { deepest };
        }
        self.deepest_db = self.deepest_db.max(deepest);
        if deepest <= 0.0 {
            return false;
        }
        for (gain, cut) in gains.iter_mut().zip(&self.cut_db) {
            *gain = math::db_to_gain(-cut);
        }
        true
    }
}

impl Spectral for State {
    fn idle(&self) -> bool {
        self.settings.range_db <= 0.0 || self.settings.depth_percent <= 0.0
    }

    fn wake(&mut self) {
        self.own.reset();
        self.key.reset();
        for memory in [&mut self.mean_db, &mut self.share, &mut self.cut_db] {
            memory.fill(0.0);
        }
        (self.loudest, self.heard) = (0.0, 0.0);
        self.voices = [Voice::default(); AHEAD + 1];
    }

    fn hear(&mut self, frame: &Frame<'_>, gains: &mut [f64]) -> bool {
        let past = self.design.past;
        self.own.hear(frame.power, &self.design.widths, past);
        if let Some(power) = frame.key_power {
            self.key.hear(power, &self.design.widths, past);
        }
        let keyed = frame.key_power.is_some();
        if matches!(self.settings.mode, Mode::Room) {
            let power: f64 = frame.key_power.unwrap_or(frame.power).iter().sum();
            self.remember(keyed, power);
        }
        self.want(keyed);
        if self.settings.spare_percent > 0.0 {
            self.voices.rotate_right(1);
            self.voices[0] = self.pitch.hear(frame.power);
            let width_hz = self.sample_rate_hz / self.shape.size as f64;
            let share = self.settings.spare_percent / 100.0;
            self.voices[AHEAD].spare(share, width_hz, &mut self.wanted_db);
        }
        self.move_cuts(gains)
    }
}

impl Processor for Suppressor {
    fn latency(&self) -> Frames {
        self.stft.shape().latency()
    }

    fn tail(&self) -> Tail {
        // The change of a frame ends with the frame.
        Tail::Frames(self.stft.shape().size)
    }

    fn reset(&mut self) {
        self.stft.reset();
        self.state.wake();
        self.state.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = (self.state.settings.mode, self.state.settings.resolution);
        self.state.settings.set(address, value);
        // What fixes the structure stays as built.
        (self.state.settings.mode, self.state.settings.resolution) = before;
        self.state.design.fill(&self.state.settings, self.state.sample_rate_hz, self.state.shape);
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.state.deepest_db = 0.0;
        self.stft.process(block, key, &mut self.state);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.state.deepest_db }
    }
}
