//! What a file is: container, encoding, rate, channels, length.

use audio::Frames;

use crate::note::Note;

/// The container of a file, as its content shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// RIFF WAVE.
    Wav,
    /// RIFF WAVE with big-endian numbers.
    Rifx,
    /// RF64, EBU Tech 3306: WAVE past 4 GiB.
    Rf64,
    /// BW64, ITU-R BS.2088: WAVE past 4 GiB.
    Bw64,
    /// Audio Interchange File Format.
    Aiff,
    /// AIFF-C: AIFF with a named encoding.
    Aifc,
    /// Native FLAC, RFC 9639.
    Flac,
    /// MPEG-1/2 audio layer I to III.
    Mpeg,
    /// Ogg, RFC 3533.
    Ogg,
    /// ISO base media (M4A, MP4, MOV), ISO/IEC 14496-12.
    Mp4,
    /// Apple Core Audio Format.
    Caf,
    /// AAC in ADTS frames, ISO/IEC 13818-7.
    Adts,
    /// Sony Wave64: WAVE with sizes of 64 bits.
    Wave64,
    /// Sun/NeXT audio.
    Au,
    /// Matroska and WebM, RFC 9559.
    Matroska,
}

impl Format {
    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Format::Wav => "WAV",
            Format::Rifx => "RIFX (big-endian WAV)",
            Format::Rf64 => "RF64",
            Format::Bw64 => "BW64",
            Format::Aiff => "AIFF",
            Format::Aifc => "AIFF-C",
            Format::Flac => "FLAC",
            Format::Mpeg => "MPEG audio",
            Format::Ogg => "Ogg",
            Format::Mp4 => "MP4/M4A",
            Format::Caf => "CAF",
            Format::Adts => "AAC (ADTS)",
            Format::Wave64 => "Wave64",
            Format::Au => "AU",
            Format::Matroska => "Matroska/WebM",
        }
    }

    /// Extensions that belong to it, in lower case.
    pub(crate) fn extensions(self) -> &'static [&'static str] {
        match self {
            Format::Wav | Format::Rifx | Format::Rf64 | Format::Bw64 => {
                &["wav", "wave", "bwf", "rf64", "bw64", "rifx"]
            }
            Format::Aiff | Format::Aifc => &["aif", "aiff", "aifc", "afc"],
            Format::Flac => &["flac", "fla"],
            Format::Mpeg => &["mp3", "mp2", "mp1", "mpga"],
            Format::Ogg => &["ogg", "oga", "opus"],
            Format::Mp4 => &["m4a", "mp4", "m4b", "m4r", "m4v", "mov", "qt", "alac", "3gp", "3g2"],
            Format::Caf => &["caf"],
            Format::Adts => &["aac", "adts"],
            Format::Wave64 => &["w64", "wave64"],
            Format::Au => &["au", "snd"],
            Format::Matroska => &["mka", "mkv", "webm", "weba"],
        }
    }
}

/// How the samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Linear integer samples, uncompressed.
    Integer {
        /// Bits that carry signal.
        bits: u32,
    },
    /// Floating point samples, uncompressed.
    Float {
        /// 32 or 64.
        bits: u32,
    },
    /// Integer samples, compressed without loss.
    Lossless {
        /// The codec's name.
        codec: &'static str,
        /// Bits that carry signal.
        bits: u32,
    },
    /// Coded with loss.
    Lossy {
        /// The codec's name.
        codec: &'static str,
    },
}

impl Encoding {
    /// Whether sound was lost when the file was made.
    pub fn is_lossy(self) -> bool {
        matches!(self, Encoding::Lossy { .. })
    }

    /// Whether samples are floating point, and may so exceed full scale.
    pub fn is_float(self) -> bool {
        matches!(self, Encoding::Float { .. })
    }

    /// Bits per sample; `None` for lossy codecs, which have none.
    pub fn bit_depth(self) -> Option<u32> {
        match self {
            Encoding::Integer { bits } | Encoding::Float { bits } | Encoding::Lossless { bits, .. } => {
                Some(bits)
            }
            Encoding::Lossy { .. } => None,
        }
    }

    /// A short description: "24-bit", "32-bit float", "FLAC 24-bit", "AAC".
    pub fn describe(self) -> String {
        match self {
            Encoding::Integer { bits } => format!("{bits}-bit"),
            Encoding::Float { bits } => format!("{bits}-bit float"),
            Encoding::Lossless { codec, bits } => format!("{codec} {bits}-bit"),
            Encoding::Lossy { codec } => codec.to_owned(),
        }
    }
}

/// What a recorder wrote down beside the sound: `bext` (EBU Tech 3285) and `iXML` of broadcast WAVE files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Broadcast {
    /// Frames from midnight, or from the beginning of the project, to the first frame of the file, at the file's
    /// sample rate. `None` when the file has no time stamp.
    pub time_reference_frames: Option<u64>,
    /// Who or what made the file; may be empty.
    pub originator: String,
    /// Free text; may be empty.
    pub description: String,
    /// Names of the channels, in their order; may be empty or hold empty names.
    pub channel_names: Vec<String>,
}

/// What is known about a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// The container.
    pub format: Format,
    /// How samples are stored.
    pub encoding: Encoding,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// Channels of every frame.
    pub channels: usize,
    /// The speakers of the channels, in the bits of WAVE_FORMAT_EXTENSIBLE (bit 0 front left, 1 front right,
    /// 2 front centre, 3 low-frequency effects, 4 and 5 back left and right, 8 back centre, 9 and 10 side left and
    /// right). `None` when the file does not say.
    pub channel_mask: Option<u32>,
    /// Exact length in frames, encoder delay and padding already taken off.
    pub frames: Frames,
    /// What a recorder wrote down beside the sound.
    pub broadcast: Broadcast,
    /// What was mended or is uncertain. Reading may add to it.
    pub notes: Vec<Note>,
}

impl Info {
    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate_hz)
    }
}
