//! From a session to a plan.

use crate::arrange::arrange;
use crate::curve::Curve;
use crate::error::EngineError;
use crate::plan::{Edge, Element, Excerpt, Fader, Node, Plan, Source, Tap};
use crate::sources::Sources;
use audio::Frames;
use session::{Insert, LaneTarget, Master, Session, Strip, StripClass};
use std::collections::BTreeMap;

/// Where the mix comes together.
pub const PREMASTER: &str = "premaster";

/// The name under which the pre-master is given to a mastering plan.
pub const MASTER: &str = "master";

/// Compiles the mix: tracks, buses and returns up to the pre-master, at the session's rate.
pub fn compile(session: &Session, sources: &Sources) -> Result<Plan, EngineError> {
    let rate = session_rate(session, sources);
    let order = order(session)?;
    let place: BTreeMap<&str, usize> = order.iter().enumerate().map(|(n, s)| (s.id.as_str(), n)).collect();
    let mut song_frames = 0;
    let mut nodes = Vec::new();
    for strip in &order {
        let mut node = blank_node(strip, 2, rate);
        if strip.class == StripClass::Track {
            let audio =
                sources.get(&strip.id).ok_or_else(|| EngineError::NoSource { track: strip.id.clone() })?;
            node.channels = audio.channels();
            if !(1..=2).contains(&node.channels) {
                return Err(EngineError::Channels { track: strip.id.clone(), channels: node.channels });
            }
            let source = source(strip, rate);
            let end = audio.frames_at(rate) as i64 + source.start + i64::from(source.fraction > 0.0);
            song_frames = song_frames.max(end.max(0) as Frames);
            node.source = Some(source);
        }
        node.inputs = inputs(strip, session, &place, rate);
        node.chain = chain(strip, &place, sources, rate)?;
        node.fader = Some(fader(strip, rate));
        nodes.push(node);
    }
    Ok(arrange(nodes, sources, rate, song_frames))
}

/// Compiles the mastering chain over a finished stereo (or mono) file, which stands in `sources` as
/// [`MASTER`], at the file's own rate.
pub fn compile_master(session: &Session, sources: &Sources) -> Result<Plan, EngineError> {
    let strip = &session.master.strip;
    let audio = sources.get(MASTER).ok_or_else(|| EngineError::NoSource { track: MASTER.into() })?;
    let rate = audio.sample_rate_hz();
    let mut node = blank_node(strip, audio.channels(), rate);
    node.source = Some(Source { name: MASTER.into(), start: 0, fraction: 0.0 });
    node.chain = chain(strip, &BTreeMap::new(), sources, rate)?;
    // A mono master stays mono; pan and fader belong to two loudspeakers.
    node.fader = (audio.channels() == 2).then(|| fader(strip, rate));
    node.output_channels = audio.channels();
    let mut plan = arrange(vec![node], sources, rate, audio.frames_at(rate));
    plan.excerpt = excerpt(&session.master, &plan);
    Ok(plan)
}

/// The part of the song that the master keeps, where it is not all of it.
fn excerpt(master: &Master, plan: &Plan) -> Option<Excerpt> {
    let frame = |seconds: f64| (seconds * f64::from(plan.sample_rate_hz)).round() as Frames;
    let end = master.end_s.map_or(plan.frames(), |end_s| frame(end_s).min(plan.frames()));
    let first = frame(master.start_s).min(end);
    let (fade_in, fade_out) = (frame(master.fade_in_s), frame(master.fade_out_s));
    let excerpt = Excerpt { first, frames: end - first, fade_in, fade_out };
    (excerpt != plan.whole()).then_some(excerpt)
}

/// The session's rate: as stated, else that of most recordings (the higher one of equals).
pub fn session_rate(session: &Session, sources: &Sources) -> u32 {
    if let Some(rate) = session.song.sample_rate_hz {
        return rate;
    }
    let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
    for audio in session.tracks.keys().filter_map(|id| sources.get(id)) {
        *votes.entry(audio.sample_rate_hz()).or_default() += 1;
    }
    votes.into_iter().max_by_key(|&(rate, count)| (count, rate)).map_or(48_000, |(rate, _)| rate)
}

fn node_id(strip: &Strip) -> String {
    match strip.class {
        StripClass::Premaster => PREMASTER.to_string(),
        StripClass::Master => MASTER.to_string(),
        class => format!("{}.{}", class.table(), strip.id),
    }
}

fn blank_node(strip: &Strip, channels: usize, rate: u32) -> Node {
    Node {
        id: node_id(strip),
        source: None,
        inputs: Vec::new(),
        channels,
        output_channels: 2,
        trim_db: curve(strip, &LaneTarget::Trim, strip.trim_db, rate),
        invert: strip.invert,
        chain: Vec::new(),
        fader: None,
        level: 0,
        arrival: 0,
        latency: 0,
        tail: 0,
        hash: String::new(),
    }
}

/// The strips that a strip hears or listens to.
fn heard<'a>(strip: &'a Strip, session: &'a Session) -> impl Iterator<Item = &'a str> {
    let summed = session.channels().filter(move |from| feeds(from, strip)).map(|from| from.id.as_str());
    let keys = strip.inserts.iter().filter(|i| !i.bypass).filter_map(|i| i.key.as_deref());
    summed.chain(keys)
}

