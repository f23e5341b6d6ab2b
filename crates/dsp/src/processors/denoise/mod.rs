//! Denoiser: takes hiss and other steady noise out of a recording.
//!
//! The noise is known from a print (a density per frequency, learnt from a stretch where nothing plays: see
//! [`learn`]), or followed while the music plays ([`Tracker`]). Each cell of a short-time Fourier transform
//! gets the gain of the log-spectral estimator under uncertain presence of a signal, OM-LSA (Cohen & Berdugo,
//! *Speech enhancement for non-stationary noise environments*, Signal Process. 81, 2001; Cohen, *Noise
//! spectrum estimation in adverse environments*, IEEE Trans. Speech Audio Process. 11, 2003), which is that of
//! Ephraim & Malah (1985) where something sounds, and the floor where nothing does. As files are rendered,
//! the gain may hear what comes: see [`gain`].

mod estimate;
pub mod gain;
#[cfg(test)]
mod tests;
mod tracker;

pub use estimate::{PrintPoint, learn, learn_under_music};
pub use tracker::Tracker;

use crate::blocks::stft::{Frame, Shape, Spectral, Stft};
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_power};
use estimate::Broadband;
use gain::{AHEAD, Suppressor, Target};

choices! {
    /// How finely the spectrum is cut.
    pub enum Resolution {
        /// Frames of about 43 ms: the middle for most music and singing.
        Medium = "medium",
        /// Frames of about 21 ms: for speech and drums.
        Quick = "quick",
        /// Frames of about 85 ms: for slow, tonal music.
        Fine = "fine",
    }
}

settings! {
    /// One point of a noise print.
    pub struct Point {
        /// Where the noise was measured.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 10.0, max: 96_000.0, default: 1000.0,
            taper: Taper::Logarithmic,
        },
        /// Power of the noise per hertz; 0 dB is a mean square of 1. Between points it runs straight in
        /// decibels against octaves, beyond them it stays.
        level_db: f64 { label: "Level per hertz", unit: Unit::Decibel, min: -240.0, max: 0.0, default: -240.0 },
    }
}

