//! A file opened for a demuxer: the part behind a tag, the one demuxer for its format, and a decoder.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::formats;

use super::super::flac_frames::FlacFrames;
use super::super::framed::{Framed, Survey};
use super::super::mp4;
use super::super::ogg_gaps::{Mended, Pages};
use super::super::opus::codecs;
use crate::error::FileError;
use crate::info::Format;

/// The part of a file behind a tag.
#[derive(Debug)]
struct Part {
    file: File,
    start: u64,
    /// Where it stands, from its own beginning.
    at: u64,
    /// What is read behind the end of the file.
    tail: &'static [u8],
    /// Its length; of a file that was cut, the length it had, since demuxers give up on boxes that reach past
    /// the end. There is nothing to read there, and they see that in time.
    bytes: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.at.checked_sub(self.bytes - self.tail.len() as u64) {
            Some(behind) => self.tail.get(behind as usize..).unwrap_or_default().read(buffer)?,
            None => self.file.read(buffer)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(byte) => SeekFrom::Start(byte.saturating_add(self.start)),
            SeekFrom::End(back) => {
                SeekFrom::Start((self.start + self.bytes).saturating_add_signed(back).max(self.start))
            }
            current => current,
        };
        self.at = self.file.seek(to)?.saturating_sub(self.start);
        Ok(self.at)
    }
}

impl MediaSource for Part {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes)
    }
}

/// Where a stream is, and how to begin it again.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) start: u64,
    pub(super) bytes: u64,
    pub(super) format: Format,
    /// Of a stream without a clock of its own, what lies where.
    pub(super) survey: OnceLock<Arc<Survey>>,
    /// Of an Ogg file, the pages that are whole.
    pub(super) pages: OnceLock<Arc<Pages>>,
}

/// A demuxer and a decoder at the beginning of the stream.
pub(super) struct Stream {
    pub(super) demuxer: Box<dyn FormatReader>,
    pub(super) decoder: Box<dyn AudioDecoder>,
    pub(super) track: u32,
}

impl Place {
    pub(super) fn begin(&self) -> Result<Stream, FileError> {
        let mut demuxer = self.demuxer()?;
        if matches!(self.format, Format::Mpeg | Format::Adts) {
            let delay = demuxer.tracks().first().and_then(|t| t.delay).unwrap_or(0);
            let survey = self.surveyed(-i64::from(delay))?;
            demuxer = Box::new(Framed::new(demuxer, self.file()?, survey));
        }
        if self.format == Format::Flac {
            demuxer = Box::new(FlacFrames::new(demuxer, self.file()?, self.start));
        }
        let entry = if self.format == Format::Mp4 { mp4::sound_entry(&self.path, self.bytes) } else { None };
        let track = demuxer.default_track(TrackType::Audio);
        let Some((track, mut params)) = track.and_then(|t| Some((t.id, audio_params(t)?.clone()))) else {
            return Err(self.no_track(entry));
        };
        if self.format == Format::Ogg {
            let gaps = self.pages()?.gaps(track);
            if !gaps.is_empty() {
                demuxer = Box::new(Mended::new(demuxer, gaps));
            }
        }
        // The demuxer takes all of QuickTime's samples for little-endian.
        if let Some(codec) = entry.and_then(|e| e.big_endian_codec()) {
            params.for_codec(codec);
        }
        let options = AudioDecoderOptions::default().gapless(false);
        let made = codecs().make_audio_decoder(&params, &options);
        let decoder = made.map_err(|e| self.header_error(e))?;
        Ok(Stream { demuxer, decoder, track })
    }

