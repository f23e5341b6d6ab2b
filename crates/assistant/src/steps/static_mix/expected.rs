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
/// lies under everything. Engineering practice, within the spread of effects.
pub(super) fn effect_lu(share: f64) -> f64 {
    const FILL: (f64, f64) = (0.1, -12.0);
    const TEXTURE: (f64, f64) = (0.4, -18.0);
    let place = (share / FILL.0).ln() / (TEXTURE.0 / FILL.0).ln();
    FILL.1 + (TEXTURE.1 - FILL.1) * place.clamp(0.0, 1.0)
}

/// How far a backing voice stands above the others of its part by what its name says, in LU: the octave above is tucked
/// under, for it is heard easily. Engineering practice.
pub(super) fn voice_above_lu(name: &str) -> f64 {
    const TUCKED: [&str; 7] = ["high", "hi", "octave", "oct", "falsetto", "top", "whisper"];
    let lower = name.to_lowercase();
    let tucked = lower.split(|c: char| !c.is_alphanumeric()).any(|word| TUCKED.contains(&word));
    if tucked { -2.0 } else { 0.0 }
}
