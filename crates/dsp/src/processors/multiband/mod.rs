//! Multiband compressor: a compressor for each of two to six bands.
//!
//! The bands come from a Linkwitz-Riley crossover with the allpasses that let it sum flat (J. A. D'Appolito,
//! *Active realization of multiway all-pass crossover systems*, JAES 35, 1987; [`crate::blocks::crossover`]), or
//! from one of linear phase with the same slopes, whose bands sum to the delayed input itself
//! ([`crate::blocks::linear_crossover`]). Each band has its own level, static curve and times (Giannoulis, Massberg
//! & Reiss, *Digital dynamic range compressor design*, JAES 60, 2012), downward above its threshold or upward below
//! it. The dry part of a mix is the sum of the bands, hence always in phase with them.
//!
//! With linear phase the output is the delayed input plus what each gain changes of its band, `x + sum (g - 1) b`:
//! where nothing is done no bit changes, and a band that cannot do anything is not parted from the rest until a setting is
//! moved by which it can. With Linkwitz-Riley bands the output is turned in phase; as long as all
//! settings are neutral the input itself is heard, and the first setting that is not fades the bands in over 20 ms.
//! From then on until `reset` the phase stays, so that automation never switches it back and forth.

mod band;
mod splitter;

use crate::blocks::crossover::{Bands, MAX_BANDS, decay_frames};
use crate::blocks::dynamics::{one_pole, settle};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, Values, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use band::{Piece, Shared, Voice};
use splitter::{Splitter, slope};

choices! {
    /// How the signal is parted into bands.
    pub enum Splitting {
        /// Linkwitz-Riley, 24 dB per octave: no latency, turns the phase. For mixing.
        LinkwitzRiley24 = "linkwitz_riley_24",
        /// Linkwitz-Riley, 48 dB per octave: for bands that are worked hard.
        LinkwitzRiley48 = "linkwitz_riley_48",
        /// Linear phase with slopes of 24 dB per octave: for mastering.
        LinearPhase24 = "linear_phase_24",
        /// Linear phase with slopes of 48 dB per octave.
        LinearPhase48 = "linear_phase_48",
    }
}

choices! {
    /// How the level is found.
    pub enum Detector {
        /// The mean power: follows loudness.
        Rms = "rms",
        /// Each sample by itself: catches every transient.
        Peak = "peak",
    }
}

choices! {
    /// Which side of the threshold is worked on.
    pub enum Mode {
        /// What is louder than the threshold is turned down.
        Downward = "downward",
        /// What is softer than the threshold is lifted, at most by the range: brings out detail.
        Upward = "upward",
    }
}

settings! {
    /// One band.
    pub struct Band {
        /// Upper edge; that of the last band counts for nothing. Edges rise: one below its predecessor stands there.
        freq_hz: f64 {
            label: "Upper edge", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 20_000.0,
            taper: Taper::Logarithmic,
        },
        /// Which side of the threshold is worked on.
        mode: Mode { label: "Mode", fixed: true },
        /// Level above (downward) or below (upward) which the gain moves.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -80.0, max: 0.0 },
        /// Decibels of input per decibel of output beyond the threshold; 1 does nothing.
        ratio: f64 { label: "Ratio", min: 1.0, max: 100.0, default: 1.0, taper: Taper::Logarithmic },
        /// Width of the bend around the threshold; 0 is a hard corner.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0, default: 6.0 },
        /// Time to 63 % of a fall in gain.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.01, max: 300.0, default: 15.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a rise in gain.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 5000.0, default: 120.0,
            taper: Taper::Logarithmic,
        },
        /// The gain moves by no more than this.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 48.0, default: 24.0 },
        /// Gain after the compression.
        makeup_db: f64 { label: "Make-up", unit: Unit::Decibel, min: -24.0, max: 24.0 },
    }
}

