//! Where sound begins and ends, and where it is torn.

use audio::{BlockRef, Frames};
use serde::Serialize;

/// Nothing above this is silence: one and a half steps of 16 bits, so that dithered silence is silence.
const QUIET: f64 = 1.5 / 32_768.0;
/// Sound beside a hole is sound from here on (-66 dBFS): 20 dB above silence.
const SOUND: f64 = 0.000_501_187_233_627_272_3;
/// A hole is torn, not played, when right at both of its edges the sound is still as high as this part of what it
/// is a little farther off. A fade of 5 ms or more is lower there.
const TORN: f64 = 0.2;
/// "Right at" the edge, in seconds.
const NEAR_S: f64 = 0.0005;
/// "A little farther off", in seconds.
const FAR_S: f64 = 0.01;
/// The shortest hole that is looked for, in seconds. No wave above 20 Hz and -66 dBFS stays silent as long at its
/// zero crossings.
const SHORTEST_S: f64 = 0.002;
/// The longest, in seconds; beyond it is a pause.
const LONGEST_S: f64 = 1.0;
/// Samples that are looked at together.
const PIECE: usize = 64;
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

/// Finds the silence at both ends, ends that are cut, and dropouts, block by block.
#[derive(Debug, Clone)]
pub struct Edges {
    frames: Frames,
    first_sound: Option<Frames>,
    last_sound: Option<Frames>,
    first_level: f64,
    near: Frames,
    far: Frames,
    shortest: Frames,
    longest: Frames,
    channels: Vec<Search>,
    dropouts: Vec<Dropout>,
    count: usize,
}

/// The search for holes in one channel.
#[derive(Debug, Clone)]
struct Search {
    /// The last absolute samples; frame `n` stands at `n % recent.len()`.
    recent: Vec<f64>,
    /// First frame of the silence that goes on now.
    silent_since: Option<Frames>,
    /// Whether the sound before it was torn off; known once it is as long as the shortest hole.
    torn_before: bool,
    /// The hole that ended a moment ago.
    ended: Option<Ended>,
}

impl Search {
    /// Takes note of samples from `frame` on.
    fn remember(&mut self, frame: Frames, samples: &[f64]) {
        let room = self.recent.len();
        // Only the last of what is longer than what is kept.
        let passed = samples.len().saturating_sub(room);
        let (mut frame, mut samples) = (frame + passed, &samples[passed..]);
        while !samples.is_empty() {
            let at = frame & (room - 1);
            let (now, later) = samples.split_at(samples.len().min(room - at));
            self.recent[at..at + now.len()].iter_mut().zip(now).for_each(|(level, x)| *level = x.abs());
            frame += now.len();
            samples = later;
        }
    }
}

audio::wide! {
    /// Whether no sample is silent.
    fn all_sound(samples: &[f64]) -> bool {
        samples.iter().fold(true, |all, sample| all & (sample.abs() > QUIET))
    }
}

/// A hole that was torn open, while it is not known whether it was torn shut.
#[derive(Debug, Clone, Copy)]
struct Ended {
    start: Frames,
    end: Frames,
    near: f64,
    far: f64,
}

impl Search {
    /// The peak of the last `frames` frames before `end`, which are among the recent ones.
    fn peak_before(&self, end: Frames, frames: Frames) -> f64 {
        let mask = self.recent.len() - 1;
        (end.saturating_sub(frames)..end).fold(0.0, |peak: f64, n| peak.max(self.recent[n & mask]))
    }
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
            near: frames(NEAR_S),
            far: frames(FAR_S),
            shortest: frames(SHORTEST_S).max(1),
            longest: frames(LONGEST_S),
            channels: vec![
                Search {
                    recent: vec![0.0; (frames(FAR_S) + frames(SHORTEST_S) + 1).next_power_of_two()],
                    silent_since: None,
                    torn_before: false,
                    ended: None,
                };
                channels
            ],
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
        if self.frames == 0 {
            self.first_level = block.iter().fold(0.0, |level, samples| level.max(samples[0].abs()));
        }
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
        let (near, far, shortest, longest) = (self.near, self.far, self.shortest, self.longest);
        let search = &mut self.channels[channel];
        let mask = search.recent.len() - 1;
        let mut found = |hole: Ended| {
            if is_torn(hole.near, hole.far) {
                self.count += 1;
                if self.dropouts.len() < MOST {
                    let frames = hole.end - hole.start;
                    self.dropouts.push(Dropout { channel, frame: hole.start, frames });
                }
            }
        };
        let waits = |search: &Search| search.silent_since.is_some() || search.ended.is_some();
        let mut at = self.frames;
        for piece in samples.chunks(PIECE) {
            // Sound all through, and nothing that waits for it.
            if !waits(search) && all_sound(piece) {
                search.remember(at, piece);
                at += piece.len();
                continue;
            }
            for sample in piece {
                let (frame, level) = (at, sample.abs());
                at += 1;
                search.recent[frame & mask] = level;
                if let Some(hole) = &mut search.ended {
                    let age = frame - hole.end;
                    if age < near {
                        hole.near = hole.near.max(level);
                    }
                    hole.far = hole.far.max(level);
                    if age >= far {
                        search.ended.take().into_iter().for_each(&mut found);
                    }
                }
                if level <= QUIET {
                    let start = *search.silent_since.get_or_insert(frame);
                    if frame - start + 1 == shortest {
                        search.torn_before =
                            is_torn(search.peak_before(start, near), search.peak_before(start, far));
                    }
                } else if let Some(start) = search.silent_since.take()
                    && (shortest..=longest).contains(&(frame - start))
                    && search.torn_before
                {
                    search.ended.take().into_iter().for_each(&mut found);
                    search.ended = Some(Ended { start, end: frame, near: level, far: level });
                }
            }
        }
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

