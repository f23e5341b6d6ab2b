//! Finds, follows and subtracts the hum of one channel.

use super::lines::{BAND_HZ, LANES, MOST, Oscillator, add_line, goertzel, low_pass, median, response};
use crate::Complex64;
use crate::blocks::autoregression::dot;
use audio::Frames;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// The rate at which hum is looked for is the lowest above this, in hertz, that divides the sample rate.
const LEAST_RATE_HZ: f64 = 6_000.0;
/// Length of a window in seconds, and windows that begin within one.
const WINDOW_S: f64 = 1.4;
const OVERLAP: usize = 4;
/// What is always there is looked for over so many windows either way.
const AROUND: usize = 6;
const ROWS: usize = 2 * AROUND + 1;
/// So many windows have to say something.
const LEAST_ROWS: usize = AROUND + 1;
/// And so many that hum, for the line of one: fewer at the end of a file.
const LEAST_LOOKS: usize = 5;
/// The fundamental is searched so far from its nominal frequency, in such steps, in hertz.
const RANGE_HZ: f64 = 0.3;
const STEP_HZ: f64 = 0.02;
/// Harmonics that decide whether it hums.
const DECIDING: usize = 12;
/// The level beside a line is the middle one of the bins between these distances, in hertz.
const BESIDE_HZ: (f64, f64) = (4.0, 14.0);
const BESIDE_LINE_HZ: [f64; LANES] = [-11.0, -8.0, -5.5, -3.5, 3.5, 5.5, 8.0, 11.0];
/// As power ratios: a line stands out by 6 dB; two, one of them among the first three, by 12 dB.
const STANDS_OUT: f64 = 4.0;
const PLAIN: f64 = 16.0;
const PLAIN_LINES: usize = 2;
const LOWEST_PLAIN: usize = 3;
/// A line is hum when more than half of what the windows know lies so near to its amplitude, as a share of it.
const STEADY: f64 = 0.35;
/// Hum itself is steady to this share.
const WAVERS: f64 = 0.03;
/// And this share of the windows fits it, within so many times what lies beside the line.
const FITTING: f64 = 0.65;
const UNSURE: f64 = 2.0;
/// One steady line is a note that is held.
const LEAST_LINES: usize = 2;
/// Turns of the weighing of windows against each other.
const WEIGHINGS: usize = 6;
/// Windows quieter than this, as mean power, are silence.
const SILENCE: f64 = 1e-16;

/// What a window says.
#[derive(Debug, Clone)]
struct Look {
    /// Whether it hums around it.
    found: bool,
    /// Frequency of the fundamental in hertz; zero where it was never known.
    hz: f64,
    /// Radians that the fundamental turns from the window before.
    turn: f64,
    /// Amplitude and phase in the middle, by harmonic; and the amplitude of what lies beside the line.
    lines: [Complex64; MOST],
    beside: [f64; MOST],
}

impl Look {
    const NOTHING: Look =
        Look { found: false, hz: 0.0, turn: 0.0, lines: [Complex64::ZERO; MOST], beside: [0.0; MOST] };
}

/// The hum of a window, ready to be subtracted.
#[derive(Debug, Clone)]
struct Hum {
    hz: f64,
    lines: [Complex64; MOST],
    any: bool,
}

impl Hum {
    const NONE: Hum = Hum { hz: 0.0, lines: [Complex64::ZERO; MOST], any: false };
}

/// The hum of one channel.
pub(super) struct Tracker {
    /// The highest harmonic that is removed.
    pub(super) harmonics: usize,
    mains: &'static [f64],
    sample_rate_hz: f64,
    divisor: usize,
    /// The low-pass before the lower rate, and the last samples, twice.
    low_pass: Vec<f64>,
    recent: Vec<f64>,
    recent_at: usize,
    since: usize,
    /// Samples at the lower rate: the last windows.
    low: Vec<f64>,
    low_count: usize,
    window: Vec<f64>,
    hop: usize,
    transform: Arc<dyn RealToComplex<f64>>,
    padded: Vec<f64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
    /// Power of the low bins of the last windows, a row each; negative where it is silent.
    rows: Vec<f64>,
    kept: usize,
    rows_count: usize,
    constant: Vec<f64>,
    oscillator: Oscillator,
    looks: Vec<Look>,
    looks_count: usize,
    last: Hum,
    hums_count: usize,
    /// The audio on its way, and where the next sample goes.
    ring: Vec<f64>,
    at: u64,
    subtracted: Vec<f64>,
}

