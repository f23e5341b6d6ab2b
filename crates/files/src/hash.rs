//! Names for content: the same bytes, or the same sound, give the same hash.

use std::fs::File;
use std::path::Path;

use audio::Buffer;

use crate::error::FileError;
use crate::read::open;

/// BLAKE3 of the file's bytes, as 64 hexadecimal digits. Reads in pieces; works for any file.
///
/// # Errors
/// When the file cannot be read.
pub fn audio_hash(path: impl AsRef<Path>) -> Result<String, FileError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|e| FileError::io(path, "read it", e))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// BLAKE3 of the decoded sound, as 64 hexadecimal digits: sample rate, channels, then every frame's samples as
/// little-endian `f64`. A WAV and a FLAC of the same samples give the same hash.
///
/// # Errors
/// When the file cannot be read.
pub fn decoded_hash(path: impl AsRef<Path>) -> Result<String, FileError> {
    const FRAMES: usize = 4096;
    let mut reader = open(path)?;
    let channels = reader.info().channels;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&u64::from(reader.info().sample_rate_hz).to_le_bytes());
    hasher.update(&(channels as u64).to_le_bytes());
    let mut block = Buffer::new(channels, FRAMES);
    let mut bytes = vec![0u8; channels * FRAMES * 8];
    loop {
        let frames = reader.read(&mut block.as_block_mut())?;
        if frames == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        for channel in 0..channels {
            for (n, sample) in block.channel(channel)[..frames].iter().enumerate() {
                // Minus zero and zero sound the same.
                let sample = if *sample == 0.0 { 0.0 } else { *sample };
                bytes[(n * channels + channel) * 8..][..8].copy_from_slice(&sample.to_le_bytes());
            }
        }
        hasher.update(&bytes[..frames * channels * 8]);
    }
}
