//! A singing voice: glottal pulses and noise through the moving resonances of a throat.
//!
//! The source is the KLGLOTT88 pulse of D. Klatt and L. Klatt, *Analysis, synthesis, and perception of voice
//! quality variations among female and male talkers*, JASA 87(2), 1990; the throat is the cascade of D. Klatt,
//! *Software for a cascade/parallel formant synthesizer*, JASA 67(3), 1980. The vowels' first three formants
//! are the women's means of G. Peterson and H. Barney, *Control methods used in a study of the vowels*,
//! JASA 24(2), 1952, table II.

use std::f64::consts::PI;

use crate::filter::{Biquad, Formant, OnePole};
use crate::keys::jump;
use crate::lyrics::{Coda, Onset, Syllable, Vowel};
use crate::random::Random;
use crate::score::Score;

/// What makes one singer another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Singer {
    /// Names the singer's own randomness.
    pub(crate) name: &'static str,
    /// Length of the throat: 1 is Peterson and Barney's mean; more is a smaller head.
    pub(crate) formants: f64,
    /// Vibrato's rate, and its half width in cents.
    pub(crate) vibrato_hz: f64,
    pub(crate) vibrato_cents: f64,
    /// Air in the tone.
    pub(crate) breath: f64,
    /// Spread of entries in milliseconds.
    pub(crate) looseness_ms: f64,
    /// Level of s and sh; 1 is well-spoken.
    pub(crate) sibilance: f64,
}

/// What the throat is told at an instant. Smoothed between one command and the next.
#[derive(Debug, Clone, Copy, Default)]
struct Throat {
    /// Level of the voice, of the breath through the throat, and of the hiss at the teeth.
    voice: f64,
    air: f64,
    hiss: f64,
    formants: [f64; 3],
}

/// From when on a command holds.
#[derive(Debug, Clone, Copy)]
struct Command {
    at_s: f64,
    throat: Throat,
    hiss_hz: f64,
    /// How fast the throat gets there.
    glide_s: f64,
}

/// Sings the syllables, mono, without working level.
pub(crate) fn sing(
    score: &Score,
    singer: Singer,
    line: &[Syllable],
    frames: usize,
    rate_hz: f64,
) -> Vec<f64> {
    let mut random = Random::for_part(score.seed, singer.name);
    let sung = entries(line, singer, &mut random);
    let commands = articulate(&sung, singer, &mut random);
    let mut mouth = Mouth::new(singer, random, rate_hz);
    let mut out = vec![0.0; frames];
    // The throat moves on a grid of one millisecond.
    let grid = (rate_hz * 0.001).round() as usize;
    let (mut next, mut syllable) = (0, 0);
    for (block, chunk) in out.chunks_mut(grid).enumerate() {
        let at_s = (block * grid) as f64 / rate_hz;
        while next < commands.len() && commands[next].at_s <= at_s {
            mouth.obey(commands[next]);
            next += 1;
        }
        while syllable + 1 < sung.len() && sung[syllable + 1].at_s - 0.03 <= at_s {
            syllable += 1;
        }
        mouth.step(score, sung.get(syllable), at_s);
        mouth.fill(chunk);
    }
    step_back(&mut out, rate_hz);
    // A large-diaphragm microphone close to the mouth: presence and air.
    Biquad::bell(3300.0, 3.0, 0.8, rate_hz).run(&mut out);
    Biquad::high_shelf(4800.0, 8.0, rate_hz).run(&mut out);
    out
}

/// A singer leans back from the microphone on the loud notes and in on the soft ones: the level over some
/// 200 ms is pulled to the middle by 60 % in decibels, on the way between 6 dB in and 12 dB out.
fn step_back(samples: &mut [f64], rate_hz: f64) {
    // Close to the middle of what the throat gives; only the shape of the curve hangs on it.
    const MIDDLE_POWER: f64 = 0.02;
    let peak_power = samples.iter().fold(0.0, |peak: f64, x| peak.max(x * x)).max(f64::MIN_POSITIVE);
    let (rise, fall) = (1.0 - (-1.0 / (0.08 * rate_hz)).exp(), 1.0 - (-1.0 / (0.30 * rate_hz)).exp());
    let middle = peak_power * MIDDLE_POWER;
    let mut power = middle;
    for x in samples {
        let now = *x * *x;
        power += if now > power { rise } else { fall } * (now.max(0.06 * middle) - power);
        // Half of 0.6, since it is a ratio of powers.
        *x *= (middle / power).powf(0.3).clamp(0.25, 2.0);
    }
}

