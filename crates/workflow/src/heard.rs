//! What has been measured of a strip stays true until something changes that its sound depends on.

use crate::Project;
use crate::kept::{keep, meters, read_kept};
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Which sound of each strip the facts tell of, and what was heard in earlier runs.
///
/// A step that moves faders leaves the strips before them as they were, and a second run finds all as the first one
/// left it: neither is listened to again.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Where analyses are kept between runs; nowhere where nothing may be written.
    folder: Option<PathBuf>,
    /// The sound that the facts tell of, by the strip's id.
    now: BTreeMap<String, String>,
    /// The files that were needed.
    used: BTreeSet<String>,
}

impl Heard {
    pub(crate) fn new(project: &Project) -> Heard {
        let folder = project.strip_cache().map(|_| project.state().join("heard"));
        Heard { folder, ..Heard::default() }
    }

    /// Whether the facts of a strip are those of this sound.
    pub(crate) fn is_current(&self, id: &str, sound: &str) -> bool {
        self.now.get(id).is_some_and(|now| now == sound)
    }

    /// From now on the facts of a strip are those of this sound.
    pub(crate) fn set_current(&mut self, id: &str, sound: String) {
        self.now.insert(id.to_string(), sound);
    }

    /// What an earlier run measured of a sound, or of several that are named together.
    pub(crate) fn recall<T: DeserializeOwned>(&mut self, sound: &str) -> Option<T> {
        let name = file_name(sound);
        let kept = read_kept(&self.folder.as_ref()?.join(&name))?;
        self.used.insert(name);
        Some(kept)
    }

    /// Keeps what was measured of a sound. What cannot be kept is measured again next time.
    pub(crate) fn remember(&mut self, sound: &str, measured: &impl Serialize) {
        self.used.extend(self.write(sound, measured));
    }

    /// The same of many sounds, which are written side by side.
    pub(crate) fn remember_all<'a, T: Serialize + Sync + 'a>(
        &mut self,
        measured: impl ParallelIterator<Item = (&'a str, &'a T)>,
    ) {
        let written: Vec<String> = measured.filter_map(|(sound, one)| self.write(sound, one)).collect();
        self.used.extend(written);
    }

    /// The name of the file that was written, if one could be.
    fn write(&self, sound: &str, measured: &impl Serialize) -> Option<String> {
        let (folder, name) = (self.folder.as_ref()?, file_name(sound));
        keep(&folder.join(&name), measured).is_ok().then_some(name)
    }

    /// Forgets what this run had no use for: at the end of one that heard everything. What cannot be removed is left:
    /// it only takes room.
    pub(crate) fn prune(&self) {
        let Some(folder) = &self.folder else { return };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| name.ends_with(".json"));
            if ours && !name.to_str().is_some_and(|name| self.used.contains(name)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn file_name(sound: &str) -> String {
    format!("{}-{sound}.json", meters())
}
