//! What a note in a person's words asks for: "too loud", "a bit harsh", "more reverb", "too far left".
//!
//! Only plain words are understood. What is not understood is never guessed at: it is kept and told.

/// What a wish is about, and in which direction: +1 is more of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wish {
    /// Louder or softer.
    Level,
    /// More or less of a range of frequencies.
    Tone(Range),
    /// More or less reverberation.
    Space,
    /// Wider or narrower.
    Width,
    /// To the right or to the left.
    Side,
}

/// A range that words speak of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// What a band of it is called.
    pub(crate) name: &'static str,
    /// From and to, in hertz.
    pub(crate) low_hz: f64,
    pub(crate) high_hz: f64,
    /// A shelf from the lower end up, rather than a bell within.
    pub(crate) shelf: bool,
}

const fn range(name: &'static str, low_hz: f64, high_hz: f64) -> Wish {
    Wish::Tone(Range { name, low_hz, high_hz, shelf: false })
}

const HARSH: Wish = range("harsh", 2_000.0, 5_000.0);
const SIBILANT: Wish = range("sibilant", 5_000.0, 9_000.0);
const MUD: Wish = range("mud", 150.0, 350.0);
const BOX: Wish = range("box", 300.0, 600.0);
const NOSE: Wish = range("nose", 700.0, 1_200.0);
const BOOM: Wish = range("boom", 60.0, 150.0);
const BODY: Wish = range("body", 150.0, 300.0);
const TREBLE: Wish = Wish::Tone(Range { name: "treble", low_hz: 7_000.0, high_hz: 16_000.0, shelf: true });

/// Words that name a state somebody complains of, and what mends it.
const COMPLAINTS: &[(&str, Wish, f64)] = &[
    ("loud", Wish::Level, -1.0),
    ("hot", Wish::Level, -1.0),
    ("quiet", Wish::Level, 1.0),
    ("soft", Wish::Level, 1.0),
    ("buried", Wish::Level, 1.0),
    ("inaudible", Wish::Level, 1.0),
    ("harsh", HARSH, -1.0),
    ("shrill", HARSH, -1.0),
    ("piercing", HARSH, -1.0),
    ("sibilant", SIBILANT, -1.0),
    ("essy", SIBILANT, -1.0),
    ("muddy", MUD, -1.0),
    ("boxy", BOX, -1.0),
    ("nasal", NOSE, -1.0),
    ("honky", NOSE, -1.0),
    ("boomy", BOOM, -1.0),
    ("thin", BODY, 1.0),
    ("bright", TREBLE, -1.0),
    ("dull", TREBLE, 1.0),
    ("dark", TREBLE, 1.0),
    ("muffled", TREBLE, 1.0),
    ("dry", Wish::Space, 1.0),
    ("wet", Wish::Space, -1.0),
    ("washy", Wish::Space, -1.0),
    ("wide", Wish::Width, -1.0),
    ("narrow", Wish::Width, 1.0),
];

/// Words that say themselves what is wanted.
const REQUESTS: &[(&str, Wish, f64)] = &[
    ("louder", Wish::Level, 1.0),
    ("up", Wish::Level, 1.0),
    ("quieter", Wish::Level, -1.0),
    ("softer", Wish::Level, -1.0),
    ("down", Wish::Level, -1.0),
    ("brighter", TREBLE, 1.0),
    ("darker", TREBLE, -1.0),
    ("drier", Wish::Space, -1.0),
    ("dryer", Wish::Space, -1.0),
    ("wetter", Wish::Space, 1.0),
    ("wider", Wish::Width, 1.0),
    ("narrower", Wish::Width, -1.0),
    ("left", Wish::Side, -1.0),
    ("right", Wish::Side, 1.0),
];

/// Things there can be more or less of.
const THINGS: &[(&str, Wish)] = &[
    ("level", Wish::Level),
    ("volume", Wish::Level),
    ("reverb", Wish::Space),
    ("echo", Wish::Space),
    ("treble", TREBLE),
    ("air", TREBLE),
    ("highs", TREBLE),
    ("mud", MUD),
    ("boom", BOOM),
    ("body", BODY),
    ("width", Wish::Width),
];

