//! Edits that can be undone: `set track.vox.fader_db=-2.5`.

use crate::document::fields_at;
use crate::fields::{self, Form, Quantity};
use crate::read::instead;
use crate::tree::{is_insert, is_insert_list, is_item_path, is_strip};
use crate::{Change, Document, Path, SessionError, Value};
use dsp::{Kind, Param};
use serde::{Deserialize, Serialize};

/// A change of one setting, which can be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// What was changed.
    pub path: Path,
    /// The value before; absent is neutral.
    pub before: Option<Value>,
    /// The value after.
    pub after: Option<Value>,
    /// For a strip, insert or band: the sibling it stood or stands in front of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_front_of: Option<String>,
}

impl Edit {
    /// The edit that undoes this one.
    pub fn inverse(&self) -> Edit {
        Edit {
            path: self.path.clone(),
            before: self.after.clone(),
            after: self.before.clone(),
            in_front_of: self.in_front_of.clone(),
        }
    }
}

impl Document {
    /// Changes one setting as the shell gives it: `set("track.vox.fader_db", "-2.5")`. A unit may follow the
    /// number (`"-2.5 dB"`), switches are `on` and `off` as well as `true` and `false`, lists are written as in
    /// the file or with commas (`streaming, cd`); an empty text takes the line away, which is neutral until
    /// the next plan. The comments on its line stay. To undo it, [`Document::edit`] with the inverse.
    pub fn set(&mut self, setting: &str, text: &str) -> Result<Edit, SessionError> {
        let path: Path = setting.trim().parse()?;
        self.knows_strip(&path)?;
        let after = match text.trim() {
            "" => None,
            text => Some(parse(self.form(&path), &path, text)?),
        };
        let before = self.get(&path);
        let edit = Edit { before, after, in_front_of: self.sibling_behind(&path), path };
        let tree = self.tree();
        self.edit(&edit)?;
        // What had to be made above the setting is part of the edit: undoing takes it away again.
        let parts = edit.path.parts();
        let made = (1..parts.len()).map(|at| Path::new(&parts[..at])).find(|path| tree.get(path).is_none());
        Ok(match made.filter(|_| edit.after.is_some()) {
            Some(path) => Edit { before: None, after: self.get(&path), in_front_of: None, path },
            None => edit,
        })
    }

    /// Makes an edit again, or, with its inverse, undoes it.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), SessionError> {
        let mut tree = self.tree();
        let path = edit.path.clone();
        match &edit.after {
            Some(value) => {
                let is_new = tree.get(&path).is_none();
                tree.change(&Change::Set { path: path.clone(), value: value.clone() })?;
                if is_new && edit.in_front_of.is_some() {
                    // A sibling that is gone by now cannot be stood in front of: the end is good then.
                    let _ = tree.change(&Change::Place { path, before: edit.in_front_of.clone() });
                }
            }
            None if tree.get(&path).is_none() => {
                return Err(SessionError::Unknown { path, hint: Some("it is not set".into()) });
            }
            None => drop(tree.remove(&path)),
        }
        let mut changed = self.clone();
        changed.become_tree(&tree);
        changed.no_new_problems(self)?;
        *self = changed;
        Ok(())
    }

    fn sibling_behind(&self, path: &Path) -> Option<String> {
        let (above, last) = path.split_last().filter(|_| is_item_path(path))?;
        let tree = self.tree();
        let siblings = tree.get(&above)?.branches()?;
        let (name, _) = siblings.get_index(siblings.get_index_of(last)? + 1)?;
        Some(name.clone())
    }

    /// A setting of a strip that does not exist would make a new one, which nobody means.
    fn knows_strip(&self, path: &Path) -> Result<(), SessionError> {
        let [table, id, _, ..] = path.parts() else {
            return Ok(());
        };
        let tree = self.tree();
        let strip = Path::new([table, id]);
        if !is_strip(&strip) || tree.get(&strip).is_some() {
            return Ok(());
        }
        let siblings = tree.get(&Path::new([table])).and_then(|tables| tables.branches());
        let known: Vec<&str> = siblings.into_iter().flat_map(|s| s.keys()).map(String::as_str).collect();
        Err(SessionError::Unknown { path: strip, hint: Some(instead(id, &known)) })
    }

    /// What the value at a path looks like, if the path means something.
    fn form(&self, path: &Path) -> Option<Form> {
        let (above, last) = path.split_last()?;
        if let Some(fields) = fields_at(&above) {
            return fields.iter().find(|field| field.id == last).map(|field| field.form);
        }
        let parts = path.parts();
        let strip = (1..=2).map(|at| Path::new(&parts[..at.min(parts.len())])).find(is_strip)?;
        let within: Vec<&str> = parts[strip.parts().len()..].iter().map(String::as_str).collect();
        match within.as_slice() {
            ["sends" | "pre_sends", _] => Some(Form::Number(fields::SEND)),
            ["automation", ..] => Some(Form::Automation),
            ["insert", id, setting @ ..] => self.insert_form(&strip, id, setting),
            _ => None,
        }
    }

    fn insert_form(&self, strip: &Path, id: &str, setting: &[&str]) -> Option<Form> {
        let insert = strip.child("insert").child(id);
        let written = self.get(&insert.child("kind"));
        let counted = id.rsplit_once('_').map_or(id, |(kind, _)| kind);
        let kind: &Kind = match &written {
            Some(kind) => dsp::kind(kind.as_text()?)?,
            None => dsp::kind(id).or_else(|| dsp::kind(counted))?,
        };
        let param = |params: &'static [Param], id: &str| params.iter().find(|p| p.id == id).map(Form::of);
        match setting {
            [own] => {
                let field = fields::INSERT.iter().find(|field| field.id == *own);
                field.map(|field| field.form).or_else(|| param(kind.params, own))
            }
            [group, _, setting] => {
                let group = kind.groups.iter().find(|described| described.id == *group)?;
                param(group.params, setting)
            }
            _ => None,
        }
    }
}

