//! Reverb: the sound of a room, a plate, a hall or a chamber.
//!
//! Pre-delay, low and high cut, then two paths: early reflections of a box-shaped room, and a late field from a
//! diffuser and a feedback delay network (Jot & Chaigne 1991; see the parts of this folder). A plate has no
//! walls and a chamber scatters; there the diffuser itself is the early part. The wet sound of steady noise is as loud as the dry
//! one whatever the decay time; dry and wet are mixed at constant power.
//!
//! Path: predelay -> low cut, high cut -> { early | diffuser -> network -> tone } -> width -> mix.

mod diffuser;
mod early;
mod network;
mod space;
#[cfg(test)]
mod tests;

use crate::blocks::approach::{Approach, LONGEST_PREDELAY_MS, Lasting};
use crate::blocks::cut::Cut;
use crate::blocks::decay::{Decay, Times, Tone};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::pan;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use diffuser::Diffuser;
use early::Early;
use network::{LINES, Network, Planes};
use space::Space;
use std::f64::consts::FRAC_PI_2;

choices! {
    /// The kind of space.
    pub enum Style {
        /// A room: distinct early reflections, short paths.
        Room = "room",
        /// A steel plate: dense from the first instant, no walls.
        Plate = "plate",
        /// A concert hall: late reflections, long paths.
        Hall = "hall",
        /// An echo chamber: hard walls close together, bright, and dense from the beginning.
        Chamber = "chamber",
    }
}

settings! {
    /// Settings of the reverb.
    pub struct Settings {
        /// The kind of space.
        style: Style { label: "Style", fixed: true },
        /// How large the space is: 50 is usual for the style, 0 half and 100 twice as large.
        size_percent: f64 { label: "Size", unit: Unit::Percent, min: 0.0, max: 100.0, default: 50.0, fixed: true },
        /// Time in which the middle of the spectrum falls by 60 dB.
        decay_s: f64 {
            label: "Decay", unit: Unit::Second, min: 0.1, max: 30.0, default: 1.5, taper: Taper::Logarithmic,
        },
        /// Decay time of the bass as a part of the decay time.
        low_decay_ratio: f64 {
            label: "Low decay", min: 0.2, max: 3.0, default: 1.0, taper: Taper::Logarithmic,
        },
        /// Decay time of the treble as a part of the decay time; air and cloth swallow treble first.
        high_decay_ratio: f64 {
            label: "High decay", min: 0.05, max: 1.5, default: 0.5, taper: Taper::Logarithmic,
        },
        /// Below it the bass's decay time holds.
        low_crossover_hz: f64 {
            label: "Low crossover", unit: Unit::Hertz, min: 80.0, max: 1000.0, default: 250.0,
            taper: Taper::Logarithmic,
        },
        /// Above it the treble's decay time holds.
        high_crossover_hz: f64 {
            label: "High crossover", unit: Unit::Hertz, min: 1000.0, max: 12_000.0, default: 4000.0,
            taper: Taper::Logarithmic,
        },
        /// Time before the space answers: keeps the source in front of it.
        predelay_ms: f64 { label: "Predelay", unit: Unit::Millisecond, min: 0.0, max: LONGEST_PREDELAY_MS },
        /// Takes bass away from what goes into the space, 12 dB per octave.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 10.0, max: 1000.0, default: 10.0, taper: Taper::Logarithmic,
        },
        /// Takes treble away from what goes into the space, 12 dB per octave.
        high_cut_hz: f64 {
            label: "High cut", unit: Unit::Hertz, min: 1000.0, max: 22_000.0, default: 22_000.0,
            taper: Taper::Logarithmic,
        },
        /// Early reflections against late field, at constant power: 0 only late, 100 only early.
        early_percent: f64 { label: "Early", unit: Unit::Percent, min: 0.0, max: 100.0, default: 30.0 },
        /// How far the reverb spreads: 0 mono, 100 left and right have nothing in common.
        width_percent: f64 { label: "Width", unit: Unit::Percent, min: 0.0, max: 100.0, default: 100.0 },
        /// How much the echoes' pattern moves: dissolves what rings.
        modulation_percent: f64 {
            label: "Modulation", unit: Unit::Percent, min: 0.0, max: 100.0, default: 30.0,
        },
        /// Dry against wet at constant power: 0 only dry, 100 only wet (on a return).
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// By how much the wet sound steps back while the dry one plays.
        ducking_db: f64 { label: "Ducking", unit: Unit::Decibel, min: 0.0, max: 24.0 },
    }
}

