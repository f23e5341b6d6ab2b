//! Everything about one signal in one pass.

mod at_any_level;
mod recording;

pub use at_any_level::AtAnyLevel;

use crate::activity::Activity;
use crate::bins::{BINS_PER_SECOND, Binner};
use crate::clipping::Clipping;
use crate::course::{Course, Tops};
use crate::dropouts::Dropout;
use crate::dynamics::{DynamicRange, PSR_SHARE, PsrSeries, k_system, psr_series, rounded_dr};
use crate::erb::{self, Erb, ErbFrames, Keeps};
use crate::error::Error;
use crate::facts::{ChannelFacts, Facts};
use crate::histogram::histograms;
use crate::hum::Hum;
use crate::image::ImageSeries;
use crate::levels::{FRAME_BINS, Levels, Stereo, level_db, power_db};
use crate::loudness::{Energy, LoudnessSeries, MOMENTARY_BINS, SHORT_TERM_BINS, STEP_BINS};
use crate::music::{ChromaMeter, Heard, LONGEST_S, Music, music};
use crate::onsets::inter_onset_median_s;
use crate::spectrum::LongTerm;
use crate::stats::{nearest_rank, sorted};
use crate::tempo::onset_tempo;
use crate::tone_series::ToneSeries;
use crate::true_peak::TruePeak;
use audio::{BlockRef, Layout, gain_to_db, power_to_db};
use recording::Recording;
use serde::{Deserialize, Serialize};

/// The peaks that PSR compares with short-term loudness are kept for stretches of this length, in seconds.
const PEAK_STRETCH_S: f64 = 0.25;

/// Loudness against time has a point every so many bins of 10 ms where it is to be lean, up to an hour; of what is longer
/// every so many times as many, so that an hour's points are never exceeded.
const LEAN_STEP_BINS: usize = 5;
const LEAN_BINS: usize = 3600 * BINS_PER_SECOND;

/// What to read, beyond loudness and levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Oversampling of the true peak: 4, 8, 16 or 32.
    pub true_peak_factor: usize,
    /// Spectrum, bands, width, onsets and the power frames for masking.
    pub spectrum: bool,
    /// What a recording is asked once, and no mix: pitch, hum, clicks, dropouts, bits.
    pub pitch: bool,
    /// Clicks, also without the rest of what a recording is asked.
    pub clicks: bool,
    /// Clipped runs; needs the levels as well. Where they are not asked for none are told.
    pub clipping: bool,
    /// What a song is asked, and no track: tempo, beats, key, sections. Needs the spectrum as well.
    pub music: bool,
    /// What is known of every moment, for pictures and for decisions: loudness, PSR, image, pitch and the power in auditory
    /// bands against time, which grow by 10 kilobytes a second and more; the readings alone need a third of that.
    pub series: bool,
    /// Of these only what is asked of a whole song, a tenth as much: tone against time, and loudness every 50 ms instead of
    /// every 10 (of what is longer than an hour, as many points as an hour has); not PSR, the image nor the power in auditory
    /// bands. Onsets, which are found in those bands, are not read either
    /// unless music is asked for, and of what is longer than an hour not at all.
    pub lean: bool,
    /// Peak to short-term loudness against time (PSR), which needs the true peak of every quarter of a second and not
    /// only the highest; needs the levels as well.
    pub psr: bool,
    /// How loud and how high it is from moment to moment ([`Course`]): what a limiter's work is foreseen from.
    pub course: bool,
    /// RMS, DC, stereo sums, clipping, silence and where the signal plays; without them only the readings of
    /// [`LOUDNESS_READINGS`](crate::LOUDNESS_READINGS) are made, several times as fast. The spectrum needs them.
    pub levels: bool,
}

impl Options {
    /// Loudness and peaks only, with a true peak fit for quality control.
    pub fn loudness() -> Options {
        Options {
            true_peak_factor: 16,
            spectrum: false,
            pitch: false,
            clicks: false,
            clipping: false,
            music: false,
            series: false,
            lean: false,
            psr: false,
            course: false,
            levels: false,
        }
    }
}

