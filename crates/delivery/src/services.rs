//! What each streaming service will do to a master: data, and a preview.
//!
//! The gain applies in the listener's player, for the default setting of each service and a track on its own; many
//! turn an album as a whole. The table is dated like the targets, and people may put rows of their own in its place.

use serde::{Deserialize, Serialize};

use crate::targets::{Mark, Text};

/// What a service does with a track quieter than its level.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TurnsUp {
    /// It stays as it is.
    #[default]
    Never,
    /// It is turned up as far as its true peak stays at or below this, in dBTP.
    Within {
        /// The ceiling in dBTP.
        ceiling_dbtp: f64,
    },
    /// It is turned up all the way; a limiter holds its peaks at this, in dBFS.
    Limited {
        /// The limiter's ceiling in dBFS.
        ceiling_dbfs: f64,
    },
}

/// How one service plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What people read.
    pub name: Text,
    /// The level it plays at, in LUFS; `None` where it plays as delivered.
    #[serde(default)]
    pub reference_lufs: Option<f64>,
    /// What it does with quieter tracks.
    #[serde(default)]
    pub turns_up: TurnsUp,
    /// What a person should know besides.
    #[serde(default)]
    pub note: Text,
    /// How sure the row is.
    #[serde(default)]
    pub mark: Mark,
    /// Where the figures are from.
    #[serde(default)]
    pub source: Text,
    /// Month of the figures, year first.
    #[serde(default)]
    pub as_of: Text,
}

const fn service(
    name: &'static str,
    reference_lufs: Option<f64>,
    turns_up: TurnsUp,
    note: &'static str,
    mark: Mark,
    source: &'static str,
) -> Service {
    Service {
        name: Text::Borrowed(name),
        reference_lufs,
        turns_up,
        note: Text::Borrowed(note),
        mark,
        source: Text::Borrowed(source),
        as_of: Text::Borrowed("2026-11"),
    }
}

/// Spotify's page for artists.
const SPOTIFY: &str = "support.spotify.com/artists, Loudness normalization";
/// What engineers read from the service's players.
const PLAYERS: &str = "measured in its players, as trade pages report it";
const TALK: &str = "common knowledge; the service publishes no figure";

/// Every service, in the order in which people see them.
pub static SERVICES: &[Service] = &[
    service(
        "Spotify",
        Some(-14.0),
        TurnsUp::Within { ceiling_dbtp: -1.0 },
        "not in the web player; albums keep their inner differences",
        Mark::Standard,
        SPOTIFY,
    ),
    service(
        "Spotify (loud)",
        Some(-11.0),
        TurnsUp::Limited { ceiling_dbfs: -1.0 },
        "a limiter works on quiet tracks",
        Mark::Standard,
        SPOTIFY,
    ),
    service(
        "Spotify (quiet)",
        Some(-19.0),
        TurnsUp::Within { ceiling_dbtp: -1.0 },
        "",
        Mark::Standard,
        SPOTIFY,
    ),
    service(
        "Apple Music",
        Some(-16.0),
        TurnsUp::Within { ceiling_dbtp: 0.0 },
        "with Sound Check on",
        Mark::Trade,
        PLAYERS,
    ),
    service("YouTube", Some(-14.0), TurnsUp::Never, "", Mark::Trade, "\"Stats for nerds\" in its player"),
    service(
        "YouTube Music",
        Some(-7.0),
        TurnsUp::Never,
        "the app; only louder items come down",
        Mark::Trade,
        PLAYERS,
    ),
    service("TIDAL", Some(-14.0), TurnsUp::Never, "the album as a whole", Mark::Trade, PLAYERS),
    service("Amazon Music", Some(-14.0), TurnsUp::Never, "", Mark::Unverified, TALK),
    service("Deezer", Some(-15.0), TurnsUp::Never, "", Mark::Unverified, TALK),
    service("SoundCloud", Some(-14.0), TurnsUp::Never, "", Mark::Unverified, TALK),
    service("Pandora", Some(-14.0), TurnsUp::Never, "by its own measure of loudness", Mark::Unverified, TALK),
    service("Qobuz", None, TurnsUp::Never, "off unless the listener turns it on", Mark::Unverified, TALK),
    service("Bandcamp", None, TurnsUp::Never, "", Mark::Unverified, TALK),
];

/// What one service will do to one master.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The service.
    pub service: Text,
    /// The gain its player will apply, in dB.
    pub gain_db: f64,
    /// The loudness it will play at, in LUFS.
    pub plays_at_lufs: f64,
    /// The true peak it will play at, in dBTP, before its own limiter where it has one; `None` for silence.
    pub plays_at_dbtp: Option<f64>,
    /// What happens, in plain words.
    pub note: String,
    /// How sure the service's figures are.
    pub mark: Mark,
    /// The level the service plays at, in LUFS; `None` where it plays as delivered.
    pub reference_lufs: Option<f64>,
    /// Where the figures are from.
    pub source: Text,
    /// Month of the figures, year first; empty for a person's own.
    pub as_of: Text,
}

/// What every service will do to a master of an integrated loudness in LUFS and a true peak in dBTP. Empty for a
/// signal without loudness.
pub fn preview(integrated_lufs: Option<f64>, true_peak_dbtp: Option<f64>) -> Vec<Preview> {
    preview_of(SERVICES, integrated_lufs, true_peak_dbtp)
}

