//! What a track is, from its name.
//!
//! A vocabulary of track names (`names.csv`: name, role, family) is composed by rules, so that a name never seen
//! before is still understood by its parts: a name is cut into words, every run of words that the vocabulary
//! knows is a candidate, words for a bus win, then words for overheads and rooms, then the longest run. What no
//! word explains is unknown, never a guess.

mod words;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use words::{is_filler, without_number, words};

/// The vocabulary, one name to a line.
const NAMES: &str = include_str!("names.csv");

/// What no name explains.
pub const UNKNOWN: &str = "unknown";

/// What a name says.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedRole {
    /// The role, such as `kick_in`.
    pub role: &'static str,
    /// The family, such as `drums`.
    pub family: &'static str,
    /// How sure the name is, 0 to 1.
    pub confidence: f64,
    /// The words that decided.
    pub words: String,
}

/// A role and its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Role {
    role: &'static str,
    family: &'static str,
}

/// Known names, spelt without the spaces between their words.
struct Vocabulary {
    names: BTreeMap<String, Role>,
    families: BTreeMap<&'static str, &'static str>,
    order: Vec<&'static str>,
}

fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: OnceLock<Vocabulary> = OnceLock::new();
    VOCABULARY.get_or_init(|| {
        let mut vocabulary =
            Vocabulary { names: BTreeMap::new(), families: BTreeMap::new(), order: Vec::new() };
        for line in NAMES.lines().skip(1) {
            let mut fields = line.rsplitn(3, ',');
            let (Some(family), Some(role), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let entry = Role { role, family };
            vocabulary.names.entry(words(name.trim_matches('"')).concat()).or_insert(entry);
            if vocabulary.families.insert(role, family).is_none() {
                vocabulary.order.push(role);
            }
        }
        vocabulary
    })
}

/// Every role with its family and some of its names, in the order of the mixer.
pub fn roles() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let vocabulary = vocabulary();
    let names = |role: &str| {
        let lines = NAMES.lines().skip(1).filter_map(|line| {
            let mut fields = line.rsplitn(3, ',');
            let (_, named, name) = (fields.next()?, fields.next()?, fields.next()?);
            (named == role).then(|| name.trim_matches('"'))
        });
        lines.take(6).collect()
    };
    vocabulary.order.iter().map(|role| (*role, vocabulary.families[role], names(role))).collect()
}

/// The family of a role: `drums`, `bass`, `guitars`, `keys`, `synths`, `strings`, `brass`, `woodwinds`,
/// `vocals`, `percussion`, `fx`, `returns`, `buses`, `utility`, `other`.
pub fn family(role: &str) -> &'static str {
    vocabulary().families.get(role).copied().unwrap_or("other")
}

/// Where a role stands among the roles of the mixer; unknown roles stand last.
pub(crate) fn place(role: &str) -> usize {
    vocabulary().order.iter().position(|known| *known == role).unwrap_or(usize::MAX)
}

/// True for a role of the vocabulary.
pub fn is_role(role: &str) -> bool {
    vocabulary().families.contains_key(role)
}

/// What the name of a file or a track says; the extension is already off.
pub fn role_of_name(name: &str) -> NamedRole {
    classify(name, &|joined| vocabulary().names.get(joined).copied())
}

/// A run of words that the vocabulary knows.
struct Match {
    from: usize,
    to: usize,
    role: Role,
}

fn classify(name: &str, look_up: &dyn Fn(&str) -> Option<Role>) -> NamedRole {
    let all = words(without_number(name));
    let unknown = NamedRole { role: UNKNOWN, family: "other", confidence: 0.0, words: String::new() };
    let words: Vec<&str> = all.iter().map(String::as_str).collect();
    if words.is_empty() {
        return unknown;
    }
    let told = |role: Role, confidence: f64, words: &[&str]| NamedRole {
        role: role.role,
        family: role.family,
        confidence,
        words: words.join(" "),
    };
    if let Some(role) = look_up(&words.concat()) {
        let confidence = if role.role == UNKNOWN { 0.0 } else { 0.99 };
        return told(role, confidence, &words);
    }
    let matches = matches(&words, look_up);
    if let Some((role, word)) = bus_role(&words, &matches) {
        return told(role, 0.9, &[word]);
    }
    if let Some((role, word)) = effect_role(&words, &matches) {
        return told(role, 0.75, &[word]);
    }
    if let Some((role, word)) = room_role(&words, &matches) {
        return told(role, 0.9, &[word]);
    }
    let letters = |m: &Match| words[m.from..m.to].iter().map(|w| w.chars().count()).sum::<usize>();
    // The longest run tells most; of equals the first, since names begin with what the thing is.
    let best = matches.iter().max_by_key(|m| (letters(m), usize::MAX - m.from));
    match best {
        Some(found) if found.role.role != UNKNOWN => {
            let explained: usize = (found.from..found.to).map(|w| words[w].len()).sum();
            let total: usize = words.iter().filter(|w| !is_filler(w)).map(|w| w.len()).sum();
            let share = explained as f64 / total.max(explained) as f64;
            // A name fully explained is as good as a known one; a third of it explained is worth a question.
            told(found.role, 0.55 + 0.4 * share, &words[found.from..found.to])
        }
        _ => unknown,
    }
}

