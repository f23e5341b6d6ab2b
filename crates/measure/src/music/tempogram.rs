//! From a curve of novelty to the tempo, everywhere and as a whole.
//!
//! The novelty's autocorrelation in windows of some seconds (a tempogram: Grosche, Müller & Kurth, *Cyclic tempogram*,
//! ICASSP 2010) is combed at the multiples of a beat (D. P. W. Ellis, *Beat tracking by dynamic programming*, Journal
//! of New Music Research 36, 2007, section 3.2, with its prior about 120 beats per minute). Which of several
//! octaves is the beat is decided as by G. Percival and G. Tzanetakis (*Streamlined tempo estimation based on
//! autocorrelation and cross-correlation with pulses*, IEEE/ACM TASLP 22, 2014): a train of pulses at the beat has to
//! meet the novelty, and the places half-way between have to hold less of it. How the tempo moves is the cheapest path
//! through the tempogram (dynamic programming).

/// Steps of a novelty in one second.
pub(crate) const RATE_HZ: f64 = 100.0;
/// Slowest and fastest beat, in beats per minute.
pub(crate) const BPM: (f64, f64) = (30.0, 300.0);
/// Ratio of neighbouring candidates.
const STEP: f64 = 1.005;
/// The usual tempo, and how far tempi vary about it, in octaves.
const USUAL_BPM: f64 = 120.0;
const SPREAD_OCTAVES: f64 = 0.9;
/// Multiples of a beat that are combed: a bar.
const MULTIPLES: usize = 4;
/// Length of a window and distance of windows in seconds.
const WINDOW_S: f64 = 10.0;
const HOP_S: f64 = 1.0;
/// How much it counts that pulses meet the novelty, and that between them there is less.
const MET: f64 = 0.5;
const CONTRAST: f64 = 0.5;
/// And that every second pulse meets some as well.
const EVEN: f64 = 0.3;
/// What a jump from one window to the next costs at most, and what a change by an octave would cost if it were gradual.
const JUMP: f64 = 0.6;
const CHANGE: f64 = 30.0;
/// Local tempi stay within this of the tempo as a whole, in octaves: the same level of the metre.
const LEVEL_OCTAVES: f64 = 0.6;
/// A tempo that is found otherwise decides when its score is at least this part of the best.
const NEARLY: f64 = 0.55;
/// The mean that is taken off a novelty reaches so far either way, in steps.
const AROUND: usize = 40;

/// What the tempogram says of a novelty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pulse {
    /// The tempo as a whole, coarsely.
    pub(crate) bpm: f64,
    /// The next likely other level of the same metre, and its score against the best.
    pub(crate) other: Option<(f64, f64)>,
    /// Score of the best tempo that is no simple multiple of it, against the best, 0 to 1.
    pub(crate) rival: f64,
    /// Tempo in each window, one a second.
    pub(crate) local_bpm: Vec<f64>,
    /// Mean likeness of the novelty to itself along that, 0 to 1.
    pub(crate) strength: f64,
}

impl Pulse {
    /// The length of a beat at a time, in steps.
    pub(crate) fn beat(&self, step: usize) -> f64 {
        let window = ((step as f64 / RATE_HZ / HOP_S) as usize).min(self.local_bpm.len().saturating_sub(1));
        60.0 / self.local_bpm.get(window).copied().unwrap_or(self.bpm) * RATE_HZ
    }
}