/// Whether `from` goes into `to`, as its bus or by a send.
fn feeds(from: &Strip, to: &Strip) -> bool {
    goes_to(from, to) || (to.class == StripClass::Return && from.sends.iter().any(|s| s.to == to.id))
}

fn goes_to(from: &Strip, to: &Strip) -> bool {
    match from.bus.as_deref() {
        Some(bus) if !session::OUTPUT_NAMES.contains(&bus) => to.class == StripClass::Bus && to.id == bus,
        _ => to.class == StripClass::Premaster,
    }
}

/// All strips, each after everything it hears; as near to the session's order as that allows.
fn order(session: &Session) -> Result<Vec<&Strip>, EngineError> {
    let all: Vec<&Strip> = session.channels().chain([&session.premaster.strip]).collect();
    for strip in &all {
        for id in heard(strip, session) {
            if !all.iter().any(|s| s.id == id) {
                return Err(EngineError::Missing { strip: strip.id.clone(), missing: id.to_string() });
            }
        }
    }
    let mut order: Vec<&Strip> = Vec::with_capacity(all.len());
    let done = |order: &[&Strip], id: &str| order.iter().any(|s| s.id == id);
    while order.len() < all.len() {
        let ready = all.iter().find(|s| !done(&order, &s.id) && heard(s, session).all(|id| done(&order, id)));
        match ready {
            Some(strip) => order.push(strip),
            None => {
                let left = all.iter().filter(|s| !done(&order, &s.id) && s.class != StripClass::Premaster);
                return Err(EngineError::Cycle { strips: left.map(|s| s.id.clone()).collect() });
            }
        }
    }
    Ok(order)
}

/// What a bus, a return or the pre-master sums, in session order.
fn inputs(strip: &Strip, session: &Session, place: &BTreeMap<&str, usize>, rate: u32) -> Vec<Edge> {
    let mut edges = Vec::new();
    for from in session.channels() {
        let at = place[from.id.as_str()];
        if strip.class != StripClass::Track && goes_to(from, strip) {
            edges.push(Edge::new(at, Tap::Output, Curve::constant(0.0)));
        }
        if strip.class != StripClass::Return {
            continue;
        }
        for send in from.sends.iter().filter(|s| s.to == strip.id) {
            let target = LaneTarget::Send(send.to.clone());
            let level = curve(from, &target, send.level_db, rate);
            if send.pre_fader {
                let pan = curve(from, &LaneTarget::Pan, from.pan, rate);
                edges.push(Edge { pan: Some(pan), ..Edge::new(at, Tap::PreFader, level) });
            } else {
                edges.push(Edge::new(at, Tap::Output, level));
            }
        }
    }
    edges
}

fn chain(
    strip: &Strip,
    place: &BTreeMap<&str, usize>,
    sources: &Sources,
    rate: u32,
) -> Result<Vec<Element>, EngineError> {
    let active = strip.inserts.iter().filter(|insert| !insert.bypass);
    active.map(|insert| element(strip, insert, place, sources, rate)).collect()
}

fn element(
    strip: &Strip,
    insert: &Insert,
    place: &BTreeMap<&str, usize>,
    sources: &Sources,
    rate: u32,
) -> Result<Element, EngineError> {
    let mut values = insert.values.clone();
    if let Some(name) = &insert.impulse_response {
        let missing = || EngineError::NoResponse {
            strip: strip.id.clone(),
            insert: insert.id.clone(),
            path: name.clone(),
        };
        values.impulse_response = Some(sources.response(name).ok_or_else(missing)?.clone());
    }
    let lanes = strip.lanes.iter().filter_map(|lane| match &lane.target {
        LaneTarget::Insert { id, address } if *id == insert.id => {
            Some((*address, Curve::new(insert.values.get(*address), Some(lane), rate)))
        }
        _ => None,
    });
    // A key listens before the fader, so that a fader move never changes what it ducks.
    let key = insert.key.as_deref().filter(|_| insert.kind.key_input).and_then(|id| place.get(id));
    Ok(Element {
        id: insert.id.clone(),
        kind: insert.kind,
        values,
        lanes: lanes.collect(),
        key: key.map(|&from| Edge::new(from, Tap::PreFader, Curve::constant(0.0))),
        before: 0,
        latency: 0,
    })
}

fn fader(strip: &Strip, rate: u32) -> Fader {
    Fader {
        fader_db: curve(strip, &LaneTarget::Fader, strip.fader_db, rate),
        pan: curve(strip, &LaneTarget::Pan, strip.pan, rate),
        mute: strip.mute,
    }
}

fn curve(strip: &Strip, target: &LaneTarget, value: f64, rate: u32) -> Curve {
    Curve::new(value, strip.lanes.iter().find(|lane| lane.target == *target), rate)
}

/// Where a track's file begins: whole frames, and the fraction above them.
fn source(strip: &Strip, rate: u32) -> Source {
    let start = (strip.start_s * f64::from(rate)).round() + strip.delay_frames;
    // A fraction below a thousandth of a frame is rounding, not a wish; the interpolator would cost bits.
    let whole = if (start - start.round()).abs() < 1e-3 { start.round() } else { start.floor() };
    Source { name: strip.id.clone(), start: whole as i64, fraction: (start - whole).max(0.0) }
}