impl Default for Options {
    /// Everything, with a true peak fit for quality control.
    fn default() -> Options {
        Options {
            true_peak_factor: 16,
            spectrum: true,
            pitch: true,
            clicks: false,
            clipping: true,
            music: true,
            series: true,
            lean: false,
            psr: true,
            course: false,
            levels: true,
        }
    }
}

/// What came out of one pass over a signal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Analysis {
    /// The readings.
    pub facts: Facts,
    /// Momentary and short-term loudness every 10 ms. This and the other series are empty unless asked for.
    pub loudness: LoudnessSeries,
    /// Both ends of the loudness range, in LUFS: a tenth of what counts is quieter, a twentieth louder (EBU Tech 3342).
    #[serde(default)]
    pub range_edges_lufs: Option<(f64, f64)>,
    /// True peak minus short-term loudness every 100 ms.
    #[serde(default)]
    pub psr: PsrSeries,
    /// The stereo image by band against time.
    #[serde(default)]
    pub image: ImageSeries,
    /// Third octaves of middle and side against time; empty unless the spectrum was asked for as well.
    #[serde(default)]
    pub tone: ToneSeries,
    /// Power in auditory bands every 50 ms; empty unless the spectrum was asked for as well.
    pub erb: ErbFrames,
    /// Where notes begin, in seconds; empty unless the spectrum was asked for.
    pub onsets_s: Vec<f64>,
    /// How loud and how high the signal is from moment to moment, for as long as it is worked on.
    #[serde(skip)]
    pub course: Course,
    /// The pitch of every 100 ms in hertz, where there is one; empty unless pitch was asked for.
    pub pitch_hz: Vec<Option<f32>>,
    /// What a recording may suffer from.
    pub blemishes: Blemishes,
    /// Tempo, beats, key and sections; absent unless asked for, and of what is longer than an hour, which is no song.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
}

/// What a recording may suffer from, beyond what [`Facts`] tell of every signal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Blemishes {
    /// Hum of the mains; only where pitch was asked for.
    pub hum: Option<Hum>,
    /// Level below 25 Hz that is there all through, whatever is played, in dBFS; only where pitch was asked for.
    pub subsonic_dbfs: Option<f64>,
    /// Number of clicks; only where they or pitch were asked for.
    pub clicks: usize,
    /// Where the first of them are, in seconds.
    pub click_places_s: Vec<f64>,
    /// Number of dropouts: holes of digital silence in a sound; only where pitch was asked for.
    pub dropouts: usize,
    /// Where the first of them are.
    pub dropout_places: Vec<Dropout>,
    /// Level of right against left below 150 Hz, in dB; for two channels, where the spectrum was asked for.
    pub low_end_balance_db: Option<f64>,
}

/// Reads a signal block by block and makes its [`Facts`].
#[derive(Clone)]
pub struct Analyser {
    sample_rate_hz: f64,
    options: Options,
    binner: Binner,
    meters: Meters,
    recording: Option<Recording>,
}

/// One of two parts of an analyser's work.
pub type Share<'a> = &'a mut (dyn FnMut() + Send);

/// The meters; each takes the same bins of clean samples.
#[derive(Clone)]
struct Meters {
    energy: Energy,
    true_peak: TruePeak,
    levels: Option<Levels>,
    clipping: Option<Clipping>,
    tops: Option<Tops>,
    dynamic_range: DynamicRange,
    long_term: Option<LongTerm>,
    erb: Option<Erb>,
    chroma: Option<ChromaMeter>,
}

