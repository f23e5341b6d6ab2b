//! Leveller: rides a voice's level as a hand on the fader would, phrase by phrase, and knows what comes.
//!
//! Loudness is that of ITU-R BS.1770-5 (K-weighting, mean square summed over the channels), taken about every ten
//! milliseconds. What sounds is told from what pauses by the momentary loudness (0.4 s): more than 20 LU under the
//! running mean of what sounded, or under the pause level, is a pause. The loudness of a phrase is the mean over the
//! ride's time, gated at 10 LU under itself as the standard's; what is missing to the target, within the range, is the
//! gain asked for. Pauses ask for nothing. A gain holds for half the ride's time around what sounds, and the whole is
//! averaged by a Hann window as long as the ride. All windows are centred on the audio, which waits for them: the
//! gain neither leads nor lags, and its motion ends at two over the ride's time, in hertz.
//!
//! The target is a loudness, or the voice's own running mean over half a minute: then only the differences between
//! phrases are evened out, and the level of the recording does not matter.

mod ride;

use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::k_weighting::KWeighting;
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::math;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use ride::{Aim, Ride};

choices! {
    /// What the phrases are brought to.
    pub enum Reference {
        /// The target.
        Target = "target",
        /// The running mean of what sounded.
        Own = "own",
    }
}

settings! {
    /// Settings of the leveller.
    pub struct Settings {
        /// Most gain, up or down; 0 does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 24.0 },
        /// What the phrases are brought to.
        reference: Reference { label: "Reference" },
        /// Loudness of the phrases, where the reference is the target.
        target_lufs: f64 { label: "Target", unit: Unit::Loudness, min: -50.0, max: -5.0, default: -20.0 },
        /// Loudness under which nothing sounds: pauses are not raised.
        pause_lufs: f64 { label: "Pause", unit: Unit::Loudness, min: -80.0, max: -20.0, default: -55.0 },
        /// Time of the ride: short follows words, long follows phrases.
        ride_s: f64 {
            label: "Ride", unit: Unit::Second, min: 0.4, max: 3.0, default: 1.0, taper: Taper::Logarithmic,
            fixed: true,
        },
    }
}

/// Leveller.
pub static KIND: Kind = Kind {
    id: "leveller",
    label: "Leveller",
    family: Family::Dynamics,
    help: "Brings the phrases of a voice to one loudness before any compressor works on it, without its colour: it \
           moves the gain slowly, knows each phrase before it begins, and leaves pauses and breaths as they are.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Leveller::new(Settings::from_values(values), spec)),
    response: None,
};

/// A hop is the number of control periods that comes next to this.
const HOP_S: f64 = 0.01;

fn aim(settings: &Settings) -> Aim {
    Aim {
        target_lufs: (settings.reference == Reference::Target).then_some(settings.target_lufs),
        range_db: settings.range_db,
        pause_lufs: settings.pause_lufs,
    }
}

struct Leveller {
    settings: Settings,
    aim: Aim,
    hop: Frames,
    /// Frames since the last hop.
    at: Frames,
    weightings: Vec<KWeighting>,
    /// Of the present hop, per channel.
    energies: Vec<f64>,
    ride: Ride,
    /// Gain in decibels at the two hops between which the delayed audio stands.
    gains_db: [f64; 2],
    delays: Vec<Delay>,
    latency: Frames,
    deepest_db: f64,
}

impl Leveller {
    fn new(settings: Settings, spec: &Spec) -> Leveller {
        let periods = (HOP_S * spec.sample_rate_hz / CONTROL_FRAMES as f64).round() as Frames;
        let hop = CONTROL_FRAMES * periods.max(1);
        let ride = Ride::new(hop as f64 / spec.sample_rate_hz, settings.ride_s);
        // A gain belongs to its hop's middle and is known a hop and the ride's delay later; it is reached from the
        // gain before.
        let latency = hop * (ride.delay() + 1) + hop / 2;
        Leveller {
            aim: aim(&settings),
            hop,
            at: 0,
            weightings: vec![KWeighting::new(spec.sample_rate_hz); spec.channels],
            energies: vec![0.0; spec.channels],
            ride,
            gains_db: [0.0; 2],
            delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            latency,
            deepest_db: 0.0,
            settings,
        }
    }

    /// A piece of at most [`CONTROL_FRAMES`] frames that does not cross the end of a hop.
    fn piece(&mut self, block: &mut Block) {
        let frames = block.frames();
        for ((samples, weighting), energy) in
            block.iter_mut().zip(&mut self.weightings).zip(&mut self.energies)
        {
            weighting.add_energy(samples, energy);
        }
        block.iter_mut().zip(&mut self.delays).for_each(|(samples, delay)| delay.pass(samples));
        let [from, to] = self.gains_db;
        if from != 0.0 || to != 0.0 {
            let step = (to - from) / self.hop as f64;
            let mut gains = [0.0; CONTROL_FRAMES];
            for (n, gain) in gains[..frames].iter_mut().enumerate() {
                *gain = math::db_to_gain(from + step * (self.at + n) as f64);
            }
            for samples in block.iter_mut() {
                samples.iter_mut().zip(&gains).for_each(|(sample, gain)| *sample *= gain);
            }
            self.deepest_db = greater(self.deepest_db, greater(-from, -to));
        }
        self.at += frames;
        if self.at == self.hop {
            self.end_hop();
        }
    }

    fn end_hop(&mut self) {
        let energy: f64 = self.energies.iter().sum();
        let gain_db = self.ride.next(energy / self.hop as f64, &self.aim);
        self.gains_db = [self.gains_db[1], gain_db];
        self.energies.fill(0.0);
        self.weightings.iter_mut().for_each(KWeighting::flush);
        self.at = 0;
    }
}

impl Processor for Leveller {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn reset(&mut self) {
        self.at = 0;
        self.weightings.iter_mut().for_each(KWeighting::reset);
        self.energies.fill(0.0);
        self.ride.reset();
        self.gains_db = [0.0; 2];
        self.delays.iter_mut().for_each(Delay::reset);
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        if !KIND.param(address).fixed {
            self.settings.set(address, value);
            self.aim = aim(&self.settings);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        let mut start = 0;
        while start < block.frames() {
            let frames = (block.frames() - start).min(CONTROL_FRAMES - self.at % CONTROL_FRAMES);
            self.piece(&mut block.range_mut(start, frames));
            start += frames;
        }
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}
