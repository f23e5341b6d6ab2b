//! Sample peak, RMS, DC, stereo sums, and the level of every 50 ms.

use crate::bins::BINS_PER_SECOND;
use audio::{BlockRef, Frames, SILENCE_DB, gain_to_db, power_to_db};
use std::collections::VecDeque;

/// Bins of 10 ms in one frame.
pub(crate) const FRAME_BINS: usize = 5;
/// The loudest window of a channel is 600 ms long: what a K-system meter integrates over.
const LOUDEST_BINS: usize = 60 * BINS_PER_SECOND / 100;
/// Stretches that are kept at most: those of an hour. An even number.
const MOST_STRETCHES: usize = 3600 * BINS_PER_SECOND / FRAME_BINS;
/// What is lower than this at the ends of a signal is quiet there (-60 dBFS).
const QUIET: f64 = 0.001;

/// Decibels of an amplitude; `None` of silence.
pub(crate) fn level_db(amplitude: f64) -> Option<f64> {
    Some(gain_to_db(amplitude)).filter(|db| db.is_finite())
}

/// Decibels of a power; `None` of silence (a rounding error below zero included).
pub(crate) fn power_db(power: f64) -> Option<f64> {
    Some(power_to_db(power)).filter(|db| db.is_finite())
}

/// Decibels of one power against another, within 240 dB either way; `None` when both are silent.
pub(crate) fn ratio_db(power: f64, reference: f64) -> Option<f64> {
    let (power, reference) = (power.max(0.0), reference.max(0.0));
    (power + reference > 0.0).then(|| power_to_db(power / reference).clamp(SILENCE_DB, -SILENCE_DB))
}

/// The sums over a stretch of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sums {
    pub(crate) samples: f64,
    pub(crate) squares: f64,
    pub(crate) peak: f64,
}

audio::wide! {
    /// The sums of some samples, in eight lanes.
    fn sums_of(samples: &[f64]) -> Sums {
        const LANES: usize = 8;
        let (mut sum, mut squares, mut peak) = ([0.0; LANES], [0.0; LANES], [0.0f64; LANES]);
        let chunks = samples.chunks_exact(LANES);
        for (lane, x) in chunks.remainder().iter().enumerate() {
            sum[lane] += x;
            squares[lane] += x * x;
            peak[lane] = x.abs();
        }
        for chunk in chunks {
            for lane in 0..LANES {
                let x = chunk[lane];
                sum[lane] += x;
                squares[lane] += x * x;
                peak[lane] = if x.abs() > peak[lane] { x.abs() } else { peak[lane] };
            }
        }
        Sums {
            samples: sum.iter().sum(),
            squares: squares.iter().sum(),
            peak: peak.iter().copied().fold(0.0, f64::max),
        }
    }
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.samples += other.samples;
        self.squares += other.squares;
        self.peak = self.peak.max(other.peak);
    }
}

/// The levels of a signal: in total, per channel and per stretch of 50 ms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels {
    pub(crate) frames: Frames,
    pub(crate) channels: Vec<Sums>,
    /// Sum of the products of left and right, for two channels.
    pub(crate) product: f64,
    /// Bins taken; the last may be short.
    bins: usize,
    /// For each channel the sums of the last bin.
    last: Vec<Sums>,
    /// The stretches of [`FRAME_BINS`] bins.
    stretches: Stretches,
    loudest: Loudest,
    first_sound: Option<Frames>,
    after_sound: Frames,
    /// Where bins begin that are higher than all before, and by which sample.
    rises: Vec<(Frames, f64)>,
    /// Where bins end that are higher than all behind them, and by which sample.
    falls: Vec<(Frames, f64)>,
}