impl Meters {
    fn take(&mut self, bin: &BlockRef) {
        if let Some(levels) = &mut self.levels {
            levels.bin(bin);
            self.dynamic_range.bin(bin, levels.last_bin());
            if let Some(meter) = &mut self.clipping {
                meter.bin_of(bin, levels.last_bin().map(|(_, peak)| peak));
            }
        }
        if let Some(meter) = &mut self.tops {
            meter.bin(bin);
        }
        if let Some(meter) = &mut self.long_term {
            meter.push(bin);
        }
        if let Some(meter) = &mut self.erb {
            meter.push(bin);
        }
        if self.chroma.is_some() && self.energy.bins() > LONGEST_S * BINS_PER_SECOND {
            self.chroma = None;
            self.erb.iter_mut().for_each(Erb::forget_song);
        }
        if let Some(meter) = &mut self.chroma {
            meter.push(bin);
        }
    }
}

impl Analyser {
    /// An analyser for signals of a sample rate in hertz (8 to 768 kHz) and a layout.
    pub fn new(sample_rate_hz: f64, layout: Layout, options: Options) -> Result<Analyser, Error> {
        let channels = layout.channels();
        // Loudness every 10 ms is made of every bin.
        let energy = match options.series && !options.lean {
            true => Energy::new(sample_rate_hz, layout)?,
            false => Energy::of_a_file(sample_rate_hz, layout)?,
        };
        let mut true_peak =
            TruePeak::new(channels, options.true_peak_factor)?.with_minimum(sample_rate_hz)?;
        if options.levels && options.psr {
            let frames = |seconds: f64| (seconds * sample_rate_hz) as usize;
            let short_term_s = SHORT_TERM_BINS as f64 / BINS_PER_SECOND as f64;
            // A frame less, since a window of whole bins may be that much shorter.
            true_peak = true_peak.with_stretches(frames(PEAK_STRETCH_S), frames(short_term_s) - 1);
        }
        let some = channels > 0 && options.levels;
        let meters = Meters {
            energy,
            true_peak,
            levels: options.levels.then(|| Levels::new(channels)),
            clipping: (options.levels && options.clipping).then(|| Clipping::new(channels)),
            tops: options.course.then(|| Tops::new(channels)),
            dynamic_range: DynamicRange::new(sample_rate_hz, channels),
            long_term: (some && options.spectrum).then(|| LongTerm::new(sample_rate_hz, channels)),
            erb: (some && options.spectrum && (options.music || !options.lean)).then(|| {
                let keeps = Keeps { frames: options.series && !options.lean, song: options.music };
                Erb::new(sample_rate_hz, channels, keeps)
            }),
            chroma: (some && options.music && options.spectrum).then(|| ChromaMeter::new(sample_rate_hz)),
        };
        let recording = Recording::new(sample_rate_hz, channels, options);
        Ok(Analyser {
            sample_rate_hz,
            options,
            binner: Binner::new(sample_rate_hz, channels),
            meters,
            recording,
        })
    }

    /// Takes the next block: channels x any number of frames; how the signal is cut does not matter.
    ///
    /// # Panics
    /// When the block has another number of channels than the layout.
    pub fn push(&mut self, block: &BlockRef) {
        self.push_apart(block, |one, other| {
            one();
            other();
        });
    }

    /// The same in two parts that know nothing of one another, which `both` has to call once each, in any order or at the same
    /// time. Where there is only one part it is not asked.
    ///
    /// # Panics
    /// As [`push`](Analyser::push) does.
    pub fn push_apart(&mut self, block: &BlockRef, both: impl FnOnce(Share<'_>, Share<'_>)) {
        match self.recording.take() {
            None => self.hear(block),
            Some(mut recording) => {
                both(&mut || self.hear(block), &mut || recording.push(block));
                self.recording = Some(recording);
            }
        }
    }

    fn hear(&mut self, block: &BlockRef) {
        let meters = &mut self.meters;
        meters.true_peak.push(block);
        self.binner.push(block, |bin| {
            meters.energy.bin(bin);
            if let Some(tops) = &mut meters.tops {
                tops.loud(meters.energy.window_lufs(meters.energy.bins(), 1));
            }
            meters.take(bin);
        });
        // Where onsets are read for the sake of the music alone, what is no song has none.
        if self.options.lean && self.options.music && meters.chroma.is_none() {
            meters.erb = None;
        }
    }

