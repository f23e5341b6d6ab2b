//! Reports of takes, and the comparison that they play: a page that stands elsewhere finds its sounds from there, and what
//! became the master is called so.

use crate::report_song::{from_folder, save};
use crate::{WorkflowError, ab};
use report::Report;
use std::path::{Component, Path, PathBuf};

/// Who is called what after a take became the master.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renamed<'a> {
    /// The take that is the master now.
    pub(super) take: &'a str,
    /// The take that the master of before is now.
    pub(super) kept_as: Option<&'a str>,
}

impl Renamed<'_> {
    /// The new label of a sound, where it has one.
    fn label(&self, label: &str) -> Option<String> {
        match label {
            ab::MASTER => self.kept_as.map(ab::take_label),
            _ if label == ab::take_label(self.take) => Some(ab::MASTER.to_string()),
            _ => None,
        }
    }

    /// Whether a page was told already: the name that the master of before has now was nobody's.
    fn is_told(&self, report: &Report) -> bool {
        let kept = self.kept_as.map(ab::take_label);
        report.ab.iter().any(|sound| Some(&sound.label) == kept.as_ref())
    }
}

fn read(json: &Path) -> Option<Report> {
    serde_json::from_slice(&std::fs::read(json).ok()?).ok()
}

/// Whether there is a report that can be read.
pub(super) fn is_report(json: &Path) -> bool {
    read(json).is_some()
}

/// Writes the report `old` and its page as `new`, whose sounds are found from where `base` stands. False where there is no
/// report that can be read.
pub(super) fn copied(old: &Path, new: &Path, base: &Path) -> Result<bool, WorkflowError> {
    let Some(mut report) = read(old) else { return Ok(false) };
    let folder = |file: &Path| file.parent().unwrap_or(Path::new(".")).to_path_buf();
    let (from, to) = (folder(old), folder(base));
    for sound in &mut report.ab {
        sound.path = from_folder(&plain(&from.join(&sound.path)), &to);
    }
    save(&report, &new.with_extension(""))?;
    Ok(true)
}

/// A path without `..`, which need not exist.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
        plain
    })
}

/// Calls the files of the comparison in `folder` by what they hold now; what has its new name already stays.
pub(super) fn rename_sounds(folder: &Path, renamed: Renamed) -> Result<(), WorkflowError> {
    for old in [ab::MASTER.to_string(), ab::take_label(renamed.take)] {
        let Some(new) = renamed.label(&old) else { continue };
        let (old, new) = (folder.join(ab::file_name(&old)), folder.join(ab::file_name(&new)));
        if old.is_file() && !new.exists() {
            std::fs::rename(&old, &new).map_err(WorkflowError::io(&old, "rename it"))?;
        }
    }
    Ok(())
}

/// Calls the sounds of a report by what they are now; a report that was told already stays as it is.
pub(super) fn rename_in(json: &Path, renamed: Renamed) -> Result<(), WorkflowError> {
    let Some(mut report) = read(json).filter(|report| !renamed.is_told(report)) else { return Ok(()) };
    let mut changed = false;
    for sound in &mut report.ab {
        let Some(label) = renamed.label(&sound.label) else { continue };
        let path = Path::new(&sound.path).with_file_name(ab::file_name(&label));
        (sound.label, sound.path) = (label, path.to_string_lossy().into_owned());
        changed = true;
    }
    if changed {
        save(&report, &json.with_extension(""))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::AbPart;

    fn page(json: &Path, sounds: &[(&str, &str)]) {
        let ab = |(label, path): &(&str, &str)| AbPart {
            label: (*label).into(),
            path: (*path).into(),
            ..AbPart::default()
        };
        let report = Report { ab: sounds.iter().map(ab).collect(), ..Report::default() };
        save(&report, &json.with_extension("")).expect("saved");
    }

    fn sounds(json: &Path) -> Vec<(String, String)> {
        let report = read(json).expect("a report");
        report.ab.into_iter().map(|sound| (sound.label, sound.path)).collect()
    }

    fn pair(label: &str, path: &str) -> (String, String) {
        (label.into(), path.into())
    }

    // Finds names that change once more when a change that was cut off is completed, and links that lead nowhere.
    #[test]
    fn names_change_once_and_links_lead_to_the_same_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let take = folder.path().join("mix-takes/loud/mix-report.json");
        let ab = ["before", "master", "take loud", "take bold"];
        let there: Vec<(String, String)> =
            ab.iter().map(|label| pair(label, &format!("../../mix-ab/{}", ab::file_name(label)))).collect();
        let there: Vec<(&str, &str)> = there.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        page(&take, &there);
        let home = folder.path().join("mix-report.json");
        assert!(copied(&take, &home, &home).expect("copied"));
        assert_eq!(sounds(&home)[3], pair("take bold", "mix-ab/take-bold.wav"));

        let renamed = Renamed { take: "loud", kept_as: Some("before") };
        for _ in 0..2 {
            rename_in(&home, renamed).expect("renamed");
            let now = [
                pair("before", "mix-ab/before.wav"),
                pair("take before", "mix-ab/take-before.wav"),
                pair("master", "mix-ab/master.wav"),
                pair("take bold", "mix-ab/take-bold.wav"),
            ];
            assert_eq!(sounds(&home), now);
        }
        assert!(!copied(&folder.path().join("none"), &home, &home).expect("nothing"));
    }

    #[test]
    fn files_change_their_names_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for label in ["before", "master", "take loud"] {
            std::fs::write(folder.path().join(ab::file_name(label)), label).expect("written");
        }
        let renamed = Renamed { take: "loud", kept_as: Some("before") };
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("there");
        for _ in 0..2 {
            rename_sounds(folder.path(), renamed).expect("renamed");
            assert_eq!((read("before.wav"), read("take-before.wav")), ("before".into(), "master".into()));
            assert_eq!(read("master.wav"), "take loud");
            assert!(!folder.path().join("take-loud.wav").exists());
        }
        let none = folder.path().join("no such folder");
        rename_sounds(&none, renamed).expect("there is no comparison");
    }
}