/// What is kept of every stretch. Of what is longer than an hour, two neighbours are kept as one, of what is longer than two
/// hours four, and so on: it never holds more than an hour's.
#[derive(Debug, Clone, Default)]
struct Stretches {
    /// How often the length of what is kept has doubled.
    doubled: u32,
    /// The one that is being filled: frames, highest sample.
    open: (u32, f64),
    frames: Vec<u32>,
    /// The highest sample of all channels.
    peaks: Vec<f64>,
    /// For each stretch and channel the sum of its samples and of their squares; the last stretch may be open.
    sums: Vec<(f64, f64)>,
}

impl Stretches {
    /// Bins in what is kept as one.
    fn bins(&self) -> usize {
        FRAME_BINS << self.doubled
    }

    /// Takes a bin, the one with the number `at`.
    fn take(&mut self, at: usize, frames: Frames, bin: &[Sums]) {
        if at.is_multiple_of(self.bins()) {
            self.open = (0, 0.0);
            self.sums.extend(bin.iter().map(|_| (0.0, 0.0)));
        }
        let from = self.sums.len() - bin.len();
        for (sums, channel) in self.sums[from..].iter_mut().zip(bin) {
            *sums = (sums.0 + channel.samples, sums.1 + channel.squares);
            self.open.1 = self.open.1.max(channel.peak);
        }
        self.open.0 += frames as u32;
        if (at + 1).is_multiple_of(self.bins()) {
            self.frames.push(self.open.0);
            self.peaks.push(self.open.1);
            if self.frames.len() == MOST_STRETCHES {
                self.double(bin.len());
            }
        }
    }

    /// Makes one of every two.
    fn double(&mut self, channels: usize) {
        halve(&mut self.frames, |a, b| a + b);
        halve(&mut self.peaks, |a, b| a.max(b));
        for pair in 0..self.frames.len() {
            for channel in 0..channels {
                let (a, b) = (2 * pair * channels + channel, (2 * pair + 1) * channels + channel);
                let (a, b) = (self.sums[a], self.sums[b]);
                self.sums[pair * channels + channel] = (a.0 + b.0, a.1 + b.1);
            }
        }
        self.sums.truncate(self.frames.len() * channels);
        self.doubled += 1;
    }
}

/// Makes one of every two neighbours of an even number of values.
pub(crate) fn halve<T: Copy>(values: &mut Vec<T>, both: impl Fn(T, T) -> T) {
    for pair in 0..values.len() / 2 {
        values[pair] = both(values[2 * pair], values[2 * pair + 1]);
    }
    values.truncate(values.len() / 2);
}

/// The highest mean square of one channel over [`LOUDEST_BINS`].
#[derive(Debug, Clone, Default)]
struct Loudest {
    /// The frames of the last bins, and for each bin and channel the sum of squares.
    frames: VecDeque<u32>,
    squares: VecDeque<f64>,
    most: f64,
    /// For each channel about the sum of its squares, and the bins since it was exactly that.
    running: Vec<f64>,
    running_bins: u32,
}

/// After so many bins running sums are begun anew: what rounding has added to them by then is some 1e-12 of the largest.
const RUNNING_BINS: u32 = 4096;
/// Where a running sum stands lower than the highest by more than this share, so does the sum.
const RUNNING_MARGIN: f64 = 1e-9;

impl Loudest {
    fn take(&mut self, frames: Frames, bin: &[Sums]) {
        self.running.resize(bin.len(), 0.0);
        if self.frames.len() == LOUDEST_BINS {
            self.frames.pop_front();
            let gone = self.squares.drain(..bin.len());
            self.running.iter_mut().zip(gone).for_each(|(running, squares)| *running -= squares);
        }
        self.frames.push_back(frames as u32);
        self.squares.extend(bin.iter().map(|sums| sums.squares));
        self.running.iter_mut().zip(bin).for_each(|(running, sums)| *running += sums.squares);
        self.running_bins += 1;
        if self.frames.len() == LOUDEST_BINS && self.may_be_louder() {
            self.most = self.most.max(self.now(bin.len()));
        }
    }

