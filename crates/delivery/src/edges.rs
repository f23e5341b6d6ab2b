//! Where sound begins and ends, and where it is torn.

use audio::{BlockRef, Frames};
use serde::Serialize;

/// Nothing above this is silence: one and a half steps of 16 bits, so that dithered silence is silence.
const QUIET: f64 = 1.5 / 32_768.0;
/// A hole is torn, not played, when this much sound (-45 dBFS) stands right at both of its edges.
const LOUD: f64 = 0.005_623_413_251_903_491;
/// "Right at" the edge, in seconds. Any natural decay takes longer.
const EDGE_S: f64 = 0.001;
/// The shortest hole that is looked for, in seconds. No wave above 2 Hz and -45 dBFS stays silent as long at its
/// zero crossings.
const SHORTEST_S: f64 = 0.002;
/// The longest, in seconds; beyond it is a pause.
const LONGEST_S: f64 = 1.0;
/// Dropouts that are kept with their place.
const MOST: usize = 64;

/// A hole in one channel: silence with sound right before and right after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dropout {
    /// The channel, from 0.
    pub channel: usize,
    /// Its first silent frame.
    pub frame: Frames,
    /// Its length in frames.
    pub frames: Frames,
}

/// Finds the silence at both ends, the levels of the first and last frame, and dropouts, block by block.
#[derive(Debug, Clone)]
pub struct Edges {
    frames: Frames,
    first_sound: Option<Frames>,
    last_sound: Option<Frames>,
    first_level: f64,
    last_level: f64,
    edge: Frames,
    shortest: Frames,
    longest: Frames,
    channels: Vec<Hole>,
    dropouts: Vec<Dropout>,
    count: usize,
}

/// The search for holes in one channel.
#[derive(Debug, Clone, Default)]
struct Hole {
    /// One after the last frame that was loud; 0 for none yet.
    after_loud: Frames,
    /// First frame of the silence that goes on now.
    silent_since: Option<Frames>,
    /// A hole that ended a moment ago and waits for sound: its first frame and the first after it.
    pending: Option<(Frames, Frames)>,
}

impl Edges {
    /// For `channels` channels at a sample rate in hertz.
    pub fn new(channels: usize, sample_rate_hz: f64) -> Edges {
        let frames = |seconds: f64| (seconds * sample_rate_hz).round() as Frames;
        Edges {
            frames: 0,
            first_sound: None,
            last_sound: None,
            first_level: 0.0,
            last_level: 0.0,
            edge: frames(EDGE_S),
            shortest: frames(SHORTEST_S),
            longest: frames(LONGEST_S),
            channels: vec![Hole::default(); channels],
            dropouts: Vec::new(),
            count: 0,
        }
    }

    /// Takes the next block (channels x any number of frames).
    ///
    /// # Panics
    /// When the block has another number of channels.
    pub fn push(&mut self, block: &BlockRef) {
        assert_eq!(block.channels(), self.channels.len(), "a block of the channels this was built for");
        if block.frames() == 0 {
            return;
        }
        let level_at = |frame: Frames| block.iter().fold(0.0, |level: f64, c| level.max(c[frame].abs()));
        if self.frames == 0 {
            self.first_level = level_at(0);
        }
        self.last_level = level_at(block.frames() - 1);
        for (channel, samples) in block.iter().enumerate() {
            if let Some(first) = samples.iter().position(|s| s.abs() > QUIET) {
                let last = samples.iter().rposition(|s| s.abs() > QUIET).unwrap_or(first);
                let (first, last) = (self.frames + first, self.frames + last);
                self.first_sound = Some(self.first_sound.map_or(first, |f| f.min(first)));
                self.last_sound = Some(self.last_sound.map_or(last, |l| l.max(last)));
            }
            self.search(channel, samples);
        }
        self.frames += block.frames();
    }

    fn search(&mut self, channel: usize, samples: &[f64]) {
        let mut hole = std::mem::take(&mut self.channels[channel]);
        for (n, sample) in samples.iter().enumerate() {
            let (frame, level) = (self.frames + n, sample.abs());
            if level <= QUIET {
                hole.silent_since.get_or_insert(frame);
                continue;
            }
            if let Some(start) = hole.silent_since.take() {
                let length = (self.shortest..=self.longest).contains(&(frame - start));
                let torn = hole.after_loud > 0 && hole.after_loud + self.edge >= start;
                if length && torn {
                    hole.pending = Some((start, frame));
                }
            }
            if level >= LOUD {
                hole.after_loud = frame + 1;
                if let Some((start, end)) = hole.pending.take()
                    && frame <= end + self.edge
                {
                    self.count += 1;
                    if self.dropouts.len() < MOST {
                        self.dropouts.push(Dropout { channel, frame: start, frames: end - start });
                    }
                }
            }
        }
        self.channels[channel] = hole;
    }

    /// Frames before the first sound; all of them for silence.
    pub fn leading_frames(&self) -> Frames {
        self.first_sound.unwrap_or(self.frames)
    }