settings! {
    /// Settings of the multiband compressor.
    pub struct Settings {
        /// How the signal is parted into bands.
        crossover: Splitting { label: "Crossover", fixed: true },
        /// How the level is found.
        detector: Detector { label: "Detector", fixed: true },
        /// Window of the mean power.
        rms_ms: f64 {
            label: "RMS time", unit: Unit::Millisecond, min: 1.0, max: 300.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// Thresholds are counted from the level of the whole signal instead of full scale: soft and loud parts
        /// are treated alike, and only a band that sticks out is moved.
        relative: bool { label: "Relative threshold", fixed: true },
        /// Pulls the gain of each band this far toward the mean of all: 30 to 50 keep the tone from swaying.
        band_link_percent: f64 { label: "Band link", unit: Unit::Percent, max: 100.0 },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 {
            label: "Stereo link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
        /// Returns to each band, slowly, the mean power that was taken: the tone stays as it was on average.
        auto_makeup: bool { label: "Automatic make-up" },
        /// Time over which that mean is taken.
        auto_makeup_s: f64 {
            label: "Automatic make-up time", unit: Unit::Second, min: 1.0, max: 60.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// How far the detector hears ahead; the audio waits as long.
        lookahead_ms: f64 { label: "Lookahead", unit: Unit::Millisecond, max: 20.0, fixed: true },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
    groups {
        /// The bands, the lowest first. One band alone works on the whole signal.
        bands: Band { label: "Band", max: MAX_BANDS },
    }
}

/// Multiband compressor.
pub static KIND: Kind = Kind {
    id: "multiband",
    label: "Multiband compressor",
    family: Family::Dynamics,
    help: "Evens out level band by band, so that a loud bass does not push the voice down. Use low ratios and \
           link the bands on a whole mix; upward bands lift detail. Linear phase for mastering, Linkwitz-Riley \
           for single tracks.",
    // 2: recursions run four frames at a time, which rounds otherwise. 3: with linear phase only the bands that act are
    // parted, which rounds otherwise.
    revision: 3,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Multiband::new(Settings::from_values(values), spec)),
    response: None,
};

/// What the bands did over a stretch of audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    /// Mean gain reduction in decibels; negative where the band was lifted.
    pub mean_db: f64,
    /// The reduction in decibels that was exceeded for a twentieth of the time only.
    pub percentile_95_db: f64,
}

/// What each band does to `audio` (channels x frames) at these settings: its gain reduction before make-up and mix,
/// sampled every 64 frames.
pub fn actions(values: &Values, audio: &BlockRef, sample_rate_hz: f64) -> Vec<Action> {
    let spec = Spec { sample_rate_hz, channels: audio.channels(), max_frames: CONTROL_FRAMES };
    let mut multiband = Multiband::new(Settings::from_values(values), &spec);
    let mut seen = vec![Vec::new(); multiband.voices.len()];
    for start in (0..audio.frames()).step_by(CONTROL_FRAMES) {
        let frames = CONTROL_FRAMES.min(audio.frames() - start);
        let mut piece = audio.range(start, frames).to_buffer();
        multiband.process(&mut piece.as_block_mut(), None);
        seen.iter_mut().zip(&multiband.reductions_db).for_each(|(seen, now)| seen.push(*now));
    }
    let action = |mut seen: Vec<f64>| {
        seen.sort_by(f64::total_cmp);
        let mean_db = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
        let place = (seen.len().saturating_sub(1)) * 19 / 20;
        Action { mean_db, percentile_95_db: seen.get(place).copied().unwrap_or(0.0) }
    };
    seen.into_iter().map(action).collect()
}

/// Where the bands meet, in rising order.
fn edges_hz(settings: &Settings) -> Vec<f64> {
    let below = settings.bands.len().saturating_sub(1);
    (0..below).map(|edge| edge_hz(settings, edge)).collect()
}

/// One edge: no lower than those before it.
fn edge_hz(settings: &Settings, edge: usize) -> f64 {
    settings.bands[..=edge].iter().fold(0.0, |highest, band| greater(band.freq_hz, highest))
}

fn is_neutral(settings: &Settings) -> bool {
    settings.mix_percent == 0.0 || settings.bands.iter().all(is_still)
}

/// Whether a band by itself does nothing.
fn is_still(band: &Band) -> bool {
    (band.ratio == 1.0 || band.range_db == 0.0) && band.makeup_db == 0.0
}

/// Which bands are worked on: with linear phase those that do something, and all of them where they hear one another, the
/// whole, their own past, or the future.
fn acting(settings: &Settings) -> [bool; MAX_BANDS] {
    let alone = matches!(settings.crossover, Splitting::LinearPhase24 | Splitting::LinearPhase48)
        && !settings.relative
        && !settings.auto_makeup
        && settings.band_link_percent == 0.0
        && settings.lookahead_ms == 0.0;
    std::array::from_fn(|band| !alone || settings.bands.get(band).is_some_and(|band| !is_still(band)))
}

/// The bands of Linkwitz-Riley filters coming in, once they are needed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Heard {
    /// The delayed input: nothing was to be done so far.
    Input,
    /// From the input to the bands: frames done.
    Fading(Frames),
    /// The bands.
    Bands,
}

/// Time in which the bands come in.
const FADE_S: f64 = 0.02;

struct Multiband {
    settings: Settings,
    shared: Shared,
    splitter: Splitter,
    key_splitter: Splitter,
    voices: Vec<Voice>,
    /// Which of them are worked on: those that have had anything to do since `reset`.
    acting: [bool; MAX_BANDS],
    /// Per channel.
    bands: Vec<Bands>,
    /// Per source of a key.
    key_bands: Vec<Bands>,
    /// Per channel and band: waits for the lookahead.
    band_delays: Vec<Delay>,
    /// Per channel: waits for everything.
    input_delays: Vec<Delay>,
    whole: Vec<Piece>,
    whole_means: Vec<f64>,
    link: f64,
    band_link: Ramp,
    wet: Ramp,
    heard: Heard,
    fade_frames: Frames,
    grid: Grid,
    deepest_db: f64,
    /// Per band, at the end of the last piece.
    reductions_db: Vec<f64>,
}

impl Multiband {
    fn new(settings: Settings, spec: &Spec) -> Multiband {
        let rate = spec.sample_rate_hz;
        let shared = Shared {
            sample_rate_hz: rate,
            lookahead: spec.frames(settings.lookahead_ms / 1000.0),
            detector: settings.detector,
            rms: one_pole(settings.rms_ms, rate),
        };
        let linked = settings.link_percent >= 100.0;
        let lanes = if linked { 1 } else { spec.channels.max(1) };
        // A mono track may have a stereo key.
        let sources = spec.channels.max(2);
        let count = settings.bands.len();
        let edges = edges_hz(&settings);
        let splitter = Splitter::new(settings.crossover, &edges, rate, spec.channels);
        let latency = splitter.latency() + shared.lookahead;
        let mut multiband = Multiband {
            key_splitter: Splitter::new(settings.crossover, &edges, rate, sources),
            voices: settings.bands.iter().map(|band| Voice::new(band, &shared, lanes, sources)).collect(),
            acting: acting(&settings),
            bands: vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; spec.channels],
            key_bands: vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; sources],
            band_delays: (0..spec.channels * count).map(|_| Delay::new(shared.lookahead)).collect(),
            input_delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            whole: vec![[0.0; CONTROL_FRAMES]; lanes],
            whole_means: vec![0.0; sources],
            link: settings.link_percent / 100.0,
            band_link: Ramp::new(settings.band_link_percent / 100.0),
            wet: Ramp::new(settings.mix_percent / 100.0),
            heard: Heard::Input,
            fade_frames: spec.frames(FADE_S).max(1),
            grid: Grid::default(),
            deepest_db: 0.0,
            reductions_db: vec![0.0; count],
            splitter,
            shared,
            settings,
        };
        multiband.reset();
        multiband
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        self.splitter.flush();
        self.key_splitter.flush();
        self.voices.iter_mut().for_each(|voice| voice.flush(self.settings.auto_makeup));
        self.whole_means.iter_mut().for_each(|mean| *mean = settle(*mean));
    }

    /// Fills the voices with the power of their bands, of the key when it has `sources` channels.
    fn detect(&mut self, sources: usize, frames: usize) {
        let heard = if sources > 0 { &self.key_bands[..sources] } else { &self.bands[..] };
        // Channels without a key of their own hear the last one.
        let lanes = self.whole.len();
        let channels = if lanes == 1 { heard.len() } else { heard.len().max(lanes) };
        let source = |channel: usize| &heard[channel.min(heard.len() - 1)];
        let acting = self.acting;
        for (place, voice) in self.voices.iter_mut().enumerate().filter(|(place, _)| acting[*place]) {
            voice.detect((0..channels).map(|c| &source(c)[place][..frames]), &self.shared);
        }
        if !self.settings.relative {
            return;
        }
        self.whole.iter_mut().for_each(|powers| powers.fill(0.0));
        for channel in 0..channels.min(self.whole_means.len()) {
            let (bands, mean) = (source(channel), &mut self.whole_means[channel]);
            for (n, power) in self.whole[channel.min(lanes - 1)][..frames].iter_mut().enumerate() {
                let sample: f64 = bands[..self.voices.len()].iter().map(|band| band[n]).sum();
                *mean = sample * sample + self.shared.rms * (*mean - sample * sample);
                *power = greater(*mean, *power);
            }
        }
    }

    /// Pulls the channels of each band toward the one that is turned down most.
    fn link_lanes(&mut self, frames: usize) {
        let lanes = self.whole.len();
        if lanes == 1 {
            return;
        }
        for (voice, _) in self.voices.iter_mut().zip(self.acting).filter(|(_, acting)| *acting) {
            for n in 0..frames {
                let most = (0..lanes).fold(f64::NEG_INFINITY, |most, l| greater(most, voice.values(l)[n]));
                for lane in 0..lanes {
                    let value = &mut voice.values(lane)[n];
                    *value += self.link * (most - *value);
                }
            }
        }
    }

    /// Pulls the bands toward their mean.
    fn link_bands(&mut self, frames: usize) {
        let mut link = self.band_link;
        if !link.moves() && link.target() == 0.0 {
            return;
        }
        let count = self.voices.len() as f64;
        for lane in 0..self.whole.len() {
            link = self.band_link;
            let mut means = [0.0; CONTROL_FRAMES];
            for voice in &mut self.voices {
                means.iter_mut().zip(&voice.values(lane)[..frames]).for_each(|(mean, v)| *mean += v / count);
            }
            let mut shares = [0.0; CONTROL_FRAMES];
            shares[..frames].iter_mut().for_each(|share| *share = link.next_value());
            for voice in &mut self.voices {
                for (n, value) in voice.values(lane)[..frames].iter_mut().enumerate() {
                    *value += shares[n] * (means[n] - *value);
                }
            }
        }
        self.band_link = link;
    }

    /// Sums the bands by their gains.
    fn apply(&mut self, block: &mut Block) {
        let frames = block.frames();
        let linear = matches!(self.splitter, Splitter::LinearPhase(_)) || self.voices.len() < 2;
        let mut heard = self.heard;
        for (channel, samples) in block.iter_mut().enumerate().take(self.bands.len()) {
            self.input_delays[channel].pass(samples);
            let bands = &self.bands[channel];
            let gains = self.voices.iter().map(|voice| &voice.gain_of(channel)[..frames]);
            if linear {
                let parted = bands.iter().zip(gains).zip(self.acting).filter(|(_, acting)| *acting);
                // Where nothing is done nothing is added, not even zero, which would turn a negative zero.
                for ((band, gains), _) in parted.filter(|((_, g), _)| g.iter().any(|g| *g != 1.0)) {
                    for (n, sample) in samples.iter_mut().enumerate() {
                        *sample += (gains[n] - 1.0) * band[n];
                    }
                }
            } else if self.heard != Heard::Input {
                let mut sum = [0.0; CONTROL_FRAMES];
                for (band, gains) in bands.iter().zip(gains) {
                    for n in 0..frames {
                        sum[n] += gains[n] * band[n];
                    }
                }
                heard = fade(self.heard, self.fade_frames, samples, &sum[..frames]);
            }
        }
        self.heard = heard;
    }
}

