//! What stands in a folder of finished files: a manifest for programs, checksums for `sha256sum -c`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::delivered::Delivered;
use crate::error::DeliveryError;
use crate::job::{Job, Plan};
use crate::quantise::Dither;
use crate::reading::hexadecimal;

/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The checksums' name.
const SUMS: &str = "SHA256SUMS";

/// The manifest of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Names the form of this object.
    pub schema: String,
    /// The target's id.
    pub target: String,
    /// Every file, in the order in which they were asked for.
    pub files: Vec<Entry>,
}

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// MD5 of its sound, as FLAC keeps it; `null` for floating point and for what is coded with loss.
    pub audio_md5: Option<String>,
    /// The kind of file.
    pub format: String,
    /// How samples are stored.
    pub stored: String,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames.
    pub frames: usize,
    /// Length in seconds.
    pub duration_s: f64,
    /// Integrated loudness, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// True peak after decoding, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// What it was lowered by to keep the ceiling, in dB.
    pub trim_db: f64,
    /// How often it was made until it kept the ceiling.
    pub passes: usize,
    /// What was added before rounding.
    pub dither: Dither,
    /// Samples that were clipped.
    pub clipped_samples: u64,
    /// Whether no finding is a failure.
    pub passed: bool,
    /// A fingerprint of everything it was made of.
    pub made_from: String,
    /// The mix it was made of, where mixes of several names share the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<String>,
}

impl Entry {
    /// The entry of a delivered file.
    ///
    /// # Errors
    /// When the file is not there.
    pub fn of(delivered: &Delivered) -> Result<Entry, DeliveryError> {
        let path = &delivered.path;
        let bytes = std::fs::metadata(path).map_err(|e| DeliveryError::io(path, "look at it", e))?.len();
        let reading = &delivered.reading;
        Ok(Entry {
            name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            bytes,
            sha256: reading.sha256.clone(),
            audio_md5: reading.audio_md5.clone(),
            format: delivered.container.name().to_owned(),
            stored: delivered.stored(),
            sample_rate_hz: reading.sample_rate_hz,
            channels: reading.channels,
            frames: reading.frames,
            duration_s: reading.duration_s,
            integrated_lufs: reading.facts.integrated_lufs,
            true_peak_dbtp: reading.facts.true_peak_dbtp,
            trim_db: delivered.trim_db,
            passes: delivered.passes,
            dither: delivered.dither,
            clipped_samples: delivered.clipped_samples,
            passed: delivered.passed,
            made_from: delivered.made_from.clone(),
            mix: None,
        })
    }
}

/// Writes manifest and checksums of a folder.
///
/// # Errors
/// When a file is not there or the disk refuses.
pub fn write_manifest(folder: &Path, target: &str, entries: &[Entry]) -> Result<(), DeliveryError> {
    let manifest = Manifest {
        schema: "tonmeister.manifest/1".to_owned(),
        target: target.to_owned(),
        files: entries.to_vec(),
    };
    let mut text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    text.push('\n');
    files::atomic_write(folder.join(MANIFEST), text.as_bytes())?;
    // One space says "text", two or an asterisk "binary"; a name with a line end is escaped by a backslash in front.
    let sums: String = entries.iter().map(|entry| format!("{}  {}\n", entry.sha256, entry.name)).collect();
    files::atomic_write(folder.join(SUMS), sums.as_bytes())?;
    Ok(())
}

/// What the manifest of a folder says; nothing where there is none that can be read.
pub fn read_manifest(folder: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default();
    serde_json::from_str::<Manifest>(&text).map(|manifest| manifest.files).unwrap_or_default()
}

/// A fingerprint of everything a file is made of: the master's bytes, the target's row, every setting and this program's
/// version.
pub(crate) fn made_from(job: &Job, plan: &Plan) -> Result<String, DeliveryError> {
    let settings = format!(
        "{}\n{}\n{:?}\n{:?} {:?} {:?} {} {:?} {} {} {} {}\n{:?}",
        env!("CARGO_PKG_VERSION"),
        files::audio_hash(job.source)?,
        job.target,
        plan.container,
        plan.depth,
        plan.bit_rate_kbps,
        plan.sample_rate_hz,
        job.dither,
        job.seed,
        job.auto_blank,
        job.max_trim_db,
        job.max_coded_trim_db,
        job.tags,
    );
    Ok(hexadecimal(&Sha256::digest(settings.as_bytes())))
}
