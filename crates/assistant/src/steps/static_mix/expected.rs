//! Levels that are expected, beside those of the parts.

/// Usual level of a microphone against the nearest of its source, in dB (engineering practice).
pub(super) fn usual_inside_db(role: &str) -> f64 {
    match role {
        "kick_in" | "snare_top" => 0.0,
        "kick" | "snare" => -0.5,
        "kick_out" => -3.0,
        "kick_sub" => -6.0,
        "snare_side" => -4.0,
        "snare_bottom" => -7.0,
        _ => 0.0,
    }
}

/// Loudness of the lead against all the rest by genre, in LU. The order of genres is that of Gerdes &
/// Siedenburg (JASA Express Letters 2023).
pub(super) fn lead_against_rest_lu(genre: &str) -> Option<f64> {
    const GENRES: &[(&str, f64)] = &[
        ("country", 3.0),
        ("singer", 3.0),
        ("rap", 2.5),
        ("hip", 2.5),
        ("r&b", 2.0),
        ("soul", 2.0),
        ("metal", -2.5),
        ("rock", 0.0),
        ("edm", -1.0),
        ("electronic", -1.0),
        ("choir", -2.0),
        ("ambient", -2.0),
        ("pop", 1.5),
    ];
    let genre = genre.to_lowercase();
    GENRES.iter().find(|(name, _)| genre.contains(name)).map(|(_, lu)| *lu)
}
