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

/// How loud an effect is by the share of the song that it sounds in: a fill or a hit is heard by itself, a texture
/// lies under everything. Effects stand at -18 LU, within 4, in engineering practice: these are its two ends.
pub(super) fn effect_lu(share: f64) -> f64 {
    const FILL: (f64, f64) = (0.1, -14.0);
    const TEXTURE: (f64, f64) = (0.4, -22.0);
    let place = (share / FILL.0).ln() / (TEXTURE.0 / FILL.0).ln();
    FILL.1 + (TEXTURE.1 - FILL.1) * place.clamp(0.0, 1.0)
}