    /// The readings of all that was taken.
    pub fn finish(self) -> Analysis {
        let Analyser { sample_rate_hz, options, binner, mut meters, recording } = self;
        // Loudness drops an incomplete window; everything else reads to the last frame.
        if binner.rest().frames() > 0 {
            meters.take(&binner.rest());
        }
        let frames = binner.frames();
        let channels = meters.true_peak.channels();
        let mut facts = Facts {
            sample_rate_hz,
            channels,
            frames,
            duration_s: frames as f64 / sample_rate_hz,
            true_peak_factor: options.true_peak_factor,
            non_finite_samples: binner.dirty_samples(),
            per_channel: vec![ChannelFacts::default(); channels],
            ..Facts::default()
        };
        let mut psr = read_loudness(&mut facts, &meters, options);
        let loudness = if options.series {
            let coarser = meters.energy.bins().div_ceil(LEAN_BINS).max(1);
            meters.energy.series(if options.lean { LEAN_STEP_BINS * coarser } else { 1 })
        } else {
            LoudnessSeries::default()
        };
        let course = meters.tops.take().map(|tops| tops.finish()).unwrap_or_default();
        let Some(levels) = meters.levels.take() else {
            return Analysis { facts, loudness, course, ..Analysis::default() };
        };
        let activity = Activity::new(&levels);
        read_levels(&mut facts, &levels);
        read_activity(&mut facts, &activity, &levels, &meters.energy);
        if let Some(meter) = meters.clipping {
            read_clipping(&mut facts, meter);
        }
        read_dynamics(&mut facts, meters.dynamic_range);
        let mut blemishes = Blemishes::default();
        let told = meters
            .long_term
            .map(|meter| meter.finish(&mut facts, options.series && !options.lean))
            .unwrap_or_default();
        blemishes.low_end_balance_db = told.low_end_balance_db;
        let listens = meters.erb.is_some();
        let erb::Told { frames: mut erb, onsets_s, novelty } =
            meters.erb.map(|meter| meter.finish(&activity)).unwrap_or_default();
        if listens && activity.seconds() > 0.0 {
            facts.onsets_per_s = Some(onsets_s.len() as f64 / activity.seconds());
            facts.inter_onset_median_s = inter_onset_median_s(&onsets_s);
        }
        let mut pitch_hz = match recording {
            Some(recording) => recording.finish(&mut facts, &mut blemishes, &levels, &activity),
            None => Vec::new(),
        };
        let chroma = meters.chroma.map(ChromaMeter::finish);
        let music = chroma.map(|chroma| {
            let energy = &meters.energy;
            let onset_bpm = onset_tempo(&onsets_s, &erb).map(|tempo| tempo.bpm);
            let loudness = |from_s: f64, to_s: f64| loudness_between(energy, from_s, to_s);
            let (novelty, chroma, erb, duration_s) = (&novelty, &chroma, &erb, facts.duration_s);
            music(&Heard { novelty, chroma, erb, duration_s, onset_bpm, loudness: &loudness })
        });
        let range_edges_lufs = meters.energy.range_edges_lufs();
        let (image, mut tone) = (told.image, told.tone);
        if options.lean || !options.series {
            psr = PsrSeries::default();
        }
        if !options.series {
            (erb, pitch_hz, tone) = Default::default();
        }
        Analysis {
            facts,
            loudness,
            range_edges_lufs,
            psr,
            image,
            tone,
            erb,
            onsets_s,
            course,
            pitch_hz,
            blemishes,
            music,
        }
    }
}