impl Tracker {
    pub(super) fn new(mains: &'static [f64], sample_rate_hz: f64) -> Tracker {
        let divisor = ((sample_rate_hz / LEAST_RATE_HZ) as usize).max(1);
        let rate = sample_rate_hz / divisor as f64;
        let hop = (WINDOW_S * rate / OVERLAP as f64) as usize;
        let size = OVERLAP * hop + 1;
        let window: Vec<f64> =
            (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect();
        let padded = size.next_power_of_two();
        let transform = RealFftPlanner::new().plan_fft_forward(padded);
        let highest_hz = (DECIDING as f64 + 1.0) * 61.0;
        let kept = ((highest_hz * padded as f64 / rate) as usize).min(padded / 2) + 1;
        let low_pass = low_pass(sample_rate_hz, divisor);
        let mut tracker = Tracker {
            harmonics: MOST,
            mains,
            sample_rate_hz,
            divisor,
            recent: vec![0.0; 2 * low_pass.len()],
            recent_at: 0,
            since: 0,
            low: vec![0.0; (ROWS + OVERLAP + 1) * hop + size],
            low_count: 0,
            hop,
            bins: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            padded: vec![0.0; padded],
            transform,
            rows: vec![-1.0; ROWS * kept],
            kept,
            rows_count: 0,
            constant: vec![0.0; kept],
            oscillator: Oscillator::new(size.max((OVERLAP / 2 + 1) * hop * divisor)),
            looks: vec![Look::NOTHING; ROWS],
            looks_count: 0,
            last: Hum::NONE,
            hums_count: 0,
            ring: Vec::new(),
            at: 0,
            subtracted: vec![0.0; 2 * (OVERLAP / 2 + 1) * hop * divisor],
            low_pass,
            window,
        };
        tracker.ring = vec![0.0; tracker.latency() + 1];
        tracker
    }

    /// Frames from a sample to its result: until the last window that its hum is judged by is complete.
    pub(super) fn latency(&self) -> Frames {
        (2 * AROUND * self.hop + self.window.len()) * self.divisor + 1
    }

    pub(super) fn reset(&mut self) {
        self.recent.fill(0.0);
        (self.recent_at, self.since, self.low_count) = (0, 0, 0);
        (self.rows_count, self.looks_count, self.hums_count, self.at) = (0, 0, 0, 0);
        self.low.fill(0.0);
        self.rows.fill(-1.0);
        self.looks.fill(Look::NOTHING);
        self.last = Hum::NONE;
        self.ring.fill(0.0);
    }

    /// Delays `samples` in place; what hums in them has been taken out meanwhile.
    pub(super) fn process(&mut self, samples: &mut [f64]) {
        let latency = self.latency() as u64;
        for sample in samples {
            let input = *sample;
            let length = self.ring.len() as u64;
            self.ring[(self.at % length) as usize] = input;
            self.at += 1;
            self.take(input);
            *sample =
                if self.at > latency { self.ring[((self.at - 1 - latency) % length) as usize] } else { 0.0 };
        }
    }

    /// Keeps a sample for the low-pass; every so often one of the lower rate comes out.
    fn take(&mut self, input: f64) {
        let taps = self.low_pass.len();
        self.recent_at = if self.recent_at == 0 { taps - 1 } else { self.recent_at - 1 };
        self.recent[self.recent_at] = input;
        self.recent[self.recent_at + taps] = input;
        if self.since == 0 {
            let low = dot(&self.recent[self.recent_at..self.recent_at + taps], &self.low_pass);
            let length = self.low.len();
            self.low[self.low_count % length] = low;
            self.low_count += 1;
            let size = self.window.len();
            if self.low_count >= size && (self.low_count - size).is_multiple_of(self.hop) {
                self.see();
            }
        }
        self.since = (self.since + 1) % self.divisor;
    }

    /// A sample of the lower rate by its number.
    fn low_at(&self, number: usize) -> f64 {
        self.low[number % self.low.len()]
    }

    /// A window is complete: its spectrum, then what it lets be judged.
    fn see(&mut self) {
        let (size, start) = (self.window.len(), self.rows_count * self.hop);
        for n in 0..size {
            self.padded[n] = self.low_at(start + n) * self.window[n];
        }
        self.padded[size..].fill(0.0);
        let sizes_fit = "the buffers are the transform's own";
        self.transform
            .process_with_scratch(&mut self.padded, &mut self.bins, &mut self.scratch)
            .expect(sizes_fit);
        // A window that sound begins or ends in is no witness: its edge is in every bin.
        let silent = [0..self.hop, size - self.hop..size].into_iter().any(|quarter| {
            let power: f64 = quarter.map(|n| self.low_at(start + n).powi(2)).sum();
            power <= SILENCE * self.hop as f64
        });
        let row = &mut self.rows[self.rows_count % ROWS * self.kept..][..self.kept];
        for (power, bin) in row.iter_mut().zip(&self.bins) {
            *power = if silent { -1.0 } else { bin.norm_sqr() };
        }
        self.rows_count += 1;
        if self.rows_count > AROUND {
            self.look(self.rows_count - 1 - AROUND);
        }
        if self.looks_count > AROUND {
            self.subtract(self.looks_count - 1 - AROUND);
        }
    }

    /// Judges a window by those around it.
    fn look(&mut self, number: usize) {
        let before = if number > 0 { self.looks[(number - 1) % ROWS].clone() } else { Look::NOTHING };
        let mut look = Look { hz: before.hz, ..Look::NOTHING };
        if let Some(hz) = self.find() {
            // While it is followed the track is finer than the search.
            let followed = before.found && (before.hz - hz).abs() < 2.0 * STEP_HZ;
            (look.found, look.hz) = (true, if followed { before.hz } else { hz });
        }
        if look.hz > 0.0 {
            self.measure(number, &mut look);
            self.tie(&before, &mut look);
        }
        self.looks[number % ROWS] = look;
        self.looks_count = number + 1;
    }

    /// The fundamental in what is always there; `None` where nothing hums.
    fn find(&mut self) -> Option<f64> {
        let mut column = [0.0; ROWS];
        for bin in 0..self.kept {
            let mut count = 0;
            for row in 0..ROWS.min(self.rows_count) {
                let power = self.rows[row * self.kept + bin];
                if power >= 0.0 {
                    column[count] = power;
                    count += 1;
                }
            }
            if count < LEAST_ROWS {
                return None;
            }
            self.constant[bin] = median(&mut column[..count]);
        }
        let candidates = self.mains.iter().filter_map(|mains_hz| self.find_near(*mains_hz));
        candidates.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(hz, _)| hz)
    }

