//! FLAC (RFC 9639), through flac-codec.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flac_codec::encode::{FlacChannelWriter, Options};

use super::WriteSpec;
use crate::atomic::PendingFile;
use crate::error::FileError;

/// A FLAC file being written.
pub(super) struct FlacSink {
    pending: PendingFile,
    encoder: FlacChannelWriter<Output>,
    failure: Failure,
}

impl fmt::Debug for FlacSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlacSink").field("pending", &self.pending).finish_non_exhaustive()
    }
}

type Failure = Arc<Mutex<Option<io::Error>>>;

impl FlacSink {
    pub(super) fn create(mut pending: PendingFile, spec: &WriteSpec) -> Result<FlacSink, FileError> {
        let target = pending.target().to_owned();
        let file = pending.file().try_clone().map_err(|e| FileError::io(&target, "create it", e))?;
        let failure = Failure::default();
        let output = Output { file: BufWriter::new(file), failure: Arc::clone(&failure) };
        let (bits, channels) = (spec.sample_format.bits(), spec.channels as u8);
        let encoder =
            FlacChannelWriter::new(output, Options::default(), spec.sample_rate_hz, bits, channels, None)
                .map_err(|e| encoder_error(&target, e))?;
        Ok(FlacSink { pending, encoder, failure })
    }

    pub(super) fn write(&mut self, planes: &[Vec<i32>]) -> Result<(), FileError> {
        self.encoder.write(planes).map_err(|e| encoder_error(self.pending.target(), e))
    }

    /// Completes the stream; the file still has its temporary name.
    pub(super) fn finish(self) -> Result<PendingFile, FileError> {
        let FlacSink { pending, encoder, failure } = self;
        encoder.finalize().map_err(|e| encoder_error(pending.target(), e))?;
        match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(e) => Err(FileError::io(pending.target(), "write to it", e)),
            None => Ok(pending),
        }
    }
}

fn encoder_error(path: &Path, error: flac_codec::Error) -> FileError {
    match error {
        flac_codec::Error::Io(e) => FileError::io(path, "write to it", e),
        flac_codec::Error::NoSamples => FileError::unsupported(path, "FLAC cannot hold 0 frames; write WAV"),
        other => FileError::unsupported(path, format!("cannot be written as FLAC: {other}")),
    }
}

/// The encoder swallows its output when it is done, so what goes wrong in the last flush is kept for us.
struct Output {
    file: BufWriter<File>,
    failure: Failure,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Err(e) = self.file.flush() {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(e);
        }
    }
}