fn read_loudness(facts: &mut Facts, meters: &Meters, options: Options) -> PsrSeries {
    let energy = &meters.energy;
    facts.integrated_lufs = energy.integrated_lufs();
    facts.max_momentary_lufs = energy.max_momentary_lufs();
    facts.max_short_term_lufs = energy.max_short_term_lufs();
    facts.loudness_range_lu = energy.range_lu();
    let (peaks, stretches) = meters.true_peak.reading_with_stretches();
    facts.true_peak_dbtp = peaks.dbtp();
    facts.true_peak_frame = peaks.highest().filter(|p| p.level > 0.0).map(|p| p.frame);
    for (channel, peak) in facts.per_channel.iter_mut().zip(&peaks.channels) {
        channel.true_peak_dbtp = level_db(peak.level);
    }
    for (channel, sample) in facts.per_channel.iter_mut().zip(&peaks.samples) {
        channel.sample_peak_dbfs = level_db(*sample);
    }
    facts.true_peak_minimum_dbtp = peaks.minimum_dbtp();
    facts.sample_peak_dbfs = level_db(peaks.samples.iter().copied().fold(0.0, f64::max));
    facts.plr_lu = facts.true_peak_dbtp.zip(facts.integrated_lufs).map(|(peak, lufs)| peak - lufs);
    if !options.levels {
        return PsrSeries::default();
    }
    let mut series = PsrSeries::default();
    if options.psr {
        series = psr_series(energy, &stretches, facts.integrated_lufs);
        let psr = sorted(series.psr_lu.iter().flatten().copied());
        facts.psr_min_lu = psr.first().copied();
        facts.psr_p5_lu = nearest_rank(&psr, PSR_SHARE);
        facts.psr_median_lu = nearest_rank(&psr, 0.5);
    }
    if let Some(levels) = &meters.levels {
        facts.k_system = k_system(levels, energy);
    }
    [facts.momentary_histogram, facts.short_term_histogram] = histograms(energy);
    series
}

fn read_dynamics(facts: &mut Facts, meter: DynamicRange) {
    let channels = meter.finish();
    facts.dr_db = rounded_dr(&channels);
    facts.per_channel.iter_mut().zip(channels).for_each(|(channel, dr)| channel.dr_db = dr);
}

/// Loudness between two times, without gating.
fn loudness_between(energy: &Energy, from_s: f64, to_s: f64) -> Option<f64> {
    let bin = |time_s: f64| ((time_s * BINS_PER_SECOND as f64).round() as usize).min(energy.bins());
    let (from, to) = (bin(from_s), bin(to_s));
    if from < to { energy.lufs_of([(from, to)].into_iter()) } else { None }
}

fn read_levels(facts: &mut Facts, levels: &Levels) {
    facts.sample_peak_dbfs = level_db(levels.peak());
    facts.rms_dbfs = power_db(levels.mean_square());
    facts.crest_db = facts.sample_peak_dbfs.zip(facts.rms_dbfs).map(|(peak, rms)| peak - rms);
    for (number, (channel, sums)) in facts.per_channel.iter_mut().zip(&levels.channels).enumerate() {
        channel.sample_peak_dbfs = level_db(sums.peak);
        channel.rms_dbfs = power_db(sums.squares / levels.frames.max(1) as f64);
        channel.crest_db = channel.sample_peak_dbfs.zip(channel.rms_dbfs).map(|(peak, rms)| peak - rms);
        channel.dc_offset = levels.mean(number);
        if channel.dc_offset.abs() > facts.dc_offset.abs() {
            facts.dc_offset = channel.dc_offset;
        }
    }
    let (leading, trailing) = levels.silence();
    facts.leading_silence_s = leading as f64 / facts.sample_rate_hz;
    facts.trailing_silence_s = trailing as f64 / facts.sample_rate_hz;
    let (leading, trailing) = levels.quiet();
    facts.leading_quiet_s = leading as f64 / facts.sample_rate_hz;
    facts.trailing_quiet_s = trailing as f64 / facts.sample_rate_hz;
    if let [left, right] = &levels.channels[..] {
        let image = Stereo { left: left.squares, right: right.squares, product: levels.product };
        facts.correlation = image.correlation();
        facts.mono_loss_db = image.mono_loss_db();
        facts.side_mid_db = image.side_mid_db();
        facts.balance_db = image.balance_db();
    }
}

