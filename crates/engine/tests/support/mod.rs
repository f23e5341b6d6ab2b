//! Sessions and signals that the engine's tests share, and two processors made for testing.

use audio::{Block, BlockRef, Buffer, Frames, Spec};
use dsp::{Address, Family, Kind, Param, Processor, Tail, Unit, Values};
use engine::{Audio, Plan, RenderOptions, Sources, Tap, compile, render_to_buffer};
use session::{Insert, Session, Strip, StripClass};
use std::sync::Arc;

pub(crate) const RATE: u32 = 48_000;

/// Does nothing but come late, by a fixed number of frames.
pub(crate) static LATE: Kind = Kind {
    id: "late",
    label: "Late",
    family: Family::Level,
    help: "Adds latency.",
    revision: 1,
    params: &[Param {
        id: "frames",
        label: "Frames",
        help: "Latency.",
        max: 10_000.0,
        fixed: true,
        ..Param::NUMBER
    }],
    groups: &[],
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Late::new(values, spec)),
    response: None,
};

struct Late {
    lines: Vec<Vec<f64>>,
    position: usize,
    frames: Frames,
}

impl Late {
    fn new(values: &Values, spec: &Spec) -> Late {
        let frames = values.fields[0] as usize;
        Late { lines: vec![vec![0.0; frames + 1]; spec.channels], position: 0, frames }
    }
}

impl Processor for Late {
    fn latency(&self) -> Frames {
        self.frames
    }
    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
    fn reset(&mut self) {
        self.lines.iter_mut().for_each(|l| l.fill(0.0));
    }
    fn set(&mut self, _: Address, _: f64) {}
    fn process(&mut self, block: &mut Block, _: Option<&BlockRef>) {
        let length = self.frames + 1;
        for (samples, line) in block.iter_mut().zip(&mut self.lines) {
            for (n, sample) in samples.iter_mut().enumerate() {
                line[(self.position + n) % length] = *sample;
                *sample = line[(self.position + n + 1) % length];
            }
        }
        self.position = (self.position + block.frames()) % length;
    }
}

/// Multiplies its input by its key: only what coincides is heard.
pub(crate) static TIMES_KEY: Kind = Kind {
    id: "times_key",
    label: "Times key",
    family: Family::Level,
    help: "Multiplies by the key.",
    revision: 1,
    params: &[Param {
        id: "gain_db",
        label: "Gain",
        help: "Gain.",
        unit: Unit::Decibel,
        max: 1.0,
        ..Param::NUMBER
    }],
    groups: &[],
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |_, _| Box::new(TimesKey),
    response: None,
};

struct TimesKey;

impl Processor for TimesKey {
    fn reset(&mut self) {}
    fn set(&mut self, _: Address, _: f64) {}
    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let Some(key) = key else { return };
        for (channel, samples) in block.iter_mut().enumerate() {
            samples.iter_mut().zip(key.channel(channel)).for_each(|(s, k)| *s *= k);
        }
    }
}

pub(crate) fn late(id: &str, frames: usize) -> Insert {
    let mut insert = Insert::new(id, &LATE);
    insert.values.fields[0] = frames as f64;
    insert
}

/// An insert of the rack with some settings.
pub(crate) fn insert(kind: &str, settings: &[(&str, f64)]) -> Insert {
    let kind = dsp::kind(kind).expect("a kind of the rack");
    let mut insert = Insert::new(kind.id, kind);
    for (name, value) in settings {
        insert.values.set(kind, name, *value).expect("a setting of the kind");
    }
    insert
}

pub(crate) fn strip(class: StripClass, id: &str, bus: Option<&str>) -> Strip {
    Strip { bus: bus.map(String::from), ..Strip::new(class, id) }
}

/// Seeded noise in -1 .. 1 on the 24-bit grid.
pub(crate) fn noise(channels: usize, frames: Frames, seed: u64) -> Buffer {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let planes: Vec<Vec<f64>> = (0..channels)
        .map(|_| {
            (0..frames)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    ((state >> 40) as f64 - 8_388_608.0) / 8_388_608.0
                })
                .collect()
        })
        .collect();
    Buffer::from_channels(&planes)
}

pub(crate) fn impulse(channels: usize, frames: Frames, at: Frames) -> Buffer {
    let mut buffer = Buffer::new(channels, frames);
    (0..channels).for_each(|c| buffer.channel_mut(c)[at] = 1.0);
    buffer
}

pub(crate) fn memory(buffer: Buffer) -> Audio {
    Audio::Memory { buffer: Arc::new(buffer), sample_rate_hz: RATE }
}

/// The output of a node, by its id.
pub(crate) fn output(plan: &Plan, sources: &Sources, node: &str, options: &RenderOptions) -> Buffer {
    let place = plan.node(node).expect("a node of the plan");
    render_to_buffer(plan, sources, place, Tap::Output, options).expect("a render")
}

pub(crate) fn mix(session: &Session, sources: &Sources, options: &RenderOptions) -> Buffer {
    let plan = compile(session, sources).expect("a plan");
    output(&plan, sources, engine::PREMASTER, options)
}

/// A session with everything in it: mono and stereo tracks, nested buses, sends before and after the fader, a
/// key, latencies everywhere, automation.
pub(crate) fn rich(track_frames: Frames, audio: impl Fn(usize, usize) -> Buffer) -> (Session, Sources) {
    let mut session = Session::new();
    let mut sources = Sources::default();
    session.song.sample_rate_hz = Some(RATE);
    for (n, (id, channels, bus)) in
        [("kick", 1, Some("drums")), ("snare", 1, Some("drums")), ("keys", 2, Some("band")), ("vox", 1, None)]
            .into_iter()
            .enumerate()
    {
        let mut track = strip(StripClass::Track, id, bus);
        track.pan = [0.0, -30.0, 20.0, 0.0][n];
        track.fader_db = [-3.0, -6.0, -9.0, 0.0][n];
        track.inserts.push(late("late", [0, 333, 1_200, 64][n]));
        session.add(track);
        let buffer = audio(n, channels);
        assert_eq!(buffer.frames(), track_frames);
        sources.insert(id, memory(buffer));
    }
    let mut drums = strip(StripClass::Bus, "drums", Some("band"));
    drums.inserts.push(late("late", 100));
    session.add(drums);
    session.add(strip(StripClass::Bus, "band", None));
    let mut plate = strip(StripClass::Return, "plate", None);
    plate.inserts.push(late("late", 2_500));
    session.add(plate);
    for (track, level_db, pre_fader) in [("vox", -12.0, false), ("snare", -20.0, true)] {
        let send = session::Send { to: "plate".into(), level_db, pre_fader };
        session.strip_mut(track).expect("a track").sends.push(send);
    }
    (session, sources)
}
