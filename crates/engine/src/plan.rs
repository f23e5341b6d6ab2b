//! A compiled session: plain data, ready to run and to print.
//!
//! Time. A *stream frame* counts what a node has been given since the render began. A *song frame* counts
//! from the start of the song. A node's input stands `arrival` frames late: stream frame `arrival` is song
//! frame 0. Every edge carries the delay that makes all inputs of a node arrive together.

use crate::Curve;
use audio::Frames;
use dsp::{Address, Family, Kind, Values};
use std::f64::consts::FRAC_PI_2;
use std::fmt;

/// A session, ready to render.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The rate of everything after the sources, in hertz.
    pub sample_rate_hz: u32,
    /// Frames from the start of the song to the end of its last source.
    pub song_frames: Frames,
    /// Frames that follow until every tail has ended.
    pub tail_frames: Frames,
    /// The strips, each after all it listens to; the last one is the mix.
    pub nodes: Vec<Node>,
    /// The part that outputs are given; without it, the whole song and its tail.
    pub excerpt: Option<Excerpt>,
}

/// A part of the song, faded at its ends. Outside of the fades no sample is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    /// Its first frame in the song.
    pub first: Frames,
    /// Its length in frames.
    pub frames: Frames,
    /// Frames of the fade at its beginning.
    pub fade_in: Frames,
    /// Frames of the fade at its end.
    pub fade_out: Frames,
}

impl Excerpt {
    /// The gain at a frame of the excerpt: the square of a sine, from nothing to one.
    ///
    /// Its slope is nothing at both ends, so that the fade itself makes no click.
    pub fn gain(&self, frame: Frames) -> f64 {
        let rise = |place: Frames, length: Frames| {
            if place >= length {
                1.0
            } else {
                (FRAC_PI_2 * (place as f64 + 0.5) / length as f64).sin().powi(2)
            }
        };
        rise(frame, self.fade_in) * rise((self.frames - 1).saturating_sub(frame), self.fade_out)
    }
}

/// One strip.
#[derive(Debug, Clone)]
pub struct Node {
    /// `track.kick`, `bus.drums`, `return.plate`, `premaster`, `master`.
    pub id: String,
    /// What the node plays, when it is a track.
    pub source: Option<Source>,
    /// What it sums, in session order.
    pub inputs: Vec<Edge>,
    /// Channels inside the strip, before the fader.
    pub channels: usize,
    /// Channels after the fader.
    pub output_channels: usize,
    /// Gain at the input, in decibels.
    pub trim_db: Curve,
    /// Turns the polarity at the input.
    pub invert: bool,
    /// The inserts that are not bypassed, in order.
    pub chain: Vec<Element>,
    /// Fader and pan; without it the chain's output is the strip's.
    pub fader: Option<Fader>,
    /// Distance from the sources: a node works one slab later than the nodes one level below.
    pub level: usize,
    /// Frames by which the input stands later than the song.
    pub arrival: Frames,
    /// Frames of delay within the strip.
    pub latency: Frames,
    /// Frames the strip goes on after its input has ended.
    pub tail: Frames,
    /// Hash of everything the audio before the fader depends on, for the cache.
    pub hash: String,
}

impl Node {
    /// How many inserts at the head of the chain restore the recording, and so stand before the trim.
    pub fn restoring(&self) -> usize {
        self.chain.iter().take_while(|element| element.kind.family == Family::Restoration).count()
    }

    /// Frames by which the output stands later than the song.
    pub fn departure(&self) -> Frames {
        self.arrival + self.latency
    }
}

/// Where a track's audio comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Which of the `Sources` given to the render.
    pub name: String,
    /// Frames of the song before the source begins; negative when its beginning is cut.
    pub start: i64,
    /// Further delay below one frame, 0 up to 1.
    pub fraction: f64,
}

/// Where a signal is taken from a strip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tap {
    /// After the inserts, before fader and pan: what keys listen to.
    PreFader,
    /// After fader and pan.
    Output,
}

/// A connection between strips.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The node it comes from, by its place in the plan.
    pub from: usize,
    /// Where it is taken.
    pub tap: Tap,
    /// Gain on the way, in decibels: 0 for the way to a bus, the send's level for a send.
    pub gain_db: Curve,
    /// Where a signal taken before the fader is placed.
    pub pan: Option<Curve>,
    /// Frames of delay that make this input arrive together with the others.
    pub delay: Frames,
}

impl Edge {
    /// An edge whose delay is still to be found.
    pub(crate) fn new(from: usize, tap: Tap, gain_db: Curve) -> Edge {
        Edge { from, tap, gain_db, pan: None, delay: 0 }
    }
}

/// An insert.
#[derive(Debug, Clone)]
pub struct Element {
    /// The insert's id within its strip.
    pub id: String,
    /// What it is.
    pub kind: &'static Kind,
    /// Its settings at the start of the song.
    pub values: Values,
    /// The settings that move.
    pub lanes: Vec<(Address, Curve)>,
    /// What it listens to instead of its input.
    pub key: Option<Edge>,
    /// Frames of latency of the inserts before it.
    pub before: Frames,
    /// Its own latency in frames.
    pub latency: Frames,
}

/// Fader and pan of a strip.
#[derive(Debug, Clone)]
pub struct Fader {
    /// Level in decibels.
    pub fader_db: Curve,
    /// Position, -100 to 100.
    pub pan: Curve,
    /// True when nothing is heard.
    pub mute: bool,
}

impl Plan {
    /// Frames from the start of the song until every tail has ended.
    pub fn frames(&self) -> Frames {
        self.song_frames + self.tail_frames
    }

    /// All of these frames, without fades.
    pub fn whole(&self) -> Excerpt {
        Excerpt { first: 0, frames: self.frames(), fade_in: 0, fade_out: 0 }
    }

    /// What outputs are given of these frames.
    pub fn heard(&self) -> Excerpt {
        self.excerpt.unwrap_or(self.whole())
    }

    /// Everything a node listens to: its inputs, then its keys.
    pub(crate) fn heard_by(&self, place: usize) -> impl Iterator<Item = &Edge> {
        let node = &self.nodes[place];
        node.inputs.iter().chain(node.chain.iter().filter_map(|element| element.key.as_ref()))
    }

    /// The place of a node by its id.
    pub fn node(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.id == id)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{} Hz, {} frames and {} of tail",
            self.sample_rate_hz, self.song_frames, self.tail_frames
        )?;
        for (place, node) in self.nodes.iter().enumerate() {
            writeln!(
                f,
                "{place:>3} {} level {} arrival {} latency {} tail {}",
                node.id, node.level, node.arrival, node.latency, node.tail
            )?;
            for edge in &node.inputs {
                let from = &self.nodes[edge.from].id;
                writeln!(f, "      from {from} {:+.1} dB, delay {}", edge.gain_db.value, edge.delay)?;
            }
            for element in &node.chain {
                write!(f, "      {} ({}) latency {}", element.id, element.kind.id, element.latency)?;
                match &element.key {
                    Some(key) => {
                        writeln!(f, ", key {} delay {}", self.nodes[key.from].id, key.delay)?;
                    }
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}
