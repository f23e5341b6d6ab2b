//! Aligns left and right of one recording in time and phase.
//!
//! Two microphones at unequal distances hear a source at two times; their sum to mono combs and their stereo image
//! leans. The earlier channel is delayed, to a fraction of a frame (windowed sinc, [`crate::blocks::fractional`]), and
//! the right one may be turned in phase by the same angle at all frequencies: `cos p x - sin p H x` with the Hilbert
//! transform `H` as a long filter of linear phase.
//!
//! Delay and phase are settings, to be found by [`estimate`]; or the processor follows them: over windows of a fifth of
//! a second, which it hears half a window ahead, it adds up whitened cross-spectra (C. H. Knapp & G. C. Carter, 1976,
//! [`crate::blocks::correlation`]) with a slow forgetting, and moves when the peak is clear. Changes are faded over
//! 1024 frames. The later channel is never interpolated.

use crate::blocks::convolution::{Convolver, Filter, Partition};
use crate::blocks::correlation::{Finder, Found, window_frames};
use crate::blocks::fractional::{FractionalDelay, TAPS, taps};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::history::History;
use crate::blocks::kaiser;
use crate::blocks::lookahead::Delay;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::PI;

choices! {
    /// What is followed while the recording goes on.
    pub enum Follow {
        /// Nothing: delay and phase are as set.
        Off = "off",
        /// The delay, on top of what is set.
        Delay = "delay",
        /// The delay and the phase.
        DelayAndPhase = "delay_and_phase",
    }
}

settings! {
    /// Settings of the alignment.
    pub struct Settings {
        /// How much of the delay and phase is undone; 0 does nothing.
        amount_percent: f64 { label: "Amount", unit: Unit::Percent, max: 100.0 },
        /// How late the right channel is (negative: the left one); the other is delayed by that.
        delay_ms: f64 { label: "Delay", unit: Unit::Millisecond, min: -20.0, max: 20.0, fixed: true },
        /// How far the right channel is ahead in phase; it is turned back by that. 180 inverts it.
        phase_degrees: f64 { label: "Phase", unit: Unit::Degree, min: -180.0, max: 180.0, fixed: true },
        /// What is followed while the recording goes on.
        follow: Follow { label: "Follow", fixed: true },
        /// The longest delay that is looked for while following.
        range_ms: f64 {
            label: "Range", unit: Unit::Millisecond, min: 0.1, max: 20.0, default: 2.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Time over which what is heard counts while following.
        follow_s: f64 {
            label: "Follow time", unit: Unit::Second, min: 0.5, max: 30.0, default: 4.0,
            taper: Taper::Logarithmic, fixed: true,
        },
    }
}

/// Alignment of left and right.
pub static KIND: Kind = Kind {
    id: "phase_align",
    label: "Stereo alignment",
    family: Family::Stereo,
    help: "Brings left and right of one recording together in time and phase: for spaced microphones, tape machines \
           and wrong cabling. Do not use it on a finished mix whose channels belong to different sources. On signals \
           that are not stereo it does nothing.",
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(PhaseAlign::new(Settings::from_values(values), spec)),
    response: None,
};

/// From this height over the next peak on a delay is believed.
const SURE_RATIO: f64 = 1.5;
/// Delays in frames and phases in radians too small to be told from none: the accuracy of the estimate.
const NO_DELAY: f64 = 0.1;
const NO_PHASE: f64 = 0.05;
/// Frames over which one alignment is faded into the next: a multiple of the control period.
const FADE_FRAMES: Frames = 1_024;
/// Half the Hilbert filter's length at 48 kHz: it turns what is above 20 Hz.
const HILBERT_HALF: f64 = 4_096.0;
/// Kaiser window of the Hilbert filter: ripple under 0.01 dB.
const HILBERT_BETA: f64 = 6.0;

/// How left and right lie against each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// How late the right channel is; the value for `delay_ms`.
    pub delay_ms: f64,
    /// How far it is ahead in phase after that; the value for `phase_degrees`.
    pub phase_degrees: f64,
    /// Height of the correlation's peak over the next one; from 1.5 on it can be trusted.
    pub peak_ratio: f64,
}

