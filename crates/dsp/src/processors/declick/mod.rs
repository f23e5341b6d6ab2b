//! Takes out clicks and crackle, and nothing else.
//!
//! Music follows from its own past and future; a click does not. In windows of 43 ms the sound is modelled as
//! an autoregressive process (order 40 at 48 kHz). What lies between an error of the prediction from the past
//! and one of the prediction from the future is suspected, taken out of the window and filled by least squares,
//! and the model is found again without it, in turn: a loud click would otherwise bend the model to itself
//! (Janssen, Veldhuis & Vries, IEEE Trans. ASSP 1986; Godsill & Rayner, *Digital Audio Restoration*, 1998,
//! chapter 5, for detection by prediction errors and by the matched filter).
//!
//! A suspect is a click when its matched filter stands many robust deviations (by the median, of the louder
//! side) above its surroundings, when its repair leaves nothing beside it that does not fit, and when what
//! follows is no louder than what was before. The stroke of a drum begins something: the samples after it
//! do not follow from those before, whatever stands in between, so the repair does not fit and is not made.
//! All samples outside of clicks keep every bit.

mod finder;
#[cfg(test)]
mod tests;

use crate::{Address, Family, Kind, Processor, Tail, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec};
use finder::{Finder, Limits};

settings! {
    /// Settings of the click repair.
    pub struct Settings {
        /// How little has to stand out to be a click: 0 repairs nothing, 50 what is surely a click, 100 crackle
        /// that is hardly above the music.
        sensitivity_percent: f64 { label: "Sensitivity", unit: Unit::Percent, max: 100.0 },
        /// The longest click. Scratches are longer than digital clicks; so are some strokes.
        longest_ms: f64 { label: "Longest click", unit: Unit::Millisecond, min: 0.2, max: LONGEST_MS, default: 1.6 },
    }
}

/// Click and crackle repair.
pub static KIND: Kind = Kind {
    id: "declick",
    label: "Click repair",
    family: Family::Restoration,
    help: "Finds clicks and crackle and puts in their place what the sound before and after asks for. All \
           other samples stay as they are. Use it first in a chain, on one recording at a time.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Declick::new(Settings::from_values(values), spec)),
    response: None,
};

const LONGEST_MS: f64 = 3.0;
/// Deviations at full sensitivity, and how many percent less need ten times as many.
const DEVIATIONS: f64 = 7.0;
const DECADE_PERCENT: f64 = 200.0;
/// A window is searched again after a repair, once: small clicks show when the large ones are gone.
const PASSES: usize = 2;

/// What counts as a click; `None` when nothing does.
fn design(settings: &Settings, sample_rate_hz: f64) -> Option<Limits> {
    (settings.sensitivity_percent > 0.0).then(|| Limits {
        deviations: DEVIATIONS * 10f64.powf((100.0 - settings.sensitivity_percent) / DECADE_PERCENT),
        strictness: 2f64.powf((50.0 - settings.sensitivity_percent) / 100.0),
        longest: (settings.longest_ms * 1e-3 * sample_rate_hz) as usize,
    })
}

fn longest(sample_rate_hz: f64) -> Frames {
    (LONGEST_MS * 1e-3 * sample_rate_hz).ceil() as Frames
}

/// A click, as [`clicks`] finds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Click {
    /// The channel it is in.
    pub channel: usize,
    /// Its first frame.
    pub frame: Frames,
    /// Its length in frames.
    pub frames: Frames,
    /// The greatest change of a sample that its repair makes.
    pub height: f64,
}

/// The clicks that the processor repairs in `block` (channels x frames, at a sample rate in hertz) with these
/// settings, in order of time.
pub fn clicks(block: &BlockRef, sample_rate_hz: f64, settings: &Settings) -> Vec<Click> {
    let spec = Spec { sample_rate_hz, channels: block.channels(), max_frames: 4096 };
    let mut declick = Declick::new(settings.clone(), &spec);
    let (mut found, mut song_frame) = (Vec::new(), 0);
    let latency = declick.latency();
    let mut part = audio::Buffer::new(block.channels(), declick.finder.size());
    while song_frame < block.frames() + latency {
        part.clear();
        let frames = declick.until_window();
        let known = block.frames().saturating_sub(song_frame).min(frames);
        part.range_mut(0, known).copy_from(&block.range(song_frame.min(block.frames()), known));
        // The window that these frames complete begins three of its quarters before its end.
        let window_start = (song_frame + frames) as i64 - declick.finder.size() as i64;
        declick.pass(&mut part.range_mut(0, frames), &mut |channel, mark| {
            let frame = (window_start + mark.start as i64).max(0) as Frames;
            found.push(Click { channel, frame, frames: mark.end - mark.start, height: mark.height });
        });
        song_frame += frames;
    }
    found.retain(|click| click.frame < block.frames());
    found.sort_by_key(|click| (click.frame, click.channel));
    found
}