    /// Frames after the last sound; all of them for silence.
    pub fn trailing_frames(&self) -> Frames {
        self.last_sound.map_or(self.frames, |last| self.frames - 1 - last)
    }

    /// Whether nothing sounds at all.
    pub fn is_silent(&self) -> bool {
        self.first_sound.is_none()
    }

    /// The highest absolute sample of the first frame and of the last one, 1.0 being full scale.
    pub fn end_levels(&self) -> (f64, f64) {
        (self.first_level, self.last_level)
    }

    /// How many dropouts there are, and the first of them in order of time.
    pub fn dropouts(&self) -> (usize, Vec<Dropout>) {
        let mut sorted = self.dropouts.clone();
        sorted.sort_by_key(|d| (d.frame, d.channel));
        (self.count, sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    const RATE: f64 = 48_000.0;

    fn tone(hz: f64, amplitude: f64, frames: usize) -> Vec<f64> {
        (0..frames).map(|n| amplitude * (TAU * hz / RATE * n as f64).sin()).collect()
    }

    fn edges(channels: &[Vec<f64>]) -> Edges {
        let mut edges = Edges::new(channels.len(), RATE);
        edges.push(&Buffer::from_channels(channels).as_block());
        edges
    }

    #[test]
    fn a_hole_is_found_on_its_frame() {
        let mut left = tone(440.0, 0.3, 48_000);
        left[10_000..10_480].fill(0.0);
        let found = edges(&[left, tone(300.0, 0.3, 48_000)]);
        let (count, places) = found.dropouts();
        assert_eq!(count, 1);
        assert_eq!(places[0].channel, 0);
        // A sample beside the hole may itself be near zero.
        assert!(places[0].frame.abs_diff(10_000) <= 1 && places[0].frames.abs_diff(480) <= 2);
    }

    #[test]
    fn music_that_stops_and_starts_is_not_torn() {
        // A fade of 20 ms into a rest, and a sudden start after it.
        let mut faded = tone(440.0, 0.3, 48_000);
        for n in 0..960 {
            faded[10_000 + n] *= (1.0 - n as f64 / 960.0).powi(3);
        }
        faded[10_960..20_000].fill(0.0);
        assert_eq!(edges(&[faded]).dropouts().0, 0);
        // A pause of more than a second, cut hard.
        let mut pause = tone(440.0, 0.3, 200_000);
        pause[50_000..110_000].fill(0.0);
        assert_eq!(edges(&[pause]).dropouts().0, 0);
        // Slow waves and a square are never long at zero.
        assert_eq!(edges(&[tone(20.0, 0.01, 96_000)]).dropouts().0, 0);
        let square = (0..48_000).map(|n| if n / 1000 % 2 == 0 { 0.5 } else { -0.5 }).collect();
        assert_eq!(edges(&[square]).dropouts().0, 0);
        // Silence at both ends is none.
        let mut ends = vec![0.0; 4_800];
        ends.extend(tone(440.0, 0.3, 4_800));
        ends.extend(vec![0.0; 4_800]);
        assert_eq!(edges(&[ends]).dropouts().0, 0);
    }

    #[test]
    fn the_silence_at_the_ends_is_that_of_all_channels() {
        let mut left = vec![0.0; 1000];
        let mut right = left.clone();
        left[100] = 0.1;
        right[800] = -0.1;
        right[999] = QUIET;
        let found = edges(&[left, right]);
        assert_eq!((found.leading_frames(), found.trailing_frames()), (100, 199));
        assert_eq!(found.end_levels(), (0.0, QUIET));
        let silent = edges(&[vec![0.0; 10]]);
        assert!(silent.is_silent());
        assert_eq!((silent.leading_frames(), silent.trailing_frames()), (10, 10));
        assert_eq!(Edges::new(2, RATE).trailing_frames(), 0);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            cuts in prop::collection::vec(1usize..400, 10..40),
            holes in prop::collection::vec((0usize..6_000, 1usize..800), 0..6),
        ) {
            let frames: usize = cuts.iter().sum();
            let mut plane = tone(300.0, 0.2, frames);
            for (start, length) in holes {
                let start = start.min(frames);
                plane[start..(start + length).min(frames)].fill(0.0);
            }
            let buffer = Buffer::from_channels(&[plane.clone(), plane]);
            let whole = edges(&[buffer.channel(0).to_vec(), buffer.channel(1).to_vec()]);
            let mut pieces = Edges::new(2, RATE);
            let mut start = 0;
            for cut in cuts {
                pieces.push(&buffer.range(start, cut));
                start += cut;
            }
            prop_assert_eq!(pieces.dropouts(), whole.dropouts());
            prop_assert_eq!(pieces.leading_frames(), whole.leading_frames());
            prop_assert_eq!(pieces.trailing_frames(), whole.trailing_frames());
            prop_assert_eq!(pieces.end_levels(), whole.end_levels());
        }
    }
}
