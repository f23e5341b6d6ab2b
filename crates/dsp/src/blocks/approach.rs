//! What leads into a reverb: the time before it answers, the cuts of what drives it, and its stepping back.

use super::cut::{Cut, Side};
use super::ducker::Ducker;
use super::grid::CONTROL_FRAMES;
use super::predelay::Predelay;
use super::ramp::Ramp;
use audio::Frames;

/// Room that the pre-delay has, in milliseconds.
pub const LONGEST_PREDELAY_MS: f64 = 500.0;

/// The way of two channels into a space.
pub struct Approach {
    sample_rate_hz: f64,
    /// Nothing is delayed where there will never be a pre-delay.
    predelay: Option<Predelay>,
    low_cut: Cut,
    high_cut: Cut,
    /// Follows nothing where the wet sound never steps back.
    ducker: Option<Ducker>,
    ducking: Ramp,
}

/// What stays as it is, so that there need be no room for more.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    /// The pre-delay.
    pub predelay_ms: f64,
    /// By how much the wet sound steps back at most.
    pub ducking_db: f64,
}

impl Approach {
    /// A way with its two cuts, in hertz; `lasting` where nothing will ever be set.
    pub fn new(low_cut_hz: f64, high_cut_hz: f64, sample_rate_hz: f64, lasting: Option<Lasting>) -> Approach {
        let longest_ms = lasting.map_or(LONGEST_PREDELAY_MS, |lasting| lasting.predelay_ms);
        let longest = (longest_ms / 1000.0 * sample_rate_hz).round() as Frames;
        let ducks = lasting.is_none_or(|lasting| lasting.ducking_db != 0.0);
        Approach {
            sample_rate_hz,
            predelay: (longest > 0).then(|| Predelay::new(longest, sample_rate_hz)),
            low_cut: Cut::new(Side::Low, low_cut_hz, sample_rate_hz),
            high_cut: Cut::new(Side::High, high_cut_hz, sample_rate_hz),
            ducker: ducks.then(|| Ducker::new(sample_rate_hz)),
            ducking: Ramp::new(1.0),
        }
    }

    /// The pre-delay in frames.
    pub fn frames(&self, predelay_ms: f64) -> Frames {
        (predelay_ms / 1000.0 * self.sample_rate_hz).round() as Frames
    }

    /// Forgets the past.
    pub fn reset(&mut self, predelay_ms: f64) {
        let frames = self.frames(predelay_ms);
        self.predelay.iter_mut().for_each(|predelay| predelay.reset(frames));
        self.ducker.iter_mut().for_each(Ducker::reset);
        self.ducking = Ramp::new(1.0);
        self.low_cut.reset();
        self.high_cut.reset();
    }

    /// Sends the cuts to where they are wanted, in hertz.
    pub fn go_to(&mut self, low_cut_hz: f64, high_cut_hz: f64) {
        self.low_cut.go_to(low_cut_hz);
        self.high_cut.go_to(high_cut_hz);
    }

    /// Prepares the next control period.
    pub fn control(&mut self, predelay_ms: f64, ducking_db: f64) {
        if let Some(ducker) = &mut self.ducker {
            ducker.flush();
            let ducking = ducker.gain(ducking_db);
            if ducking != self.ducking.target() {
                self.ducking.go_to(ducking);
            }
        }
        let frames = self.frames(predelay_ms);
        self.predelay.iter_mut().for_each(|predelay| predelay.control(frames));
        self.low_cut.flush();
        self.high_cut.flush();
    }

    /// Hears the dry sound, at most a control period, and gives the gain of the wet sound beside it.
    pub fn duck(&mut self, [left, right]: [&[f64]; 2]) -> [f64; CONTROL_FRAMES] {
        self.ducker.iter_mut().for_each(|ducker| ducker.follow_all(left, right));
        self.ducking.path(left.len())
    }

    /// Delays and cuts what goes into the space, at most a control period.
    pub fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        if let Some(predelay) = &mut self.predelay {
            predelay.process([&mut *left, &mut *right]);
        }
        self.low_cut.process(left, right);
        self.high_cut.process(left, right);
    }
}