/// The same for services of your own choice.
pub fn preview_of(
    services: &[Service],
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
) -> Vec<Preview> {
    let Some(loudness) = integrated_lufs else { return Vec::new() };
    services.iter().map(|service| preview_one(service, loudness, true_peak_dbtp)).collect()
}

fn preview_one(service: &Service, loudness: f64, true_peak_dbtp: Option<f64>) -> Preview {
    let (gain_db, happens) = gain_of(service, loudness, true_peak_dbtp);
    let mut note = happens;
    if !service.note.is_empty() {
        note = format!("{note} ({})", service.note);
    }
    if service.mark == Mark::Unverified {
        note.push_str("; figure unverified");
    }
    Preview {
        service: service.name.clone(),
        gain_db,
        plays_at_lufs: loudness + gain_db,
        plays_at_dbtp: true_peak_dbtp.map(|peak| peak + gain_db),
        note,
        mark: service.mark,
        reference_lufs: service.reference_lufs,
        source: service.source.clone(),
        as_of: service.as_of.clone(),
    }
}

fn gain_of(service: &Service, loudness: f64, true_peak_dbtp: Option<f64>) -> (f64, String) {
    let Some(reference) = service.reference_lufs else {
        return (0.0, "plays as delivered".to_owned());
    };
    let wanted = reference - loudness;
    // Under a twentieth of a decibel nothing would be shown.
    if wanted.abs() < 0.05 {
        return (wanted, "plays as delivered".to_owned());
    }
    if wanted < 0.0 {
        return (wanted, format!("turned down by {:.1} dB", -wanted));
    }
    let peak = true_peak_dbtp.unwrap_or(f64::NEG_INFINITY);
    match service.turns_up {
        TurnsUp::Never => (0.0, format!("stays {wanted:.1} LU below the others: it is not turned up")),
        TurnsUp::Within { ceiling_dbtp } => {
            let gain = wanted.min(ceiling_dbtp - peak).max(0.0);
            let short = wanted - gain;
            if gain < 0.05 {
                (gain, format!("stays {short:.1} LU below the others: its peaks leave no room"))
            } else if short < 0.05 {
                (gain, format!("turned up by {gain:.1} dB"))
            } else {
                (
                    gain,
                    format!(
                        "turned up by {gain:.1} dB and still {short:.1} LU low: its peaks leave no more room"
                    ),
                )
            }
        }
        TurnsUp::Limited { ceiling_dbfs } => {
            let limited = peak + wanted - ceiling_dbfs;
            if limited > 0.05 {
                (wanted, format!("turned up by {wanted:.1} dB, up to {limited:.1} dB of it into a limiter"))
            } else {
                (wanted, format!("turned up by {wanted:.1} dB"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plays(service: &str, loudness: f64, peak: f64) -> Preview {
        let all = preview(Some(loudness), Some(peak));
        all.into_iter().find(|p| p.service == service).unwrap()
    }

    #[test]
    fn louder_than_the_level_comes_down_everywhere() {
        let loud = plays("Spotify", -9.0, -0.3);
        assert!((loud.gain_db + 5.0).abs() < 1e-12 && (loud.plays_at_lufs + 14.0).abs() < 1e-12);
        assert_eq!(loud.plays_at_dbtp, Some(-5.3));
        assert!(loud.note.starts_with("turned down by 5.0 dB"), "{}", loud.note);
        assert_eq!(plays("YouTube", -9.0, -0.3).gain_db, -5.0);
        assert_eq!(plays("Qobuz", -9.0, -0.3).gain_db, 0.0);
    }

    #[test]
    fn quieter_than_the_level_goes_up_only_as_far_as_the_service_lets_it() {
        // 4 dB are missing, the peak at -3 leaves 2 up to -1 dBTP.
        let quiet = plays("Spotify", -18.0, -3.0);
        assert!((quiet.gain_db - 2.0).abs() < 1e-12, "{}", quiet.gain_db);
        assert!(quiet.note.contains("still 2.0 LU low"), "{}", quiet.note);
        assert_eq!(plays("Spotify", -18.0, -0.5).gain_db, 0.0, "it never turns down a quiet track");
        assert_eq!(plays("YouTube", -18.0, -9.0).gain_db, 0.0);
        let limited = plays("Spotify (loud)", -18.0, -3.0);
        assert!((limited.gain_db - 7.0).abs() < 1e-12);
        assert!(limited.note.contains("up to 5.0 dB of it into a limiter"), "{}", limited.note);
    }

    #[test]
    fn silence_has_no_preview_and_unsure_figures_say_so() {
        assert!(preview(None, None).is_empty());
        for row in preview(Some(-9.0), Some(-1.0)) {
            assert_eq!(row.note.contains("unverified"), row.mark == Mark::Unverified, "{}", row.note);
        }
    }

    proptest! {
        #[test]
        fn no_service_without_a_limiter_clips_what_did_not(
            loudness in -60.0f64..0.0, peak in -40.0f64..0.0,
        ) {
            for (row, service) in preview(Some(loudness), Some(peak)).iter().zip(SERVICES) {
                prop_assert!((row.plays_at_lufs - loudness - row.gain_db).abs() < 1e-9);
                if !matches!(service.turns_up, TurnsUp::Limited { .. }) {
                    prop_assert!(row.plays_at_dbtp.unwrap() <= peak.max(0.0) + 1e-9);
                }
            }
        }
    }
}