/// The syllables as this singer enters them: a little early or late, a little louder or softer.
fn entries(line: &[Syllable], singer: Singer, random: &mut Random) -> Vec<Syllable> {
    let mut sung = line.to_vec();
    for syllable in &mut sung {
        syllable.at_s += singer.looseness_ms * 1e-3 * random.normal();
        syllable.level *= 1.0 + 0.07 * random.normal();
    }
    sung
}

fn vowel_formants(vowel: Vowel, size: f64) -> [f64; 3] {
    let hz = match vowel {
        Vowel::Ee => [310.0, 2790.0, 3310.0],
        Vowel::Ih => [430.0, 2480.0, 3070.0],
        Vowel::Eh => [610.0, 2330.0, 2990.0],
        Vowel::Ah => [850.0, 1220.0, 2810.0],
        Vowel::Aw => [590.0, 920.0, 2710.0],
        Vowel::Oo => [370.0, 950.0, 2670.0],
        Vowel::Uh => [760.0, 1400.0, 2780.0],
        Vowel::Er => [500.0, 1640.0, 1960.0],
    };
    hz.map(|f| f * size)
}

/// Turns syllables into commands to the throat: consonant, vowel, ending; and a breath before each phrase.
fn articulate(line: &[Syllable], singer: Singer, random: &mut Random) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut ended_s = 0.0;
    for (index, syllable) in line.iter().enumerate() {
        let next_s = line.get(index + 1).map_or(f64::INFINITY, |next| next.at_s);
        let pause_s = syllable.at_s - ended_s;
        if pause_s > 0.38 {
            breathe_in(&mut commands, syllable.at_s, singer, random);
        }
        let end_s = syllable.end_s.min(next_s - consonant_s(line.get(index + 1)));
        pronounce(&mut commands, syllable, end_s, singer, random);
        ended_s = end_s;
    }
    commands.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    commands
}

fn breathe_in(commands: &mut Vec<Command>, before_s: f64, singer: Singer, random: &mut Random) {
    let from_s = before_s - random.between(0.40, 0.48);
    let formants = vowel_formants(Vowel::Uh, singer.formants);
    let air = 0.05 * random.between(0.7, 1.1);
    for (at_s, air, glide_s) in [(from_s, air, 0.09), (from_s + 0.27, 0.0, 0.03)] {
        let throat = Throat { air, formants, ..Throat::default() };
        commands.push(Command { at_s, throat, hiss_hz: 6500.0, glide_s });
    }
}

/// How long before its note the consonant begins.
fn consonant_s(syllable: Option<&Syllable>) -> f64 {
    match syllable.map(|s| s.onset) {
        None | Some(Onset::None) => 0.0,
        Some(Onset::S) => 0.095,
        Some(Onset::T) => 0.07,
        Some(Onset::B) => 0.05,
        Some(Onset::H) => 0.05,
        Some(Onset::N | Onset::L | Onset::W) => 0.06,
    }
}