/// What stands out of a novelty from its surroundings, with a mean square of 1; empty of nothing.
pub(crate) fn conditioned(novelty: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; novelty.len() + 1];
    for (n, value) in novelty.iter().enumerate() {
        sums[n + 1] = sums[n] + value;
    }
    let mean = |n: usize| {
        let (from, to) = (n.saturating_sub(AROUND), (n + AROUND + 1).min(novelty.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    let out: Vec<f64> = novelty.iter().enumerate().map(|(n, value)| (value - mean(n)).max(0.0)).collect();
    let square = out.iter().map(|x| x * x).sum::<f64>() / out.len().max(1) as f64;
    if square <= 1e-24 {
        return Vec::new();
    }
    out.into_iter().map(|x| x / square.sqrt()).collect()
}

/// All tempi that are asked for.
fn candidates() -> Vec<f64> {
    let steps = ((BPM.1 / BPM.0).ln() / STEP.ln()) as i32;
    (0..=steps).map(|n| BPM.0 * STEP.powi(n)).collect()
}

/// The tempo of a conditioned novelty; `None` when it is too short for two beats or has no pulse at all. Where the next
/// level of the metre is about as likely, a tempo that was found otherwise decides.
pub(crate) fn pulse(novelty: &[f64], elsewhere_bpm: Option<f64>) -> Option<Pulse> {
    let bpms = candidates();
    let windows = tempogram(novelty, &bpms)?;
    let mut whole = vec![0.0; bpms.len()];
    for window in &windows {
        whole.iter_mut().zip(window).for_each(|(sum, comb)| *sum += comb / windows.len() as f64);
    }
    let score = |n: usize| {
        let pulses = pulses(novelty, bpms[n]);
        let heard = pulses.met.powf(MET) * (0.2 + 0.8 * pulses.contrast).powf(CONTRAST);
        prior(bpms[n]) * whole[n].powi(2) * heard * (0.1 + 0.9 * pulses.even).powf(EVEN)
    };
    let scores: Vec<f64> = (0..bpms.len()).map(score).collect();
    let best =
        (0..bpms.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).filter(|n| scores[*n] > 0.0)?;
    let best = decided(&bpms, &scores, best, elsewhere_bpm);
    let ratio = |n: usize| (bpms[n] / bpms[best]).log2().abs();
    let near = |n: usize, wanted: f64| (ratio(n) - wanted).abs() < 0.06;
    let highest = |keep: &dyn Fn(usize) -> bool| {
        let kept = (0..bpms.len()).filter(|n| keep(*n));
        kept.max_by(|a, b| scores[*a].total_cmp(&scores[*b])).map(|n| (bpms[n], scores[n] / scores[best]))
    };
    let level = |n: usize| [1.0, 2.0, 1.585, 0.585].iter().any(|wanted| near(n, *wanted));
    let rival = highest(&|n| !near(n, 0.0) && !level(n) && !near(n, 0.415)).map_or(0.0, |(_, score)| score);
    let other = highest(&|n| level(n)).map(|(bpm, score)| (bpm, score.min(1.0)));
    let places = path(&windows, &bpms, bpms[best]);
    let strength =
        places.iter().zip(&windows).map(|(n, window)| window[*n]).sum::<f64>() / places.len() as f64;
    let local_bpm = places.into_iter().map(|n| bpms[n]).collect();
    Some(Pulse { bpm: bpms[best], other, rival, local_bpm, strength })
}

/// The best candidate, or the one that a tempo from elsewhere prefers and that is nearly as good.
fn decided(bpms: &[f64], scores: &[f64], best: usize, elsewhere_bpm: Option<f64>) -> usize {
    let Some(elsewhere) = elsewhere_bpm else { return best };
    let there = (0..bpms.len()).filter(|n| (bpms[*n] / elsewhere).log2().abs() < 0.03);
    let preferred = there.max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    preferred.filter(|n| scores[*n] > NEARLY * scores[best]).unwrap_or(best)
}

/// How usual a tempo is (Ellis 2007, equation 7).
fn prior(bpm: f64) -> f64 {
    (-0.5 * ((bpm / USUAL_BPM).log2() / SPREAD_OCTAVES).powi(2)).exp()
}

/// For each window the combed likeness of the novelty to itself at each tempo, 0 to 1.
fn tempogram(novelty: &[f64], bpms: &[f64]) -> Option<Vec<Vec<f64>>> {
    let window = ((WINDOW_S * RATE_HZ) as usize).min(novelty.len());
    let hop = (HOP_S * RATE_HZ) as usize;
    if window < RATE_HZ as usize {
        return None;
    }
    let windows = (novelty.len() / hop).max(1);
    let correlations = (0..windows).map(|n| {
        // Centred on its second; at both ends the first and the last that are whole.
        let start = (n * hop + hop / 2).saturating_sub(window / 2).min(novelty.len() - window);
        autocorrelation(&novelty[start..start + window])
    });
    Some(correlations.map(|c| bpms.iter().map(|bpm| comb(&c, 60.0 / bpm * RATE_HZ)).collect()).collect())
}

/// Likeness of a stretch to itself by lag in steps, 1 at none and 0 by chance; up to three quarters of its length.
fn autocorrelation(novelty: &[f64]) -> Vec<f64> {
    let mean = novelty.iter().sum::<f64>() / novelty.len() as f64;
    let centred: Vec<f64> = novelty.iter().map(|value| value - mean).collect();
    let product = |lag: usize| {
        let pairs = centred.len() - lag;
        crate::levels::dot(&centred[lag..], &centred[..pairs]) / pairs as f64
    };
    let none = product(0);
    if none <= 0.0 {
        return Vec::new();
    }
    (0..3 * centred.len() / 4).map(|lag| product(lag) / none).collect()
}

/// Mean likeness at the multiples of a beat, as far as they are known; nothing below zero counts.
fn comb(correlation: &[f64], beat: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for multiple in 1..=MULTIPLES {
        let place = beat * multiple as f64;
        // Players are late and early: the best within 2 % of the multiple, at least one step either way.
        let reach = (0.01 * place).clamp(1.0, 3.0);
        let (from, to) = ((place - reach).ceil() as usize, (place + reach) as usize);
        let Some(part) = correlation.get(from..=to) else { break };
        sum += part.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        count += 1;
    }
    // Two multiples at least: one likeness is no beat.
    if count < 2 { 0.0 } else { (sum / count as f64).max(0.0) }
}

/// How a train of pulses meets a novelty, eight beats at a time; all 0 to 1.
struct Pulses {
    /// Share of the novelty that it meets.
    met: f64,
    /// How much more it meets than the train half-way between.
    contrast: f64,
    /// What every second pulse meets, the weaker ones against the stronger ones: nothing where it is twice too fast.
    even: f64,
}

fn pulses(novelty: &[f64], bpm: f64) -> Pulses {
    let beat = 60.0 / bpm * RATE_HZ;
    let stretch = (2.0 * MULTIPLES as f64 * beat).ceil() as usize;
    let (mut met, mut between, mut all) = (0.0, 0.0, 0.0);
    let (mut weaker, mut stronger) = (0.0, 0.0);
    for part in novelty.chunks(stretch.max(1)) {
        // An onset is some steps wide.
        let near = |at: f64| {
            let at = at.round() as usize;
            part[at.saturating_sub(2)..(at + 3).min(part.len())].iter().sum::<f64>()
        };
        let every = |from: f64, step: f64| -> f64 {
            let places = (0..).map(|n| from + f64::from(n) * step);
            places.take_while(|at| at.round() < part.len() as f64).map(near).sum()
        };
        let phases = (0..beat as usize).map(|phase| (every(phase as f64, beat), phase as f64));
        let (best, phase) = phases.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0.0));
        met += best;
        between += every((phase + 0.5 * beat) % beat, beat);
        let halves = (every(phase, 2.0 * beat), every(phase + beat, 2.0 * beat));
        weaker += halves.0.min(halves.1);
        stronger += halves.0.max(halves.1);
        all += part.iter().sum::<f64>();
    }
    if all <= 0.0 || met <= 0.0 {
        return Pulses { met: 0.0, contrast: 0.0, even: 0.0 };
    }
    Pulses {
        met: (met / all).min(1.0),
        contrast: ((met - between) / met).clamp(0.0, 1.0),
        even: weaker / stronger.max(1e-12),
    }
}

