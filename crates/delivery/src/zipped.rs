//! A folder as one ZIP file: stored, since sound does not shrink, and the same bytes from the same files.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::DeliveryError;

/// Packs every file of a folder, and of the folders in it, into `to`, in the order of their names. Hidden files stay out.
///
/// # Errors
/// When a file cannot be read or the disk refuses; nothing is then left behind.
pub fn zip_folder(folder: &Path, to: &Path) -> Result<(), DeliveryError> {
    let mut pending = files::PendingFile::create(to)?;
    let mut names = Vec::new();
    gather(folder, Path::new(""), &mut names).map_err(|e| DeliveryError::io(folder, "look into it", e))?;
    names.sort();
    let written = (|| -> io::Result<()> {
        let mut zip = ZipWriter::new(pending.file());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        for name in &names {
            let path = folder.join(name);
            let large = path.metadata()?.len() >= u64::from(u32::MAX);
            let parts: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            zip.start_file(parts.join("/"), options.large_file(large))?;
            io::copy(&mut File::open(&path)?, &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    })();
    written.map_err(|e| DeliveryError::io(to, "write to it", e))?;
    Ok(pending.commit()?)
}

fn gather(folder: &Path, below: &Path, names: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            gather(folder, &name, names)?;
        } else if kind.is_file() {
            names.push(name);
        }
    }
    Ok(())
}
