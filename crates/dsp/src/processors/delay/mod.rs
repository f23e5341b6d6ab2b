//! Delay: echoes in free time or in the song's tempo.
//!
//! A delay line per channel whose output comes back through low cut, high cut and a soft saturation, straight
//! or crossed over (ping-pong). Parts of a frame are read by Lagrange interpolation over eight samples, which
//! is exact for whole frames, never amplifies, and keeps time to far better than a tenth of a frame (Laakso,
//! Välimäki, Karjalainen & Laine, *Splitting the unit delay*, IEEE Signal Processing Magazine 13, 1996). The
//! delay of the high cut is taken off the line, so that repeats stay on the beat however dark they are. A new
//! time is faded in beside the old one, or taken up as a tape does, by another speed. Wow is the slow speed error of a tape loop.
//!
//! Path: in -> + -> low cut -> high cut -> saturation -> line -> out; line -> feedback -> +.

#[cfg(test)]
mod tests;
mod wow;

use crate::blocks::cut::{Cut, Side};
use crate::blocks::ducker::Ducker;
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded, flush};
use crate::blocks::line::{Line, POINTS, SHORTEST, Tap};
use crate::blocks::math::db_to_gain;
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, gain_to_db};
use std::f64::consts::TAU;
use wow::{Slide, WOW_HZ, Wow};

choices! {
    /// The delay time as a note value; `time_ms` counts when it is off.
    pub enum Sync {
        /// Not synchronised: `time_ms` counts.
        Off = "off",
        /// A half note.
        Half = "1_2",
        /// A dotted quarter note.
        QuarterDotted = "1_4_dotted",
        /// A quarter note.
        Quarter = "1_4",
        /// A third of a half note.
        QuarterTriplet = "1_4_triplet",
        /// A dotted eighth note.
        EighthDotted = "1_8_dotted",
        /// An eighth note.
        Eighth = "1_8",
        /// A third of a quarter note.
        EighthTriplet = "1_8_triplet",
        /// A dotted sixteenth note.
        SixteenthDotted = "1_16_dotted",
        /// A sixteenth note.
        Sixteenth = "1_16",
        /// A third of an eighth note.
        SixteenthTriplet = "1_16_triplet",
        /// A thirty-second note.
        ThirtySecond = "1_32",
    }
}

impl Sync {
    /// Length in quarter notes; `None` when off.
    fn beats(self) -> Option<f64> {
        match self {
            Sync::Off => None,
            Sync::Half => Some(2.0),
            Sync::QuarterDotted => Some(1.5),
            Sync::Quarter => Some(1.0),
            Sync::QuarterTriplet => Some(2.0 / 3.0),
            Sync::EighthDotted => Some(0.75),
            Sync::Eighth => Some(0.5),
            Sync::EighthTriplet => Some(1.0 / 3.0),
            Sync::SixteenthDotted => Some(0.375),
            Sync::Sixteenth => Some(0.25),
            Sync::SixteenthTriplet => Some(1.0 / 6.0),
            Sync::ThirtySecond => Some(0.125),
        }
    }
}

choices! {
    /// How a new time is taken up.
    pub enum TimeChange {
        /// Faded in beside the old one: echoes keep their pitch.
        Fade = "fade",
        /// The line is driven faster or slower until it has the new time, as a tape's motor is: the pitch bends.
        Slide = "slide",
    }
}