/// The cheapest path of tempi through the windows, near the tempo as a whole.
fn path(windows: &[Vec<f64>], bpms: &[f64], bpm: f64) -> Vec<usize> {
    let near: Vec<usize> =
        (0..bpms.len()).filter(|n| (bpms[*n] / bpm).log2().abs() < LEVEL_OCTAVES).collect();
    let octaves = STEP.log2();
    let mut scores: Vec<f64> = near.iter().map(|n| windows[0][*n]).collect();
    let mut from: Vec<Vec<usize>> = Vec::new();
    for window in &windows[1..] {
        let (jump, jump_score) = argmax(&scores);
        let mut places = Vec::with_capacity(near.len());
        let mut next = Vec::with_capacity(near.len());
        for (n, candidate) in near.iter().enumerate() {
            let mut best = (jump_score - JUMP, jump);
            // A gradual change beyond this many candidates costs more than a jump.
            let reach = ((JUMP / CHANGE).sqrt() / octaves) as usize + 1;
            for other in n.saturating_sub(reach)..(n + reach + 1).min(near.len()) {
                let moved = (other as f64 - n as f64) * octaves;
                let score = scores[other] - CHANGE * moved * moved;
                if score > best.0 {
                    best = (score, other);
                }
            }
            next.push(best.0 + window[*candidate]);
            places.push(best.1);
        }
        scores = next;
        from.push(places);
    }
    let (mut place, _) = argmax(&scores);
    let mut path = vec![near[place]];
    for places in from.iter().rev() {
        place = places[place];
        path.push(near[place]);
    }
    path.reverse();
    path
}

fn argmax(values: &[f64]) -> (usize, f64) {
    values
        .iter()
        .copied()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (n, v)| if v > best.1 { (n, v) } else { best })
}