    /// Whether the bins at hand may be louder than all before.
    fn may_be_louder(&mut self) -> bool {
        if self.running_bins >= RUNNING_BINS {
            let channels = self.running.len();
            for (channel, running) in self.running.iter_mut().enumerate() {
                *running = self.squares.iter().skip(channel).step_by(channels).sum();
            }
            self.running_bins = 0;
        }
        let frames: u32 = self.frames.iter().sum();
        let highest = self.running.iter().copied().fold(0.0, f64::max);
        highest >= self.most * (1.0 - RUNNING_MARGIN) * f64::from(frames)
    }

    /// The highest mean square of the bins at hand.
    fn now(&self, channels: usize) -> f64 {
        let frames: f64 = self.frames.iter().map(|n| f64::from(*n)).sum();
        let of = |channel: usize| self.squares.iter().skip(channel).step_by(channels).sum::<f64>() / frames;
        (0..channels).map(of).fold(0.0, f64::max)
    }
}

impl Levels {
    pub(crate) fn new(channels: usize) -> Levels {
        Levels { channels: vec![Sums::default(); channels], ..Levels::default() }
    }

    /// Takes one bin of clean samples.
    pub(crate) fn bin(&mut self, block: &BlockRef) {
        self.last.clear();
        self.last.extend(block.iter().map(sums_of));
        self.channels.iter_mut().zip(&self.last).for_each(|(total, sums)| total.add(*sums));
        if block.channels() == 2 {
            self.product += dot(block.channel(0), block.channel(1));
        }
        let peak = self.last.iter().map(|sums| sums.peak).fold(0.0, f64::max);
        if peak > 0.0 {
            let sound = |n: &Frames| block.iter().any(|samples| samples[*n] != 0.0);
            let first = (0..block.frames()).find(sound).unwrap_or(0);
            let last = (0..block.frames()).rev().find(sound).unwrap_or(0);
            self.first_sound.get_or_insert(self.frames + first);
            self.after_sound = self.frames + last + 1;
        }
        self.follow(peak, block.frames());
        self.frames += block.frames();
        self.stretches.take(self.bins, block.frames(), &self.last);
        self.loudest.take(block.frames(), &self.last);
        self.bins += 1;
    }