/// Goes over from `samples` to `bands`.
fn fade(heard: Heard, fade_frames: Frames, samples: &mut [f64], bands: &[f64]) -> Heard {
    let Heard::Fading(done) = heard else {
        samples.copy_from_slice(bands);
        return heard;
    };
    for (n, (sample, band)) in samples.iter_mut().zip(bands).enumerate() {
        let at = ((done + n + 1) as f64 / fade_frames as f64).min(1.0);
        let share = at * at * (3.0 - 2.0 * at);
        *sample += share * (band - *sample);
    }
    let done = done + samples.len();
    if done >= fade_frames { Heard::Bands } else { Heard::Fading(done) }
}

impl Gridded for Multiband {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.flush();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let frames = block.frames();
        self.splitter.split(&block.as_ref(), &mut self.bands);
        let sources = match key {
            Some(key) if key.channels() > 0 => {
                self.key_splitter.split(key, &mut self.key_bands);
                key.channels().min(self.key_bands.len())
            }
            _ => 0,
        };
        self.detect(sources, frames);
        let relative = self.settings.relative.then_some(&self.whole[..]);
        let acting = self.acting;
        let at_work = self.voices.iter_mut().zip(acting).filter(|(_, acting)| *acting);
        at_work.for_each(|(voice, _)| voice.compute(frames, relative));
        self.link_lanes(frames);
        self.link_bands(frames);
        let count = self.voices.len();
        let each = self.voices.iter_mut().zip(&mut self.reductions_db).enumerate();
        for (place, (voice, reduction)) in each.filter(|(place, _)| acting[*place]) {
            let deepest = voice.smooth(frames, self.shared.lookahead);
            self.deepest_db = greater(deepest, self.deepest_db);
            *reduction = voice.values(0)[frames - 1];
            for (channel, bands) in self.bands.iter_mut().enumerate() {
                self.band_delays[channel * count + place].pass(&mut bands[place][..frames]);
            }
            let heard = self.bands.iter().map(|bands| &bands[place][..frames]);
            voice.gains(frames, heard, self.wet, self.settings.auto_makeup);
        }
        for _ in 0..frames {
            self.wet.next_value();
        }
        self.apply(block);
    }
}