/// Finds delay and phase between the channels of `audio`, up to `range_ms` either way. `None` when it is not stereo,
/// silent, or shorter than a fifth of a second.
pub fn estimate(audio: &BlockRef, sample_rate_hz: f64, range_ms: f64) -> Option<Estimate> {
    let size = window_frames(sample_rate_hz);
    if audio.channels() != 2 || audio.frames() < size {
        return None;
    }
    let mut finder = Finder::new(sample_rate_hz, range_ms * sample_rate_hz / 1000.0);
    for start in (0..=audio.frames() - size).step_by(size / 2) {
        let window = audio.range(start, size);
        finder.hear(window.channel(0), window.channel(1), 1.0);
    }
    let found = finder.find(false)?;
    Some(Estimate {
        delay_ms: found.delay_frames / sample_rate_hz * 1000.0,
        phase_degrees: found.phase.to_degrees(),
        peak_ratio: found.peak_ratio,
    })
}

/// The Hilbert transform as a filter of linear phase, late by `half` frames.
fn hilbert(half: usize) -> Vec<f64> {
    let tap = |n: usize| {
        let x = n as f64 - half as f64;
        let ideal = if (n + half).is_multiple_of(2) { 0.0 } else { 2.0 / (PI * x) };
        ideal * kaiser::window(x / (half as f64 + 1.0), HILBERT_BETA)
    };
    (0..=2 * half).map(tap).collect()
}

/// One state of the alignment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pose {
    /// Whole frames by which left and right are read later than the latency asks.
    whole: [Frames; 2],
    /// Filter of the channel that is read between frames; `None` where it stands on a frame.
    taps: [Option<[f64; TAPS]>; 2],
    cos: f64,
    sin: f64,
}

impl Pose {
    /// Undoes `delay` frames (positive: the right is late) and `phase` radians.
    fn new(delay: f64, phase: f64) -> Pose {
        let mut pose = Pose { whole: [0; 2], taps: [None; 2], cos: phase.cos(), sin: phase.sin() };
        if phase == 0.0 {
            (pose.cos, pose.sin) = (1.0, 0.0);
        }
        let early = usize::from(delay < 0.0);
        let whole = delay.abs().floor();
        pose.whole[early] = whole as Frames;
        let fraction = delay.abs() - whole;
        // A millionth of a frame is -100 dB at the top of the band.
        if fraction > 1e-6 {
            pose.taps[early] = Some(taps(fraction));
        }
        pose
    }
}

/// Follows delay and phase.
struct Follower {
    finder: Finder,
    /// The last window of both channels, and how much of it is new.
    windows: [Vec<f64>; 2],
    filled: Frames,
    keep: f64,
    turns: bool,
    range: f64,
    /// Delay in frames and phase in radians, once something was found.
    stands: Option<(f64, f64)>,
}

impl Follower {
    fn new(settings: &Settings, sample_rate_hz: f64) -> Follower {
        let size = window_frames(sample_rate_hz);
        let range = settings.range_ms * sample_rate_hz / 1000.0;
        Follower {
            finder: Finder::new(sample_rate_hz, range),
            windows: [vec![0.0; size], vec![0.0; size]],
            filled: 0,
            keep: (-((size / 2) as f64) / (settings.follow_s * sample_rate_hz)).exp(),
            turns: settings.follow == Follow::DelayAndPhase,
            range,
            stands: None,
        }
    }

    fn reset(&mut self) {
        self.finder.reset();
        self.windows.iter_mut().for_each(|w| w.fill(0.0));
        self.filled = 0;
        self.stands = None;
    }

    /// Half a window: how far ahead it hears.
    fn ahead(&self) -> Frames {
        self.windows[0].len() / 2
    }

    /// Takes a piece of both channels in; pieces do not cross half windows.
    fn hear(&mut self, left: &[f64], right: &[f64]) {
        let half = self.ahead();
        let at = half + self.filled;
        for (window, samples) in self.windows.iter_mut().zip([left, right]) {
            window[at..at + samples.len()].copy_from_slice(samples);
        }
        self.filled += left.len();
        if self.filled < half {
            return;
        }
        self.filled = 0;
        let [a, b] = &self.windows;
        self.finder.hear(a, b, self.keep);
        if let Some(found) = self.finder.find(!self.turns) {
            self.believe(found);
        }
        self.windows.iter_mut().for_each(|w| w.copy_within(half.., 0));
    }

