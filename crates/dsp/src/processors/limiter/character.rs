//! What each character is made of.
//!
//! *Transparent* holds every peak for 18 ms, half a period of 28 Hz, so that no tone above it moves the gain; a
//! short peak is let go in 50 ms, what has lasted 60 ms in a quarter of a second, what has lasted 300 ms in a whole one.
//! *Safe* lets nothing go faster than in 400 ms, which is not heard as pumping. *Punchy* and *aggressive* come back
//! at once after a single peak and slowly under steady reduction, behind a clipper.

use super::{Character, ReleaseMode, Settings};
use crate::blocks::guard::Design;
use crate::blocks::peak_share;

/// Window of the slow stage of the two-stage release, in milliseconds.
const SLOW_WINDOW_MS: f64 = 150.0;
/// Stages of the multi-stage release: how long a demand lasts, in milliseconds, and how much slower it is released.
const STAGES: [(f64, f64); 2] = [(60.0, 5.0), (300.0, 20.0)];
/// The release that leaves a character's times as they are, in milliseconds.
const AS_DESIGNED_MS: f64 = 100.0;
/// What a steady tone's peaks may be read apart, in decibels: the ripple of the finder's long filter is 0.02.
const BACKLASH_DB: f64 = 0.05;

/// The design for these settings.
pub(super) fn design(settings: &Settings) -> Design {
    let (mean_ms, lasting) = match (settings.character, settings.release_mode) {
        (Character::Transparent, _) | (Character::Custom, ReleaseMode::MultiStage) => (None, STAGES.to_vec()),
        (Character::Safe, _) => (None, vec![(100.0, 4.0)]),
        (Character::Custom, ReleaseMode::TwoStage) => (Some(SLOW_WINDOW_MS), Vec::new()),
        (Character::Custom, ReleaseMode::Fixed | ReleaseMode::Adaptive)
        | (Character::Punchy | Character::Aggressive, _) => (None, Vec::new()),
    };
    let (hold_ms, backlash_db) = match settings.character {
        Character::Custom | Character::Punchy | Character::Aggressive => (0.0, 0.0),
        Character::Transparent => (18.0, BACKLASH_DB),
        Character::Safe => (50.0, BACKLASH_DB),
    };
    Design {
        lookahead_ms: settings.lookahead_ms,
        hold_ms,
        backlash_db,
        mean_ms,
        lasting,
        release_ms: release_ms(settings),
        adaptive: settings.character == Character::Custom && settings.release_mode == ReleaseMode::Adaptive,
        link_percent: settings.link_percent,
    }
}

/// The time of the last stage.
pub(super) fn release_ms(settings: &Settings) -> f64 {
    let stretch = settings.release_ms / AS_DESIGNED_MS;
    match settings.character {
        Character::Custom => settings.release_ms,
        Character::Transparent => 50.0 * stretch,
        Character::Punchy => 30.0 * stretch,
        Character::Aggressive => 12.0 * stretch,
        Character::Safe => 400.0 * stretch,
    }
}

/// The clipper before the guard, and the most it takes off a peak in decibels.
pub(super) fn share(settings: &Settings) -> Option<(peak_share::Design, f64)> {
    match settings.character {
        Character::Custom | Character::Transparent | Character::Safe => None,
        Character::Punchy => Some((peak_share::Design { knee_db: 1.0, hit_ms: Some(0.7) }, 2.0)),
        Character::Aggressive => Some((peak_share::Design { knee_db: 1.5, hit_ms: None }, 3.0)),
    }
}