/// The wishes of a note: each with its direction times its size, 1 being as usual. Empty where nothing is understood,
/// or where a word is turned round ("not too loud", "less quiet") so that it could mean either.
pub(crate) fn wishes(text: &str) -> Vec<(Wish, f64)> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says = |word: &str| words.contains(&word);
    let denied = says("not") || says("isn") || says("never") || says("don") || says("but");
    let enough = says("enough");
    if denied != enough {
        return Vec::new();
    }
    let size = match () {
        () if says("bit") || says("slightly") || says("little") || says("touch") => 0.5,
        () if says("way") || says("lot") || says("extremely") => 1.6,
        () => 1.0,
    };
    // "Not loud enough" and "more loud" ask for what the word names, "too loud" and "less loud" for the contrary.
    let named = enough || says("more");
    let mut found: Vec<(Wish, f64)> = Vec::new();
    let mut add = |wish: Wish, sign: f64| match found.iter().position(|(other, _)| *other == wish) {
        None => found.push((wish, sign * size)),
        // Two words against each other mean nothing that could be done.
        Some(place) if found[place].1 * sign < 0.0 => found[place].1 = 0.0,
        Some(_) => {}
    };
    for word in &words {
        if let Some((_, wish, sign)) = COMPLAINTS.iter().find(|(known, ..)| known == word) {
            add(*wish, if named { -sign } else { *sign });
        }
        if let Some((_, wish, sign)) = REQUESTS.iter().find(|(known, ..)| known == word) {
            // "Too far left" complains of where it is; "further left" asks for it.
            let complains = *wish == Wish::Side && says("too");
            add(*wish, if complains { -sign } else { *sign });
        }
        if let Some((_, wish)) = THINGS.iter().find(|(known, _)| known == word) {
            let less = says("less") || says("too");
            if less || says("more") || enough {
                add(*wish, if less { -1.0 } else { 1.0 });
            }
        }
    }
    found.retain(|(_, amount)| *amount != 0.0);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<(Wish, f64)> {
        let found = wishes(text);
        assert!(found.len() <= 1, "{text}: {found:?}");
        found.first().copied()
    }

    #[test]
    fn plain_words_are_understood_in_their_direction() {
        for (text, wish, amount) in [
            ("too loud", Wish::Level, -1.0),
            ("guitar too loud here", Wish::Level, -1.0),
            ("a bit too loud", Wish::Level, -0.5),
            ("way too quiet!", Wish::Level, 1.6),
            ("not loud enough", Wish::Level, 1.0),
            ("louder", Wish::Level, 1.0),
            ("turn it down", Wish::Level, -1.0),
            ("Harsh", HARSH, -1.0),
            ("muddy", MUD, -1.0),
            ("boomy", BOOM, -1.0),
            ("not bright enough", TREBLE, 1.0),
            ("too dry", Wish::Space, 1.0),
            ("too wet", Wish::Space, -1.0),
            ("more reverb", Wish::Space, 1.0),
            ("too much reverb", Wish::Space, -1.0),
            ("wider", Wish::Width, 1.0),
            ("too wide", Wish::Width, -1.0),
            ("too far left", Wish::Side, 1.0),
            ("further left", Wish::Side, -1.0),
            ("more to the right", Wish::Side, 1.0),
        ] {
            assert_eq!(one(text), Some((wish, amount)), "{text}");
        }
        assert_eq!(wishes("too loud and harsh"), [(Wish::Level, -1.0), (HARSH, -1.0)]);
    }

    #[test]
    fn what_could_mean_either_or_nothing_is_not_guessed() {
        for text in [
            "",
            "love this",
            "not too loud",
            "loud but quiet",
            "too loud, too quiet",
            "reverb?",
            "the low end",
        ] {
            assert_eq!(wishes(text), [], "{text}");
        }
    }
}
