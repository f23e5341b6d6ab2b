//! What is peculiar to each codec: its name, its depth, what it must have decoded before, and its samples.

use audio::Block;
use symphonia::core::audio::sample::{i24, u24};
use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};

use crate::info::Encoding;

/// Decoding begins this many frames before the wanted one where a decoder needs what came before: two packets
/// and more of every codec read here (8192 is the longest block of Vorbis).
pub(super) const PREROLL: i64 = 16_384;

/// What a decoder needs to give the same bits after a seek as from the beginning. AAC fills bands with noise
/// from a generator that runs through the whole stream (ISO/IEC 14496-3 clause 4.6.13), so it needs everything; and
/// so does Opus, whose filters never quite forget (RFC 7845 section 4.6 calls 80 ms enough for the ear).
pub(super) fn preroll(encoding: Encoding) -> Option<i64> {
    match encoding {
        Encoding::Lossy { codec: "AAC" | "Opus" } => None,
        Encoding::Lossy { .. } => Some(PREROLL),
        _ => Some(0),
    }
}

/// Frames of decoded sound; `None` when there are none or its channels are not as many as these.
pub(super) fn frames_of(sound: &GenericAudioBufferRef<'_>, channels: usize) -> Option<usize> {
    (sound.frames() > 0 && sound.num_planes() == channels).then(|| sound.frames())
}

/// Goes through the planes of decoded sound with what makes one of its samples an `f64`. Integers are left-justified in
/// their type, so that full scale is the type's own: exact in `f64`.
macro_rules! planes {
    ($sound:expr, |$channel:ident, $plane:ident, $value:ident| $work:expr) => {
        planes!($sound, $channel, $plane, $value, $work,
            U8 |s: &u8| (f64::from(*s) - 128.0) / 128.0;
            U16 |s: &u16| (f64::from(*s) - 32_768.0) / 32_768.0;
            U24 |s: &u24| (f64::from(s.inner()) - 8_388_608.0) / 8_388_608.0;
            U32 |s: &u32| (f64::from(*s) - 2_147_483_648.0) / 2_147_483_648.0;
            S8 |s: &i8| f64::from(*s) / 128.0;
            S16 |s: &i16| f64::from(*s) / 32_768.0;
            S24 |s: &i24| f64::from(s.inner()) / 8_388_608.0;
            S32 |s: &i32| f64::from(*s) / 2_147_483_648.0;
            F32 |s: &f32| f64::from(*s);
            F64 |s: &f64| *s;)
    };
    ($sound:expr, $channel:ident, $plane:ident, $value:ident, $work:expr, $($type:ident |$sample:ident: $of:ty| $exact:expr;)*) => {
        match $sound {
            $(GenericAudioBufferRef::$type(sound) => {
                for ($channel, $plane) in sound.iter_planes().enumerate() {
                    let $value = |$sample: $of| -> f64 { $exact };
                    $work
                }
            })*
        }
    };
}

/// Copies frames of decoded sound from `first` on to where `block` begins, as many as the block has.
pub(super) fn copy_frames(sound: &GenericAudioBufferRef<'_>, first: usize, block: &mut Block) {
    let frames = block.frames();
    // What FLAC and ALAC decode to, which is the most of what is read.
    if let GenericAudioBufferRef::S32(sound) = sound {
        for (channel, plane) in sound.iter_planes().enumerate() {
            from_integers(&plane[first..][..frames], block.channel_mut(channel));
        }
        return;
    }
    planes!(sound, |channel, plane, value| {
        let wanted = &plane[first..][..frames];
        block.channel_mut(channel).iter_mut().zip(wanted).for_each(|(to, from)| *to = value(from));
    });
}

audio::wide! {
    /// Left-justified integers as samples.
    fn from_integers(integers: &[i32], samples: &mut [f64]) {
        for (sample, integer) in samples.iter_mut().zip(integers) {
            *sample = f64::from(*integer) / 2_147_483_648.0;
        }
    }
}

/// Whether no sample from frame `first` on is above `limit` (full scale is 1), or no number at all.
pub(super) fn is_within(sound: &GenericAudioBufferRef<'_>, first: usize, limit: f64) -> bool {
    let mut within = true;
    planes!(sound, |_channel, plane, value| {
        within &= plane.iter().skip(first).all(|sample| value(sample).abs() <= limit);
    });
    within
}

/// The sixth byte of ALAC's magic cookie (Apple, ALACMagicCookieDescription), which older files wrap in a
/// `frma` and an `alac` atom.
pub(super) fn alac_bits(params: &AudioCodecParameters) -> Option<u32> {
    let cookie = params.extra_data.as_deref()?;
    let config = if cookie.get(4..8) == Some(b"frma") { cookie.get(24..)? } else { cookie };
    config.get(5).map(|b| u32::from(*b)).filter(|b| (1..=32).contains(b))
}

pub(super) fn encoding_of(codec: AudioCodecId, bits: Option<u32>) -> Encoding {
    let float = [
        CODEC_ID_PCM_F32LE,
        CODEC_ID_PCM_F32BE,
        CODEC_ID_PCM_F32LE_PLANAR,
        CODEC_ID_PCM_F32BE_PLANAR,
        CODEC_ID_PCM_F64LE,
        CODEC_ID_PCM_F64BE,
        CODEC_ID_PCM_F64LE_PLANAR,
        CODEC_ID_PCM_F64BE_PLANAR,
    ];
    match codec {
        CODEC_ID_FLAC => Encoding::Lossless { codec: "FLAC", bits: bits.unwrap_or(16) },
        CODEC_ID_ALAC => Encoding::Lossless { codec: "ALAC", bits: bits.unwrap_or(16) },
        CODEC_ID_MP1 => Encoding::Lossy { codec: "MPEG layer I" },
        CODEC_ID_MP2 => Encoding::Lossy { codec: "MPEG layer II" },
        CODEC_ID_MP3 => Encoding::Lossy { codec: "MP3" },
        CODEC_ID_AAC => Encoding::Lossy { codec: "AAC" },
        CODEC_ID_VORBIS => Encoding::Lossy { codec: "Vorbis" },
        CODEC_ID_OPUS => Encoding::Lossy { codec: "Opus" },
        CODEC_ID_PCM_ALAW => Encoding::Lossy { codec: "A-law" },
        CODEC_ID_PCM_MULAW => Encoding::Lossy { codec: "mu-law" },
        CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV | CODEC_ID_ADPCM_IMA_QT => {
            Encoding::Lossy { codec: "ADPCM" }
        }
        c if float.contains(&c) => Encoding::Float { bits: bits.unwrap_or(32) },
        _ => Encoding::Integer { bits: bits.unwrap_or(16) },
    }
}

/// The speakers of a compressed file, where the codec itself orders them: mask of WAVE_FORMAT_EXTENSIBLE. Opus and
/// Vorbis share one table (Vorbis I section 4.3.9), and so do FLAC and WAV (RFC 9639 section 9.1.3).
pub(super) fn usual_mask(encoding: Encoding, channels: usize) -> Option<u32> {
    let named = ["Vorbis", "Opus", "FLAC", "AAC", "ALAC"];
    let codec = match encoding {
        Encoding::Lossy { codec } | Encoding::Lossless { codec, .. } => codec,
        _ => return None,
    };
    let mask = match channels {
        1 => 0x4,
        2 => 0x3,
        3 => 0x7,
        4 => 0x33,
        5 => 0x37,
        6 => 0x3f,
        7 => 0x70f,
        8 => 0x63f,
        _ => return None,
    };
    named.contains(&codec).then_some(mask)
}
