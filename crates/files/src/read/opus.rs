//! Opus (RFC 6716, RFC 7845), through the library `opus-pure`, as a decoder that any demuxer can feed.

use std::sync::OnceLock;

use opus_pure::{ChannelLayout, MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::audio::{AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{CodecRegistry, RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;

/// Opus counts in 48 kHz, whatever was recorded (RFC 7845 section 4).
const RATE_HZ: u32 = 48_000;

const INFO: CodecInfo = CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] };

/// Every decoder there is: symphonia's, and this one.
pub(super) fn codecs() -> &'static CodecRegistry {
    static CODECS: OnceLock<CodecRegistry> = OnceLock::new();
    CODECS.get_or_init(|| {
        let mut codecs = CodecRegistry::new();
        symphonia::default::register_enabled_codecs(&mut codecs);
        codecs.register_audio_decoder::<Opus>();
        codecs
    })
}

/// The identification header (RFC 7845 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    channels: usize,
    /// Frames of encoder delay at 48 kHz.
    pub(super) pre_skip: i64,
    /// In 1/256 dB.
    gain_q8: i16,
    family: u8,
    streams: usize,
    coupled: usize,
    mapping: Vec<u8>,
}

impl Head {
    /// Reads the header; `None` when it is none, or of a version that is not known.
    pub(super) fn parse(data: &[u8]) -> Option<Head> {
        let rest = data.strip_prefix(b"OpusHead")?;
        let &[version, channels, skip0, skip1, _, _, _, _, gain0, gain1, family, ref table @ ..] = rest
        else {
            return None;
        };
        // The upper half of the version changes when old readers cannot read on.
        if version >> 4 != 0 || channels == 0 {
            return None;
        }
        let channels = usize::from(channels);
        let (streams, coupled, mapping) = match (family, table) {
            (0, _) if channels <= 2 => (1, channels - 1, (0..channels as u8).collect()),
            (0, _) => return None,
            (_, [streams, coupled, mapping @ ..]) => {
                (usize::from(*streams), usize::from(*coupled), mapping.get(..channels)?.to_vec())
            }
            _ => return None,
        };
        let pre_skip = i64::from(u16::from_le_bytes([skip0, skip1]));
        let gain_q8 = i16::from_le_bytes([gain0, gain1]);
        Some(Head { channels, pre_skip, gain_q8, family, streams, coupled, mapping })
    }
}

/// For each channel in the order of WAV files, its place in the order of Vorbis (Vorbis I section 4.3.9), which
/// family 1 uses.
fn wav_order(channels: usize) -> &'static [usize] {
    match channels {
        3 => &[0, 2, 1],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 5, 3, 4],
        7 => &[0, 2, 1, 6, 5, 3, 4],
        8 => &[0, 2, 1, 7, 5, 6, 3, 4],
        _ => &[0, 1, 2, 3],
    }
}

/// One stream or several in a packet.
enum Streams {
    One(Box<OpusDecoder>),
    Many(Box<OpusMSDecoder>),
}

/// The decoder.
struct Opus {
    params: AudioCodecParameters,
    streams: Streams,
    channels: usize,
    gain: f64,
    interleaved: Vec<f32>,
    decoded: AudioBuffer<f64>,
}

impl Opus {
    fn new(params: &AudioCodecParameters) -> Result<Opus> {
        let head = params.extra_data.as_deref().and_then(Head::parse);
        let stated = params.channels.as_ref().map_or(0, Channels::count);
        // Matroska may leave the header out; then the number of channels says it all.
        let head = head.or_else(|| {
            let mapping = (0..stated as u8).collect();
            (1..=2).contains(&stated).then_some(Head {
                channels: stated,
                pre_skip: 0,
                gain_q8: 0,
                family: 0,
                streams: 1,
                coupled: stated - 1,
                mapping,
            })
        });
        let Some(head) = head else { return unsupported_error("an Opus header that is not understood") };
        let streams = if head.channels <= 2 && head.streams == 1 {
            OpusDecoder::new(RATE_HZ as i32, head.channels).map(|d| Streams::One(Box::new(d)))
        } else {
            let usual = ChannelLayout::surround(head.channels, head.family);
            let same = usual.is_ok_and(|u| {
                (u.nb_streams, u.nb_coupled_streams, &u.mapping)
                    == (head.streams, head.coupled, &head.mapping)
            });
            if !same {
                return unsupported_error("Opus with a channel mapping of its own");
            }
            OpusMSDecoder::new(RATE_HZ as i32, head.channels, head.family).map(|d| Streams::Many(Box::new(d)))
        };
        let Ok(streams) = streams else { return unsupported_error("an Opus header that is not understood") };
        let channels = Channels::Discrete(head.channels as u16);
        let mut params = params.clone();
        params.with_sample_rate(RATE_HZ).with_channels(channels.clone());
        Ok(Opus {
            params,
            streams,
            channels: head.channels,
            gain: 10f64.powf(f64::from(head.gain_q8) / (256.0 * 20.0)),
            interleaved: vec![0.0; MAX_PACKET_SAMPLES * head.channels],
            decoded: AudioBuffer::new(AudioSpec::new(RATE_HZ, channels), MAX_PACKET_SAMPLES),
        })
    }
}