    fn believe(&mut self, found: Found) {
        if found.peak_ratio < SURE_RATIO || found.delay_frames.abs() > self.range {
            return;
        }
        let phase = if self.turns && found.phase.abs() > NO_PHASE { found.phase } else { 0.0 };
        let found_delay = if found.delay_frames.abs() > NO_DELAY { found.delay_frames } else { 0.0 };
        self.stands = Some(match self.stands {
            None => (found_delay, phase),
            Some((delay, before)) => {
                let share = 1.0 - self.keep;
                // The shorter way around.
                let apart = (phase - before + PI).rem_euclid(2.0 * PI) - PI;
                (delay + share * (found_delay - delay), before + share * apart)
            }
        });
    }
}

struct PhaseAlign {
    settings: Settings,
    stereo: bool,
    /// Latency but for that of the Hilbert filter.
    base: Frames,
    half: Frames,
    /// Left and right wait for the Hilbert filter.
    waits: [Delay; 2],
    hilbert: Option<Convolver>,
    /// Left; right; right turned by a quarter.
    histories: [History; 3],
    follower: Option<Follower>,
    from: Pose,
    to: Pose,
    /// Frames into the fade.
    at: Frames,
    grid: Grid,
    sample_rate_hz: f64,
}

impl PhaseAlign {
    fn new(settings: Settings, spec: &Spec) -> PhaseAlign {
        let rate = spec.sample_rate_hz;
        let stereo = spec.channels == 2;
        let turns = stereo && (settings.phase_degrees != 0.0 || settings.follow == Follow::DelayAndPhase);
        let half = if turns { (HILBERT_HALF * rate / 48_000.0).round() as Frames } else { 0 };
        let follower = (stereo && settings.follow != Follow::Off).then(|| Follower::new(&settings, rate));
        let ahead = follower.as_ref().map_or(0, Follower::ahead);
        let base = FractionalDelay::WHOLE_FRAMES + 1 + ahead;
        let range = if follower.is_some() { settings.range_ms } else { 0.0 };
        let longest = ((settings.delay_ms.abs() + range) * rate / 1000.0).ceil() as Frames;
        let filter = || {
            let taps = hilbert(half);
            let partition = Partition::without_latency(taps.len());
            Convolver::each(&Filter::new(&taps, &partition), 1)
        };
        let reach = base + longest + TAPS + CONTROL_FRAMES;
        let mut align = PhaseAlign {
            stereo,
            base,
            half,
            waits: [0, 1].map(|_| Delay::new(half)),
            hilbert: turns.then(filter),
            histories: [0, 1, 2].map(|_| History::new(reach)),
            follower,
            from: Pose::new(0.0, 0.0),
            to: Pose::new(0.0, 0.0),
            at: 0,
            grid: Grid::default(),
            sample_rate_hz: rate,
            settings,
        };
        align.reset();
        align
    }

    /// The alignment as it should be now.
    fn wished(&self) -> Pose {
        let (delay, phase) = self.follower.as_ref().and_then(|f| f.stands).unwrap_or((0.0, 0.0));
        let amount = self.settings.amount_percent / 100.0;
        let delay = delay + self.settings.delay_ms * self.sample_rate_hz / 1000.0;
        let phase = phase + self.settings.phase_degrees.to_radians();
        Pose::new(amount * delay, amount * phase)
    }

    /// Reads both channels in one pose.
    fn read(&self, pose: &Pose, left: &mut [f64], right: &mut [f64]) {
        let frames = left.len();
        self.read_one(0, pose, 0, left);
        self.read_one(1, pose, 1, right);
        if pose.sin != 0.0 || pose.cos != 1.0 {
            let mut turned = [0.0; CONTROL_FRAMES];
            self.read_one(2, pose, 1, &mut turned[..frames]);
            // Turned back by the phase: the Hilbert transform lags by a quarter.
            for (x, h) in right.iter_mut().zip(&turned) {
                *x = pose.cos * *x + pose.sin * h;
            }
        }
    }