fn pronounce(
    commands: &mut Vec<Command>,
    syllable: &Syllable,
    end_s: f64,
    singer: Singer,
    random: &mut Random,
) {
    let size = singer.formants;
    let level = syllable.level;
    let vowel = vowel_formants(syllable.vowel, size);
    let on_s = syllable.at_s;
    let from_s = on_s - consonant_s(Some(syllable));
    let mut say =
        |at_s: f64, voice: f64, air: f64, hiss: f64, formants: [f64; 3], hiss_hz: f64, glide_s: f64| {
            let throat = Throat { voice: voice * level, air: air * level, hiss: hiss * level, formants };
            commands.push(Command { at_s, throat, hiss_hz, glide_s });
        };
    let teeth = singer.sibilance * random.between(0.85, 1.1);
    let murmur = [270.0 * size, 1100.0 * size, 2300.0 * size];
    match syllable.onset {
        Onset::None => {}
        Onset::S => say(from_s, 0.0, 0.02, 0.36 * teeth, vowel, 7400.0, 0.018),
        Onset::H => say(from_s, 0.0, 0.16, 0.0, vowel, 6500.0, 0.02),
        Onset::T => {
            say(from_s, 0.0, 0.0, 0.0, vowel, 5200.0, 0.008);
            say(on_s - 0.022, 0.0, 0.10, 0.55 * teeth, vowel, 5200.0, 0.002);
        }
        Onset::B => {
            say(from_s, 0.12, 0.0, 0.0, [220.0, 900.0, 2200.0], 3000.0, 0.010);
            say(on_s - 0.008, 0.3, 0.08, 0.10, vowel, 2200.0, 0.004);
        }
        Onset::N => say(from_s, 0.34, 0.0, 0.0, murmur, 6500.0, 0.016),
        Onset::L => say(from_s, 0.45, 0.0, 0.0, [340.0 * size, 1200.0 * size, 2900.0 * size], 6500.0, 0.020),
        Onset::W => say(from_s, 0.42, 0.0, 0.0, [330.0 * size, 700.0 * size, 2300.0 * size], 6500.0, 0.030),
    }
    say(on_s - 0.005, 1.0, singer.breath, 0.0, vowel, 6500.0, 0.030);
    let length_s = end_s - on_s;
    if length_s > 0.3 {
        // The first push is over; what is held long swells again.
        say(on_s + 0.11, 0.82, singer.breath * 1.2, 0.0, vowel, 6500.0, 0.10);
    }
    if length_s > 0.8 {
        say(on_s + 0.42 * length_s, 1.0, singer.breath, 0.0, vowel, 6500.0, 0.16);
    }
    if let Some(glide) = syllable.glide {
        // The second half of a diphthong comes late in a sung note.
        let turn_s = on_s + length_s * 0.62;
        say(turn_s, 0.92, singer.breath, 0.0, vowel_formants(glide, size), 6500.0, 0.055);
    }
    match syllable.coda {
        Coda::None => {
            if !syllable.tied {
                say(end_s - 0.07, 0.0, singer.breath * 0.5, 0.0, vowel, 6500.0, 0.045);
            }
        }
        Coda::N => {
            say(end_s - 0.09, 0.36, 0.0, 0.0, murmur, 6500.0, 0.02);
            say(end_s - 0.01, 0.0, 0.0, 0.0, murmur, 6500.0, 0.02);
        }
        Coda::S => {
            say(end_s - 0.12, 0.0, 0.02, 0.30 * teeth, vowel, 7400.0, 0.020);
            say(end_s - 0.01, 0.0, 0.0, 0.0, vowel, 7400.0, 0.025);
        }
        Coda::T => {
            say(end_s - 0.07, 0.0, 0.0, 0.0, vowel, 5200.0, 0.010);
            say(end_s - 0.02, 0.0, 0.04, 0.40 * teeth, vowel, 5200.0, 0.002);
            say(end_s, 0.0, 0.0, 0.0, vowel, 5200.0, 0.012);
        }
    }
    if !syllable.tied {
        say(end_s + 0.02, 0.0, 0.0, 0.0, vowel, 6500.0, 0.03);
    }
}

/// The instrument itself.
struct Mouth {
    singer: Singer,
    random: Random,
    rate_hz: f64,
    now: Throat,
    goal: Throat,
    hiss_hz: f64,
    keep: f64,
    hz: f64,
    drift_cents: f64,
    vibrato_phase: f64,
    phase: f64,
    shimmer: f64,
    tilt: OnePole,
    formants: [Formant; 8],
    teeth: Biquad,
    breath_edge: Biquad,
    last: Throat,
}

impl Mouth {
    fn new(singer: Singer, random: Random, rate_hz: f64) -> Mouth {
        let open = Throat { formants: vowel_formants(Vowel::Uh, singer.formants), ..Throat::default() };
        Mouth {
            singer,
            random,
            rate_hz,
            now: open,
            goal: open,
            hiss_hz: 6500.0,
            keep: 0.9,
            hz: 0.0,
            drift_cents: 0.0,
            vibrato_phase: 0.0,
            phase: 0.0,
            shimmer: 1.0,
            tilt: OnePole::low_pass(5200.0, rate_hz),
            formants: Default::default(),
            teeth: Biquad::band_pass(6500.0, 1.4, rate_hz),
            breath_edge: Biquad::high_pass(500.0, 0.7, rate_hz),
            last: open,
        }
    }

    fn obey(&mut self, command: Command) {
        self.goal = command.throat;
        self.keep = (-0.001 / command.glide_s).exp();
        if command.throat.hiss > 0.0 && command.hiss_hz != self.hiss_hz {
            self.hiss_hz = command.hiss_hz;
            self.teeth.tune(Biquad::band_pass(self.hiss_hz, 1.4, self.rate_hz));
        }
    }