    /// The best fundamental near a nominal one, and how plainly its lines stand out.
    fn find_near(&self, mains_hz: f64) -> Option<(f64, f64)> {
        let beside: [f64; DECIDING] = std::array::from_fn(|k| self.beside(mains_hz * (k + 1) as f64));
        let above = |hz: f64, k: usize| self.power_at(hz * (k + 1) as f64) / beside[k].max(1e-30);
        let steps = (RANGE_HZ / STEP_HZ).round() as i64;
        let score = |step: i64| {
            let hz = mains_hz + step as f64 * STEP_HZ;
            let stands = (0..DECIDING).map(|k| above(hz, k)).filter(|above| *above >= STANDS_OUT);
            (stands.map(|above| above.log2()).sum::<f64>(), hz)
        };
        let (plainness, hz) = (-steps..=steps).map(score).max_by(|a, b| a.0.total_cmp(&b.0))?;
        let plain = |k: &usize| above(hz, *k) >= PLAIN;
        let lines = (0..DECIDING).filter(plain).count();
        let hums = lines >= PLAIN_LINES && (0..LOWEST_PLAIN).any(|k| plain(&k));
        hums.then_some((hz, plainness))
    }

    fn bin_hz(&self) -> f64 {
        self.sample_rate_hz / self.divisor as f64 / self.padded.len() as f64
    }