    /// Only the demuxer for the format that was found is asked: with all of them, damaged files are taken for
    /// something else.
    fn demuxer(&self) -> Result<Box<dyn FormatReader>, FileError> {
        let mut probe = Probe::default();
        match self.format {
            Format::Flac => probe.register_format::<formats::FlacReader<'_>>(),
            Format::Mpeg => probe.register_format::<formats::MpaReader<'_>>(),
            Format::Ogg => probe.register_format::<formats::OggReader<'_>>(),
            Format::Mp4 => probe.register_format::<formats::IsoMp4Reader<'_>>(),
            Format::Caf => probe.register_format::<formats::CafReader<'_>>(),
            Format::Adts => probe.register_format::<formats::AdtsReader<'_>>(),
            Format::Matroska => probe.register_format::<formats::MkvReader<'_>>(),
            // Only what is compressed inside of WAV comes here.
            Format::Wav => probe.register_format::<formats::WavReader<'_>>(),
            _ => {}
        }
        let mut file = self.file()?;
        let whole = match self.format {
            Format::Mp4 => mp4::stated_bytes(&mut file, self.bytes),
            _ => self.bytes,
        };
        // The demuxer insists on a file type, which may stand anywhere.
        let old = self.format == Format::Mp4 && mp4::has_file_type(&mut file) == Some(false);
        let tail = if old { mp4::QUICKTIME_FILE_TYPE } else { &[] };
        file.seek(SeekFrom::Start(self.start)).map_err(|e| FileError::io(&self.path, "read it", e))?;
        let bytes = whole - self.start + tail.len() as u64;
        let source: Box<dyn MediaSource> = match self.format {
            Format::Ogg => Box::new(self.pages()?.whole(file)),
            _ => Box::new(Part { file, start: self.start, at: 0, tail, bytes }),
        };
        let source = MediaSourceStream::new(source, Default::default());
        let options = FormatOptions::default();
        let probed = if old {
            formats::IsoMp4Reader::try_new(source, options)
                .map(|reader| Box::new(reader) as Box<dyn FormatReader>)
        } else {
            probe.probe(&Hint::new(), source, options, MetadataOptions::default())
        };
        probed.map_err(|e| self.header_error(e))
    }

    /// Why there is nothing to decode: no sound, or sound that the demuxer does not know.
    fn no_track(&self, entry: Option<mp4::SoundEntry>) -> FileError {
        let Some(entry) = entry else {
            let looks_like = format!("{} without a sound track", self.format.name());
            return FileError::NotAudio { path: self.path.clone(), looks_like };
        };
        let coded = String::from_utf8_lossy(&entry.kind).into_owned();
        let what = format!("sound coded as \"{coded}\" in MP4 or QuickTime is not read; export it as WAV");
        FileError::unsupported(&self.path, what)
    }

    fn file(&self) -> Result<File, FileError> {
        File::open(&self.path).map_err(|e| FileError::io(&self.path, "open it", e))
    }

    /// Where the frames lie, found out once.
    fn surveyed(&self, first: i64) -> Result<Arc<Survey>, FileError> {
        if let Some(survey) = self.survey.get() {
            return Ok(Arc::clone(survey));
        }
        let made = Survey::of(self.file()?, self.start, self.bytes, self.format == Format::Adts, first);
        let made = made.map_err(|e| FileError::io(&self.path, "read it", e))?;
        let what = "hardly a frame in it is whole";
        let made = made.ok_or_else(|| FileError::damaged(&self.path, "the stream", what))?;
        Ok(Arc::clone(self.survey.get_or_init(|| Arc::new(made))))
    }

    /// The pages of an Ogg file, looked at once.
    fn pages(&self) -> Result<Arc<Pages>, FileError> {
        if let Some(pages) = self.pages.get() {
            return Ok(Arc::clone(pages));
        }
        let made = Pages::of(self.file()?).map_err(|e| FileError::io(&self.path, "read it", e))?;
        let what = "hardly a page in it is whole";
        let made = made.ok_or_else(|| FileError::damaged(&self.path, "the stream", what))?;
        Ok(Arc::clone(self.pages.get_or_init(|| Arc::new(made))))
    }

    fn header_error(&self, error: Error) -> FileError {
        let name = self.format.name();
        match error {
            Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof && self.format == Format::Mp4 => {
                let what = "the index (moov) is missing: the end of the file is cut off";
                FileError::damaged(&self.path, "the header", what)
            }
            Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
                FileError::damaged(&self.path, "the header", format!("the {name} file ends inside it"))
            }
            Error::IoError(e) => FileError::io(&self.path, "read it", e),
            // The demuxer calls a missing index unsupported; it is what a cut file looks like.
            Error::Unsupported(what) if what.contains("missing") => {
                FileError::damaged(&self.path, "the header", what)
            }
            Error::Unsupported(what) => {
                // What the decoder calls too complex is band replication (SBR) or parametric stereo.
                let what = if what.contains("too complex") { "HE-AAC or surround AAC" } else { what };
                let what = format!("this {name} file is not read ({what}); export it as WAV or FLAC");
                FileError::unsupported(&self.path, what)
            }
            // The demuxer takes the only size it does not know for damage.
            Error::DecodeError(what) if what.ends_with("invalid pcm sample size") => {
                let what =
                    "samples of 8 bits with a sign in QuickTime are not read; export it with 16 or 24 bits";
                FileError::unsupported(&self.path, what)
            }
            other => FileError::damaged(&self.path, "the header", other.to_string()),
        }
    }
}

pub(in crate::read) fn audio_params(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref()?.audio()
}