    /// One millisecond on: pitch, vibrato, and the throat on its way.
    fn step(&mut self, score: &Score, syllable: Option<&Syllable>, at_s: f64) {
        self.last = self.now;
        let go = |now: f64, goal: f64, keep: f64| goal + (now - goal) * keep;
        self.now.voice = go(self.now.voice, self.goal.voice, self.keep);
        self.now.air = go(self.now.air, self.goal.air, self.keep);
        // The tongue leaves the teeth at once.
        let tongue = self.keep.min((-0.001_f64 / 0.014).exp());
        self.now.hiss = go(self.now.hiss, self.goal.hiss, tongue);
        for (now, goal) in self.now.formants.iter_mut().zip(self.goal.formants) {
            *now = go(*now, goal, self.keep.max((-0.001_f64 / 0.028).exp()));
        }
        self.shimmer = go(self.shimmer, 1.0 + 0.10 * self.random.noise(), 0.96);
        self.drift_cents = go(self.drift_cents, 60.0 * self.random.noise(), 0.995);
        if let Some(syllable) = syllable {
            self.pitch(score, syllable, at_s);
        }
        self.tune();
    }

    fn pitch(&mut self, score: &Score, syllable: &Syllable, at_s: f64) {
        let since_s = at_s - syllable.at_s;
        // Phrases start from below, long notes settle before the vibrato grows, endings let go.
        let scoop = if syllable.first { -160.0 * (-(since_s + 0.04).max(0.0) / 0.055).exp() } else { 0.0 };
        let grow = ((since_s - 0.22) / 0.30).clamp(0.0, 1.0);
        self.vibrato_phase = (self.vibrato_phase + self.singer.vibrato_hz * 0.001).fract();
        let vibrato = self.singer.vibrato_cents * grow * (2.0 * PI * self.vibrato_phase).sin();
        let left_s = syllable.end_s - at_s;
        let fall = if syllable.tied { 0.0 } else { -90.0 * ((0.10 - left_s) / 0.10).clamp(0.0, 1.0) };
        let cents = scoop + vibrato + fall + self.drift_cents;
        let goal = score.hz(syllable.note + cents / 100.0);
        // About 35 ms from one note to the next.
        let keep = (-0.001_f64 / 0.016).exp();
        self.hz = if self.hz > 0.0 { goal + (self.hz - goal) * keep } else { goal };
    }

    fn tune(&mut self) {
        let size = self.singer.formants;
        let [f1, f2, f3] = self.now.formants;
        // Singers open the first formant when the note climbs above it.
        let f1 = f1.max(self.hz * 1.02);
        let f2 = f2.max(f1 + 250.0);
        let hz = [
            f1,
            f2,
            f3.max(f2 + 350.0),
            4100.0 * size,
            4950.0 * size,
            6100.0 * size,
            7400.0 * size,
            8900.0 * size,
        ];
        let wide = [110.0, 110.0, 150.0, 200.0, 280.0, 450.0, 650.0, 850.0];
        for ((formant, hz), wide) in self.formants.iter_mut().zip(hz).zip(wide) {
            formant.tune(hz, wide, self.rate_hz);
        }
    }

    fn fill(&mut self, out: &mut [f64]) {
        let (from, to) = (self.last, self.now);
        let quiet = |t: &Throat| t.voice.max(t.air).max(t.hiss) < 2e-5;
        if quiet(&from) && quiet(&to) {
            return;
        }
        let step = self.hz / self.rate_hz;
        let count = out.len() as f64;
        for (n, x) in out.iter_mut().enumerate() {
            let mix = (n as f64 + 1.0) / count;
            let voice = from.voice + (to.voice - from.voice) * mix;
            let air = from.air + (to.air - from.air) * mix;
            let hiss = from.hiss + (to.hiss - from.hiss) * mix;
            let (pulse, open) = self.glottis(step, voice);
            let noise = self.random.noise();
            let breath = self.breath_edge.process(noise) * (air + 0.5 * open * air * voice);
            let source = self.tilt.process(pulse) * voice * self.shimmer + 0.35 * breath;
            let sung = self.formants.iter_mut().fold(source, |y, formant| formant.process(y));
            *x = sung + 0.55 * hiss * self.teeth.process(noise);
        }
    }

    /// The flow's derivative, and whether the glottis is open. A louder voice closes sooner and is brighter.
    fn glottis(&mut self, step: f64, effort: f64) -> (f64, f64) {
        let open_share = 0.68 - 0.12 * effort.min(1.0);
        let phase = self.phase;
        self.phase += step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
        }
        // The closure, a jump of height one, is rounded.
        let to_closure = phase - open_share;
        let round = 0.5 * jump(if to_closure < 0.0 { to_closure + 1.0 } else { to_closure }, step);
        if phase < open_share {
            let x = phase / open_share;
            (x * (2.0 - 3.0 * x) + round, 1.0)
        } else {
            (round, 0.0)
        }
    }
}
