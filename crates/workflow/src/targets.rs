//! The delivery targets that a person means: the table of `delivery`, and rows of their own.

use crate::{Context, WorkflowError};
use delivery::{Mark, Target, Targets};
use serde_json::Value;
use session::SessionError;
use std::path::Path;

/// The file that is read from the folder at hand when none is named.
const FILE: &str = "targets.toml";
/// The key that names a row.
const ID: &str = "id";
/// The key that names the row which a new one begins as.
const BASED_ON: &str = "based_on";
/// The word for "no such rule": TOML has no other for nothing.
const NONE: &str = "none";

/// The targets: the rows of the table, each with what a person's file says instead, and the file's own after them.
///
/// The file is `named`, or `targets.toml` in `folder` where there is one. A row has the keys of [`Target`]; its id tells
/// which row of the table it changes, and keys that it has not stay as they are there. A row with a new id begins as the
/// one that `based_on` names, or as music without any rule of loudness.
pub(crate) fn targets_at(
    named: Option<&Path>,
    folder: &Path,
    context: &Context,
) -> Result<Targets, WorkflowError> {
    if let Some(file) = named {
        return read(file);
    }
    if folder.join(FILE).is_file() {
        context.listener.note(&format!("targets as {} has them", folder.join(FILE).display()));
    }
    targets_in(folder)
}

/// The same for what is made in a folder.
pub(crate) fn targets_in(folder: &Path) -> Result<Targets, WorkflowError> {
    let file = folder.join(FILE);
    if file.is_file() { read(&file) } else { Ok(Targets::default()) }
}

/// The table with the rows of a file.
fn read(file: &Path) -> Result<Targets, WorkflowError> {
    let mut targets = Targets::default();
    for row in session::load_rows(file, "target")? {
        let wrong = |(key, message): (&str, String)| -> WorkflowError {
            SessionError::Data { file: file.into(), place: row.place_of(key), message }.into()
        };
        let target = merged(&targets, &row.value, file).map_err(wrong)?;
        // What cannot be begins with the key that says it.
        targets
            .put(target)
            .map_err(|message| wrong((message.split(' ').next().unwrap_or_default(), message.clone())))?;
    }
    Ok(targets)
}

/// A row of the table with what a person says instead; without other word, the figures are theirs. What is wrong comes with
/// the key that it stands at.
fn merged<'r>(targets: &Targets, row: &'r Value, file: &Path) -> Result<Target, (&'r str, String)> {
    let whole = |message: String| (ID, message);
    let said = |key: &str| row.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = said(ID).ok_or_else(|| whole("a target needs an id, such as id = \"spotify\"".into()))?;
    let known = targets.find(id).ok();
    let base = match (said(BASED_ON), known) {
        (Some(base), _) => targets.find(base).map_err(|error| (BASED_ON, error.to_string()))?.clone(),
        (None, Some(known)) => known.clone(),
        (None, None) => {
            let music = targets.find(delivery::DEFAULT_TARGET).map_err(|error| whole(error.to_string()))?;
            Target { integrated_lufs: None, notes: "".into(), ..music.clone() }
        }
    };
    let mut value = serde_json::to_value(&base).map_err(|error| whole(error.to_string()))?;
    if known.is_none() {
        value["label"] = id.into();
        value["about"] = "".into();
    }
    let keys: Vec<String> = value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    value["mark"] = serde_json::to_value(Mark::Yours).map_err(|error| whole(error.to_string()))?;
    value["source"] = file.to_string_lossy().into();
    value["as_of"] = "".into();
    for (key, said) in row.as_object().into_iter().flatten().filter(|(key, _)| *key != BASED_ON) {
        if !keys.contains(key) {
            return Err((key, unknown(key, &keys)));
        }
        value[key] = if said == NONE { Value::Null } else { plain(said, key == "depths") };
        // One key after another, so that what is wrong is told of the key that it stands at.
        serde_json::from_value::<Target>(value.clone())
            .map_err(|error| (key.as_str(), format!("`{key}`: {}", in_words(&error.to_string()))))?;
    }
    value[ID] = known.map_or_else(|| id.to_string(), |known| known.id.to_string()).into();
    serde_json::from_value(value).map_err(|error| whole(error.to_string()))
}

/// What the library says about a value, without its own terms.
fn in_words(said: &str) -> String {
    match said.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected ")) {
        Some((value, known)) => {
            let known = known.trim_start_matches("one of ");
            format!("{value} is not known here; known are {}", known.replace('`', "\""))
        }
        None => said
            .trim_start_matches("invalid type: ")
            .replace("expected f64", "expected a number")
            .replace("expected a sequence", "expected a list, [ ... ]"),
    }
}