/// Room, plate, hall and chamber.
pub static KIND: Kind = Kind {
    id: "reverb",
    label: "Reverb",
    family: Family::Space,
    help: "Puts a sound into a room, on a plate, into a hall or a chamber. Use it on a return with the mix at 100 %, and \
           send several tracks there: what shares a space belongs together.",
    // 2: reflections up to the sixth order, each bounce with the absorption of its surface and the air before it.
    // 3: recursions run four frames at a time, which rounds otherwise.
    revision: 3,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Reverb::new(Settings::from_values(values), spec, values.still)),
    response: None,
};

/// The decay that the settings ask for.
fn times(settings: &Settings) -> Times {
    Times {
        middle_s: settings.decay_s,
        low_ratio: settings.low_decay_ratio,
        high_ratio: settings.high_decay_ratio,
        low_crossover_hz: settings.low_crossover_hz,
        high_crossover_hz: settings.high_crossover_hz,
    }
}

/// The gains with which an output is put together.
struct Balance {
    dry: Ramp,
    /// Own side and other side of the late and of the early part.
    late: [Ramp; 2],
    early: [Ramp; 2],
}

impl Balance {
    /// Targets for settings: dry, late own, late other, early own, early other.
    fn targets(settings: &Settings) -> [f64; 5] {
        let (dry, wet) = pan::dry_wet(settings.mix_percent);
        let early = settings.early_percent / 100.0 * FRAC_PI_2;
        let side = (1.0 - settings.width_percent / 100.0) * FRAC_PI_2 / 2.0;
        let (late, early) = (wet * early.cos(), wet * early.sin());
        [dry, late * side.cos(), late * side.sin(), early * side.cos(), early * side.sin()]
    }

    fn new(settings: &Settings) -> Balance {
        let [dry, late, late_other, early, early_other] = Balance::targets(settings).map(Ramp::new);
        Balance { dry, late: [late, late_other], early: [early, early_other] }
    }

    fn all(&mut self) -> [&mut Ramp; 5] {
        let [late, late_other] = &mut self.late;
        let [early, early_other] = &mut self.early;
        [&mut self.dry, late, late_other, early, early_other]
    }

    fn is_neutral(&self) -> bool {
        let still = |ramp: &Ramp, value: f64| !ramp.moves() && ramp.target() == value;
        still(&self.dry, 1.0) && self.late.iter().chain(&self.early).all(|ramp| still(ramp, 0.0))
    }
}

/// Room for one control period of the parts.
struct Scratch {
    input: [[f64; CONTROL_FRAMES]; 2],
    early: [[f64; CONTROL_FRAMES]; 2],
    late: [[f64; CONTROL_FRAMES]; 2],
    lines: Box<Planes>,
}

struct Reverb {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    approach: Approach,
    early: Option<Early>,
    diffuser: Diffuser,
    network: Network,
    tone: Tone,
    balance: Balance,
    scratch: Scratch,
}

impl Reverb {
    /// With room for every pre-delay, or, where nothing will be set, for the one that is.
    fn new(settings: Settings, spec: &Spec, still: bool) -> Reverb {
        let rate = spec.sample_rate_hz;
        let (predelay_ms, ducking_db) = (settings.predelay_ms, settings.ducking_db);
        let lasting = still.then_some(Lasting { predelay_ms, ducking_db });
        let space = Space::new(settings.style, settings.size_percent);
        let mut reverb = Reverb {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            approach: Approach::new(settings.low_cut_hz, settings.high_cut_hz, rate, lasting),
            early: space.walls.as_ref().map(|walls| Early::new(walls, rate)),
            diffuser: Diffuser::new(&space, rate),
            network: Network::new(&space, rate),
            tone: Tone::default(),
            balance: Balance::new(&settings),
            scratch: Scratch {
                input: [[0.0; CONTROL_FRAMES]; 2],
                early: [[0.0; CONTROL_FRAMES]; 2],
                late: [[0.0; CONTROL_FRAMES]; 2],
                lines: Box::new([[0.0; CONTROL_FRAMES]; LINES]),
            },
            settings,
        };
        reverb.reset();
        reverb
    }

    /// Swing of the network's rotations: at 100 % a quarter turn either way.
    fn turning_depth(&self) -> f64 {
        self.settings.modulation_percent / 100.0
    }

