//! Which decoded packets are believed. Codecs with loss overlap their packets, and layer III borrows bytes from
//! earlier ones: behind a hole the first packets decode to something else than was coded.

use symphonia::core::audio::GenericAudioBufferRef;

use super::super::codec::is_within;
use super::super::framed::mpeg::{self, Reservoir};
use crate::info::Encoding;

/// No encoder makes a packet this loud (+24 dBFS); a damaged one, whose checks are all in its container or
/// nowhere, easily does.
const LOUDEST: f64 = 16.0;

/// Half a block of the hybrid filter bank, and the memory of the polyphase one (ISO/IEC 11172-3 clause 2.4.3.4).
const MPEG_OVERLAP: i64 = 576 + 480;

/// Follows the packets of a stream.
#[derive(Debug)]
pub(super) struct Continuity {
    lossy: bool,
    /// Frames behind a hole that lack what they overlap with; whole packets of them are left out.
    overlap: i64,
    layers: bool,
    reservoir: Reservoir,
    checked: bool,
    /// Where the next packet begins when nothing is missing.
    expected: Option<i64>,
    /// Frames that still lack what they overlap with.
    cold: i64,
}

impl Continuity {
    pub(super) fn new(encoding: Encoding) -> Continuity {
        let codec = match encoding {
            Encoding::Lossy { codec } => codec,
            _ => "",
        };
        let layers = codec == "MP3" || codec.starts_with("MPEG layer");
        Continuity {
            lossy: encoding.is_lossy(),
            overlap: match codec {
                _ if layers => MPEG_OVERLAP,
                "AAC" => 1024,
                // So long until a decoder that begins anew has converged: 80 ms (RFC 7845 section 4.6).
                "Opus" => 3840,
                // One packet, whatever its length.
                "Vorbis" => 1,
                _ => 0,
            },
            layers,
            reservoir: Reservoir::default(),
            checked: false,
            expected: None,
            cold: 0,
        }
    }

    /// The next packet is the first of the stream or behind a seek. `checked`: wrong check words count.
    pub(super) fn begin(&mut self, checked: bool) {
        self.reservoir = Reservoir::default();
        self.checked = checked;
        self.expected = None;
        self.cold = 0;
    }

    /// Whether packets are missing before one that begins at `time` and has `frames`. Time stamps that are not
    /// exact to the frame are no holes.
    pub(super) fn is_broken_before(&mut self, time: i64, frames: i64) -> bool {
        let broken = self.lossy && self.expected.is_some_and(|e| time.saturating_sub(e) > frames / 2);
        self.expected = Some(time.saturating_add(frames));
        if broken {
            self.lose();
        }
        broken
    }

    /// A packet is lost, and with it what the next ones need.
    pub(super) fn lose(&mut self) {
        self.cold = self.overlap;
        self.reservoir = Reservoir::default();
    }

    /// Whether the packet has all it needs to be decoded.
    pub(super) fn take(&mut self, packet: &[u8]) -> bool {
        if !self.layers {
            return true;
        }
        let whole = self.reservoir.take(packet);
        whole && !(self.checked && mpeg::check(packet) == Some(false))
    }

    /// Whether a packet that was decoded, of which the frames from `trimmed` on count, is what was coded.
    pub(super) fn is_heard(
        &mut self,
        whole: bool,
        sound: &GenericAudioBufferRef<'_>,
        trimmed: usize,
    ) -> bool {
        let good = whole && (!self.lossy || is_within(sound, trimmed, LOUDEST));
        let heard = good && self.cold <= 0;
        let frames = sound.frames().saturating_sub(trimmed) as i64;
        self.cold = if good { self.cold - frames } else { self.overlap };
        heard
    }
}
