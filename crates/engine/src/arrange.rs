//! From connected strips to a plan: latencies, tails, order in time, hashes.

use crate::compensate::{compensate, total_tail};
use crate::curve::Curve;
use crate::plan::{Edge, Element, Excerpt, Node, Plan, Tap};
use crate::sources::Sources;
use audio::{Frames, Spec};
use dsp::Tail;

/// A strip that never falls silent is heard this long after the song, in seconds: longer than the longest
/// reverb setting, short enough not to fill a disk.
const ENDLESS_TAIL_S: f64 = 30.0;

/// Completes a plan from nodes that stand in order, each after everything it listens to.
///
/// Each insert is built once to learn its latency and its tail.
pub(crate) fn arrange(
    mut nodes: Vec<Node>,
    sources: &Sources,
    sample_rate_hz: u32,
    song_frames: Frames,
) -> Plan {
    for node in &mut nodes {
        let spec = Spec { sample_rate_hz: f64::from(sample_rate_hz), channels: node.channels, max_frames: 1 };
        node.tail = 0;
        for element in &mut node.chain {
            let processor = (element.kind.build)(&element.values, &spec);
            element.latency = processor.latency();
            node.tail += match processor.tail() {
                Tail::Frames(frames) => frames,
                Tail::Endless => spec.frames(ENDLESS_TAIL_S),
            };
        }
    }
    compensate(&mut nodes);
    let limit = (ENDLESS_TAIL_S * f64::from(sample_rate_hz)) as Frames;
    let tail_frames = total_tail(&nodes).min(limit);
    for place in 0..nodes.len() {
        nodes[place].hash = hash(&nodes, place, sources, sample_rate_hz).to_string();
    }
    Plan { sample_rate_hz, song_frames, tail_frames, nodes, excerpt: None }
}

/// Hash of all that the audio before a node's fader depends on. How long it is listened to is no part of it: a longer
/// reverb elsewhere changes no strip.
fn hash(nodes: &[Node], place: usize, sources: &Sources, rate: u32) -> blake3::Hash {
    let node = &nodes[place];
    let mut hash = Hash(blake3::Hasher::new());
    hash.text(env!("CARGO_PKG_VERSION"));
    hash.numbers(&[f64::from(rate), node.channels as f64, f64::from(u8::from(node.invert))]);
    hash.curve(&node.trim_db);
    if let Some(source) = &node.source {
        hash.text(&sources.get(&source.name).map(crate::Audio::hash).unwrap_or_default());
        hash.numbers(&[source.start as f64, source.fraction]);
    }
    for edge in &node.inputs {
        hash.edge(nodes, edge);
    }
    for element in &node.chain {
        hash.element(nodes, element);
    }
    hash.0.finalize()
}

impl Plan {
    /// Hash of everything that what an output gets depends on: two plans with the same one deliver the same samples.
    pub fn sound(&self, place: usize, tap: Tap) -> String {
        self.sound_of(place, tap, self.heard())
    }

    /// The same for the first `frames` of the song alone.
    pub fn sound_until(&self, place: usize, tap: Tap, frames: Frames) -> String {
        self.sound_of(place, tap, Excerpt { frames, ..self.whole() })
    }

    fn sound_of(&self, place: usize, tap: Tap, heard: Excerpt) -> String {
        let node = &self.nodes[place];
        let mut hash = Hash(blake3::Hasher::new());
        hash.text(&node.hash);
        let excerpt = [heard.first, heard.frames, heard.fade_in, heard.fade_out];
        hash.numbers(&excerpt.map(|frames| frames as f64));
        if tap == Tap::Output {
            hash.numbers(&[node.output_channels as f64]);
            hash.fader(node);
        }
        hash.0.finalize().to_string()
    }
}

struct Hash(blake3::Hasher);

impl Hash {
    /// Every text is followed by its length, so that two texts never look like another two.
    fn text(&mut self, text: &str) {
        self.0.update(text.as_bytes());
        self.0.update(&(text.len() as u64).to_le_bytes());
    }

    fn numbers(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.0.update(&number.to_bits().to_le_bytes());
        }
        self.0.update(&(numbers.len() as u64).to_le_bytes());
    }

    fn curve(&mut self, curve: &Curve) {
        self.numbers(&curve.numbers());
    }

    fn edge(&mut self, nodes: &[Node], edge: &Edge) {
        let from = &nodes[edge.from];
        self.text(&from.hash);
        if edge.tap == Tap::Output {
            self.fader(from);
        }
        self.curve(&edge.gain_db);
        edge.pan.iter().for_each(|pan| self.curve(pan));
    }

    fn fader(&mut self, node: &Node) {
        if let Some(fader) = &node.fader {
            self.curve(&fader.fader_db);
            self.curve(&fader.pan);
            self.numbers(&[f64::from(u8::from(fader.mute))]);
        }
    }

    fn element(&mut self, nodes: &[Node], element: &Element) {
        self.text(element.kind.id);
        self.numbers(&[f64::from(element.kind.revision)]);
        self.numbers(&element.values.fields);
        for item in element.values.groups.iter().flatten() {
            self.numbers(item);
        }
        if let Some(response) = &element.values.impulse_response {
            self.numbers(&[response.sample_rate_hz]);
            response.audio.as_block().iter().for_each(|channel| self.numbers(channel));
        }
        for (address, curve) in &element.lanes {
            self.text(&element.kind.name(*address));
            self.curve(curve);
        }
        if let Some(key) = &element.key {
            self.edge(nodes, key);
        }
    }
}