impl Processor for Multiband {
    fn latency(&self) -> Frames {
        self.splitter.latency() + self.shared.lookahead
    }

    fn tail(&self) -> Tail {
        let edges = edges_hz(&self.settings);
        Tail::Frames(match &self.splitter {
            Splitter::LinearPhase(crossover) => crossover.tail(),
            Splitter::LinkwitzRiley(_) => {
                // What a band may be lifted by at the end sounds on for longer.
                let lifts = self.settings.bands.iter().map(|band| band.range_db + band.makeup_db.abs());
                let lift_db = lifts.fold(0.0, greater) + 24.0;
                let slope = slope(self.settings.crossover);
                decay_frames(slope, &edges, 120.0 + lift_db, self.shared.sample_rate_hz)
            }
        })
    }

    fn reset(&mut self) {
        self.acting = acting(&self.settings);
        self.splitter.want(self.acting);
        self.key_splitter.want(self.acting);
        self.splitter.reset();
        self.key_splitter.reset();
        self.voices.iter_mut().for_each(Voice::reset);
        for voice in &mut self.voices {
            voice.set_return(self.settings.auto_makeup_s, self.shared.sample_rate_hz);
        }
        self.band_delays.iter_mut().chain(&mut self.input_delays).for_each(Delay::reset);
        self.whole_means.fill(0.0);
        self.band_link.finish();
        self.wet.finish();
        self.heard = if is_neutral(&self.settings) { Heard::Input } else { Heard::Bands };
        self.grid.reset();
        self.deepest_db = 0.0;
        self.reductions_db.fill(0.0);
    }