settings! {
    /// Settings of the delay.
    pub struct Settings {
        /// Time between two echoes, when it does not follow the tempo.
        time_ms: f64 {
            label: "Time", unit: Unit::Millisecond, min: 1.0, max: 4000.0, default: 350.0, taper: Taper::Logarithmic,
        },
        /// Time between two echoes as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// What of each echo comes back as the next one.
        feedback_percent: f64 { label: "Feedback", unit: Unit::Percent, min: 0.0, max: 98.0, default: 30.0 },
        /// Echoes change sides, beginning on the left; the input is taken in mono.
        ping_pong: bool { label: "Ping-pong" },
        /// Takes bass away from every echo, 12 dB per octave.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 10.0, max: 1000.0, default: 10.0, taper: Taper::Logarithmic,
        },
        /// Takes treble away from every echo, 12 dB per octave.
        high_cut_hz: f64 {
            label: "High cut", unit: Unit::Hertz, min: 1000.0, max: 22_000.0, default: 22_000.0,
            taper: Taper::Logarithmic,
        },
        /// Rounds off the peaks of every echo: at 100 the line holds -12 dBFS at most.
        saturation_percent: f64 { label: "Saturation", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Largest deviation of pitch, as a tape loop that runs unevenly.
        wow_percent: f64 { label: "Wow", unit: Unit::Percent, min: 0.0, max: 1.0 },
        /// By how much the echoes step back while the dry sound plays.
        ducking_db: f64 { label: "Ducking", unit: Unit::Decibel, min: 0.0, max: 24.0 },
        /// Dry against wet at constant power: 0 only dry, 100 only wet (on a return).
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// How a new time is taken up.
        time_change: TimeChange { label: "Time change" },
    }
}

/// Echoes, free or in tempo.
pub static KIND: Kind = Kind {
    id: "delay",
    label: "Delay",
    family: Family::Space,
    help: "Repeats a sound. In tempo it gives depth and movement without the haze of a reverb; 80 to 140 ms \
           without feedback double a voice. Use it on a return with the mix at 100 %.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Delay::new(Settings::from_values(values), spec, values.still)),
    response: None,
};

/// Longest time, in seconds: four beats of 60 or two of 30 per minute.
const LONGEST_S: f64 = 4.0;

/// How long two times sound together while one replaces the other.
const FADE_S: f64 = 0.03;

/// Frames between two echoes.
fn echo_frames(settings: &Settings, sample_rate_hz: f64) -> f64 {
    let seconds = match settings.sync.beats() {
        Some(beats) => beats * 60.0 / settings.tempo_bpm,
        None => settings.time_ms / 1000.0,
    };
    seconds.min(LONGEST_S) * sample_rate_hz
}

/// `x / sqrt(1 + hardness x^2)`: unity for small signals, `1 / sqrt(hardness)` at most.
fn hardness(settings: &Settings) -> f64 {
    let ceiling = db_to_gain(-12.0);
    (settings.saturation_percent / 100.0 / ceiling).powi(2)
}

struct Delay {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lines: [Line; 2],
    /// Time that sounds, in frames, and the one that is being faded in: frames, and how far the fade is.
    time: f64,
    next: Option<(f64, Frames)>,
    fade: Frames,
    /// Where `time` and `next` are read while there is no wow.
    taps: [Tap; 2],
    low_cut: Cut,
    high_cut: Cut,
    wow: Wow,
    slide: Slide,
    /// Feedback, share of the crossing, hardness, dry gain, wet gain, ducking gain.
    ramps: [Ramp; 6],
    /// Follows nothing where the echoes never step back.
    ducker: Option<Ducker>,
}

impl Delay {
    /// With lines for the longest time there is, or, where nothing will be set, for the one that is.
    fn new(settings: Settings, spec: &Spec, still: bool) -> Delay {
        let rate = spec.sample_rate_hz;
        let whole = spec.frames(LONGEST_S + 0.01) + POINTS;
        // The wow swings by a thirtieth of a second at most, and a control period is read at once.
        let needed = echo_frames(&settings, rate) as Frames + spec.frames(0.04) + 2 * CONTROL_FRAMES;
        let longest = if still { needed.min(whole) } else { whole };
        let mut delay = Delay {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            lines: [Line::new(longest), Line::new(longest)],
            time: 0.0,
            next: None,
            // Whole control periods: a fade begins and ends on the grid.
            fade: (spec.frames(FADE_S) / CONTROL_FRAMES).max(1) * CONTROL_FRAMES,
            taps: [Tap::new(SHORTEST); 2],
            low_cut: Cut::new(Side::Low, settings.low_cut_hz, rate),
            high_cut: Cut::new(Side::High, settings.high_cut_hz, rate),
            wow: Wow::new(rate),
            slide: Slide::new(rate),
            ramps: [Ramp::new(0.0); 6],
            ducker: (!still || settings.ducking_db != 0.0).then(|| Ducker::new(rate)),
            settings,
        };
        delay.reset();
        delay
    }

