//! References of a master: heard, and told how near it came.

use crate::finished_song::{nothing_heard, source_of};
use crate::listen::listen_to;
use crate::master_request::MasterRequest;
use crate::{Context, Project, WorkflowError};
use mastering::{Genre, MatchPlan, Reference};
use measure::Analysis;
use serde::Serialize;
use session::Session;
use std::path::PathBuf;

/// Bands between these are what the distance of two tones is read from, in hertz: below and above, lossy coding and
/// rumble say more than the music.
const TONE_HZ: std::ops::RangeInclusive<f64> = 40.0..=12_500.0;

/// How near a master came to its references.
#[derive(Debug, Clone, Serialize)]
pub struct Matched {
    /// What the references are called.
    pub references: Vec<String>,
    /// The whole.
    pub aspects: Vec<AspectTold>,
    /// The third octaves.
    pub bands: Vec<BandTold>,
}

/// One aspect before and after.
#[derive(Debug, Clone, Serialize)]
pub struct AspectTold {
    /// Which.
    pub aspect: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// In the references.
    pub references: Option<f64>,
    /// In the mix.
    pub before: Option<f64>,
    /// In the master.
    pub after: Option<f64>,
}

/// One third octave before and after.
#[derive(Debug, Clone, Serialize)]
pub struct BandTold {
    /// Centre in hertz.
    pub hz: f64,
    /// What the mix missed to the references at equal loudness, in dB.
    pub before_db: Option<f64>,
    /// What the master misses, in dB.
    pub after_db: Option<f64>,
    /// How much the references vary there, in dB.
    pub spread_db: f64,
    /// How far the band may be moved, in dB.
    pub limit_db: f64,
    /// How far it was, in dB.
    pub moved_db: f64,
    /// How far its side signal may be moved, in dB.
    pub side_limit_db: f64,
    /// How far that was, in dB.
    pub side_moved_db: f64,
}

/// The genre with this id.
///
/// # Errors
/// When there is none; the message names them.
pub fn genre(id: &str) -> Result<&'static Genre, WorkflowError> {
    mastering::genre(id).ok_or_else(|| {
        let known: Vec<&str> = mastering::GENRES.iter().map(|genre| genre.id).collect();
        WorkflowError::Usage(format!("there is no genre {id}; the genres are {}", known.join(", ")))
    })
}

/// Hears the references that are asked for, or else those that the session names.
pub(crate) fn references(
    project: &Project,
    session: &Session,
    request: &MasterRequest,
    context: &Context,
) -> Result<Vec<Reference>, WorkflowError> {
    let of_session = || session.master.references.iter().map(|file| (project.resolve(file), 1.0)).collect();
    let asked: Vec<(PathBuf, f64)> = match request.references.is_empty() {
        true => of_session(),
        false => request.references.clone(),
    };
    let one = |(file, weight): &(PathBuf, f64)| {
        context.check()?;
        context.listener.stage("listening to a reference", None);
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let analysis = listen_to(&source_of(file)?, context)?;
        if analysis.facts.integrated_lufs.is_none() {
            return Err(nothing_heard(file, "the reference "));
        }
        Ok(Reference { name, weight: *weight, analysis })
    };
    asked.iter().map(one).collect()
}

/// What is told of a match.
pub(crate) fn matched(plan: &MatchPlan, before: &Analysis, after: &Analysis) -> Matched {
    let (missed, misses) = (plan.missing(before), plan.missing(after));
    let rms = |missing: &[Option<f64>]| {
        let heard = plan.tone().iter().zip(missing).filter(|(m, _)| TONE_HZ.contains(&m.hz));
        let squares: Vec<f64> = heard.filter_map(|(_, db)| db.map(|db| db * db)).collect();
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        Some(mean.sqrt()).filter(|rms| rms.is_finite())
    };
    let [lufs, range, width] = plan.theirs();
    let aspect =
        |aspect, unit, references, before, after| AspectTold { aspect, unit, references, before, after };
    let (b, a) = (&before.facts, &after.facts);
    let aspects = vec![
        aspect("tone, from theirs", "dB", Some(0.0), rms(&missed), rms(&misses)),
        aspect("loudness", "LUFS", lufs, b.integrated_lufs, a.integrated_lufs),
        aspect("loudness range", "LU", range, b.loudness_range_lu, a.loudness_range_lu),
        aspect("side to middle", "dB", width, b.side_mid_db, a.side_mid_db),
    ];
    let at = |of: &[Option<f64>], n: usize| of.get(n).copied().flatten();
    let bands = plan.tone().iter().zip(plan.side()).enumerate().map(|(n, (tone, side))| BandTold {
        hz: tone.hz,
        before_db: at(&missed, n),
        after_db: at(&misses, n),
        spread_db: tone.spread_db,
        limit_db: tone.limit_db,
        moved_db: tone.gain_db,
        side_limit_db: side.limit_db,
        side_moved_db: side.gain_db,
    });
    Matched { references: plan.names().to_vec(), aspects, bands: bands.collect() }
}

/// A band that is moved no less than this short of its limit stands at it, in dB.
const AT_LIMIT_DB: f64 = 0.01;

impl Matched {
    /// How many bands stand at their limit: of the tone, and of the sides.
    pub fn held(&self) -> [usize; 2] {
        let at = |moved_db: f64, limit_db: f64| moved_db.abs() >= limit_db - AT_LIMIT_DB;
        let count = |held: &dyn Fn(&BandTold) -> bool| self.bands.iter().filter(|b| held(b)).count();
        [count(&|b| at(b.moved_db, b.limit_db)), count(&|b| at(b.side_moved_db, b.side_limit_db))]
    }
}
