//! Names of files: their place in a list, their side of a stereo pair, and the id and label made from them.

/// Left or right of a stereo recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Words that say how a file was made, not what is on it.
const MAKING: &[&str] = &[
    "final",
    "comp",
    "comped",
    "edit",
    "edited",
    "print",
    "printed",
    "raw",
    "dry",
    "bip",
    "cons",
    "consolidated",
    "bounce",
    "bounced",
    "wav",
    "aif",
    "aiff",
    "flac",
    "mp3",
    "mono",
    "stereo",
    "st",
    "track",
    "audio",
];

/// A name without its side, and the side: `OH_L`, `Keys.R`, `Piano (Left)`, `KeysL`.
pub(crate) fn side(name: &str) -> Option<(&str, Side)> {
    let open = name.trim_end_matches([')', ']', ' ']);
    for (ending, side) in
        [("left", Side::Left), ("right", Side::Right), ("l", Side::Left), ("r", Side::Right)]
    {
        let Some(cut) = open.len().checked_sub(ending.len()).filter(|cut| open.is_char_boundary(*cut)) else {
            continue;
        };
        let (before, found) = open.split_at(cut);
        if !found.eq_ignore_ascii_case(ending) {
            continue;
        }
        let Some(last) = before.chars().next_back() else { continue };
        // A capital after small letters or after "OH" begins a word of its own; "Violin L" has a separator.
        let own_word = !last.is_alphanumeric()
            || (found.starts_with(char::is_uppercase) && (last.is_lowercase() || before.ends_with("OH")));
        let base = before.trim_end_matches(|c: char| !c.is_alphanumeric());
        if own_word && base.contains(char::is_alphabetic) {
            return Some((base, side));
        }
    }
    None
}

/// A name without its place in a list: `03_Snare`, `3a-hat`, `12 Vox`. What is only a number stays.
pub(crate) fn without_place(name: &str) -> &str {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == name.len() {
        return name;
    }
    let mut letters = rest.chars();
    let lettered = matches!(letters.next(), Some('a'..='d'))
        && letters.next().is_some_and(|c| matches!(c, '_' | '-' | '.' | ' '));
    let rest = if lettered { &rest[1..] } else { rest };
    let named = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    // "808" and "2nd Gtr" keep their numbers: nothing separates them from the name.
    if named.len() < rest.len() && named.contains(char::is_alphabetic) { named } else { name }
}

/// The name for people: separators become spaces.
pub(crate) fn label(name: &str) -> String {
    let spaced = without_place(name).replace(['_', '.'], " ");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    // "Kick-In" stays; a dash alone is a separator.
    words.retain(|word| word.contains(char::is_alphanumeric));
    if words.is_empty() { name.trim().to_string() } else { words.join(" ") }
}

/// An id from a name: lower case, ASCII, words joined by `_`; words about the making of the file are left out
/// where something else remains.
pub(crate) fn id(name: &str) -> String {
    let words = id_words(without_place(name));
    let telling: Vec<&String> = words.iter().filter(|word| !is_making(word)).collect();
    let chosen: Vec<&str> = if telling.iter().any(|word| word.contains(|c: char| c.is_ascii_alphabetic())) {
        telling.into_iter().map(String::as_str).collect()
    } else {
        words.iter().map(String::as_str).collect()
    };
    if chosen.is_empty() { "track".to_string() } else { chosen.join("_") }
}

fn is_making(word: &str) -> bool {
    let version =
        word.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    version || MAKING.contains(&word)
}

/// Lower-case ASCII words, cut at separators and where a capital follows a small letter.
fn id_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before: Option<char> = None;
    for c in name.chars() {
        let begins = before.is_some_and(|b| b.is_lowercase() && c.is_uppercase());
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            let word = words.last_mut().expect("never empty");
            c.to_lowercase().for_each(|c| push_ascii(word, c));
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Letters of other alphabets as they are written without accents; what has no such form is left out.
fn push_ascii(word: &mut String, c: char) {
    let plain = match c {
        'a'..='z' | '0'..='9' => return word.push(c),
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' => "o",
        'ř' => "r",
        'ś' | 'š' => "s",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    };
    word.push_str(plain);
}

/// Names compared as people order them: `2` before `10`, capitals like small letters.
pub(crate) fn natural(name: &str) -> Vec<(bool, u64, String)> {
    let mut runs: Vec<(bool, u64, String)> = Vec::new();
    for c in name.to_lowercase().chars() {
        let digit = c.is_ascii_digit();
        match runs.last_mut() {
            Some(run) if run.0 != digit => run.2.push(c),
            _ => runs.push((!digit, 0, c.to_string())),
        }
    }
    for run in &mut runs {
        if !run.0 {
            run.1 = run.2.parse().unwrap_or(u64::MAX);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_found_only_where_they_are_words() {
        for (name, base) in [
            ("06_OH L", "06_OH"),
            ("Keys.L", "Keys"),
            ("Piano (Left)", "Piano"),
            ("KeysL", "Keys"),
            ("OHL", "OH"),
        ] {
            assert_eq!(side(name), Some((base, Side::Left)), "{name}");
        }
        assert_eq!(side("Gtr_right"), Some(("Gtr", Side::Right)));
        // Words that only end in these letters.
        for name in ["Vocal", "Snr", "Guitar", "L", "01_R", "Bell", "drumr", "VOCAL"] {
            assert_eq!(side(name), None, "{name}");
        }
    }

    #[test]
    fn ids_are_readable_ascii() {
        for (name, expected) in [
            ("01_Kick In", "kick_in"),
            ("KickIn_D112", "kick_in_d112"),
            ("13_Lead Vox", "lead_vox"),
            ("LdVox_Comp_FINAL_v2", "ld_vox"),
            ("Flöte 2", "floete_2"),
            ("808", "808"),
            ("Audio 14", "audio_14"),
            ("03a_hihat", "hihat"),
            ("ドラム", "track"),
            ("", "track"),
        ] {
            assert_eq!(id(name), expected, "{name}");
        }
    }

    #[test]
    fn labels_keep_the_writing() {
        assert_eq!(label("01_Kick In"), "Kick In");
        assert_eq!(label("LdVox_Comp"), "LdVox Comp");
        assert_eq!(label("17"), "17");
        assert_eq!(label("2nd Gtr"), "2nd Gtr");
    }

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let mut names = ["10_b", "2_a", "2_A2", "1"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["1", "2_a", "2_A2", "10_b"]);
    }
}
