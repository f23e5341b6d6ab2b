//! How long a file is at rest before its first sound and after its last, where the rest is room tone and no digital
//! silence.

use audio::{BlockRef, Frames};

/// What is softer than this over a cell is pause, in dBFS RMS: 10 dB over the loudest room tone that audiobook shops take
/// (-60), and far under speech.
pub(crate) const PAUSE_DBFS: f64 = -50.0;
/// Length of a cell, in seconds.
const CELL_S: f64 = 0.01;
/// Samples after which it is asked whether a cell is known to be no pause.
const PIECE: Frames = 16;

/// Finds the first and the last cell that is no pause, block by block.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    cell: Frames,
    power: f64,
    channels: usize,
    filled: Frames,
    /// Sums of squares of the cell, up to where one of them is known to be no pause.
    sums: Vec<f64>,
    sounds: bool,
    cells: Frames,
    first: Option<Frames>,
    last: Option<Frames>,
}

impl Pauses {
    /// For `channels` channels at a sample rate in hertz.
    pub(crate) fn new(channels: usize, sample_rate_hz: f64) -> Pauses {
        Pauses {
            cell: ((CELL_S * sample_rate_hz).round() as Frames).max(1),
            power: 10f64.powf(PAUSE_DBFS / 10.0),
            channels,
            filled: 0,
            sums: vec![0.0; channels],
            sounds: false,
            cells: 0,
            first: None,
            last: None,
        }
    }

    /// Takes the next block (channels x any number of frames).
    pub(crate) fn push(&mut self, block: &BlockRef) {
        let mut at = 0;
        while at < block.frames() {
            let take = (self.cell - self.filled).min(block.frames() - at);
            let enough = self.power * self.cell as f64;
            for channel in 0..self.channels {
                for piece in block.channel(channel)[at..at + take].chunks(PIECE) {
                    // Squares only add to what is there.
                    if self.sounds {
                        break;
                    }
                    // One after the other, so that it does not matter how blocks were cut.
                    for sample in piece {
                        self.sums[channel] += sample * sample;
                    }
                    self.sounds = self.sums[channel] > enough;
                }
            }
            self.filled += take;
            at += take;
            if self.filled == self.cell {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        // The louder channel counts: a voice on one side is a voice.
        let loudest = self.sums.iter().fold(0.0, |loudest: f64, sum| loudest.max(*sum));
        if self.sounds || loudest > self.power * self.filled as f64 {
            self.first.get_or_insert(self.cells);
            self.last = Some(self.cells);
        }
        self.sums.fill(0.0);
        self.sounds = false;
        self.filled = 0;
        self.cells += 1;
    }

    /// Frames of pause before the first sound and after the last; `None` where everything is pause.
    pub(crate) fn frames(&self) -> Option<(Frames, Frames)> {
        let mut whole = self.clone();
        let all = self.cells * self.cell + self.filled;
        if whole.filled > 0 {
            whole.close();
        }
        let (first, last) = whole.first.zip(whole.last)?;
        Some((first * self.cell, all.saturating_sub((last + 1) * self.cell)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Buffer, db_to_gain};
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    const RATE: f64 = 44_100.0;

    /// Room tone at `room_dbfs` RMS with a tone of -20 dBFS from `from` to `to`.
    fn spoken(room_dbfs: f64, frames: usize, from: usize, to: usize) -> Vec<f64> {
        let room = db_to_gain(room_dbfs);
        (0..frames)
            .map(|n| {
                // A square has its RMS in every cell.
                let tone = if n / 20 % 2 == 0 { room } else { -room };
                let voice =
                    if (from..to).contains(&n) { 0.1 * (TAU * 200.0 * n as f64 / RATE).sin() } else { 0.0 };
                tone + voice
            })
            .collect()
    }

    fn found(channels: &[Vec<f64>], cuts: &[usize]) -> Option<(Frames, Frames)> {
        let buffer = Buffer::from_channels(channels);
        let mut pauses = Pauses::new(channels.len(), RATE);
        let mut start = 0;
        for cut in cuts.iter().copied().chain([usize::MAX]) {
            let take = cut.min(buffer.frames() - start);
            pauses.push(&buffer.range(start, take));
            start += take;
        }
        pauses.frames()
    }

    // Finds a search that takes room tone for sound, or that asks only one channel.
    #[test]
    fn room_tone_is_pause_and_one_channel_is_enough_for_a_voice() {
        let voice = spoken(-65.0, 88_200, 33_075, 66_150);
        let room = spoken(-65.0, 88_200, 0, 0);
        for channels in [vec![voice.clone()], vec![voice.clone(), room.clone()], vec![room.clone(), voice]] {
            let (start, end) = found(&channels, &[]).unwrap();
            // Cells of 441 frames.
            assert!(start.abs_diff(33_075) <= 441 && end.abs_diff(22_050) <= 441, "{start} {end}");
        }
        assert_eq!(found(&[room], &[]), None);
        // Louder room tone is no pause any more.
        assert_eq!(found(&[spoken(-45.0, 44_100, 20_000, 30_000)], &[]), Some((0, 0)));
        assert_eq!(found(&[Vec::new()], &[]), None);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(cuts in prop::collection::vec(0usize..9_000, 0..20), from in 0usize..40_000) {
            let plane = spoken(-60.0, 50_123, from, from + 5_000);
            let channels = [plane];
            prop_assert_eq!(found(&channels, &cuts), found(&channels, &[]));
        }
    }
}