/// The value that a text of the shell means.
fn parse(form: Option<Form>, path: &Path, text: &str) -> Result<Value, SessionError> {
    let not = |expected: String| SessionError::NotAValue { path: path.clone(), text: text.into(), expected };
    match form {
        Some(Form::Number(quantity)) => {
            number(text, &quantity).map(Value::Number).ok_or_else(|| not(bounds(&quantity)))
        }
        Some(Form::Switch) => match text.to_lowercase().as_str() {
            "true" | "on" | "yes" => Ok(Value::Switch(true)),
            "false" | "off" | "no" => Ok(Value::Switch(false)),
            _ => Err(not("on or off".into())),
        },
        Some(Form::Choice(param)) => {
            let known: Vec<&str> = param.choices.iter().map(|choice| choice.id).collect();
            let name = unquoted(text);
            if known.contains(&name) {
                Ok(name.into())
            } else {
                Err(not(format!("one of {}", known.join(", "))))
            }
        }
        Some(Form::Text | Form::Bus) => Ok(unquoted(text).into()),
        Some(Form::Files { .. }) if !text.starts_with('[') => Ok(unquoted(text).into()),
        Some(Form::Texts) if !text.starts_with('[') => {
            Ok(Value::List(text.split(',').map(|item| unquoted(item.trim()).into()).collect()))
        }
        // Lists and tables are written as in the file; a name that means nothing is the reader's to refuse.
        _ => match toml(text) {
            Some(value) => Ok(value),
            None if form.is_some() || is_insert(path) || is_insert_list(path) => {
                Err(not("a value as the file has it".into()))
            }
            None => Ok(unquoted(text).into()),
        },
    }
}

fn bounds(quantity: &Quantity) -> String {
    let kind = if quantity.whole { "a whole number" } else { "a number" };
    format!("{kind} from {} to {} {}", quantity.min, quantity.max, quantity.unit).trim_end().to_string()
}

/// A number within its bounds, its unit allowed behind it.
fn number(text: &str, quantity: &Quantity) -> Option<f64> {
    let bare = text.trim();
    // Not every length is a place between characters.
    let at = bare.len().checked_sub(quantity.unit.len()).filter(|&at| bare.is_char_boundary(at));
    let bare = match at {
        Some(at) if bare[at..].eq_ignore_ascii_case(quantity.unit) => bare[..at].trim_end(),
        _ => bare,
    };
    let number: f64 = bare.parse().ok()?;
    let allowed = (quantity.min..=quantity.max).contains(&number);
    (allowed && !(quantity.whole && number.fract() != 0.0)).then_some(number)
}

