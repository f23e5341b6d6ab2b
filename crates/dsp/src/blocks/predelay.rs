//! The time before a space answers.

use super::grid::CONTROL_FRAMES;
use super::history::History;
use audio::Frames;

/// How long two pre-delays sound together while one replaces the other.
const PREDELAY_FADE_S: f64 = 0.03;

/// A delay of two channels by whole frames that changes by crossfading.
#[derive(Debug, Clone)]
pub struct Predelay {
    past: [History; 2],
    delay: Frames,
    /// Where a crossfade leads, and how far it is.
    next: Option<(Frames, Frames)>,
    fade: Frames,
}

impl Predelay {
    /// Delays of up to `longest` frames.
    pub fn new(longest: Frames, sample_rate_hz: f64) -> Predelay {
        // Whole control periods: a crossfade begins and ends on the grid.
        let fade = (PREDELAY_FADE_S * sample_rate_hz) as usize / CONTROL_FRAMES * CONTROL_FRAMES;
        let history = History::new(longest + CONTROL_FRAMES);
        Predelay { past: [history.clone(), history], delay: 0, next: None, fade: fade.max(CONTROL_FRAMES) }
    }

    /// Forgets the past and stands at `delay` frames.
    pub fn reset(&mut self, delay: Frames) {
        self.past.iter_mut().for_each(History::reset);
        (self.delay, self.next) = (delay, None);
    }

    /// On the grid: takes up a new delay once the last crossfade has ended.
    pub fn control(&mut self, wished: Frames) {
        if let Some((delay, done)) = self.next
            && done == self.fade
        {
            (self.delay, self.next) = (delay, None);
        }
        if self.next.is_none() && wished != self.delay {
            self.next = Some((wished, 0));
        }
    }

    /// Delays equally long channels, at most a control period.
    pub fn process(&mut self, channels: [&mut [f64]; 2]) {
        let frames = channels[0].len();
        for (past, samples) in self.past.iter_mut().zip(channels) {
            past.push(samples);
            samples.copy_from_slice(past.behind(self.delay, frames));
            if let Some((delay, done)) = self.next {
                for (n, (sample, new)) in samples.iter_mut().zip(past.behind(delay, frames)).enumerate() {
                    let part = (done + n) as f64 / self.fade as f64;
                    *sample += part * (new - *sample);
                }
            }
        }
        if let Some((_, done)) = &mut self.next {
            *done += frames;
        }
    }
}