fn read_activity(facts: &mut Facts, activity: &Activity, levels: &Levels, energy: &Energy) {
    facts.noise_floor_dbfs = activity.noise_floor_dbfs();
    facts.active_share = activity.share();
    facts.active_regions = activity.regions();
    facts.active_rms_dbfs = activity.rms_dbfs();
    let frames = activity.active.iter().enumerate().filter(|(_, active)| **active);
    facts.active_lufs = energy.lufs_of(frames.map(|(f, _)| (f * FRAME_BINS, (f + 1) * FRAME_BINS)));

    let ends = (MOMENTARY_BINS..=energy.bins()).step_by(STEP_BINS);
    let active = ends.filter(|end| activity.mostly(end - MOMENTARY_BINS, *end));
    let active: Vec<usize> = active.collect();
    let momentary = sorted(active.iter().filter_map(|end| energy.momentary_lufs(*end)));
    let (low, high) = (nearest_rank(&momentary, 0.10), nearest_rank(&momentary, 0.95));
    facts.level_spread_lu = high.zip(low).map(|(high, low)| high - low);
    let crests = sorted(active.iter().filter_map(|end| {
        let (from, to) = ((end - MOMENTARY_BINS) / FRAME_BINS, end / FRAME_BINS);
        let (peak, power) = levels.stretch(from, to);
        (power > 0.0).then(|| gain_to_db(peak) - power_to_db(power)).filter(|db| db.is_finite())
    }));
    facts.active_crest_db = nearest_rank(&crests, 0.5);
}

fn read_clipping(facts: &mut Facts, clipping: Clipping) {
    let (samples, runs, places) = clipping.finish();
    facts.clipped_samples = samples.iter().sum();
    facts.clipped_runs = runs;
    facts.clipped_level_dbfs = nearest_rank(&sorted(places.iter().map(|place| place.level_dbfs)), 0.5);
    facts.clipped_places = places;
    for (channel, clipped) in facts.per_channel.iter_mut().zip(samples) {
        channel.clipped_samples = clipped;
    }
}

/// Everything about a whole block: channels of the layout x frames, at a sample rate in hertz.
pub fn analyse(
    block: &BlockRef,
    sample_rate_hz: f64,
    layout: Layout,
    options: Options,
) -> Result<Analysis, Error> {
    let mut analyser = Analyser::new(sample_rate_hz, layout, options)?;
    analyser.push(block);
    Ok(analyser.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analysers_may_run_on_any_thread() {
        fn sent<T: Send>() {}
        sent::<Analyser>();
        sent::<Analysis>();
    }

    /// Noise with a click, a hum and a hole, which every meter of a recording has something to say of.
    fn recording() -> audio::Buffer {
        let mut state = 7u32;
        let mut noise = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / 8_388_608.0 - 1.0
        };
        let mut channel: Vec<f64> = (0..48_000 * 3)
            .map(|n| 0.02 * noise() + 0.05 * (std::f64::consts::TAU * 220.0 * f64::from(n) / 48_000.0).sin())
            .collect();
        channel[60_000] += 0.7;
        channel[90_000..90_400].fill(0.0);
        audio::Buffer::from_channels(&[channel.clone(), channel])
    }

    #[test]
    fn shares_of_the_work_may_be_done_at_the_same_time() {
        let signal = recording();
        let analyser = || Analyser::new(48_000.0, Layout::Stereo, Options::default()).unwrap();
        let (mut serial, mut beside, mut backwards) = (analyser(), analyser(), analyser());
        let mut asked = 0;
        for start in (0..signal.frames()).step_by(7_001) {
            let block = signal.range(start, 7_001.min(signal.frames() - start));
            serial.push(&block);
            beside.push_apart(&block, |one, other| {
                asked += 1;
                std::thread::scope(|scope| {
                    scope.spawn(one);
                    scope.spawn(other);
                });
            });
            backwards.push_apart(&block, |one, other| {
                other();
                one();
            });
        }
        assert!(asked > 0);
        let serial = serial.finish();
        assert!(serial.blemishes.clicks > 0 && serial.facts.pitch_median_hz.is_some());
        assert_eq!(serial, beside.finish());
        assert_eq!(serial, backwards.finish());
    }
}
