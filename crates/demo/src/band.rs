//! The recording session: who plays, in what order the files are, and what goes wrong in a faulty take.

mod drums;

use audio::{Buffer, db_to_gain, gain_to_db};

use crate::faults;
use crate::filter::Biquad;
use crate::guitar::{Guitar, amplified};
use crate::keys::{LeftHand, electric_piano, pad};
use crate::level::{active_rms_dbfs, peak, spread_db, turn};
use crate::lyrics::{Syllable, backing, lead, second_verse_line_s};
use crate::random::Random;
use crate::room::add_room;
use crate::score::Score;
use crate::voice::{Singer, sing};
use crate::{Planted, SESSION_RATE_HZ, SampleFormat, Sheet, Track, bass, percussion};

/// Whether the session goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Nothing is wrong.
    Clean,
    /// One fault per step of a production.
    Faulty,
}

/// The singers.
const LEAD: Singer = Singer {
    name: "lead voice",
    formants: 0.97,
    vibrato_hz: 5.6,
    vibrato_cents: 38.0,
    breath: 0.05,
    looseness_ms: 7.0,
    sibilance: 1.0,
};
const BACKING: [Singer; 2] = [
    Singer {
        name: "backing voice 1",
        formants: 0.92,
        vibrato_hz: 5.1,
        vibrato_cents: 22.0,
        breath: 0.09,
        looseness_ms: 14.0,
        sibilance: 0.8,
    },
    Singer {
        name: "backing voice 2",
        formants: 1.02,
        vibrato_hz: 5.9,
        vibrato_cents: 26.0,
        breath: 0.10,
        looseness_ms: 16.0,
        sibilance: 0.8,
    },
];

/// Frames per second of the one track that comes from another machine in a faulty session.
const FOREIGN_RATE_HZ: u32 = 44_100;
/// The hum's fundamental.
const MAINS_HZ: f64 = 50.0;
/// Of each microphone and its amplifier, in a clean recording.
const SELF_NOISE_DBFS: f64 = -84.0;

/// What the clean tracks lie under the levels of the balance, so that their sum stays below full scale.
const HEADROOM_DB: f64 = 5.0;

/// How a clean track is levelled in the balance.
#[derive(Debug, Clone, Copy)]
enum Level {
    /// Highest sample, in dBFS.
    Peak(f64),
    /// Root mean square while it plays, in dBFS.
    Active(f64),
}

/// Performs the song track by track, in the order of the file names, and returns its sheet at the end: as
/// [`song`](crate::song) and [`clean_song`](crate::clean_song), without holding all tracks at once.
pub fn each_track(seed: u64, take: Take, sink: impl FnMut(Track)) -> Sheet {
    let score = Score::new(seed);
    let rate_hz = f64::from(SESSION_RATE_HZ);
    let frames = (score.length_s() * rate_hz).round() as usize;
    let mut session = Session {
        score,
        take,
        rate_hz,
        frames,
        planted: Vec::new(),
        sum: [vec![0.0; frames], vec![0.0; frames]],
        rough: [vec![0.0; frames], vec![0.0; frames]],
        lead_dbfs: 0.0,
        pad_dbfs: 0.0,
        sink,
    };
    session.drums();
    session.bass();
    session.guitars();
    session.keys();
    session.pad();
    session.lead();
    session.backing(0);
    session.backing(1);
    session.percussion();
    session.whole();
    let treble_db = treble_db(&session.rough, rate_hz);
    let Session { score, mut planted, .. } = session;
    planted.sort_by_key(|fault| fault.step);
    let (tempo_bpm, sections) = (score.tempo_bpm, score.sections());
    Sheet { title: "Low Tide Lights", tempo_bpm, sections, treble_db, planted }
}

struct Session<Sink> {
    score: Score,
    take: Take,
    rate_hz: f64,
    frames: usize,
    planted: Vec<Planted>,
    /// All tracks of the session's rate added as they are.
    sum: [Vec<f64>; 2],
    /// The same tracks in the rough balance, before the session made them dark.
    rough: [Vec<f64>; 2],
    lead_dbfs: f64,
    pad_dbfs: f64,
    sink: Sink,
}

/// Everything about a file but its samples.
#[derive(Debug, Clone, Copy)]
struct Label {
    file_name: &'static str,
    role: &'static str,
    rate_hz: u32,
    format: SampleFormat,
}

fn label(file_name: &'static str, role: &'static str) -> Label {
    Label { file_name, role, rate_hz: SESSION_RATE_HZ, format: SampleFormat::Int24 }
}

