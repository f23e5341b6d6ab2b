//! What a genre shifts, as data: how loud its singer is, how wet it is, how much its dynamics are held together.
//!
//! Sources. *Lead against all the rest*: the order country, rap, pop, rock, metal is measured by K. Gerdes & K.
//! Siedenburg, *Lead-vocal level in recordings of popular music 1946-2020*, JASA Express Letters 3, 043201 (2023); the
//! levels are drawn to our own multitracks, and genres that the study does not name stand beside their kin. *Wet* and
//! *held* are engineering practice: slow and orchestral music stands in larger rooms than dance music, classical music and jazz
//! keep their dynamics, hip-hop, metal and dance music are the densest. All are soft: they shift what is aimed at, and bounds hold.

/// What a genre shifts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Genre {
    /// The word that names it, as `song.genre` may hold it.
    pub(crate) word: &'static str,
    /// Loudness of the lead against all the rest, in LU; `None` where there is no usual one.
    pub(crate) lead_lu: Option<f64>,
    /// How much farther the wet sound lies under the dry one than usual, in LU.
    pub(crate) drier_lu: f64,
    /// Factor on how far levels are held together.
    pub(crate) held: f64,
}

const fn genre(word: &'static str, lead_lu: f64, drier_lu: f64, held: f64) -> Genre {
    Genre { word, lead_lu: Some(lead_lu), drier_lu, held }
}

const fn without_lead(word: &'static str, drier_lu: f64, held: f64) -> Genre {
    Genre { word, lead_lu: None, drier_lu, held }
}

/// The first word that stands in the genre's name counts: the narrower ones come first ("pop" stands in "synth-pop").
const GENRES: &[Genre] = &[
    genre("country", 3.0, 0.0, 1.0),
    genre("singer", 3.0, 0.0, 0.9),
    genre("folk", 3.0, 1.0, 0.8),
    genre("ballad", 2.0, -3.0, 0.9),
    genre("hip", 2.5, 3.0, 1.1),
    genre("trap", 2.5, 2.0, 1.1),
    genre("rap", 2.5, 3.0, 1.1),
    genre("r&b", 2.0, 0.0, 1.0),
    genre("soul", 2.0, 0.0, 0.9),
    genre("gospel", 1.5, -2.0, 0.9),
    genre("blues", 1.5, 0.0, 0.9),
    genre("jazz", 1.5, 1.0, 0.5),
    genre("latin", 1.5, 0.0, 0.9),
    genre("reggae", 1.0, -2.0, 1.0),
    genre("funk", 0.5, 2.0, 1.0),
    genre("metal", -2.5, 1.0, 1.1),
    genre("punk", -0.5, 2.0, 1.1),
    genre("indie", 0.5, -1.0, 1.0),
    genre("rock", 0.0, 0.0, 1.0),
    genre("choir", -2.0, -3.0, 0.5),
    genre("ambient", -2.0, -4.0, 0.6),
    without_lead("classical", -2.0, 0.3),
    without_lead("orchest", -2.0, 0.3),
    without_lead("film", -2.0, 0.6),
    without_lead("soundtrack", -2.0, 0.6),
    genre("techno", -1.0, -1.0, 1.1),
    genre("house", -0.5, -1.0, 1.1),
    genre("edm", -1.0, -1.0, 1.1),
    genre("electronic", -1.0, -1.0, 1.0),
    genre("pop", 1.5, 0.0, 1.0),
];

/// What is known of the genre that a session names; `None` where it names none, or none that is known.
pub(crate) fn known(name: Option<&str>) -> Option<&'static Genre> {
    let name = name?.to_lowercase();
    GENRES.iter().find(|genre| name.contains(genre.word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_word_counts_and_unknown_names_shift_nothing() {
        let word = |name: &str| known(Some(name)).map(|genre| genre.word);
        for (name, expected) in [
            ("Folk Rock", Some("folk")),
            ("heavy metal", Some("metal")),
            ("Synth-Pop", Some("pop")),
            ("trap", Some("trap")),
            ("Orchestral", Some("orchest")),
            ("schlager", None),
            ("", None),
        ] {
            assert_eq!(word(name), expected, "{name}");
        }
        assert_eq!(known(None), None);
    }

    #[test]
    fn shifts_are_soft() {
        for genre in GENRES {
            // The spread that was measured between songs of one genre is 3 LU; no shift is more than twice that.
            assert!(
                genre.lead_lu.is_none_or(|lu| lu.abs() <= 3.0) && genre.drier_lu.abs() <= 4.0,
                "{genre:?}"
            );
            assert!((0.3..=1.1).contains(&genre.held), "{genre:?}");
        }
        let lead = |name: &str| known(Some(name)).unwrap().lead_lu.unwrap();
        // The measured order.
        assert!(lead("country") > lead("rap") && lead("rap") > lead("pop"));
        assert!(lead("pop") > lead("rock") && lead("rock") > lead("metal"));
    }
}