/// All runs of words that are known names. One or two letters say too little beside other words.
fn matches(words: &[&str], look_up: &dyn Fn(&str) -> Option<Role>) -> Vec<Match> {
    const SURE_SHORT: &[&str] =
        &["oh", "hh", "sn", "sd", "bd", "kd", "bv", "bs", "gt", "lv", "vx", "ag", "eg"];
    let mut found = Vec::new();
    for from in 0..words.len() {
        for to in from + 1..=words.len() {
            let joined = words[from..to].concat();
            let short = joined.chars().count() <= 2 && !SURE_SHORT.contains(&joined.as_str());
            let alone = words.iter().enumerate().all(|(n, w)| (from..to).contains(&n) || is_filler(w));
            if short && !alone {
                continue;
            }
            if let Some(role) = look_up(&joined) {
                found.push(Match { from, to, role });
            }
        }
    }
    found
}

/// A word for a bus makes the bus of whatever family the other words name.
fn bus_role<'a>(words: &[&'a str], matches: &[Match]) -> Option<(Role, &'a str)> {
    const BUS: &[&str] = &["bus", "buss", "grp", "group", "submix", "sum", "folder", "busses", "stem"];
    let word = words.iter().find(|w| BUS.contains(w))?;
    let longest = matches.iter().filter(|m| m.role.family != "buses").max_by_key(|m| m.to - m.from)?;
    let role = match longest.role.family {
        "drums" | "percussion" => "drum_bus",
        "bass" => "bass_bus",
        "guitars" => "guitar_bus",
        "keys" | "synths" => "keys_bus",
        "vocals" => "vocal_bus",
        "strings" | "brass" | "woodwinds" => "strings_bus",
        _ => "music_bus",
    };
    // The stem of one instrument is that instrument, already mixed.
    (*word != "stem").then_some((Role { role, family: "buses" }, *word))
}

/// Words for echoes and reverbs outweigh the voice that they are of: a print of its effect.
fn effect_role<'a>(words: &[&'a str], matches: &[Match]) -> Option<(Role, &'a str)> {
    const ECHO: &[&str] =
        &["echo", "echoes", "echos", "delay", "delays", "dly", "slap", "slapback", "throw", "throws"];
    const REVERB: &[&str] = &["verb", "reverb", "rvb", "plate", "hall"];
    matches.iter().any(|m| m.role.family == "vocals").then_some(())?;
    let returns = |role| Role { role, family: "returns" };
    let find = |known: &[&str]| words.iter().find(|w| known.contains(w)).copied();
    find(ECHO)
        .map(|word| (returns("delay_return"), word))
        .or_else(|| Some((returns("reverb_return"), find(REVERB)?)))
}

/// Words for overheads and rooms outweigh the drum they are named with.
fn room_role<'a>(words: &[&'a str], matches: &[Match]) -> Option<(Role, &'a str)> {
    const OVERHEAD: &[&str] = &["oh", "ohs", "overhead", "overheads", "ovh", "ovhd"];
    const ROOM: &[&str] = &["room", "rooms", "rm", "rms", "amb", "ambience"];
    let drums_or_nothing =
        matches.iter().all(|m| matches!(m.role.family, "drums" | "fx" | "returns" | "other"));
    if !drums_or_nothing {
        return None;
    }
    let drums = |role| Role { role, family: "drums" };
    if let Some(word) = words.iter().find(|w| OVERHEAD.contains(w)) {
        let side = words.iter().skip_while(|w| w != &word).find_map(|w| match *w {
            "l" | "left" => Some("overhead_left"),
            "r" | "right" => Some("overhead_right"),
            _ => None,
        });
        return Some((drums(side.unwrap_or("overhead")), word));
    }
    let named = matches.iter().any(|m| m.role.family == "drums" && !ROOM.contains(&words[m.from]));
    let word = words.iter().find(|w| ROOM.contains(w)).filter(|_| named)?;
    Some((drums("drum_room"), word))
}

#[cfg(test)]
mod tests;
