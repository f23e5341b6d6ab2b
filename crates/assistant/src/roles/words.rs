//! The words of a track's name.

/// Cuts a name into lower-case words: at anything that is not a letter or a digit, where small letters are
/// followed by a capital, and between letters and digits.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    let characters: Vec<char> = name.chars().collect();
    for (place, &c) in characters.iter().enumerate() {
        let next_is_small = characters.get(place + 1).is_some_and(|n| n.is_lowercase());
        let cut = before.is_some_and(|b| {
            (b.is_lowercase() && c.is_uppercase())
                || (b.is_numeric() != c.is_numeric())
                // "EGtr" is "E Gtr", "BVox" is "B Vox"; "OHs" is one word.
                || (b.is_uppercase() && c.is_uppercase() && next_is_small && characters.get(place + 1) != Some(&'s'))
        });
        if (cut || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c.is_alphanumeric().then_some(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words that say where a thing stands or how often, not what it is.
pub(super) fn is_filler(word: &str) -> bool {
    const FILLER: &[&str] = &[
        "l", "r", "left", "right", "c", "m", "s", "st", "stereo", "mono", "wav", "aif", "flac", "mp",
        "final", "new", "edit", "edited", "comp", "take", "print", "raw", "dry", "bip", "track", "audio",
        "v", "x", "the", "mic", "mics", "main", "alt", "and", "of", "verse", "chorus", "bridge", "intro",
        "outro", "hook", "cons",
    ];
    FILLER.contains(&word) || word.chars().all(char::is_numeric)
}

/// A name without its place in a list: `03_`, `03a_`. A name that is only a number stays.
pub(super) fn without_number(name: &str) -> &str {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == name.len() {
        return name;
    }
    let mut letters = rest.chars();
    let lettered =
        matches!(letters.next(), Some('a'..='d')) && letters.next().is_some_and(|c| !c.is_alphanumeric());
    let rest = if lettered { &rest[1..] } else { rest };
    let separated = rest.starts_with(|c: char| !c.is_alphanumeric());
    if separated && rest.contains(char::is_alphanumeric) { rest } else { name }
}