/// Numbers of TOML as the row wants them: whole ones are no fractions, and depths are words.
fn plain(said: &Value, depths: bool) -> Value {
    match said {
        Value::Array(list) => list.iter().map(|entry| plain(entry, depths)).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e9 => {
                let whole = whole as i64;
                if depths { whole.to_string().into() } else { whole.into() }
            }
            _ => said.clone(),
        },
        other => other.clone(),
    }
}

fn unknown(key: &str, keys: &[String]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(known, key);
    let nearest = keys.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let suggestion = nearest.filter(|known| likeness(known) > 0.75);
    let suggestion = suggestion.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
    format!(
        "a target has no `{key}`{suggestion} It has {}, and {BASED_ON} names the row to begin as",
        keys.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use delivery::{Container, Depth, Force};

    fn read_text(text: &str) -> Result<Targets, WorkflowError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn rows_change_the_table_or_stand_after_it() {
        let text = "[[target]]\nid = \"Apple-Music\"\nintegrated_lufs = -15.5\n\n\
                    [[target]]\nid = \"label_x\"\nbased_on = \"cd\"\nintegrated_lufs = -9\nloudness = \"required\"\n\
                    depths = [24, \"16\"]\nsample_rates_hz = [44100, 96000]\npreferred_rate_hz = \"none\"\n\
                    containers = [\"flac\"]\nduration_s = \"none\"\nlabel = \"Label X\"\n\n\
                    [[target]]\nid = \"radio\"\nceiling_dbtp = -3\n";
        let targets = read_text(text).unwrap();
        let count = delivery::TARGETS.len();
        assert_eq!(targets.rows().len(), count + 2);
        let apple = targets.find("apple_music").unwrap();
        assert_eq!((apple.integrated_lufs, apple.mark, apple.service), (Some(-15.5), Mark::Yours, true));
        assert!(apple.source.ends_with("mine.toml"), "{}", apple.source);
        let label = targets.find("Label X").unwrap();
        assert_eq!((label.integrated_lufs, label.loudness), (Some(-9.0), Force::Required));
        assert_eq!((label.preferred_depth(), label.depths.len()), (Depth::Int24, 2));
        assert_eq!((label.preferred_container(), label.duration_s), (Container::Flac, None));
        assert_eq!((label.rate_for(96_000), &label.channels[..]), (96_000, &[2usize][..]));
        let radio = targets.find("radio").unwrap();
        assert_eq!((radio.integrated_lufs, radio.ceiling_dbtp), (None, -3.0));
        // Everything else is the table's.
        let same = |target: &&Target| delivery::TARGETS.iter().any(|known| known == *target);
        assert_eq!(targets.rows().iter().filter(same).count(), count - 1);
        assert_eq!(read_text("").unwrap(), Targets::default());
    }

    // Finds a key that is read over, and a row that no file can meet.
    #[test]
    fn what_cannot_be_is_told_with_its_line() {
        for (text, said) in [
            ("[[target]]\nintegrated_lufs = -14\n", "needs an id"),
            ("\n\n[[target]]\nid = \"a\"\nintegrated_luf = -14\n", "did you mean `integrated_lufs`?"),
            ("\n\n[[target]]\nid = \"a\"\nintegrated_luf = -14\n", "line 5"),
            ("[[target]]\nid = \"a\"\nzzz = 1\n", "based_on names the row"),
            ("[[target]]\nid = \"a\"\nbased_on = \"spotfy\"\n", "did you mean \"spotify\""),
            ("[[target]]\nid = \"a\"\nceiling_dbtp = 3\n", "from -120 to 0"),
            ("[[target]]\nid = \"a\"\nintegrated_lufs = \"loud\"\n", "line 3"),
            ("[[target]]\nid = \"a\"\ndepths = [20]\n", "line 3, column 1: `depths`: `20` is not known here"),
            ("[[target]]\nid = \"a\"\ndepths = []\n", "one entry"),
            ("[[target]]\nid = \"a\"\nrms_dbfs = [-18, -23]\n", "[lowest, highest]"),
            ("[[target]]\nid = \"a\"\npreferred_rate_hz = 32000\n", "none of sample_rates_hz"),
            ("[[target]]\nid = \"ä\"\n", "small letters"),
            ("[target]\nid = \"a\"\n", "[[target]]"),
            ("id = = 3", "line 1"),
        ] {
            let error = read_text(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("mine.toml"), "{text}: {error}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_one_that_may_be_put() {
        let mut targets = Targets::default();
        for row in delivery::TARGETS.iter() {
            targets.put(row.clone()).unwrap();
        }
        assert_eq!(targets, Targets::default());
    }
}