    /// Keeps where the signal first rises above any level, and where it last falls below it.
    fn follow(&mut self, peak: f64, frames: Frames) {
        if self.rises.last().map_or(0.0, |(_, most)| *most) < peak {
            self.rises.push((self.frames, peak));
        }
        if peak > 0.0 {
            while self.falls.last().is_some_and(|(_, other)| *other <= peak) {
                self.falls.pop();
            }
            self.falls.push((self.frames + frames, peak));
        }
    }

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        let (power, height) = (gain * gain, gain.abs());
        for sums in self.channels.iter_mut().chain(&mut self.last) {
            *sums = Sums {
                samples: gain * sums.samples,
                squares: power * sums.squares,
                peak: height * sums.peak,
            };
        }
        self.product *= power;
        let Stretches { open, peaks, sums, .. } = &mut self.stretches;
        open.1 *= height;
        peaks.iter_mut().for_each(|peak| *peak *= height);
        sums.iter_mut()
            .for_each(|(samples, squares)| (*samples, *squares) = (gain * *samples, power * *squares));
        self.loudest.squares.iter_mut().for_each(|squares| *squares *= power);
        self.loudest.running.iter_mut().for_each(|running| *running *= power);
        self.loudest.most *= power;
        self.rises.iter_mut().chain(&mut self.falls).for_each(|(_, peak)| *peak *= height);
    }

    /// Number of full stretches of [`FRAME_BINS`] bins; where several are kept as one, of those that are full.
    pub(crate) fn stretches(&self) -> usize {
        self.stretches.frames.len() << self.stretches.doubled
    }

    /// Highest sample of all channels.
    pub(crate) fn peak(&self) -> f64 {
        self.channels.iter().map(|c| c.peak).fold(0.0, f64::max)
    }

    /// Mean square over frames and channels.
    pub(crate) fn mean_square(&self) -> f64 {
        let squares: f64 = self.channels.iter().map(|c| c.squares).sum();
        squares / (self.frames * self.channels.len()).max(1) as f64
    }

    /// Mean of one channel.
    pub(crate) fn mean(&self, channel: usize) -> f64 {
        self.channels[channel].samples / self.frames.max(1) as f64
    }

    /// Highest sample and mean square without the signal's DC of the full stretches `from .. to`, over all channels; where
    /// several are kept as one, of all of those that these are part of and that are full.
    pub(crate) fn stretch(&self, from: usize, to: usize) -> (f64, f64) {
        let (full, doubled) = (self.stretches.frames.len(), self.stretches.doubled);
        let (from, to) = ((from >> doubled).min(full), to.div_ceil(1 << doubled).min(full));
        let count = self.channels.len();
        let frames: f64 = self.stretches.frames[from..to].iter().map(|n| f64::from(*n)).sum();
        let peak = self.stretches.peaks[from..to].iter().copied().fold(0.0, f64::max);
        let mut power = 0.0;
        for channel in 0..count {
            let dc = self.mean(channel);
            let (mut samples, mut squares) = (0.0, 0.0);
            for stretch in from..to {
                let sums = self.stretches.sums[stretch * count + channel];
                samples += sums.0;
                squares += sums.1;
            }
            power += squares - 2.0 * dc * samples + dc * dc * frames;
        }
        (peak, (power / (frames * count as f64)).max(0.0))
    }

    /// The sums of squares and the highest samples of the channels in the last bin.
    pub(crate) fn last_bin(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.last.iter().map(|sums| (sums.squares, sums.peak))
    }

    /// The highest mean square of one channel over 600 ms; over all of a signal that is shorter.
    pub(crate) fn loudest_square(&self) -> f64 {
        let long = self.bins >= LOUDEST_BINS || self.bins == 0;
        if long { self.loudest.most } else { self.loudest.now(self.channels.len()) }
    }

    /// Frames before the first and after the last bin in which a sample is higher than -60 dBFS; where there is
    /// none, all of them are before.
    pub(crate) fn quiet(&self) -> (Frames, Frames) {
        let loud = |of: &&(Frames, f64)| of.1 > QUIET;
        match self.rises.iter().find(loud).zip(self.falls.iter().rfind(loud)) {
            Some(((first, _), (after, _))) => (*first, self.frames - after),
            None => (self.frames, 0),
        }
    }

    /// Frames of digital silence at the start and at the end; a silent signal is all start.
    pub(crate) fn silence(&self) -> (Frames, Frames) {
        match self.first_sound {
            Some(first) => (first, self.frames - self.after_sound),
            None => (self.frames, 0),
        }
    }
}

audio::wide! {
    /// The highest absolute sample.
    pub(crate) fn highest(samples: &[f64]) -> f64 {
        let mut most = [0.0f64; 8];
        let chunks = samples.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for lane in 0..8 {
                let x = chunk[lane].abs();
                most[lane] = if x > most[lane] { x } else { most[lane] };
            }
        }
        let of_rest = rest.iter().fold(0.0, |most: f64, x| if x.abs() > most { x.abs() } else { most });
        most.iter().fold(of_rest, |most: f64, x| if *x > most { *x } else { most })
    }
}

/// The sum of products of two equally long channels.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (lane, (x, y)) in a.remainder().iter().zip(b.remainder()).enumerate() {
        sums[lane] += x * y;
    }
    for (x, y) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum()
}

/// The energies that describe a stereo image, of a signal or of one of its bands.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Stereo {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Real part of the cross-power.
    pub(crate) product: f64,
}

impl Stereo {
    /// `sum LR / sqrt(sum L^2 sum R^2)`; `None` when a channel is silent.
    pub(crate) fn correlation(&self) -> Option<f64> {
        let norm = (self.left * self.right).sqrt();
        (norm > 0.0).then(|| (self.product / norm).clamp(-1.0, 1.0))
    }