    /// Sends everything that moves to where the settings want it.
    fn retarget(&mut self) {
        let decay = Decay::new(&times(&self.settings), self.sample_rate_hz);
        self.network.absorb(|frames| decay.of_line(frames));
        self.tone.go_to(decay.tone(&self.network.lengths()));
        self.approach.go_to(self.settings.low_cut_hz, self.settings.high_cut_hz);
        let targets = Balance::targets(&self.settings);
        self.balance.all().into_iter().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.changed = false;
    }

    /// Prepares the next control period.
    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        self.approach.control(self.settings.predelay_ms, self.settings.ducking_db);
        self.network.control(self.turning_depth());
        self.early.iter_mut().for_each(Early::flush);
        self.tone.flush();
    }

    /// Fills `scratch.early` and `scratch.late` from the first `frames` of `scratch.input`.
    fn wet(&mut self, frames: Frames) {
        let Scratch { input, early, late, lines } = &mut self.scratch;
        let [left, right] = input.each_mut().map(|c| &mut c[..frames]);
        self.approach.process(left, right);
        self.diffuser.process([&*left, &*right], lines);
        let [early_left, early_right] = early.each_mut().map(|c| &mut c[..frames]);
        match &mut self.early {
            Some(early) => early.process([left, right], [early_left, early_right]),
            // Each line carries a sixteenth of the energy of two channels.
            None => {
                for (to, from) in [(early_left, &lines[3]), (early_right, &lines[12])] {
                    to.iter_mut().zip(from).for_each(|(to, sample)| *to = 8f64.sqrt() * sample);
                }
            }
        }
        let [late_left, late_right] = late.each_mut().map(|c| &mut c[..frames]);
        self.network.process(lines, late_left, late_right);
        self.tone.process(late_left, late_right);
    }
}

impl Gridded for Reverb {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (channels, frames) = (block.channels().min(2), block.frames());
        for c in 0..2 {
            // One channel is both sides.
            let samples = block.channel(c.min(channels - 1));
            self.scratch.input[c][..frames].copy_from_slice(samples);
        }
        let [left, right] = &self.scratch.input;
        let ducking = self.approach.duck([&left[..frames], &right[..frames]]);
        self.wet(frames);
        if !self.balance.is_neutral() {
            let Scratch { early, late, .. } = &self.scratch;
            let paths = self.balance.all().map(|ramp| ramp.path(frames));
            for c in 0..channels {
                let heard = [&late[c], &late[1 - c], &early[c], &early[1 - c]];
                put_together(block.channel_mut(c), &paths, &ducking, heard);
            }
        }
    }
}

audio::wide! {
    /// Dry, late of this and of the other side, early of this and of the other side, each with its gain.
    fn put_together(
        samples: &mut [f64],
        paths: &[[f64; CONTROL_FRAMES]; 5],
        ducking: &[f64; CONTROL_FRAMES],
        heard: [&[f64; CONTROL_FRAMES]; 4],
    ) {
        let [dry, own, other, early_own, early_other] = paths;
        let [late_own, late_other, near, far] = heard;
        for (n, sample) in samples.iter_mut().enumerate().take(CONTROL_FRAMES) {
            *sample = dry[n] * *sample
                + ducking[n] * (own[n] * late_own[n] + other[n] * late_other[n])
                + ducking[n] * (early_own[n] * near[n] + early_other[n] * far[n]);
        }
    }
}

impl Processor for Reverb {
    fn tail(&self) -> Tail {
        let decay = Decay::new(&times(&self.settings), self.sample_rate_hz);
        // 120 dB are twice the decay time; a tenth more for modes that live a little longer than the average,
        // one more round of the longest line, and what the filters add; what ducking held back comes up again.
        let seconds = (2.2 + self.settings.ducking_db / 60.0) * decay.longest_s()
            + Cut::decay_s(self.settings.low_cut_hz, 120.0)
            + 0.05;
        let early = self.early.as_ref().map_or(0, Early::frames);
        let line = self.network.lengths().into_iter().max().unwrap_or(0);
        let frames = (seconds * self.sample_rate_hz).ceil() as Frames;
        Tail::Frames(
            frames
                + self.approach.frames(self.settings.predelay_ms)
                + early.max(self.diffuser.frames() + 2 * line),
        )
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.approach.reset(self.settings.predelay_ms);
        self.early.iter_mut().for_each(Early::reset);
        self.diffuser.reset();
        self.network.reset(self.turning_depth());
        self.tone.reset();
        self.balance.all().into_iter().for_each(Ramp::finish);
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