    /// Frames that the line itself has to hold back: the high cut does the rest.
    fn line_frames(&self) -> f64 {
        (echo_frames(&self.settings, self.sample_rate_hz) - self.high_cut.delay_frames()).max(SHORTEST)
    }

    /// Swing of the wow in frames: pitch deviates by the slope of the delay.
    fn wow_frames(&self) -> f64 {
        self.settings.wow_percent / 100.0 / (TAU * WOW_HZ) * self.sample_rate_hz
    }

    /// Sends everything that moves to where the settings want it; the ducking has its own way.
    fn retarget(&mut self) {
        let (dry, wet) = dry_wet(self.settings.mix_percent);
        let crossing = if self.settings.ping_pong { 1.0 } else { 0.0 };
        let targets = [self.settings.feedback_percent / 100.0, crossing, hardness(&self.settings), dry, wet];
        self.ramps.iter_mut().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.low_cut.go_to(self.settings.low_cut_hz);
        self.high_cut.go_to(self.settings.high_cut_hz);
        self.changed = false;
    }

    /// Prepares the next control period.
    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        if let Some((time, done)) = self.next
            && done == self.fade
        {
            (self.time, self.next) = (time, None);
        }
        let wished = self.line_frames();
        if self.next.is_none() && wished != self.time {
            match self.settings.time_change {
                TimeChange::Fade => self.next = Some((wished, 0)),
                TimeChange::Slide => {
                    self.slide.start(self.time - wished);
                    self.time = wished;
                }
            }
        }
        self.slide.control();
        self.taps = [Tap::new(self.time), Tap::new(self.next.map_or(self.time, |(time, _)| time))];
        self.wow.control(self.wow_frames());
        let ducking = self.ducking();
        if ducking != self.ramps[5].target() {
            self.ramps[5].go_to(ducking);
        }
        self.low_cut.flush();
        self.high_cut.flush();
        self.ducker.iter_mut().for_each(Ducker::flush);
    }

    /// Gain of the echoes beside what plays.
    fn ducking(&self) -> f64 {
        self.ducker.as_ref().map_or(1.0, |ducker| ducker.gain(self.settings.ducking_db))
    }

    /// What the lines give for the next frame.
    #[inline]
    fn read(&mut self) -> [f64; 2] {
        if !self.wow.is_still() || !self.slide.is_still() {
            let offset = self.wow.next_offset() + self.slide.next_offset();
            let longest = LONGEST_S * self.sample_rate_hz;
            let at = |frames: f64| Tap::new((frames + offset).min(longest));
            self.taps[0] = at(self.time);
            if let Some((time, _)) = self.next {
                self.taps[1] = at(time);
            }
        }
        let mut echo = self.lines.each_ref().map(|line| line.read(&self.taps[0]));
        if let Some((_, done)) = &mut self.next {
            let part = *done as f64 / self.fade as f64;
            for (echo, line) in echo.iter_mut().zip(&self.lines) {
                *echo += part * (line.read(&self.taps[1]) - *echo);
            }
            *done += 1;
        }
        echo
    }

    /// One frame of both channels.
    #[inline]
    fn frame(&mut self, input: [f64; 2], crossable: f64) -> [f64; 2] {
        let echo = self.read();
        let [feedback, crossing, hardness, dry, wet, ducking] = self.ramps.each_mut().map(Ramp::next_value);
        let crossing = crossing * crossable;
        let back = [0, 1].map(|c| feedback * (echo[c] + crossing * (echo[1 - c] - echo[c])));
        let middle = 0.5 * (input[0] + input[1]);
        let sum =
            [input[0] + crossing * (middle - input[0]) + back[0], input[1] - crossing * input[1] + back[1]];
        let filtered = self.high_cut.next_frame(self.low_cut.next_frame(sum));
        for (line, x) in self.lines.iter_mut().zip(filtered) {
            line.write(flush(x / (1.0 + hardness * x * x).sqrt()));
        }

        self.ducker.iter_mut().for_each(|ducker| ducker.follow(input));
        // Neutral is the very input, whatever waits in the lines.
        if dry == 1.0 && wet == 0.0 {
            return input;
        }
        [0, 1].map(|c| dry * input[c] + wet * ducking * echo[c])
    }
}