    fn power_at(&self, hz: f64) -> f64 {
        let place = hz / self.bin_hz();
        let (bin, share) = (place as usize, place.fract());
        let at = |bin: usize| self.constant.get(bin).copied().unwrap_or(0.0);
        at(bin) * (1.0 - share) + at(bin + 1) * share
    }

    /// The middle power beside a line; the lines of the mains are further away than that.
    fn beside(&self, hz: f64) -> f64 {
        let mut near = [0.0; 256];
        let mut count = 0;
        let bins = |hz: f64| (hz.max(0.0) / self.bin_hz()) as usize;
        let below = bins(hz - BESIDE_HZ.1)..bins(hz - BESIDE_HZ.0);
        let above = bins(hz + BESIDE_HZ.0)..bins(hz + BESIDE_HZ.1);
        for bin in below.chain(above) {
            if bin < self.kept && count < near.len() {
                near[count] = self.constant[bin];
                count += 1;
            }
        }
        if count == 0 { f64::MAX } else { median(&mut near[..count]) }
    }

    /// Amplitudes and phases of the lines of a window, with the fundamental refined by their phases.
    fn measure(&mut self, number: usize, look: &mut Look) {
        let (size, rate) = (self.window.len(), self.sample_rate_hz / self.divisor as f64);
        let start = number * self.hop;
        for n in 0..size {
            self.padded[n] = self.low_at(start + n) * self.window[n];
        }
        let middle = (size - 1) as f64 / 2.0;
        let total: f64 = self.window.iter().sum();
        // The mean square of time under Hann's window of this length.
        let spread = (0..size).map(|n| self.window[n] * ((n as f64 - middle) / rate).powi(2)).sum::<f64>();
        // Few harmonics first: their phases cannot be off by a whole turn.
        let passes: &[usize] = if look.found { &[3, 10, MOST] } else { &[MOST] };
        for (turn, &highest) in passes.iter().enumerate() {
            let mut slopes = [Complex64::ZERO; MOST];
            let lines = self.lines_below(look.hz, highest);
            self.oscillator.begin(size, middle, TAU * look.hz / rate);
            for k in 0..lines {
                let [re, im] = &self.oscillator.now;
                let (mut sum, mut slope) = (Complex64::ZERO, Complex64::ZERO);
                for n in 0..size {
                    let part = Complex64::new(re[n], -im[n]) * self.padded[n];
                    sum += part;
                    slope += part * ((n as f64 - middle) / rate);
                }
                look.lines[k] = sum * 2.0 / total;
                slopes[k] = slope * 2.0 / spread;
                self.oscillator.next(size);
            }
            if turn + 1 < passes.len() {
                look.hz += self.offset(look, &slopes, lines).clamp(-0.1, 0.1);
            }
        }
        for k in 0..self.lines_below(look.hz, MOST) {
            look.beside[k] = self.beside_line(look.hz * (k + 1) as f64);
        }
    }

    /// The middle amplitude of what the window holds some hertz beside a line.
    fn beside_line(&self, hz: f64) -> f64 {
        let rate = self.sample_rate_hz / self.divisor as f64;
        let total: f64 = self.window.iter().sum();
        let samples = &self.padded[..self.window.len()];
        let factors = BESIDE_LINE_HZ.map(|away| 2.0 * (TAU * (hz + away) / rate).cos());
        2.0 * median(&mut goertzel(samples, &factors)) / total
    }

    /// Harmonics up to a highest one that lie within the band.
    fn lines_below(&self, hz: f64, highest: usize) -> usize {
        let band = BAND_HZ.min(0.45 * self.sample_rate_hz / self.divisor as f64);
        ((band / hz) as usize).min(highest).min(MOST)
    }

