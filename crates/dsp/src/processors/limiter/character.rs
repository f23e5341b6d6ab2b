//! What each character is made of.
//!
//! *Transparent* holds every peak for 18 ms, half a period of 28 Hz, so that no tone above it moves the gain,
//! and lets three stages carry the rest. *Safe* does the same at times so long that the gain's recovery is not
//! heard as pumping: 5 dB come back in about two seconds.

use super::{Character, ReleaseMode, Settings};
use crate::blocks::guard::Design;

/// Window of the slow stage of the two-stage release, in milliseconds.
const SLOW_WINDOW_MS: f64 = 150.0;
/// Windows of the slow stages of the multi-stage release, in milliseconds.
const MULTI_WINDOWS_MS: [f64; 2] = [500.0, 100.0];
/// The release that leaves a character's times as they are, in milliseconds.
const AS_DESIGNED_MS: f64 = 100.0;
/// What a steady tone's peaks may be read apart, in decibels: the ripple of the finder's long filter is 0.02.
const BACKLASH_DB: f64 = 0.05;

/// The design for these settings.
pub(super) fn design(settings: &Settings) -> Design {
    let stages_ms = match (settings.character, settings.release_mode) {
        (Character::Transparent, _) => MULTI_WINDOWS_MS.to_vec(),
        (Character::Safe, _) => vec![2000.0, 500.0],
        (Character::Custom, ReleaseMode::TwoStage) => vec![SLOW_WINDOW_MS],
        (Character::Custom, ReleaseMode::MultiStage) => MULTI_WINDOWS_MS.to_vec(),
        (Character::Custom, ReleaseMode::Fixed | ReleaseMode::Adaptive) => Vec::new(),
    };
    let (hold_ms, backlash_db) = match settings.character {
        Character::Custom => (0.0, 0.0),
        Character::Transparent => (18.0, BACKLASH_DB),
        Character::Safe => (50.0, BACKLASH_DB),
    };
    Design {
        lookahead_ms: settings.lookahead_ms,
        hold_ms,
        backlash_db,
        stages_ms,
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
        Character::Transparent => 120.0 * stretch,
        Character::Safe => 600.0 * stretch,
    }
}
