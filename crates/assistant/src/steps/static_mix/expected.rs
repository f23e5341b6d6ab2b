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

/// Loudness of the lead against all the rest that a genre's name stands for, in LU.
pub(super) fn lead_against_rest_lu(genre: &str) -> Option<f64> {
    crate::genre::known(Some(genre)).and_then(|genre| genre.lead_lu)
}