impl AudioDecoder for Opus {
    fn reset(&mut self) {
        // The settings were accepted when the decoder was made: a reset cannot fail.
        let _ = match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state(),
            Streams::Many(decoder) => decoder.reset_state(),
        };
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.decoded.clear();
        // An empty packet asks the library to invent sound for a lost one.
        if packet.data.is_empty() {
            return decode_error("an empty Opus packet");
        }
        let out = &mut self.interleaved;
        let frames = match &mut self.streams {
            Streams::One(decoder) => decoder.decode(packet.data, MAX_PACKET_SAMPLES, out),
            Streams::Many(decoder) => decoder.decode(packet.data, MAX_PACKET_SAMPLES, out),
        };
        let Ok(frames) = frames else { return decode_error("an Opus packet that cannot be decoded") };
        self.decoded.render_uninit(Some(frames));
        for (channel, from) in wav_order(self.channels).iter().take(self.channels).enumerate() {
            let plane = self.decoded.plane_mut(channel).unwrap_or_default();
            for (to, frame) in plane.iter_mut().zip(out.chunks_exact(self.channels)) {
                *to = f64::from(frame[*from]) * self.gain;
            }
        }
        Ok(self.decoded.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.decoded.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for Opus {
    fn try_registry_new(
        params: &AudioCodecParameters,
        _: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Opus::new(params)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        const CODECS: &[SupportedAudioCodec] = &[SupportedAudioCodec { id: CODEC_ID_OPUS, info: INFO }];
        CODECS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The octets of RFC 7845 section 5.1, figure 2.
    fn head(channels: u8, family: u8, table: &[u8]) -> Vec<u8> {
        let mut all = b"OpusHead\x01".to_vec();
        all.push(channels);
        all.extend(312u16.to_le_bytes());
        all.extend(44_100u32.to_le_bytes());
        all.extend((-512i16).to_le_bytes());
        all.push(family);
        all.extend(table);
        all
    }

    #[test]
    fn a_header_is_read_and_rubbish_is_not() {
        let stereo = Head::parse(&head(2, 0, &[])).unwrap();
        assert_eq!((stereo.channels, stereo.pre_skip, stereo.gain_q8), (2, 312, -512));
        assert_eq!((stereo.streams, stereo.coupled), (1, 1));
        let surround = Head::parse(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])).unwrap();
        assert_eq!((surround.streams, surround.coupled, surround.mapping.len()), (4, 2, 6));
        assert_eq!(Head::parse(&head(3, 0, &[])), None);
        assert_eq!(Head::parse(&head(6, 1, &[4, 2, 0])), None);
        assert_eq!(Head::parse(&head(0, 0, &[])), None);
        let whole = head(2, 0, &[]);
        for cut in 0..whole.len() {
            assert_eq!(Head::parse(&whole[..cut]), None, "{cut}");
        }
    }

    // Sections 4.3.9 of Vorbis I and the bits of WAVE_FORMAT_EXTENSIBLE, by name.
    #[test]
    fn channels_come_in_the_order_of_wav_files() {
        let vorbis: [&[&str]; 9] = [
            &[],
            &["FC"],
            &["FL", "FR"],
            &["FL", "FC", "FR"],
            &["FL", "FR", "BL", "BR"],
            &["FL", "FC", "FR", "BL", "BR"],
            &["FL", "FC", "FR", "BL", "BR", "LFE"],
            &["FL", "FC", "FR", "SL", "SR", "BC", "LFE"],
            &["FL", "FC", "FR", "SL", "SR", "BL", "BR", "LFE"],
        ];
        let bits = ["FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR"];
        for (channels, names) in vorbis.iter().enumerate() {
            let order: Vec<usize> = wav_order(channels)[..channels]
                .iter()
                .map(|from| bits.iter().position(|b| *b == names[*from]).unwrap())
                .collect();
            assert!(order.is_sorted_by(|a, b| a < b), "{channels}: {order:?}");
        }
    }
}