    /// By how much the fundamental is off, from the turn of its lines under the window: those that are as
    /// strong as always, weighted by what they know.
    fn offset(&self, look: &Look, slopes: &[Complex64; MOST], lines: usize) -> f64 {
        let total: f64 = self.window.iter().sum();
        let (mut sum, mut weights) = (0.0, 1e-300);
        for k in 0..lines.min(DECIDING) {
            let hz = look.hz * (k + 1) as f64;
            let always = 4.0 * self.power_at(hz) / (total * total);
            let own = look.lines[k].norm_sqr();
            let stands_out = always > STANDS_OUT * 4.0 * self.beside(hz) / (total * total);
            if stands_out && own < 4.0 * always && always < 4.0 * own {
                let off_hz = (slopes[k] * look.lines[k].conj()).im / own / TAU;
                let harmonic = (k + 1) as f64;
                // The harmonic tells the fundamental k times as exactly: weight k squared.
                sum += own * harmonic * harmonic * off_hz / harmonic;
                weights += own * harmonic * harmonic;
            }
        }
        sum / weights
    }

    /// The turn of the fundamental since the window before, so that all lines fit as well as they can.
    fn tie(&self, before: &Look, look: &mut Look) {
        let rate = self.sample_rate_hz / self.divisor as f64;
        let hz = if before.hz > 0.0 { 0.5 * (before.hz + look.hz) } else { look.hz };
        look.turn = TAU * hz * self.hop as f64 / rate;
        if !(before.found && look.found) {
            return;
        }
        for highest in [3, 8, 20, MOST] {
            let (mut sum, mut weights) = (0.0, 1e-300);
            for k in 0..self.lines_below(look.hz, highest) {
                let harmonic = (k + 1) as f64;
                let (a, b) = (before.lines[k], look.lines[k]);
                let (p, q) = (a.norm(), b.norm());
                let alike =
                    p < 1.5 * q && q < 1.5 * p && p > 2.0 * before.beside[k] && q > 2.0 * look.beside[k];
                if alike {
                    let turned = b * a.conj() * Complex64::from_polar(1.0, -harmonic * look.turn);
                    sum += p * q * harmonic * turned.arg();
                    weights += p * q * harmonic * harmonic;
                }
            }
            look.turn += sum / weights;
        }
    }

    /// Works out the hum in the middle of a window and subtracts it from the middle of the window before on.
    fn subtract(&mut self, number: usize) {
        let hum = self.judge(number);
        let segment = self.hop * self.divisor;
        let half = (self.window.len() - 1) / 2 * self.divisor;
        // The low-pass is late by half its length.
        let middle = (number * self.hop * self.divisor + half) as i64 - (self.low_pass.len() / 2) as i64;
        let first = number == 0;
        let frames = if first { middle.max(0) as usize } else { segment };
        let previous = if first { hum.clone() } else { self.last.clone() };
        if hum.any || previous.any {
            let (rising, falling) = self.subtracted.split_at_mut(self.oscillator.base[0].len());
            let (rising, falling) = (&mut rising[..frames], &mut falling[..frames]);
            render(&hum, &mut self.oscillator, rising, frames as f64, self.sample_rate_hz);
            render(
                &previous,
                &mut self.oscillator,
                falling,
                if first { frames as f64 } else { 0.0 },
                self.sample_rate_hz,
            );
            let length = self.ring.len() as u64;
            let start = (middle - frames as i64) as u64;
            for n in 0..frames {
                let fade = 0.5 - 0.5 * (PI * n as f64 / frames as f64).cos();
                let place = ((start + n as u64) % length) as usize;
                let before = ((start + n as u64 + length - 1) % length) as usize;
                // Digital silence has no hum.
                if self.ring[place] != 0.0 || self.ring[before] != 0.0 {
                    self.ring[place] -= fade * rising[n] + (1.0 - fade) * falling[n];
                }
            }
        }
        self.last = hum;
        self.hums_count = number + 1;
    }

