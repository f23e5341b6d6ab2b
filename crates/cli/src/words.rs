//! Words that can be a folder or something else: `plan [DIR] [STEP|TRACK ...]`, `render [DIR] [PART ...]`.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use workflow::{Part, Project, StepId, WorkflowError};

/// What `render` is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) mix: Vec<Part>,
    pub(crate) master: bool,
}

/// Splits the words of `plan`: an existing folder in front is the song's, and so is what cannot be anything else.
pub(crate) fn of_plan(words: &[OsString]) -> Result<(PathBuf, Vec<StepId>, Vec<String>), WorkflowError> {
    let here = PathBuf::from(".");
    let (folder, rest) = match words.split_first() {
        None => (here, words),
        Some((first, rest)) => {
            let text = first.to_string_lossy();
            let is_word = step(&text)?.is_some() || is_of_this_folder(first);
            if is_folder(first) || !is_word { (PathBuf::from(first), rest) } else { (here, words) }
        }
    };
    let (mut steps, mut strips) = (Vec::new(), Vec::new());
    for word in rest {
        let word = word.to_string_lossy();
        match step(&word)? {
            Some(step) => steps.push(step),
            None => strips.push(word.into_owned()),
        }
    }
    Ok((folder, steps, strips))
}

/// A bare name, in a folder with a session: one of its tracks, or a slip of the pen that is told as such.
fn is_of_this_folder(word: &OsStr) -> bool {
    let bare = Path::new(word).components().count() == 1 && !Path::new(word).exists();
    bare && Project::new(Path::new("."), None).is_ok_and(|project| project.session_file().exists())
}

fn is_folder(word: &OsStr) -> bool {
    Path::new(word).is_dir()
}

/// A step by number, by id (`subtractive_eq`) or by name (`subtractive EQ`, `subtractive-eq`).
fn step(word: &str) -> Result<Option<StepId>, WorkflowError> {
    // A folder may be called by a number.
    if is_folder(OsStr::new(word)) {
        return Ok(None);
    }
    if let Ok(number) = word.parse::<u32>() {
        let found = StepId::ALL.iter().find(|step| u32::from(step.number()) == number);
        let unknown = || {
            let last = StepId::ALL.len();
            WorkflowError::Usage(format!("there is no step {number}; they are numbered 1 to {last}"))
        };
        return found.copied().map(Some).ok_or_else(unknown);
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], " ");
    let word = plain(word);
    let id = |step: StepId| serde_json::to_value(step).ok().and_then(|v| v.as_str().map(plain));
    let named = |step: &&StepId| plain(step.label()) == word || id(**step).as_deref() == Some(&word);
    Ok(StepId::ALL.iter().find(named).copied())
}

/// Splits the words of `render`; nothing named is the pre-master.
pub(crate) fn of_render(words: &[OsString]) -> Result<(PathBuf, Parts), WorkflowError> {
    let is_part = |word: &OsString| part(&word.to_string_lossy()).is_some();
    let (folder, rest) = match words.split_first() {
        Some((first, rest)) if !is_part(first) => (PathBuf::from(first), rest),
        _ => (PathBuf::from("."), words),
    };
    let mut parts = Parts::default();
    for word in rest {
        let word = word.to_string_lossy();
        match part(&word) {
            Some(None) => parts.master = true,
            Some(Some(part)) if !parts.mix.contains(&part) => parts.mix.push(part),
            Some(Some(_)) => {}
            None => {
                return Err(WorkflowError::Usage(format!(
                    "`{word}` cannot be rendered; there are premaster, master, stems and tracks"
                )));
            }
        }
    }
    // A master is made from the pre-master as it is now.
    if (parts.master || parts.mix.is_empty()) && !parts.mix.contains(&Part::Premaster) {
        parts.mix.insert(0, Part::Premaster);
    }
    Ok((folder, parts))
}

/// `Some(None)` is the master.
fn part(word: &str) -> Option<Option<Part>> {
    match word {
        "premaster" => Some(Some(Part::Premaster)),
        "stems" => Some(Some(Part::Stems)),
        "tracks" => Some(Some(Part::Tracks)),
        "master" => Some(None),
        _ => None,
    }
}

/// Text without what a terminal would obey or reorder: a file can be called anything. Such characters become `\u001b`
/// and the like, which JSON reads as what they are; line ends and tabs are ours.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| match c {
        '\n' | '\t' => false,
        // Embedding, override and isolation of the direction of writing (Unicode Annex 9), and the marks for it.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => true,
        c => c.is_control(),
    };
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| if obeyed(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_clear_the_screen_nor_turn_the_line_around() {
        assert_eq!(harmless("a\x1b[2Jb\u{202e}vaw.c\u{9b}1m\r"), "a\\u001b[2Jb\\u202evaw.c\\u009b1m\\u000d");
        let plain = "Füße – 雨 (live) 🥁\n\tקיק.wav\n";
        assert!(matches!(harmless(plain), Cow::Borrowed(text) if text == plain));
    }

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn steps_are_known_by_number_id_and_name() {
        for step_id in StepId::ALL {
            let id = serde_json::to_value(step_id).unwrap().as_str().unwrap().to_string();
            let spaced = step_id.label().replace(' ', "-");
            for word in [step_id.number().to_string(), id, step_id.label().to_uppercase(), spaced] {
                assert_eq!(step(&word).unwrap(), Some(*step_id), "{word}");
            }
        }
        assert_eq!(step("vox").unwrap(), None);
        assert!(step("0").is_err() && step("21").is_err() && step("4000000").is_err());
    }

    #[test]
    fn a_step_in_front_is_no_folder_and_a_folder_is_no_step() {
        let (folder, steps, strips) = of_plan(&words("4 dynamics vox")).unwrap();
        assert_eq!(folder, Path::new("."));
        assert_eq!(steps, [StepId::SubtractiveEq, StepId::Dynamics]);
        assert_eq!(strips, ["vox"]);
        // `src` is a folder where this test runs; `nothing/here` can only be meant as one.
        assert_eq!(of_plan(&words("src 5")).unwrap(), ("src".into(), vec![StepId::Dynamics], vec![]));
        assert_eq!(of_plan(&words("nothing/here vox")).unwrap().0, Path::new("nothing/here"));
        assert_eq!(of_plan(&[]).unwrap().0, Path::new("."));
    }

    #[test]
    fn a_part_in_front_is_no_folder() {
        let here = Path::new(".");
        assert_eq!(of_render(&words("stems")).unwrap().0, here);
        let (folder, parts) = of_render(&words("SONG master stems stems")).unwrap();
        assert_eq!(folder, Path::new("SONG"));
        assert_eq!(parts, Parts { mix: vec![Part::Premaster, Part::Stems], master: true });
        assert_eq!(of_render(&[]).unwrap().1.mix, [Part::Premaster]);
        assert!(of_render(&words("SONG vox")).is_err());
    }
}