/// A piece of two channels.
type Piece = [[f64; CONTROL_FRAMES]; 2];

impl Delay {
    /// What the lines give for a whole piece, where that depends on nothing that is yet to be written.
    fn read_ahead(&mut self, frames: Frames) -> Option<Piece> {
        if !self.wow.is_still() || !self.slide.is_still() {
            return None;
        }
        let ahead = |lines: &[Line; 2], tap: &Tap| {
            Some([lines[0].read_ahead(tap, frames)?, lines[1].read_ahead(tap, frames)?])
        };
        let mut echo = ahead(&self.lines, &self.taps[0])?;
        if let Some((_, done)) = &mut self.next {
            let next = ahead(&self.lines, &self.taps[1])?;
            for (echo, next) in echo.iter_mut().zip(&next) {
                for n in 0..frames {
                    let part = (*done + n) as f64 / self.fade as f64;
                    echo[n] += part * (next[n] - echo[n]);
                }
            }
            *done += frames;
        }
        Some(echo)
    }

    /// A piece of both channels at once, as [`Delay::frame`] does them one after another; not where echoes are shorter.
    fn piece_at_once(&mut self, sound: &mut Piece, frames: Frames, crossable: f64) -> bool {
        let Some(echo) = self.read_ahead(frames) else { return false };
        let soft = self.ramps[2].moves() || self.ramps[2].target() != 0.0;
        let mut paths = [[0.0; CONTROL_FRAMES]; 6];
        for (path, ramp) in paths.iter_mut().zip(&mut self.ramps) {
            *path = ramp.path(frames);
        }
        let [feedback, crossing, hardness, dry, wet, ducking] = &mut paths;
        crossing.iter_mut().for_each(|crossing| *crossing *= crossable);
        let mut sums = [[0.0; CONTROL_FRAMES]; 2];
        feed(sound, &echo, feedback, crossing, &mut sums);
        let [left, right] = &mut sums;
        self.low_cut.process(&mut left[..frames], &mut right[..frames]);
        self.high_cut.process(&mut left[..frames], &mut right[..frames]);
        for (line, sum) in self.lines.iter_mut().zip(&mut sums) {
            if soft {
                saturate(&mut sum[..frames], hardness);
            } else {
                clear_small(&mut sum[..frames]);
            }
            line.write_all(&sum[..frames]);
        }
        if let Some(ducker) = &mut self.ducker {
            ducker.follow_all(&sound[0][..frames], &sound[1][..frames]);
        }
        for (sound, echo) in sound.iter_mut().zip(&echo) {
            mix(&mut sound[..frames], echo, dry, wet, ducking);
        }
        true
    }
}