    fn set(&mut self, address: Address, value: f64) {
        let (crossover, detector) = (self.settings.crossover, self.settings.detector);
        let (relative, link) = (self.settings.relative, self.settings.link_percent);
        let lookahead = self.settings.lookahead_ms;
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        (self.settings.crossover, self.settings.detector) = (crossover, detector);
        (self.settings.relative, self.settings.link_percent) = (relative, link);
        self.settings.lookahead_ms = lookahead;
        let asked = acting(&self.settings);
        self.acting.iter_mut().zip(asked).for_each(|(acting, asked)| *acting |= asked);
        self.splitter.want(self.acting);
        self.key_splitter.want(self.acting);
        let rate = self.shared.sample_rate_hz;
        self.shared.rms = one_pole(self.settings.rms_ms, rate);
        for edge in 0..self.settings.bands.len().saturating_sub(1) {
            let hz = edge_hz(&self.settings, edge);
            self.splitter.go_to(edge, hz);
            self.key_splitter.go_to(edge, hz);
        }
        for (voice, band) in self.voices.iter_mut().zip(&self.settings.bands) {
            voice.go_to(band, rate);
            voice.set_return(self.settings.auto_makeup_s, rate);
        }
        for (ramp, percent) in [
            (&mut self.band_link, self.settings.band_link_percent),
            (&mut self.wet, self.settings.mix_percent),
        ] {
            if ramp.target() != percent / 100.0 {
                ramp.go_to(percent / 100.0);
            }
        }
        if self.heard == Heard::Input && !is_neutral(&self.settings) {
            self.heard = Heard::Fading(0);
        }
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        self.on_grid(block, key);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}

#[cfg(test)]
mod tests;