/// The search alone, for a meter that has windows of its own.
#[derive(Debug, Clone)]
pub struct Search {
    finder: Finder,
    limits: Option<Limits>,
    repaired: Vec<f64>,
}

impl Search {
    /// For a sample rate in hertz.
    pub fn new(sample_rate_hz: f64, settings: &Settings) -> Search {
        let finder = Finder::new(sample_rate_hz, longest(sample_rate_hz));
        Search { repaired: vec![0.0; finder.size()], finder, limits: design(settings, sample_rate_hz) }
    }

    /// Frames of a window. Its middle half is searched: from a quarter of it up to three.
    pub fn window_frames(&self) -> Frames {
        self.finder.size()
    }

    /// Tells the clicks that begin in the middle half of `window`, one channel of [`Search::window_frames`] frames:
    /// the frame in the window where what a repair takes out has its sharpest corner, and the greatest change.
    ///
    /// # Panics
    /// When the window has another length.
    pub fn search(&mut self, window: &[f64], mut found: impl FnMut(Frames, f64)) {
        let Some(limits) = &self.limits else { return };
        self.repaired.copy_from_slice(window);
        for _ in 0..PASSES {
            if !self.finder.search(&mut self.repaired, limits) {
                break;
            }
            for mark in &self.finder.found {
                // The corner of what is taken out: a steep wave that is filled anew beside a click has none as sharp.
                let change = |n: Frames| window[n] - self.repaired[n];
                let corner = |n: &Frames| (change(*n) - 0.5 * (change(n - 1) + change(n + 1))).abs();
                let most = (mark.start..mark.end).max_by(|a, b| corner(a).total_cmp(&corner(b)));
                found(most.unwrap_or(mark.start), mark.height);
            }
        }
    }
}

struct Declick {
    settings: Settings,
    sample_rate_hz: f64,
    finder: Finder,
    channels: Vec<Channel>,
    /// Frames in the window; it is searched when it is full.
    filled: Frames,
    /// Frames of the last result that have left.
    left: Frames,
}

struct Channel {
    window: Vec<f64>,
    result: Vec<f64>,
}

impl Declick {
    fn new(settings: Settings, spec: &Spec) -> Declick {
        let finder = Finder::new(spec.sample_rate_hz, longest(spec.sample_rate_hz));
        let size = finder.size();
        let channel = || Channel { window: vec![0.0; size], result: vec![0.0; size / 2] };
        Declick {
            settings,
            sample_rate_hz: spec.sample_rate_hz,
            channels: (0..spec.channels).map(|_| channel()).collect(),
            filled: size / 4,
            left: 0,
            finder,
        }
    }

    /// Frames that complete the window.
    fn until_window(&self) -> Frames {
        self.finder.size() - self.filled
    }

    /// Takes frames up to the next full window, gives those of the last result, and searches when it is full.
    fn pass(&mut self, block: &mut Block, found: &mut dyn FnMut(usize, &finder::Mark)) {
        let (frames, size) = (block.frames(), self.finder.size());
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            channel.window[self.filled..self.filled + frames].copy_from_slice(samples);
            // At the very beginning nothing has been searched yet, for longer than a result lasts.
            let left = self.left.min(channel.result.len());
            let ready = frames.min(channel.result.len() - left);
            samples[..ready].copy_from_slice(&channel.result[left..left + ready]);
            samples[ready..].fill(0.0);
        }
        self.filled += frames;
        self.left += frames;
        if self.filled < size {
            return;
        }
        let limits = design(&self.settings, self.sample_rate_hz);
        for (number, channel) in self.channels.iter_mut().enumerate() {
            for _ in 0..PASSES {
                let Some(limits) = &limits else { break };
                if !self.finder.search(&mut channel.window, limits) {
                    break;
                }
                self.finder.found.iter().for_each(|mark| found(number, mark));
            }
            channel.result.copy_from_slice(&channel.window[size / 4..3 * size / 4]);
            channel.window.copy_within(size / 2.., 0);
        }
        self.filled = size / 2;
        self.left = 0;
    }
}

impl Processor for Declick {
    fn latency(&self) -> Frames {
        self.finder.size() / 4 * 3
    }

    fn tail(&self) -> Tail {
        // A click at the very end is filled as far as it may last.
        Tail::Frames(longest(self.sample_rate_hz))
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.window.fill(0.0);
            channel.result.fill(0.0);
        }
        (self.filled, self.left) = (self.finder.size() / 4, 0);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            let frames = (block.frames() - start).min(self.until_window());
            self.pass(&mut block.range_mut(start, frames), &mut |_, _| {});
            start += frames;
        }
    }
}
