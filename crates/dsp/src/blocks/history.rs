//! What a signal was: the memory behind every delay of whole frames.

use super::grid::CONTROL_FRAMES;
use audio::Frames;

/// The recent past of one channel, of which any stretch of up to a control period is one slice.
///
/// A ring whose first control period is held a second time behind its end, so that no stretch is ever broken.
#[derive(Debug, Clone)]
pub struct History {
    samples: Vec<f64>,
    /// Frames of the ring, without the repeated ones.
    ring: Frames,
    /// Where the next sample goes.
    at: Frames,
}

impl History {
    /// Remembers `reach` frames, all silent at first.
    pub fn new(reach: Frames) -> History {
        let ring = reach.max(CONTROL_FRAMES);
        History { samples: vec![0.0; ring + CONTROL_FRAMES], ring, at: 0 }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.samples.fill(0.0);
        self.at = 0;
    }

    /// All that is remembered, from no certain place on.
    #[cfg(test)]
    pub(crate) fn held(&self) -> &[f64] {
        &self.samples[..self.ring]
    }

    /// Appends samples, at most a control period at once.
    #[inline]
    pub fn push(&mut self, new: &[f64]) {
        self.next(new.len()).copy_from_slice(new);
        self.advance(new.len());
    }

    /// Where the next frames go, at most a control period; they count from [`History::advance`] on.
    #[inline]
    pub fn next(&mut self, frames: Frames) -> &mut [f64] {
        &mut self.samples[self.at..self.at + frames]
    }

    /// Takes what was written to [`History::next`].
    #[inline]
    pub fn advance(&mut self, frames: Frames) {
        let end = self.at + frames;
        if self.at < CONTROL_FRAMES {
            self.samples.copy_within(self.at..end.min(CONTROL_FRAMES), self.ring + self.at);
        }
        if end >= self.ring {
            // What was written behind the end is the beginning.
            self.samples.copy_within(self.ring..end, 0);
            self.at = end - self.ring;
        } else {
            self.at = end;
        }
    }

    /// The last `frames` frames (at most a control period), `delay` frames later than they came. Together they
    /// are within the reach.
    #[inline]
    pub fn behind(&self, delay: Frames, frames: Frames) -> &[f64] {
        let start = self.at + self.ring - delay - frames;
        let start = if start >= self.ring { start - self.ring } else { start };
        &self.samples[start..start + frames]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_back_what_came(sizes in prop::collection::vec(1usize..60, 1..400), delay in 0usize..100) {
            // Neither a multiple of the period nor much longer: every kind of wrap occurs.
            let mut history = History::new(160);
            let mut count = 0;
            for size in sizes {
                let new: Vec<f64> = (count..count + size).map(|n| (n + 1) as f64).collect();
                history.push(&new);
                count += size;
                let expected: Vec<f64> = (count - size..count)
                    .map(|n| if n >= delay { (n - delay + 1) as f64 } else { 0.0 })
                    .collect();
                prop_assert_eq!(history.behind(delay, size), &expected[..]);
            }
        }
    }
}