    fn read_one(&self, history: usize, pose: &Pose, channel: usize, out: &mut [f64]) {
        let (history, frames) = (&self.histories[history], out.len());
        let delay = self.base + pose.whole[channel];
        let Some(taps) = &pose.taps[channel] else {
            out.copy_from_slice(history.behind(delay, frames));
            return;
        };
        out.fill(0.0);
        let first = delay - FractionalDelay::WHOLE_FRAMES;
        for (k, tap) in taps.iter().enumerate() {
            let samples = history.behind(first + k, frames);
            out.iter_mut().zip(samples).for_each(|(out, x)| *out += tap * x);
        }
    }
}

impl Gridded for PhaseAlign {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (left, right) = block.stereo_mut();
        let frames = left.len();
        if let Some(follower) = &mut self.follower {
            follower.hear(left, right);
        }
        let mut turned = [0.0; CONTROL_FRAMES];
        if let Some(hilbert) = &mut self.hilbert {
            turned[..frames].copy_from_slice(right);
            hilbert.process(&mut Block::from_mono(&mut turned[..frames]));
            self.histories[2].push(&turned[..frames]);
        }
        for ((wait, samples), history) in
            self.waits.iter_mut().zip([&mut *left, &mut *right]).zip(&mut self.histories)
        {
            wait.pass(samples);
            history.push(samples);
        }
        self.read(&self.from, left, right);
        if self.from != self.to {
            let (mut next_left, mut next_right) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
            self.read(&self.to, &mut next_left[..frames], &mut next_right[..frames]);
            for n in 0..frames {
                let share = (self.at + n) as f64 / FADE_FRAMES as f64;
                let share = share * share * (3.0 - 2.0 * share);
                left[n] += share * (next_left[n] - left[n]);
                right[n] += share * (next_right[n] - right[n]);
            }
        }
        self.at += frames;
        if self.at == FADE_FRAMES {
            self.at = 0;
            (self.from, self.to) = (self.to, self.wished());
        }
    }
}

impl Processor for PhaseAlign {
    fn latency(&self) -> Frames {
        if self.stereo { self.base + self.half } else { 0 }
    }

    fn tail(&self) -> Tail {
        if !self.stereo {
            return Tail::Frames(0);
        }
        let range = if self.follower.is_some() { self.settings.range_ms } else { 0.0 };
        let longest = (self.settings.delay_ms.abs() + range) * self.sample_rate_hz / 1000.0;
        Tail::Frames(longest.ceil() as Frames + TAPS + self.half)
    }

    fn reset(&mut self) {
        self.waits.iter_mut().for_each(Delay::reset);
        self.histories.iter_mut().for_each(History::reset);
        if let Some(hilbert) = &mut self.hilbert {
            hilbert.reset();
        }
        if let Some(follower) = &mut self.follower {
            follower.reset();
        }
        self.at = 0;
        self.grid.reset();
        self.from = self.wished();
        self.to = self.from;
    }