    /// What of a window's lines is hum, by the windows around it.
    fn judge(&self, number: usize) -> Hum {
        let own = &self.looks[number % ROWS];
        let mut hum = Hum { hz: own.hz, ..Hum::NONE };
        if own.hz == 0.0 {
            return hum;
        }
        // The phase of the fundamental in each window against this one.
        let mut phases = [None; ROWS];
        let known = |other: usize| self.looks[other % ROWS].hz > 0.0;
        let mut phase = 0.0;
        for other in number..self.looks_count {
            if other > number {
                phase += self.looks[other % ROWS].turn;
            }
            phases[other % ROWS] = known(other).then_some(phase);
        }
        phase = 0.0;
        for other in (number.saturating_sub(AROUND)..number).rev() {
            phase -= self.looks[(other + 1) % ROWS].turn;
            if !known(other) {
                break;
            }
            phases[other % ROWS] = Some(phase);
        }
        for k in 0..self.lines_below(own.hz, self.harmonics) {
            if let Some(line) = self.judge_line(k, &phases) {
                let gain = response(&self.low_pass, TAU * own.hz * (k + 1) as f64 / self.sample_rate_hz);
                hum.lines[k] = line / gain;
            }
        }
        hum.any = hum.lines.iter().filter(|line| **line != Complex64::ZERO).count() >= LEAST_LINES;
        hum
    }

    /// A line's amplitude and phase in a window when it is steady: what those around agree on, each weighed by
    /// how quiet it is beside the line and how near it lies to what the others say.
    fn judge_line(&self, k: usize, phases: &[Option<f64>; ROWS]) -> Option<Complex64> {
        let (mut seen, mut noise, mut count) = ([Complex64::ZERO; ROWS], [0.0; ROWS], 0);
        for (look, phase) in self.looks.iter().zip(phases) {
            let Some(phase) = phase.filter(|_| look.found) else { continue };
            seen[count] = look.lines[k] * Complex64::from_polar(1.0, -((k + 1) as f64) * phase);
            noise[count] = look.beside[k].powi(2).max(1e-20);
            count += 1;
        }
        if count < LEAST_LOOKS {
            return None;
        }
        let (seen, noise) = (&seen[..count], &noise[..count]);
        let middle = |part: fn(&Complex64) -> f64| {
            let mut sorted = [0.0; ROWS];
            sorted.iter_mut().zip(seen).for_each(|(sorted, line)| *sorted = part(line));
            median(&mut sorted[..count])
        };
        let mut line = Complex64::new(middle(|line| line.re), middle(|line| line.im));
        for _ in 0..WEIGHINGS {
            let (mut sum, mut weights) = (Complex64::ZERO, 0.0);
            for (other, noise) in seen.iter().zip(noise) {
                let weight = 1.0 / (noise + WAVERS * WAVERS * line.norm_sqr() + (other - line).norm_sqr());
                sum += weight * other;
                weights += weight;
            }
            line = sum / weights;
        }
        let knows = |noise: &f64| 1.0 / (noise + WAVERS * WAVERS * line.norm_sqr());
        let all: f64 = noise.iter().map(knows).sum();
        let near = |other: &Complex64| (other - line).norm() < STEADY * line.norm();
        let agreeing: f64 =
            seen.iter().zip(noise).filter(|(other, _)| near(other)).map(|(_, n)| knows(n)).sum();
        let floor = count as f64 / noise.iter().map(|noise| 1.0 / noise).sum::<f64>();
        // A note of the same pitch lies further off than what is beside it explains.
        let fits = |(other, noise): &(&Complex64, &f64)| {
            (**other - line).norm() < STEADY * line.norm() + UNSURE * noise.sqrt()
        };
        let fitting = seen.iter().zip(noise).filter(fits).count();
        let is_hum = agreeing > 0.5 * all
            && fitting as f64 >= FITTING * count as f64
            && line.norm_sqr() > STANDS_OUT * floor;
        is_hum.then_some(line)
    }
}

/// The hum from `middle` samples before or after its window's middle, over `out`.
fn render(hum: &Hum, oscillator: &mut Oscillator, out: &mut [f64], middle: f64, sample_rate_hz: f64) {
    out.fill(0.0);
    if !hum.any {
        return;
    }
    let frames = out.len();
    let highest = hum.lines.iter().rposition(|line| *line != Complex64::ZERO).map_or(0, |last| last + 1);
    oscillator.begin(frames, middle, TAU * hum.hz / sample_rate_hz);
    for line in &hum.lines[..highest] {
        if *line != Complex64::ZERO {
            add_line(out, &oscillator.now[0][..frames], &oscillator.now[1][..frames], line.re, line.im);
        }
        oscillator.next(frames);
    }
}