/// A text without the quotes that somebody may have put around it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn toml(text: &str) -> Option<Value> {
    let document: Document = format!("value = {text}").parse().ok()?;
    document.get(&Path::new(["value"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sessions;
    use proptest::prelude::*;

    const TEXT: &str = r#"version = 1
[track.vox]
file = "vox.wav"
fader_db = -2.0  # loud enough
[[track.vox.insert]]
kind = "compressor"
[[track.vox.insert]]
kind = "eq"
bands = [
  { name = "mud", gain_db = -3.0 },  # careful
]
[bus.vocals]
"#;

    fn set(setting: &str, text: &str) -> Result<Document, SessionError> {
        let mut document: Document = TEXT.parse().unwrap();
        let edit = document.set(setting, text)?;
        let changed = document.clone();
        document.edit(&edit.inverse()).unwrap();
        let original: Document = TEXT.parse().unwrap();
        assert!(document.tree().same(&original.tree()), "{setting} is not undone:\n{document}");
        document.edit(&edit).unwrap();
        assert!(document.tree().same(&changed.tree()), "{setting} is not done again:\n{document}");
        Ok(changed)
    }

    #[test]
    fn values_from_the_shell_are_understood_and_undone() {
        for (setting, text, line) in [
            ("track.vox.fader_db", "-2.5", "fader_db = -2.5  # loud enough"),
            ("track.vox.fader_db", "-2.5 dB", "fader_db = -2.5  # loud enough"),
            ("track.vox.fader_db", "+1DB", "fader_db = 1.0  # loud enough"),
            ("track.vox.pan", "30", "pan = 30.0"),
            ("track.vox.mute", "on", "mute = true"),
            ("track.vox.bus", "vocals", "bus = \"vocals\""),
            ("track.vox.label", "Lead \"A\"", "label = 'Lead \"A\"'"),
            ("track.vox.file", "[\"a.wav\", \"b.wav\"]", "file = [\"a.wav\", \"b.wav\"]"),
            ("track.vox.automation.fader_db", "[[0, 1], [2, 3]]", "fader_db = [[0.0, 1.0], [2.0, 3.0]]"),
            ("track.vox.insert.compressor.threshold_db", "-20", "threshold_db = -20.0"),
            ("track.vox.insert.compressor.bypass", "true", "bypass = true"),
            (
                "track.vox.insert.eq.bands.mud.gain_db",
                "-4",
                "  { name = \"mud\", gain_db = -4.0 },  # careful",
            ),
            ("track.vox.insert.eq.bands.air.gain_db", "2", "  { name = \"air\", gain_db = 2.0 },"),
            ("track.vox.insert.gain.gain_db", "2", "gain_db = 2.0"),
            ("deliver.targets", "streaming, cd", "targets = [\"streaming\", \"cd\"]"),
            ("song.sample_rate_hz", "48000 Hz", "sample_rate_hz = 48000"),
            ("seed", "7", "seed = 7"),
        ] {
            let text = set(setting, text).unwrap_or_else(|error| panic!("{setting}: {error}")).to_string();
            assert!(text.lines().any(|found| found == line), "{setting}: {line} not in\n{text}");
        }
    }

    #[test]
    fn an_empty_text_takes_the_line_away() {
        let text = set("track.vox.fader_db", "").unwrap().to_string();
        assert!(!text.contains("fader_db") && text.contains("# loud enough"), "{text}");
        // An insert that is taken away comes back where it was.
        set("track.vox.insert.compressor", "").unwrap();
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let mut messages = String::new();
        for (setting, text) in [
            ("track.vox.fader_db", "loud"),
            ("track.vox.fader_db", "99"),
            ("track.vox.fader_db", "nan"),
            ("track.vox.fadr_db", "1"),
            ("track.vxo.fader_db", "1"),
            ("track.vox.mute", "maybe"),
            ("track.vox.bus", "drums"),
            ("track.vox.automation.fader_db", "1"),
            ("track.vox.automation.fader_db", "[[1,"),
            ("track.vox.insert.flux.amount", "1"),
            ("track.vox.pan", ""),
            ("seed", "1.5"),
            ("not a path", "1"),
            ("", "1"),
        ] {
            let error = set(setting, text).expect_err(setting);
            messages += &format!("{setting}={text}: {error}\n");
        }
        insta::assert_snapshot!(messages);
    }

    proptest! {
        #![proptest_config(crate::testing::config())]

        /// Whatever is given, the answer is an edit or an error, and an error changes nothing.
        #[test]
        fn no_text_breaks_the_session(session in sessions(), setting in "[a-z._]{0,20}", text in "\\PC{0,8}") {
            let mut document = Document::new(&session);
            let before = document.to_string();
            for setting in [setting.as_str(), "track.kick.fader_db", "song.title", "master.insert.gain.pan"] {
                match document.set(setting, &text) {
                    Ok(edit) => {
                        prop_assert!(document.read().is_usable());
                        document.edit(&edit.inverse()).unwrap();
                        prop_assert_eq!(document.read().session, session.clone());
                        document = before.parse().unwrap();
                    }
                    Err(_) => prop_assert_eq!(document.to_string(), before.clone()),
                }
            }
        }
    }
}