audio::wide! {
    /// What goes into the lines: the sound and what comes back.
    fn feed(
        sound: &Piece,
        echo: &Piece,
        feedback: &[f64; CONTROL_FRAMES],
        crossing: &[f64; CONTROL_FRAMES],
        sums: &mut Piece,
    ) {
        let ([left, right], [left_echo, right_echo]) = (sound, echo);
        let [left_sum, right_sum] = sums;
        for n in 0..CONTROL_FRAMES {
            let left_back = feedback[n] * (left_echo[n] + crossing[n] * (right_echo[n] - left_echo[n]));
            let right_back = feedback[n] * (right_echo[n] + crossing[n] * (left_echo[n] - right_echo[n]));
            let middle = 0.5 * (left[n] + right[n]);
            left_sum[n] = left[n] + crossing[n] * (middle - left[n]) + left_back;
            right_sum[n] = right[n] - crossing[n] * right[n] + right_back;
        }
    }
}

audio::wide! {
    fn saturate(samples: &mut [f64], hardness: &[f64; CONTROL_FRAMES]) {
        for (x, hardness) in samples.iter_mut().zip(hardness) {
            *x = flush(*x / (1.0 + hardness * *x * *x).sqrt());
        }
    }
}

audio::wide! {
    /// [`saturate`] without any hardness.
    fn clear_small(samples: &mut [f64]) {
        samples.iter_mut().for_each(|x| *x = flush(*x));
    }
}

audio::wide! {
    fn mix(
        sound: &mut [f64],
        echo: &[f64; CONTROL_FRAMES],
        dry: &[f64; CONTROL_FRAMES],
        wet: &[f64; CONTROL_FRAMES],
        ducking: &[f64; CONTROL_FRAMES],
    ) {
        for (n, sound) in sound.iter_mut().enumerate().take(CONTROL_FRAMES) {
            let mixed = dry[n] * *sound + wet[n] * ducking[n] * echo[n];
            // Neutral is the very input, whatever waits in the lines.
            *sound = if dry[n] == 1.0 && wet[n] == 0.0 { *sound } else { mixed };
        }
    }
}

impl Gridded for Delay {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (frames, last) = (block.frames(), block.channels().min(2) - 1);
        let mut sound = [[0.0; CONTROL_FRAMES]; 2];
        for (c, sound) in sound.iter_mut().enumerate() {
            sound[..frames].copy_from_slice(block.channel(c.min(last)));
        }
        if self.piece_at_once(&mut sound, frames, last as f64) {
            for (c, sound) in sound.iter().enumerate().take(last + 1) {
                block.channel_mut(c).copy_from_slice(&sound[..frames]);
            }
        } else if block.channels() == 1 {
            for sample in block.channel_mut(0) {
                // One channel is both sides, between which nothing can cross.
                *sample = self.frame([*sample; 2], 0.0)[0];
            }
        } else {
            let (left, right) = block.stereo_mut();
            for (left, right) in left.iter_mut().zip(right) {
                [*left, *right] = self.frame([*left, *right], 1.0);
            }
        }
    }
}

impl Processor for Delay {
    fn tail(&self) -> Tail {
        let feedback = self.settings.feedback_percent / 100.0;
        // What ducking held back comes up again; 6 dB more for echoes that the filters made steeper.
        let fall_db = 126.0 + self.settings.ducking_db;
        let repeats = if feedback > 0.0 { (fall_db / -gain_to_db(feedback)).ceil() } else { 0.0 };
        let each = echo_frames(&self.settings, self.sample_rate_hz) + self.wow_frames() + 1.0;
        let filters = 2.0 * Cut::decay_s(self.settings.low_cut_hz, fall_db) * self.sample_rate_hz;
        Tail::Frames(((repeats + 1.0) * each + filters).ceil() as Frames + self.fade)
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lines.iter_mut().for_each(Line::reset);
        self.low_cut.reset();
        self.high_cut.reset();
        (self.time, self.next) = (self.line_frames(), None);
        self.wow.reset(self.wow_frames());
        self.slide.reset();
        self.ducker.iter_mut().for_each(Ducker::reset);
        let ducking = self.ducking();
        self.ramps[5].go_to(ducking);
        self.ramps.iter_mut().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        self.changed = true;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if block.channels() > 0 {
            self.on_grid(block, None);
        }
    }
}
