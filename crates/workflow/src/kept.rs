//! What was measured is kept between runs.

use crate::WorkflowError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Begins the name of what is kept: measured anew when the meters change.
pub(crate) fn meters() -> String {
    format!("facts-{}-{}", env!("CARGO_PKG_VERSION"), measure::REVISION)
}

/// Whatever cannot be read back is measured again.
pub(crate) fn read_kept<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

pub(crate) fn keep(path: &Path, facts: &impl Serialize) -> Result<(), WorkflowError> {
    let folder = path.parent().expect("a file in the facts folder");
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    let text = serde_json::to_vec(facts).expect("facts have only plain values");
    Ok(files::atomic_write(path, &text)?)
}
