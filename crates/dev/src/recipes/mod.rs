//! The settings at which processors are plotted and shown as an example.
//!
//! A processor without a recipe still gets its page: a linear one is plotted with each of its parameters moved, and
//! any other goes without a plot.

mod dynamics;
mod equalisers;
mod restoration;
mod saturation;
mod space;
mod stereo;

use audio::Buffer;
use dsp::{Class, ImpulseResponse, Kind, Values};
use std::sync::Arc;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Gain against frequency of an impulse that is the same in every channel.
    Response,
    /// Gain against frequency of an impulse with opposite signs left and right.
    SideResponse,
    /// Level out against level in, of a steady tone.
    Levels,
    /// Gain of a steady tone against its frequency.
    Tones,
    /// Levels of the harmonics of a steady tone.
    Harmonics,
    /// Level against time after an impulse.
    Decay,
    /// Phase against frequency, the latency taken off.
    Phase,
    /// Deviation of pitch against time, of a steady tone.
    Pitch,
    /// Change of level against time, of a tone that becomes 24 dB louder for half a second.
    Burst,
    /// Level of left and right against time, of a steady tone.
    Movement,
    /// Spectrum before and after, of tones with a fault.
    Spectrum(Fault),
    /// Waveform before and after, of tones with a fault.
    Waveform(Fault),
}

/// What is wrong with a signal that a repair is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Mains hum of 50 Hz with its harmonics.
    Hum,
    /// Steady broadband noise.
    Noise,
    /// Direct current and rumble.
    Rumble,
    /// Clicks of one to three samples.
    Clicks,
    /// Peaks cut off at half of full scale.
    Clipping,
    /// A ringing resonance in pink noise.
    Ringing,
}

/// One curve: its legend, and settings as `name = value; ...`.
pub(crate) type CurveText = (&'static str, &'static str);

/// How one kind is plotted. The settings of the first curve are its example in the session file.
pub(crate) struct Recipe {
    pub(crate) kind: &'static str,
    pub(crate) shown: Shown,
    pub(crate) curves: &'static [CurveText],
}

const fn recipe(kind: &'static str, shown: Shown, curves: &'static [CurveText]) -> Recipe {
    Recipe { kind, shown, curves }
}

/// All recipes, family by family.
const ALL: [&[Recipe]; 6] = [
    restoration::RECIPES,
    equalisers::RECIPES,
    dynamics::RECIPES,
    saturation::RECIPES,
    stereo::RECIPES,
    space::RECIPES,
];

/// All recipes.
pub(crate) fn recipes() -> impl Iterator<Item = &'static Recipe> {
    ALL.iter().copied().flatten()
}

/// The recipe of a kind.
pub(crate) fn recipe_of(kind: &Kind) -> Option<&'static Recipe> {
    recipes().find(|recipe| recipe.kind == kind.id)
}

/// Settings from their text.
///
/// # Panics
/// When the text names what the kind does not have: recipes are ours.
pub(crate) fn values(kind: &Kind, text: &str) -> Values {
    let mut values = Values::parse(kind, text).unwrap_or_else(|unknown| panic!("{unknown}"));
    values.impulse_response = kind.impulse_response.then(|| Arc::new(made_space()));
    values
}

/// Noise that falls by 60 dB in 1.5 s, left and right different: what a kind that is built from a response is shown with.
fn made_space() -> ImpulseResponse {
    const RATE_HZ: f64 = 48_000.0;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut noise = move || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let fall = |n: usize| 10f64.powf(-3.0 * n as f64 / (1.5 * RATE_HZ));
    let plane = |_| (0..(1.5 * RATE_HZ) as usize).map(|n| fall(n) * noise()).collect::<Vec<f64>>();
    ImpulseResponse { audio: Buffer::from_channels(&[0, 1].map(plane)), sample_rate_hz: RATE_HZ }
}

/// What a linear kind without a recipe is plotted at: each number that can be automated, three quarters up.
pub(crate) fn moved(kind: &Kind) -> Vec<(String, Values)> {
    let numbers = kind.params.iter().enumerate().filter(|(_, p)| p.class == Class::Number && !p.fixed);
    numbers
        .take(4)
        .map(|(place, param)| {
            let mut values = Values::neutral(kind);
            values.fields[place] = param.min + 0.75 * (param.max - param.min);
            (format!("{} = {}", param.id, values.fields[place]), values)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_of_a_kind_of_the_rack_and_within_its_ranges() {
        for recipe in recipes() {
            let kind = dsp::kind(recipe.kind).unwrap_or_else(|| panic!("no kind `{}`", recipe.kind));
            for (legend, text) in recipe.curves {
                let values = values(kind, text);
                for address in values.addresses() {
                    let param = kind.param(address);
                    let value = values.get(address);
                    assert!(param.clamp(value) == value, "{} {legend}: {} = {value}", kind.id, param.id);
                }
            }
        }
    }
}