    /// The highest absolute sample of the first frame, 1.0 being full scale.
    pub fn first_level(&self) -> f64 {
        self.first_level
    }

    /// The peak right at the end, 1.0 being full scale, where sound is cut off there and not faded.
    pub fn cut_end(&self) -> Option<f64> {
        let peak = |frames: Frames| {
            let channels = self.channels.iter();
            channels.fold(0.0, |peak: f64, s| peak.max(s.peak_before(self.frames, frames)))
        };
        let near = peak(self.near.max(1));
        is_torn(near, peak(self.far)).then_some(near)
    }

    /// How many dropouts there are, and the first of them in order of time.
    pub fn dropouts(&self) -> (usize, Vec<Dropout>) {
        let mut sorted = self.dropouts.clone();
        sorted.sort_by_key(|d| (d.frame, d.channel));
        (self.count, sorted)
    }
}

/// Whether sound with this peak right at an edge, and this one a little farther off, was cut rather than faded.
fn is_torn(near: f64, far: f64) -> bool {
    near >= SOUND && near >= TORN * far
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
        // Loud and quiet, short and long.
        for (amplitude, length) in [(0.3, 480), (0.002, 480), (0.3, 96), (0.3, 47_000)] {
            let mut left = tone(440.0, amplitude, 96_000);
            left[10_000..10_000 + length].fill(0.0);
            let found = edges(&[left, tone(300.0, amplitude, 96_000)]);
            let (count, places) = found.dropouts();
            assert_eq!((count, places[0].channel), (1, 0), "{amplitude}, {length}");
            // A sample beside the hole may itself be near zero.
            assert!(places[0].frame.abs_diff(10_000) <= 1 && places[0].frames.abs_diff(length) <= 2);
        }
    }

    #[test]
    fn music_that_stops_and_starts_is_not_torn() {
        // Linear fades of 5 and 20 ms into a rest, and a sudden start after it.
        for length in [240, 960] {
            let mut faded = tone(440.0, 0.3, 48_000);
            for n in 0..length {
                faded[10_000 + n] *= 1.0 - n as f64 / length as f64;
            }
            faded[10_000 + length..20_000].fill(0.0);
            assert_eq!(edges(&[faded]).dropouts().0, 0, "{length}");
        }
        // The same turned round: a sudden stop, and a fade in.
        let mut swell = tone(440.0, 0.3, 48_000);
        swell[10_000..20_000].fill(0.0);
        for n in 0..480 {
            swell[20_000 + n] *= n as f64 / 480.0;
        }
        assert_eq!(edges(&[swell]).dropouts().0, 0);
        // A pause of more than a second, cut hard.
        let mut pause = tone(440.0, 0.3, 200_000);
        pause[50_000..110_000].fill(0.0);
        assert_eq!(edges(&[pause]).dropouts().0, 0);
        // Slow waves and a square are never long at zero.
        assert_eq!(edges(&[tone(20.0, 0.000_6, 96_000)]).dropouts().0, 0);
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
        assert_eq!((found.first_level(), found.cut_end()), (0.0, None));
        let silent = edges(&[vec![0.0; 10]]);
        assert!(silent.is_silent());
        assert_eq!((silent.leading_frames(), silent.trailing_frames()), (10, 10));
        assert_eq!(Edges::new(2, RATE).trailing_frames(), 0);
    }

    #[test]
    fn an_end_is_cut_wherever_in_a_wave_it_falls() {
        let whole = tone(440.0, 0.3, 20_000);
        for frames in 10_000..10_120 {
            let level = edges(&[whole[..frames].to_vec(), vec![0.0; frames]]).cut_end().unwrap();
            assert!(level > 0.06 && level <= 0.3, "{level} after {frames}");
        }
        let mut faded = whole;
        for n in 0..240 {
            faded[19_999 - n] *= n as f64 / 240.0;
        }
        assert_eq!(edges(&[faded]).cut_end(), None);
        assert_eq!(edges(&[vec![0.5]]).cut_end(), Some(0.5));
        assert_eq!(Edges::new(2, RATE).cut_end(), None);
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
            prop_assert_eq!(pieces.cut_end(), whole.cut_end());
            prop_assert_eq!(pieces.first_level(), whole.first_level());
        }
    }
}