    /// Level of `(L - R) / 2` against `(L + R) / 2`, in dB.
    pub(crate) fn side_mid_db(&self) -> Option<f64> {
        let both = self.left + self.right;
        ratio_db(both - 2.0 * self.product, both + 2.0 * self.product)
    }

    /// What folding to mono costs: `10 log10(mean(L^2 + R^2) / 2 / mean(((L + R) / 2)^2))`.
    pub(crate) fn mono_loss_db(&self) -> Option<f64> {
        let both = self.left + self.right;
        let folded = (both + 2.0 * self.product) / 2.0;
        (both > 0.0).then(|| ratio_db(both, folded)).flatten()
    }

    /// Level of right against left, in dB.
    pub(crate) fn balance_db(&self) -> Option<f64> {
        ratio_db(self.right, self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stereo(left: &[f64], right: &[f64]) -> Stereo {
        Stereo { left: dot(left, left), right: dot(right, right), product: dot(left, right) }
    }

    /// The loudest window is that of all windows, each summed by itself, whatever came before it: finds one that is passed over
    /// because of a running sum, and a sum that keeps what a loud place has left of its rounding.
    #[test]
    fn the_loudest_window_is_found() {
        let mut state = 5u64;
        let mut dice = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        // A quiet beginning; slow growth, in which most windows are the loudest yet; silence; twice as loud.
        let growing = (0..6000).map(|n| 1e-3 + n as f64 * 1e-6);
        let levels = std::iter::repeat_n(1e-12, 100).chain(growing).chain(std::iter::repeat_n(0.0, 300));
        let levels: Vec<f64> = levels.chain(std::iter::repeat_n(14e-3, 70)).collect();
        let bins: Vec<[f64; 2]> = levels.iter().map(|level| [level * dice(), level * dice()]).collect();
        let mut loudest = Loudest::default();
        for (end, bin) in bins.iter().enumerate() {
            let sums = bin.map(|squares| Sums { squares, ..Sums::default() });
            loudest.take(441, &sums);
            if end + 1 >= LOUDEST_BINS && (end % 97 == 0 || end + 1 == bins.len()) {
                let windows = bins[..=end].windows(LOUDEST_BINS);
                let means = windows.flat_map(|window| {
                    [0, 1].map(|channel| window.iter().map(|bin| bin[channel]).sum::<f64>() / (441.0 * 60.0))
                });
                let expected = means.fold(0.0, f64::max);
                assert!((loudest.most / expected - 1.0).abs() < 1e-12, "{end}: {} {expected}", loudest.most);
            }
        }
    }

    #[test]
    fn known_images() {
        // 1920 frames hold whole periods of both tones, so that sine and cosine are exactly independent.
        let wave = |f: fn(f64) -> f64| -> Vec<f64> {
            (0..1920).map(|n| f(n as f64 * std::f64::consts::TAU / 48.0)).collect()
        };
        let (sine, cosine, silence) = (wave(f64::sin), wave(f64::cos), vec![0.0; 1920]);
        let minus: Vec<f64> = sine.iter().map(|x| -x).collect();
        let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} for {b}");

        let mono = stereo(&sine, &sine);
        near(mono.correlation(), 1.0);
        near(mono.mono_loss_db(), 0.0);
        near(mono.side_mid_db(), SILENCE_DB);
        near(mono.balance_db(), 0.0);

        let independent = stereo(&sine, &cosine);
        near(independent.correlation(), 0.0);
        near(independent.mono_loss_db(), 10.0 * 2f64.log10());
        near(independent.side_mid_db(), 0.0);

        let opposite = stereo(&sine, &minus);
        near(opposite.correlation(), -1.0);
        near(opposite.mono_loss_db(), -SILENCE_DB);
        near(opposite.side_mid_db(), -SILENCE_DB);

        let left = stereo(&sine, &silence);
        assert_eq!(left.correlation(), None);
        near(left.balance_db(), SILENCE_DB);
        near(left.mono_loss_db(), 10.0 * 2f64.log10());

        let nothing = stereo(&silence, &silence);
        assert_eq!((nothing.correlation(), nothing.mono_loss_db()), (None, None));
        assert_eq!((nothing.side_mid_db(), nothing.balance_db()), (None, None));
    }

    #[test]
    fn dc_does_not_hide_a_pause() {
        let mut levels = Levels::new(1);
        let tone: Vec<f64> = (0..480).map(|n| 0.1 + 0.2 * (n as f64 * 0.1309).sin()).collect();
        for _ in 0..FRAME_BINS {
            levels.bin(&BlockRef::from_mono(&tone));
        }
        for _ in FRAME_BINS..100 {
            levels.bin(&BlockRef::from_mono(&[0.1; 480]));
        }
        // The mean of the whole differs from 0.1 by the tone's, which is under 1e-4: -80 dB.
        let (peak, power) = levels.stretch(10, 12);
        assert_eq!(peak, 0.1);
        assert!(power < 1e-8, "{power}");
        assert!((levels.stretch(0, 1).1 - 0.02).abs() < 1e-3);
    }

    /// Finds stretches beyond an hour that grow, lie elsewhere or have other levels than the signal had there.
    #[test]
    fn a_long_signal_is_kept_in_longer_stretches() {
        let mut levels = Levels::new(2);
        // A second each at a level of its own, 7 different ones, over 5 hours; bins of two frames.
        let level = |second: usize| 0.1 * (1 + second % 7) as f64;
        for second in 0..5 * 3600 {
            let (loud, still) = (level(second), 0.5 * level(second));
            let bin = audio::Buffer::from_channels(&[vec![loud, -loud], vec![still, still]]);
            (0..BINS_PER_SECOND).for_each(|_| levels.bin(&bin.as_block()));
        }
        assert!(levels.stretches.frames.len() <= MOST_STRETCHES && levels.stretches.doubled == 3);
        assert_eq!(levels.stretches.sums.len(), 2 * levels.stretches.frames.len());
        assert_eq!(levels.stretches(), 5 * 3600 * 20);
        // The second channel is DC alone, whose mean over all is 0.2 (to the part of the levels that 7 leaves of 18,000).
        let dc = levels.mean(1);
        for second in [0usize, 1, 3599, 3600, 7_205, 17_999] {
            // Eight stretches of 50 ms are one: those that lie wholly in a second.
            let (from, to) = ((20 * second).next_multiple_of(8), (20 * (second + 1)) / 8 * 8);
            let (peak, power) = levels.stretch(from, to);
            let expected = (level(second).powi(2) + (0.5 * level(second) - dc).powi(2)) / 2.0;
            assert_eq!(peak, level(second), "{second}");
            assert!((power - expected).abs() < 1e-12, "{second}: {power} for {expected}");
        }
        // The end of a signal fills no stretch of eight; what is known of it is what is full.
        let bin = audio::Buffer::from_channels(&[vec![0.9; 2], vec![0.9; 2]]);
        (0..7 * FRAME_BINS).for_each(|_| levels.bin(&bin.as_block()));
        assert_eq!(levels.stretches(), 5 * 3600 * 20);
        assert!(levels.stretch(5 * 3600 * 20 - 1, 5 * 3600 * 20 + 7).0 < 0.9);
        assert_eq!(levels.stretch(5 * 3600 * 20, 5 * 3600 * 20 + 7), (0.0, 0.0));
    }

    #[test]
    fn silence_at_both_ends_is_counted_in_frames() {
        let mut levels = Levels::new(1);
        let mut samples = vec![0.0; 1000];
        samples[123..=777].fill(0.1);
        samples.chunks(100).for_each(|bin| levels.bin(&BlockRef::from_mono(bin)));
        assert_eq!(levels.silence(), (123, 222));
    }
}