settings! {
    /// Settings of the denoiser.
    pub struct Settings {
        /// How far the noise is turned down; 0 does nothing.
        reduction_db: f64 { label: "Reduction", unit: Unit::Decibel, max: 40.0 },
        /// Raises or lowers the noise print.
        sensitivity_db: f64 { label: "Sensitivity", unit: Unit::Decibel, min: -12.0, max: 12.0 },
        /// How sure it must be that something sounds before it lets it pass: low keeps faint detail, high
        /// leaves no warbling.
        smoothing_percent: f64 { label: "Smoothing", unit: Unit::Percent, max: 100.0, default: 50.0 },
        /// Follows the noise by itself; a print, if there is one, is what it starts from.
        adaptive: bool { label: "Adaptive" },
        /// How long a sound must stand still to be taken for noise.
        adapt_s: f64 {
            label: "Adaptation", unit: Unit::Second, min: 0.5, max: 20.0, default: 2.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// How finely the spectrum is cut.
        resolution: Resolution { label: "Resolution", fixed: true },
    }
    groups {
        /// The noise print: the noise by itself.
        print: Point { label: "Noise", max: 128 },
    }
}

/// Denoiser.
pub static KIND: Kind = Kind {
    id: "denoise",
    label: "Denoiser",
    family: Family::Restoration,
    help: "Takes hiss, fan and other steady noise out of a recording. Learn the noise print from a stretch \
           where nothing plays, or let it adapt; 6 to 12 dB of reduction sound natural.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Denoiser::new(Settings::from_values(values), spec)),
    response: None,
};

fn shape(resolution: Resolution, sample_rate_hz: f64) -> Shape {
    let seconds = match resolution {
        Resolution::Quick => 0.0213,
        Resolution::Medium => 0.0427,
        Resolution::Fine => 0.0853,
    };
    Shape::of_seconds(seconds, sample_rate_hz, AHEAD)
}

/// Frames after which the followed noise is taken over: it moves far slower.
const TAKE_OVER: usize = 4;

/// By how much the followed noise is taken lower at the start, as it may well be music: noise that stays for
/// two seconds more is the lesser harm.
const DOUBT_DB: f64 = 15.0;

/// Where the target of the gains comes from.
struct Noise {
    settings: Settings,
    sample_rate_hz: f64,
    shape: Shape,
    /// Sorted by frequency.
    points: Vec<(f64, f64)>,
    /// Expected power per bin of the print.
    print: Vec<f64>,
    /// The same of the noise in force.
    present: Vec<f64>,
    tracker: Tracker,
    broadband: Broadband,
    /// Frames that have been followed, up to `hops`, after which the followed noise is trusted.
    followed: f64,
    hops: f64,
    /// Frames until the followed noise is taken over again.
    wait: usize,
    suppressor: Suppressor,
    target: Target,
    deepest_db: f64,
}

struct Denoiser {
    stft: Stft,
    noise: Noise,
}

impl Denoiser {
    fn new(settings: Settings, spec: &Spec) -> Denoiser {
        let shape = shape(settings.resolution, spec.sample_rate_hz);
        let bins = shape.bins();
        let hops = settings.adapt_s * spec.sample_rate_hz / shape.hop() as f64;
        let mut noise = Noise {
            points: Vec::with_capacity(settings.print.len()),
            sample_rate_hz: spec.sample_rate_hz,
            shape,
            print: vec![0.0; bins],
            present: vec![0.0; bins],
            tracker: Tracker::new(bins, hops),
            broadband: Broadband::new(shape, spec.sample_rate_hz),
            followed: 0.0,
            hops,
            wait: 0,
            suppressor: Suppressor::new(bins),
            target: Target::default(),
            deepest_db: 0.0,
            settings,
        };
        noise.design();
        Denoiser { stft: Stft::new(shape, spec.channels, false), noise }
    }
}

impl Noise {
    /// Works out what follows from the settings. Allocates nothing.
    fn design(&mut self) {
        self.target = Target::new(self.settings.reduction_db, self.settings.smoothing_percent);
        self.points.clear();
        self.points.extend(self.settings.print.iter().map(|point| (point.freq_hz, point.level_db)));
        self.points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let unit = self.shape.bin_power_per_density(self.sample_rate_hz);
        let unit = unit * db_to_power(self.settings.sensitivity_db);
        let width = self.sample_rate_hz / self.shape.size as f64;
        if self.points.is_empty() {
            self.print.fill(0.0);
        } else {
            estimate::fill(&self.points, width, unit, &mut self.print);
        }
    }
}

impl Spectral for Noise {
    fn idle(&self) -> bool {
        self.settings.reduction_db <= 0.0 || (self.points.is_empty() && !self.settings.adaptive)
    }

    fn wake(&mut self) {
        self.tracker.reset((!self.points.is_empty()).then_some(&self.print[..]));
        self.suppressor.reset();
        self.wait = 0;
        // A print is known noise.
        self.followed = if self.points.is_empty() { 0.0 } else { self.hops };
    }

    fn hear(&mut self, frame: &Frame<'_>, gains: &mut [f64]) -> bool {
        if self.settings.adaptive {
            if frame.whole {
                self.tracker.hear(frame.power);
                self.followed = (self.followed + 1.0).min(self.hops);
                self.wait = self.wait.saturating_sub(1);
            }
            if self.wait == 0 {
                self.wait = TAKE_OVER;
                let doubt_db = DOUBT_DB * (1.0 - self.followed / self.hops);
                let sensitivity = db_to_power(self.settings.sensitivity_db - doubt_db);
                self.broadband.fill(self.tracker.noise(), sensitivity, &mut self.present);
            }
        } else {
            self.present.copy_from_slice(&self.print);
        }
        let acts = self.suppressor.hear(frame.power, &self.present, &self.target, gains);
        if acts {
            self.deepest_db = self.settings.reduction_db;
        }
        acts
    }
}

impl Processor for Denoiser {
    fn latency(&self) -> Frames {
        self.stft.shape().latency()
    }

    fn tail(&self) -> Tail {
        // The change of a frame ends with the frame.
        Tail::Frames(self.stft.shape().size)
    }

    fn reset(&mut self) {
        self.stft.reset();
        self.noise.wake();
        self.noise.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = (self.noise.settings.adapt_s, self.noise.settings.resolution);
        self.noise.settings.set(address, value);
        // What fixes the structure stays as built.
        (self.noise.settings.adapt_s, self.noise.settings.resolution) = before;
        self.noise.design();
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.noise.deepest_db = 0.0;
        self.stft.process(block, None, &mut self.noise);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.noise.deepest_db }
    }
}