impl<Sink: FnMut(Track)> Session<Sink> {
    fn faulty(&self) -> bool {
        self.take == Take::Faulty
    }

    fn random(&self, part: &str) -> Random {
        Random::for_part(self.score.seed, part)
    }

    fn frame(&self, at_s: f64) -> usize {
        (at_s * self.rate_hz).round() as usize
    }

    /// Writes a fault down.
    fn plant(
        &mut self,
        step: u8,
        track: &'static str,
        fault: &'static str,
        (amount, unit): (f64, &'static str),
        places_s: Vec<(f64, f64)>,
        what: impl Into<String>,
    ) {
        self.planted.push(Planted { step, track, fault, what: what.into(), amount, unit, places_s });
    }

    /// Brings a track to its level: in the rough balance when all is well, else to where the recordist's knob
    /// happened to stand (`recorded_dbfs`, peak), a little dull as everything in that session.
    fn level(&mut self, channels: &mut [Vec<f64>], clean: Level, recorded_dbfs: f64, rate_hz: f64) {
        let balanced_db = match clean {
            Level::Peak(dbfs) => dbfs - HEADROOM_DB - gain_to_db(peak(channels)),
            Level::Active(dbfs) => dbfs - HEADROOM_DB - active_rms_dbfs(channels, rate_hz),
        };
        if rate_hz == self.rate_hz {
            let gain = db_to_gain(balanced_db);
            for (side, rough) in self.rough.iter_mut().enumerate() {
                let channel = &channels[side.min(channels.len() - 1)];
                rough.iter_mut().zip(channel).for_each(|(sum, x)| *sum += gain * x);
            }
        }
        if !self.faulty() {
            return turn(channels, balanced_db);
        }
        for channel in channels.iter_mut() {
            Biquad::high_shelf(DARK_HZ, -DARK_DB, rate_hz).run(channel);
        }
        turn(channels, recorded_dbfs - gain_to_db(peak(channels)));
    }

    fn hiss(&self, samples: &mut [f64], file_name: &str) {
        faults::add_noise(samples, SELF_NOISE_DBFS, &mut self.random(file_name));
    }

    /// Hands a finished recording over, and adds it to the sum of all.
    fn hand_in(&mut self, label: Label, channels: &[Vec<f64>]) {
        if label.rate_hz == SESSION_RATE_HZ {
            for (side, sum) in self.sum.iter_mut().enumerate() {
                let channel = &channels[side.min(channels.len() - 1)];
                sum.iter_mut().zip(channel).for_each(|(s, x)| *s += x);
            }
        }
        (self.sink)(Track {
            file_name: label.file_name,
            sample_rate_hz: label.rate_hz,
            format: label.format,
            role: label.role,
            audio: Buffer::from_channels(channels),
        });
    }

    fn bass(&mut self) {
        let mut out = [bass::direct(&self.score, self.frames, self.rate_hz)];
        let name = "09_Bass DI.wav";
        if self.faulty() {
            self.boom(name, &mut out[0]);
            for q in [0.541, 1.307] {
                Biquad::low_pass(DEAD_STRINGS_HZ, q, self.rate_hz).run(&mut out[0]);
            }
            let what = format!(
                "Dead strings: nothing but fundamentals. Above {DEAD_STRINGS_HZ:.0} Hz the bass falls by 24 dB per \
                 octave, so that a small speaker does not play it at all."
            );
            self.plant(8, name, "no_harmonics", (DEAD_STRINGS_HZ, "Hz"), Vec::new(), what);
        }
        self.level(&mut out, Level::Active(-21.0), -5.0, self.rate_hz);
        if self.faulty() {
            const OFFSET: f64 = 0.03;
            faults::add_dc(&mut out[0], OFFSET);
            let what = format!("A constant of {OFFSET} of full scale is added to every sample.");
            self.plant(1, name, "dc_offset", (OFFSET, "full scale"), Vec::new(), what);
        }
        self.hand_in(label(name, "bass_di"), &out);
    }

    /// One note of the neck booms.
    fn boom(&mut self, name: &'static str, out: &mut [f64]) {
        const BOOM_DB: f64 = 9.0;
        // The choruses' first chord.
        let hz = self.score.hz(31.0);
        Biquad::bell(hz, BOOM_DB, 7.0, self.rate_hz).run(out);
        let places = [6, 12, 17].map(|bar| (self.score.at(bar, 0.0), self.score.at(bar, 3.5))).to_vec();
        let what = format!(
            "One note booms: around {hz:.1} Hz the bass is {BOOM_DB:.0} dB louder than on its other notes."
        );
        self.plant(14, name, "booming_note", (BOOM_DB, "dB"), places, what);
    }

    fn guitars(&mut self) {
        let players = [
            (Guitar::Left, "10_EGtr L.wav", Level::Active(-25.0), -4.0),
            (Guitar::Right, "11_EGtr R.wav", Level::Active(-26.0), -6.0),
        ];
        for (guitar, name, clean, recorded_dbfs) in players {
            let mut out = [amplified(guitar, &self.score, self.frames, self.rate_hz)];
            if self.faulty() {
                Biquad::bell(MUD_HZ, MUD_DB, 0.9, self.rate_hz).run(&mut out[0]);
                let what =
                    format!("Mud: {MUD_DB:.0} dB too much around {MUD_HZ:.0} Hz, an octave and a half wide.");
                self.plant(4, name, "mud", (MUD_DB, "dB"), Vec::new(), what);
            }
            self.level(&mut out, clean, recorded_dbfs, self.rate_hz);
            self.hiss(&mut out[0], name);
            if self.faulty() && guitar == Guitar::Right {
                const HUM_DBFS: f64 = -48.0;
                faults::add_hum(&mut out[0], MAINS_HZ, HUM_DBFS, self.rate_hz);
                let what = format!(
                    "Mains hum at {MAINS_HZ:.0} Hz ({HUM_DBFS:.0} dBFS RMS) with its harmonics at 100, 150, 200, 250 \
                     and 350 Hz, all through; plain to hear in the intro, where this guitar waits."
                );
                let intro = vec![(0.0, self.score.at(2, 0.0))];
                self.plant(1, name, "hum", (HUM_DBFS, "dBFS"), intro, what);
            }
            self.hand_in(label(name, "guitar_electric"), &out);
        }
    }

    fn keys(&mut self) {
        let left_hand = if self.faulty() { LeftHand::LeftOnly } else { LeftHand::Centre };
        let mut out = electric_piano(&self.score, left_hand, self.frames, self.rate_hz);
        let name = "12_Keys.wav";
        self.level(&mut out, Level::Active(-28.0), -29.0, self.rate_hz);
        if self.faulty() {
            let level_dbfs = active_rms_dbfs(&out, self.rate_hz);
            let what = format!(
                "Recorded far too quietly: {level_dbfs:.1} dBFS RMS while it plays, its highest peak at -29 dBFS."
            );
            self.plant(2, name, "too_quiet", (level_dbfs, "dBFS"), Vec::new(), what);
            let what = "The left hand, 70 to 150 Hz, is in the left channel only.";
            self.plant(15, name, "lopsided_low_end", (150.0, "Hz"), Vec::new(), what);
        }
        self.hand_in(label(name, "keys"), &out);
    }

    fn pad(&mut self) {
        let mut out = pad(&self.score, self.frames, self.rate_hz);
        let name = "13_Pad.wav";
        let mut label = label(name, "synth_pad");
        if self.faulty() {
            faults::flip(&mut out[1]);
            let what = "The right channel has its polarity turned round: in mono most of the pad is gone.";
            self.plant(10, name, "out_of_phase", (180.0, "degrees"), Vec::new(), what);
            label.format = SampleFormat::Float32;
            self.plant(
                1,
                name,
                "sample_format",
                (32.0, "bits"),
                Vec::new(),
                "A 32-bit float file among 24-bit ones.",
            );
        }
        self.level(&mut out, Level::Active(-30.0), -2.0, self.rate_hz);
        self.pad_dbfs = active_rms_dbfs(&out, self.rate_hz);
        self.hand_in(label, &out);
    }

    fn lead(&mut self) {
        let line = lead(&self.score);
        let mut out = [sing(&self.score, LEAD, &line, self.frames, self.rate_hz)];
        let name = "14_Lead Vox.wav";
        if self.faulty() {
            self.uneven(name, &mut out[0], &line);
            const DULL_DB: f64 = 9.0;
            const DULL_HZ: f64 = 4000.0;
            Biquad::high_shelf(DULL_HZ, -DULL_DB, self.rate_hz).run(&mut out[0]);
            let what = format!("Sung past the microphone: {DULL_DB:.0} dB too little above {DULL_HZ:.0} Hz.");
            self.plant(6, name, "dull", (DULL_DB, "dB"), Vec::new(), what);
        } else {
            add_room(&mut out[0], 0.16, self.rate_hz);
        }
        self.level(&mut out, Level::Active(-20.0), -3.0, self.rate_hz);
        self.lead_dbfs = active_rms_dbfs(&out, self.rate_hz);
        self.hiss(&mut out[0], name);
        if self.faulty() {
            const RUMBLE_DBFS: f64 = -32.0;
            faults::add_rumble(&mut out[0], RUMBLE_DBFS, &mut self.random("rumble"), self.rate_hz);
            let what =
                format!("Rumble below 25 Hz through the stand, {RUMBLE_DBFS:.0} dBFS RMS, all through.");
            self.plant(1, name, "rumble", (RUMBLE_DBFS, "dBFS"), Vec::new(), what);
        }
        self.hand_in(label(name, "lead_vocal"), &out);
    }

    /// Words too loud and too soft, and a line from too far away.
    fn uneven(&mut self, name: &'static str, out: &mut [f64], line: &[Syllable]) {
        const LOUDER_DB: f64 = 4.5;
        const SOFTER_DB: f64 = -6.5;
        const DROP_DB: f64 = -6.0;
        let (from_s, to_s) = second_verse_line_s(&self.score);
        let mut random = self.random("uneven");
        let mut points = Vec::new();
        let mut gain_db = 0.0;
        for (index, syllable) in line.iter().enumerate() {
            // The verse is even in itself, so that its second line can be heard to drop.
            if syllable.at_s > to_s && (syllable.first || index % 3 == 0) {
                let swing_db = if random.unit() < 0.5 { LOUDER_DB } else { SOFTER_DB };
                gain_db = swing_db + random.noise();
            }
            points.push((syllable.at_s - 0.06, gain_db));
        }
        faults::ride(out, &points, self.rate_hz);
        let spread = spread_db(&[out.to_vec()], self.rate_hz);
        let what = format!(
            "The singer moves before the microphone: from the chorus on, groups of words swing between about {LOUDER_DB:+.1} and \
             {SOFTER_DB:+.1} dB. While it sings, the track's RMS over 400 ms spreads by {spread:.1} dB (10th to 95th \
             percentile)."
        );
        self.plant(5, name, "uneven", (spread, "dB"), Vec::new(), what);
        faults::ride(out, &[(from_s, DROP_DB), (to_s, 0.0)], self.rate_hz);
        let what = format!(
            "The verse's second line is {:.0} dB softer against its first than it was sung.",
            -DROP_DB
        );
        self.plant(9, name, "line_drops", (-DROP_DB, "dB"), vec![(from_s, to_s)], what);
    }

    fn backing(&mut self, voice: usize) {
        let names = ["15_BVox 1.wav", "16_BVox 2.wav"];
        let (name, faulty) = (names[voice], self.faulty());
        let mut label = label(name, "backing_vocal");
        let mut singer = BACKING[voice];
        if faulty && voice == 0 {
            const SHARP_DB: f64 = 10.0;
            singer.sibilance *= db_to_gain(SHARP_DB);
            let what = format!("Every s and t is {SHARP_DB:.0} dB too loud.");
            self.plant(5, name, "sibilance", (SHARP_DB, "dB"), Vec::new(), what);
        }
        if faulty && voice == 1 {
            label.rate_hz = FOREIGN_RATE_HZ;
            label.format = SampleFormat::Int16;
            let what = format!(
                "Recorded at home: {FOREIGN_RATE_HZ} Hz and 16 bits in a session of {SESSION_RATE_HZ} Hz."
            );
            self.plant(1, name, "sample_rate", (f64::from(FOREIGN_RATE_HZ), "Hz"), Vec::new(), what);
        }
        let rate_hz = f64::from(label.rate_hz);
        let frames = (self.score.length_s() * rate_hz).round() as usize;
        let line = backing(&self.score, voice + 1);
        let mut out = [sing(&self.score, singer, &line, frames, rate_hz)];
        if !faulty {
            add_room(&mut out[0], 0.2, rate_hz);
        }
        self.level(&mut out, Level::Active(-27.0), [-7.0, -9.0][voice], rate_hz);
        self.hiss(&mut out[0], name);
        if faulty && voice == 0 {
            self.clicks(name, &mut out[0]);
        }
        if faulty && voice == 1 {
            const NOISE_DBFS: f64 = -50.0;
            faults::add_noise(&mut out[0], NOISE_DBFS, &mut self.random("home noise"));
            let what =
                format!("White noise of {NOISE_DBFS:.0} dBFS RMS before, between and after the singing.");
            let before = vec![(0.0, self.score.at(6, -1.0))];
            self.plant(1, name, "noise", (NOISE_DBFS, "dBFS"), before, what);
        }
        self.hand_in(label, &out);
    }

    fn clicks(&mut self, name: &'static str, out: &mut [f64]) {
        const HEIGHT: f64 = 0.25;
        // Four in the silence of the verse, one under the singing of each chorus.
        let at_s = [(2, 1.3), (3, 2.6), (4, 0.7), (5, 1.9), (8, 2.4), (14, 2.4)]
            .map(|(bar, beat)| self.score.at(bar, beat));
        let frames = at_s.map(|at_s| self.frame(at_s));
        faults::add_clicks(out, &frames, HEIGHT);
        let places = at_s.map(|at_s| (at_s - 0.001, at_s + 0.001)).to_vec();
        let what = format!("{} clicks of two samples, {HEIGHT} of full scale high.", at_s.len());
        self.plant(1, name, "clicks", (at_s.len() as f64, "clicks"), places, what);
    }

    fn percussion(&mut self) {
        let mut jingles = [percussion::tambourine(&self.score, self.frames, self.rate_hz)];
        let name = "17_Tambourine.wav";
        if self.faulty() {
            let what =
                "Bone-dry: neither the voices, the overheads nor the percussion have any room around them.";
            self.plant(7, "all tracks", "dry", (0.0, "s of reverberation"), Vec::new(), what);
        } else {
            add_room(&mut jingles[0], 0.2, self.rate_hz);
        }
        self.level(&mut jingles, Level::Active(-31.0), -6.0, self.rate_hz);
        self.hiss(&mut jingles[0], name);
        if self.faulty() {
            let end_s = self.score.at(16, 2.0);
            jingles[0].truncate(self.frame(end_s));
            let short_s = self.frames as f64 / self.rate_hz - end_s;
            let what = format!("The file ends {short_s:.2} s before the others; its start is right.");
            let gone = vec![(end_s, end_s + short_s)];
            self.plant(1, name, "shorter", (short_s, "s"), gone, what);
        }
        self.hand_in(label(name, "tambourine"), &jingles);

        let mut grains = [percussion::shaker(&self.score, self.frames, self.rate_hz)];
        let name = "18_Shaker.wav";
        if !self.faulty() {
            add_room(&mut grains[0], 0.2, self.rate_hz);
        }
        self.level(&mut grains, Level::Active(-33.0), -10.0, self.rate_hz);
        self.hiss(&mut grains[0], name);
        self.hand_in(label(name, "shaker"), &grains);
    }

    /// What is wrong with all of it together.
    fn whole(&mut self) {
        if !self.faulty() {
            return;
        }
        let over_db = self.pad_dbfs - self.lead_dbfs;
        let what = format!(
            "There is no balance. At equal faders the pad is {over_db:+.1} dB against the lead voice (RMS while they \
             play); in a rough balance it lies 10 dB under it."
        );
        self.plant(3, "13_Pad.wav", "too_loud", (over_db, "dB"), Vec::new(), what);
        let peak_dbfs = gain_to_db(peak(&self.sum));
        let what = format!(
            "All tracks at 48 kHz added as they are, mono ones on both sides, peak at {peak_dbfs:+.1} dBFS: a mix bus \
             of integers would clip."
        );
        self.plant(11, "all tracks", "overshoot", (peak_dbfs, "dBFS"), Vec::new(), what);
        let what = format!(
            "The whole session is dark: every track has {DARK_DB:.0} dB too little above {DARK_HZ:.0} Hz."
        );
        self.plant(13, "all tracks", "dark", (DARK_DB, "dB"), Vec::new(), what);
    }
}

/// Third octaves of the treble and of the middle, in hertz.
const TREBLE_HZ: [f64; 3] = [8_000.0, 10_000.0, 12_500.0];
const MIDDLE_HZ: [f64; 3] = [800.0, 1_000.0, 1_250.0];

/// Mean level of the third octaves of the treble against that of the middle, in dB.
fn treble_db(channels: &[Vec<f64>], rate_hz: f64) -> f64 {
    /// Of a band a third of an octave wide.
    const Q: f64 = 4.318;
    let level_db = |hz: f64| {
        let power = |samples: &Vec<f64>| {
            let mut band = Biquad::band_pass(hz, Q, rate_hz);
            samples.iter().map(|x| band.process(*x).powi(2)).sum::<f64>()
        };
        audio::power_to_db(channels.iter().map(power).sum())
    };
    let mean_db = |places_hz: [f64; 3]| places_hz.map(level_db).iter().sum::<f64>() / 3.0;
    mean_db(TREBLE_HZ) - mean_db(MIDDLE_HZ)
}

const DEAD_STRINGS_HZ: f64 = 140.0;
const MUD_HZ: f64 = 300.0;
const MUD_DB: f64 = 6.0;
const DARK_HZ: f64 = 6000.0;
const DARK_DB: f64 = 3.0;