    fn set(&mut self, address: Address, value: f64) {
        // The amount alone moves; what fixes the structure stays as built.
        if address == Address::Field(0) {
            self.settings.set(address, value);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if self.stereo && block.channels() == 2 {
            self.on_grid(block, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use std::f64::consts::TAU;

    const RATE: f64 = 48_000.0;

    /// Sound of many tones and hits, as a function of time in frames, so that any delay of it is known.
    fn source(t: f64, shift: f64) -> f64 {
        (0..60)
            .map(|k| {
                let hz = 90.0 * 1.08f64.powi(k);
                let angle = f64::from(k * k) * 0.7;
                0.03 * (TAU * hz * t / RATE + angle + shift).sin()
            })
            .sum()
    }

    /// The right later by `delay` frames and ahead by `phase` radians.
    fn skewed(frames: usize, delay: f64, phase: f64) -> Buffer {
        let left = (0..frames).map(|n| source(n as f64, 0.0)).collect();
        let right = (0..frames).map(|n| source(n as f64 - delay, phase)).collect();
        Buffer::from_channels(&[left, right])
    }

    fn run(settings: Settings, audio: &Buffer) -> Buffer {
        let mut audio = audio.clone();
        let spec = Spec { sample_rate_hz: RATE, channels: 2, max_frames: audio.frames() };
        PhaseAlign::new(settings, &spec).process(&mut audio.as_block_mut(), None);
        audio
    }

    /// Left less right against left, in decibels, from a frame on.
    fn difference_db(audio: &Buffer, from: usize) -> f64 {
        let (left, right) = (&audio.channel(0)[from..], &audio.channel(1)[from..]);
        let apart: f64 = left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum();
        10.0 * (apart / left.iter().map(|l| l * l).sum::<f64>()).log10()
    }

    #[test]
    fn set_delay_and_phase_are_undone() {
        for (delay, phase_degrees) in [(13.37, 0.0), (-40.5, 0.0), (0.0, 90.0), (7.25, -60.0), (3.0, 180.0)] {
            let audio = skewed(30_000, delay, f64::to_radians(phase_degrees));
            let delay_ms = delay / RATE * 1000.0;
            let settings = Settings { amount_percent: 100.0, delay_ms, phase_degrees, ..Settings::default() };
            let seen = difference_db(&run(settings, &audio), 14_000);
            // Interpolator and Hilbert filter are flat within 0.01 dB: -59 dB.
            assert!(seen < -55.0, "{delay} {phase_degrees}: {seen} dB");
        }
    }

    #[test]
    fn the_estimate_is_what_was_done() {
        for (delay, phase_degrees) in [(13.37, 0.0), (-70.5, 0.0), (7.25, -60.0), (0.0, 90.0)] {
            let audio = skewed(40_000, delay, f64::to_radians(phase_degrees));
            let seen = estimate(&audio.as_block(), RATE, 2.0).expect("sound");
            // A tenth of a frame; that delay is 4 degrees at the top of what is here.
            assert!((seen.delay_ms - delay / 48.0).abs() < 0.1 / 48.0, "{delay} {phase_degrees}: {seen:?}");
            assert!((seen.phase_degrees - phase_degrees).abs() < 5.0, "{delay} {phase_degrees}: {seen:?}");
        }
    }

    #[test]
    fn following_finds_and_keeps_the_alignment() {
        for (follow, phase) in [(Follow::Delay, 0.0), (Follow::DelayAndPhase, 0.8)] {
            let audio = skewed(96_000, 21.4, phase);
            let settings = Settings { amount_percent: 100.0, follow, ..Settings::default() };
            let before = difference_db(&audio, 0);
            let seen = difference_db(&run(settings, &audio), 60_000);
            assert!(before > -3.0 && seen < -30.0, "{follow:?}: {before} dB, {seen} dB");
        }
    }

    /// Two sources that have nothing to do with one another, and one source in the middle of both: nothing to align,
    /// and no bit changes.
    #[test]
    fn what_needs_no_alignment_is_left_alone() {
        let mut state = 11u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            0.3 * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
        };
        let mut unrelated = Buffer::new(2, 60_000);
        for c in 0..2 {
            unrelated.channel_mut(c).iter_mut().for_each(|x| *x = noise());
        }
        let mut centred = skewed(60_000, 0.0, 0.0);
        for c in 0..2 {
            centred.channel_mut(c).iter_mut().for_each(|x| *x += 0.1 * noise());
        }
        for audio in [unrelated, centred] {
            for follow in [Follow::Delay, Follow::DelayAndPhase] {
                let settings = Settings { amount_percent: 100.0, follow, ..Settings::default() };
                let spec = Spec { sample_rate_hz: RATE, channels: 2, max_frames: 60_000 };
                let latency = PhaseAlign::new(settings.clone(), &spec).latency();
                let seen = run(settings, &audio);
                for c in 0..2 {
                    assert!(seen.channel(c)[latency..] == audio.channel(c)[..60_000 - latency], "{follow:?}");
                }
            }
        }
    }
}
