//! Which tracks are microphones of one source and are worth comparing.

use crate::import::{side, without_place};
use crate::parts::{heard, role};
use crate::roles;
use session::{Session, Strip};
use std::collections::BTreeMap;

/// Roles that are microphones of one source, the nearest first.
const NEAREST_FIRST: &[&[&str]] = &[
    &["kick_in", "kick", "kick_out", "kick_sub"],
    &["snare_top", "snare", "snare_side", "snare_bottom"],
    &["bass_di", "bass_amp"],
    &["guitar_acoustic_di", "guitar_acoustic"],
    &["guitar_di", "guitar_electric"],
];

/// Words in names that tell microphones, cabinets and places of one source apart.
const MICROPHONES: &[&str] = &[
    "mic", "mike", "mik", "cab", "amp", "close", "near", "far", "front", "back", "rear", "hi", "lo", "high",
    "low", "top", "bottom", "a", "b", "one", "two", "57", "58", "87", "67", "421", "409", "906", "609",
    "121", "414", "451", "ribbon", "sm57", "md421", "u87", "u67", "r121", "e906", "e609", "c414", "km84",
    "neck", "body", "dyn", "cond",
];

/// Families in which two files of one name and another number are rather two players than two microphones.
fn numbered_players(family: &str) -> bool {
    matches!(
        family,
        "vocals" | "drums" | "brass" | "woodwinds" | "strings" | "fx" | "returns" | "percussion" | "synths"
    )
}

/// The pairs that should be measured against each other: `(track, reference)`, the reference being the nearest
/// microphone. Rooms and overheads are never among them.
pub fn microphone_groups(session: &Session) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for roles in NEAREST_FIRST {
        let tracks = |wanted: &str| heard(session).filter(move |t| role(t) == wanted).collect::<Vec<_>>();
        let found: Vec<(usize, Vec<&Strip>)> = roles
            .iter()
            .enumerate()
            .map(|(place, role)| (place, tracks(role)))
            .filter(|(_, t)| !t.is_empty())
            .collect();
        // With two of the nearest it is not known which of them the others belong to.
        let Some(((_, nearest), others)) = found.split_first() else { continue };
        let [reference] = nearest[..] else { continue };
        let drums = roles::family(roles[0]) == "drums";
        for (_, tracks) in others {
            if drums || tracks.len() == 1 {
                pairs.extend(tracks.iter().map(|track| (track.id.clone(), reference.id.clone())));
            }
        }
    }
    for tracks in named_alike(session).values() {
        let [reference, others @ ..] = tracks.as_slice() else { continue };
        for track in others {
            let pair = (track.id.clone(), reference.id.clone());
            if !pairs.iter().any(|(moved, _)| *moved == pair.0)
                && !pairs.contains(&(pair.1.clone(), pair.0.clone()))
            {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// A kit that one microphone or one mix holds: single drums are different sources, however they are called.
pub(super) fn is_whole_kit(role: &str) -> bool {
    matches!(role, "drum_kit" | "drum_machine" | "drum_loop")
}

/// Tracks of one family whose names differ only in microphone, number or side.
fn named_alike(session: &Session) -> BTreeMap<(&str, String), Vec<&Strip>> {
    let mut groups: BTreeMap<(&str, String), Vec<&Strip>> = BTreeMap::new();
    for track in heard(session) {
        let family = roles::family(role(track));
        let place =
            matches!(role(track), "overhead" | "overhead_left" | "overhead_right" | "drum_room" | "ambience");
        if place
            || track.files.len() != 1
            || (family == "drums" && !is_whole_kit(role(track)))
            || family == "other"
        {
            continue;
        }
        if let Some(base) = base_name(track, numbered_players(family)) {
            groups.entry((family, base)).or_default().push(track);
        }
    }
    groups.retain(|_, tracks| tracks.len() >= 2);
    groups
}

/// The words of the file's name without those that tell microphones apart.
fn base_name(track: &Strip, keep_numbers: bool) -> Option<String> {
    let stem = track.files[0].file_stem()?.to_string_lossy().into_owned();
    let name = without_place(&stem);
    let name = side(name).map_or(name, |(base, _)| base).to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let telling = words.filter(|word| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered_microphone = matches!(letters, "mic" | "cab" | "amp");
        !(MICROPHONES.contains(word) || numbered_microphone || (!keep_numbers && is_number(word)))
    });
    // "gtr1" and "gtr2" differ in a number as well.
    let base: Vec<&str> = telling
        .map(|word| if keep_numbers { word } else { word.trim_end_matches(|c: char| c.is_ascii_digit()) })
        .collect();
    Some(base.join(" ")).filter(|base| !base.is_empty())
}
