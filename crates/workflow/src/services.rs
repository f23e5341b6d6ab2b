//! The streaming services that a person wants to hear about: the table of `delivery`, and rows of their own.

use crate::{Context, WorkflowError};
use delivery::{Mark, SERVICES, Service};
use session::SessionError;
use std::path::Path;

/// The file that is read from the folder at hand when none is named.
const FILE: &str = "services.toml";

/// The services: those of the table, each with what a person's file says instead, and the file's own after them.
///
/// The file is `named`, or `services.toml` in `folder` where there is one. A row has the keys of [`Service`]; its name
/// tells which row of the table it changes (whatever the case of its letters), and keys that it has not stay as they
/// are there.
pub(crate) fn services(
    named: Option<&Path>,
    folder: &Path,
    context: &Context,
) -> Result<Vec<Service>, WorkflowError> {
    if let Some(file) = named {
        return read(file);
    }
    if folder.join(FILE).is_file() {
        context.listener.note(&format!("services as {} has them", folder.join(FILE).display()));
    }
    services_in(folder)
}

/// The same for what is made in a folder.
pub(crate) fn services_in(folder: &Path) -> Result<Vec<Service>, WorkflowError> {
    let file = folder.join(FILE);
    if file.is_file() { read(&file) } else { Ok(SERVICES.to_vec()) }
}

/// The table with the rows of a file.
fn read(file: &Path) -> Result<Vec<Service>, WorkflowError> {
    let mut services = SERVICES.to_vec();
    for row in session::load_rows(file, "service")? {
        let wrong = |message: String| -> WorkflowError {
            SessionError::Data { file: file.into(), place: row.place, message }.into()
        };
        let name = row.value.get("name").and_then(serde_json::Value::as_str).map(str::to_lowercase);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(wrong("a service needs a name, such as name = \"Spotify\"".into()));
        };
        let known = services.iter().position(|service| service.name.to_lowercase() == name);
        let base = known.map(|place| &services[place]);
        let service = merged(base, &row.value, file).map_err(|error| {
            wrong(format!(
                "{error}; a service has name, reference_lufs, turns_up, note, source, as_of and mark"
            ))
        })?;
        if !service.reference_lufs.is_none_or(|lufs| (-60.0..=0.0).contains(&lufs)) {
            return Err(wrong("reference_lufs has to be from -60 to 0".into()));
        }
        match known {
            Some(place) => services[place] = service,
            None => services.push(service),
        }
    }
    Ok(services)
}

/// A row of the table with what a person says instead; without other word, the figures are theirs.
fn merged(
    base: Option<&Service>,
    row: &serde_json::Value,
    file: &Path,
) -> Result<Service, serde_json::Error> {
    let mut value = match base {
        Some(service) => serde_json::to_value(service)?,
        None => serde_json::json!({}),
    };
    value["mark"] = serde_json::to_value(Mark::Yours)?;
    value["source"] = file.to_string_lossy().into();
    value["as_of"] = "".into();
    for (key, said) in row.as_object().into_iter().flatten() {
        value[key] = said.clone();
    }
    serde_json::from_value(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use delivery::TurnsUp;

    fn read_text(text: &str) -> Result<Vec<Service>, WorkflowError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn rows_change_the_table_or_stand_after_it() {
        let text = "[[service]]\nname = \"spotify\"\nreference_lufs = -13\n\n\
                    [[service]]\nname = \"Club\"\nreference_lufs = -8.5\n\
                    turns_up = { within = { ceiling_dbtp = -0.5 } }\nas_of = \"2026-10\"\n";
        let services = read_text(text).unwrap();
        assert_eq!(services.len(), SERVICES.len() + 1);
        let (spotify, club) = (&services[0], services.last().unwrap());
        assert_eq!((spotify.reference_lufs, spotify.turns_up), (Some(-13.0), SERVICES[0].turns_up));
        assert_eq!((spotify.mark, spotify.note.as_ref()), (Mark::Yours, SERVICES[0].note.as_ref()));
        assert!(spotify.source.ends_with("mine.toml"), "{}", spotify.source);
        assert_eq!((club.name.as_ref(), club.reference_lufs), ("Club", Some(-8.5)));
        assert_eq!(club.turns_up, TurnsUp::Within { ceiling_dbtp: -0.5 });
        assert_eq!(club.as_of, "2026-10");
        assert_eq!(services[1..SERVICES.len()], SERVICES[1..]);
        assert_eq!(read_text("").unwrap(), SERVICES);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_line() {
        for (text, said) in [
            ("[[service]]\nreference_lufs = -14\n", "line 1"),
            ("\n\n[[service]]\nname = \"A\"\nlufs = -14\n", "line 3"),
            ("[[service]]\nname = \"A\"\nlufs = -14\n", "reference_lufs"),
            ("[[service]]\nname = \"A\"\nreference_lufs = 14\n", "-60 to 0"),
            ("[[service]]\nname = \"A\"\nreference_lufs = \"loud\"\n", "line 1"),
            ("[[service]]\nname = \"A\"\nturns_up = \"always\"\n", "always"),
            ("[service]\nname = \"A\"\n", "[[service]]"),
            ("name = = 3", "line 1"),
        ] {
            let error = read_text(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("mine.toml"), "{text}: {error}");
        }
    }
}
