//! An album: its tracks in their order as one sound, cut into files without a seam, and a CD's image with its sheet.

mod image;
mod sheet;

use crate::handing_over::{DeliverRequest, HandedOver, Order, Wishes, formats, hand_over, plans};
use crate::tags::cover;
use crate::written::{WrittenFile, delivered_file, shown};
use crate::{Context, WorkflowError};
use delivery::{Delivered, Joins, Reading, Targets};
use files::Tags;
use mastering::album::{Join, Outlier, Relation, TrackGain, gains, outliers, places};
use rayon::prelude::*;
use serde::Serialize;
use session::{Album, AlbumTrack, Level, Problem, SessionError};
use std::path::{Path, PathBuf};

/// Tracks whose third octaves differ by more than this from the album's median are named, in dB RMS.
const COHERENCE_BOUND_DB: f64 = 4.0;

/// Loudness that an album comes to where it asks for some but says not which: AES TD1008 (2021) for the loudest track.
const USUAL_LUFS: f64 = -14.0;

/// True peak that no gain goes beyond where nothing is said.
const USUAL_CEILING_DBTP: f64 = -1.0;

/// The target that means an image with a sheet instead of files.
const CD: &str = "cd";

/// What to make of an album.
#[derive(Debug, Clone, Default)]
pub struct AlbumRequest {
    /// Targets, kinds of file and so on; what is not asked for is the album file's.
    pub deliver: DeliverRequest,
    /// The folder for everything; `out` beside the album file without it.
    pub output: Option<PathBuf>,
}

/// One track, as it stands on the album.
#[derive(Debug, Clone, Serialize)]
pub struct AlbumTrackResult {
    /// Its master.
    pub file: String,
    /// Its title.
    pub title: Option<String>,
    /// Where it begins, in seconds of the album.
    pub start_s: f64,
    /// Where it begins, in minutes, seconds and sectors of a CD.
    pub mark: String,
    /// How long it is, without the silence behind it, in seconds.
    pub length_s: f64,
    /// Its master's integrated loudness, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Its master's true peak, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Gain on the album, in dB.
    pub gain_db: f64,
    /// What the ceiling took from the gain that was asked for, in dB.
    pub held_back_db: f64,
    /// International Standard Recording Code.
    pub isrc: Option<String>,
}

/// What `album` prints.
#[derive(Debug, Clone, Serialize)]
pub struct AlbumResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The album's title.
    pub title: Option<String>,
    /// Its length in seconds.
    pub length_s: f64,
    /// Integrated loudness of the whole, in LUFS; `null` where nothing was written.
    pub integrated_lufs: Option<f64>,
    /// Its highest true peak, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// In their order.
    pub tracks: Vec<AlbumTrackResult>,
    /// What was written.
    pub files: Vec<WrittenFile>,
    /// Everything about each.
    pub details: Vec<Delivered>,
    /// CUE sheets.
    pub sheets: Vec<String>,
    /// From ten seconds before each mark to ten behind it, to listen to.
    pub transitions: Vec<String>,
    /// ZIP files of whole folders.
    pub zips: Vec<String>,
    /// What would be written, when nothing was.
    pub planned: Vec<delivery::Plan>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// Whether every file passed its check.
    pub passed: bool,
}

/// A track that was listened to.
struct Track<'a> {
    said: &'a AlbumTrack,
    file: PathBuf,
    reading: Reading,
    join: Join,
    gain: TrackGain,
}

/// Puts an album together and delivers it.
///
/// # Errors
/// When the album file has problems (each with its line and column), a master cannot be read, or a file cannot be
/// written.
pub fn album(file: &Path, request: &AlbumRequest, context: &Context) -> Result<AlbumResult, WorkflowError> {
    let album = load(file)?;
    let home = file.parent().unwrap_or(Path::new("."));
    let targets = crate::targets::targets_in(home)?;
    request.deliver.check(&targets)?;
    let wishes = wishes(&album, &request.deliver)?;
    let tracks = listen(&album, file, home, context)?;
    let rate_hz = image::rate_of(tracks.iter().map(|(_, _, reading)| reading.sample_rate_hz));
    let tracks = related(&album, tracks, rate_hz);
    let joins: Vec<Join> = tracks.iter().map(|track| track.join).collect();
    let places = places(&joins, image::grid(rate_hz));
    let mut result = told(&album, &tracks, &places, rate_hz);
    result.notes = notes(&album, &tracks, &places, rate_hz);
    let ids = match (request.deliver.targets.as_slice(), album.targets.as_slice()) {
        ([], []) => vec![delivery::DEFAULT_TARGET.to_string()],
        ([], own) => own.to_vec(),
        (asked, _) => asked.to_vec(),
    };
    let out = request.output.clone().unwrap_or_else(|| home.join("out"));
    let state = out.join(".tonmeister").join("album");
    let tags = tags_of(&album, home)?;
    // The masters stand for the cut tracks, which have their rates and names: what cannot be is told before any work.
    let masters: Vec<PathBuf> = tracks.iter().map(|track| track.file.clone()).collect();
    let planned = plans(&orders((&ids, &targets), &masters, &tags, &out, &album, None)?, &wishes)?;
    if request.deliver.dry_run {
        result.planned = planned;
        return Ok(result);
    }
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    let frames = places.last().copied().unwrap_or(0) as u64;
    // The image, its tracks, and as much again for what is delivered.
    crate::space::ensure(&out, frames * 2 * 4 * 3)?;
    context.listener.stage("putting the album together", Some(frames as f64 / f64::from(rate_hz)));
    let image = image::compose(&tracks, &places, rate_hz, &state.join("album.wav"), context)?;
    let sources = image::cut(&image, &places, &state, context)?;
    let whole = delivery::read_back(&image)?;
    (result.integrated_lufs, result.true_peak_dbtp) =
        (whole.facts.integrated_lufs, whole.facts.true_peak_dbtp);
    let orders = orders((&ids, &targets), &sources, &tags, &out, &album, Some(&whole))?;
    let mut handed = hand_over(&orders, &wishes, context)?;
    if let Some(target) = ids.iter().filter_map(|id| targets.find(id).ok()).find(|target| target.id == CD) {
        let cd =
            sheet::write(&album, &tracks, &places, rate_hz, &image, (&out, target, wishes.zip), context)?;
        result.sheets.push(shown(&cd.sheet));
        handed.files.extend(cd.handed.files);
        handed.zips.extend(cd.handed.zips);
    }
    result.transitions = image::transitions(&image, &tracks, &places, &out.join("transitions"), context)?;
    finish(result, handed)
}

fn finish(mut result: AlbumResult, handed: HandedOver) -> Result<AlbumResult, WorkflowError> {
    result.files = handed.files.iter().map(|d| delivered_file(&d.target, d)).collect();
    result.passed = handed.files.iter().all(|d| d.passed);
    result.details = handed.files;
    result.zips = handed.zips;
    Ok(result)
}

fn load(file: &Path) -> Result<Album, WorkflowError> {
    session::load_album(file).map_err(|error| match error {
        SessionError::Invalid { problems } => WorkflowError::InvalidSession { file: file.into(), problems },
        other => other.into(),
    })
}

fn wishes(album: &Album, request: &DeliverRequest) -> Result<Wishes, WorkflowError> {
    let names = if request.formats.is_empty() { &album.formats } else { &request.formats };
    Ok(Wishes {
        formats: formats(names)?,
        bit_rate_kbps: request.bit_rate_kbps,
        file_name: Some(album.file_name.clone().unwrap_or_else(|| "{track} {title}".to_string())),
        zip: request.zip || album.zip,
        among_others: None,
    })
}

/// Every master's readings; a file that cannot be read is told with its place in the album file.
fn listen<'a>(
    album: &'a Album,
    file: &Path,
    home: &Path,
    context: &Context,
) -> Result<Vec<(&'a AlbumTrack, PathBuf, Reading)>, WorkflowError> {
    let paths: Vec<PathBuf> = album.tracks.iter().map(|track| home.join(&track.file)).collect();
    let mut problems = Vec::new();
    for (track, path) in album.tracks.iter().zip(&paths) {
        let wrong = match files::probe(path) {
            Err(error) => error.to_string(),
            Ok(info) if info.channels > 2 => {
                format!("{}: has {} channels; an album is stereo", path.display(), info.channels)
            }
            Ok(_) => continue,
        };
        problems.push(Problem {
            code: "no_master",
            severity: session::Severity::Error,
            path: "track.file".to_string(),
            place: track.place,
            message: wrong,
            hint: Some(format!("file names are relative to the folder of {}", file.display())),
        });
    }
    if !problems.is_empty() {
        return Err(WorkflowError::InvalidSession { file: file.into(), problems });
    }
    context.listener.stage(&format!("listening to {} masters", paths.len()), None);
    let readings: Vec<_> = paths
        .par_iter()
        .map(|path| {
            context.check()?;
            Ok(delivery::read_back(path)?)
        })
        .collect::<Result<Vec<Reading>, WorkflowError>>()?;
    Ok(album
        .tracks
        .iter()
        .zip(paths)
        .zip(readings)
        .map(|((said, file), reading)| (said, file, reading))
        .collect())
}

/// The tracks with their gains and joins.
fn related<'a>(
    album: &Album,
    tracks: Vec<(&'a AlbumTrack, PathBuf, Reading)>,
    rate_hz: u32,
) -> Vec<Track<'a>> {
    let lufs = album.loudness_lufs.unwrap_or(USUAL_LUFS);
    let relation = match album.level {
        Level::AsMastered => Relation::AsMastered,
        Level::Album => Relation::Album(lufs),
        Level::Track => Relation::Track(lufs),
    };
    let facts: Vec<&measure::Facts> = tracks.iter().map(|(_, _, reading)| &reading.facts).collect();
    let wishes: Vec<f64> = tracks.iter().map(|(said, _, _)| said.trim_db).collect();
    let gains = gains(&facts, &wishes, relation, album.ceiling_dbtp.unwrap_or(USUAL_CEILING_DBTP));
    let rate = f64::from(rate_hz);
    let frames = |seconds: f64| (seconds * rate).round() as usize;
    tracks
        .into_iter()
        .zip(gains)
        .map(|((said, file, reading), gain)| {
            let length = image::frames_at(&reading, rate_hz);
            let join = Join {
                frames: length,
                gap_frames: frames(said.gap_s),
                crossfade_frames: frames(said.crossfade_s),
            };
            Track { said, file, reading, join, gain }
        })
        .collect()
}

fn told(album: &Album, tracks: &[Track], places: &[usize], rate_hz: u32) -> AlbumResult {
    let seconds = |frames: usize| frames as f64 / f64::from(rate_hz);
    let track = |(track, start): (&Track, &usize)| AlbumTrackResult {
        file: shown(&track.file),
        title: track.said.title.clone(),
        start_s: seconds(*start),
        mark: delivery::mark(start / image::grid(rate_hz)),
        length_s: seconds(track.join.frames),
        integrated_lufs: track.reading.facts.integrated_lufs,
        true_peak_dbtp: track.reading.facts.true_peak_dbtp,
        gain_db: track.gain.gain_db,
        held_back_db: track.gain.held_back_db,
        isrc: track.said.isrc.clone(),
    };
    AlbumResult {
        schema: "tonmeister.album/1",
        title: album.title.clone(),
        length_s: seconds(places.last().copied().unwrap_or(0)),
        integrated_lufs: None,
        true_peak_dbtp: None,
        tracks: tracks.iter().zip(places).map(track).collect(),
        files: Vec::new(),
        details: Vec::new(),
        sheets: Vec::new(),
        transitions: Vec::new(),
        zips: Vec::new(),
        planned: Vec::new(),
        notes: Vec::new(),
        passed: true,
    }
}

/// What a person should hear about before the album goes out.
fn notes(album: &Album, tracks: &[Track], places: &[usize], rate_hz: u32) -> Vec<String> {
    let name = |n: usize| {
        let title = tracks[n].said.title.clone();
        format!("track {} ({})", n + 1, title.unwrap_or_else(|| tracks[n].file.display().to_string()))
    };
    let mut notes = Vec::new();
    let held = tracks.iter().map(|track| track.gain.held_back_db).fold(0.0, f64::max);
    if held > 0.0 {
        let n = tracks.iter().position(|track| track.gain.held_back_db == held).unwrap_or(0);
        let whose = if album.level == Level::Album { "the album".to_string() } else { name(n) };
        notes.push(format!(
            "{whose} would need {held:.1} dB more for the loudness asked for; the true-peak ceiling does not let it: \
             master it louder instead of turning it up"
        ));
    }
    let facts: Vec<&measure::Facts> = tracks.iter().map(|track| &track.reading.facts).collect();
    for Outlier { track, distance_db, band_hz, band_db } in outliers(&facts, COHERENCE_BOUND_DB) {
        let more = if band_db > 0.0 { "more" } else { "less" };
        notes.push(format!(
            "{} sounds unlike the others: {distance_db:.1} dB RMS from the album's median at equal loudness (bound \
             {COHERENCE_BOUND_DB} dB), most at {band_hz} Hz with {:.1} dB {more}",
            name(track),
            band_db.abs()
        ));
    }
    for (n, pair) in tracks.windows(2).enumerate() {
        let cut = pair[1].join.gap_frames == 0 && pair[1].join.crossfade_frames == 0;
        if cut && pair[0].reading.sample_rate_hz != pair[1].reading.sample_rate_hz {
            notes.push(format!(
                "{} is joined to one of another sample rate: convert both to one rate first",
                name(n + 1)
            ));
        }
    }
    let seconds = places.last().copied().unwrap_or(0) as f64 / f64::from(rate_hz);
    if tracks.iter().any(|track| track.said.title.is_none()) {
        notes.push("some tracks have no title".to_string());
    }
    if seconds > 74.0 * 60.0 {
        notes.push(format!(
            "the album lasts {:.1} min: only the longest CDs take more than 74",
            seconds / 60.0
        ));
    }
    notes
}

/// The tags of every track.
fn tags_of(album: &Album, home: &Path) -> Result<Vec<Tags>, WorkflowError> {
    let cover = album.cover.as_deref().map(|file| cover(&home.join(file))).transpose()?;
    let count = album.tracks.len() as u32;
    let own = |track: &Option<String>, all: &Option<String>| track.clone().or(all.clone());
    let tags = album.tracks.iter().enumerate().map(|(n, track)| Tags {
        title: track.title.clone(),
        artist: own(&track.artist, &album.artist),
        album_artist: album.artist.clone(),
        album: album.title.clone(),
        track: Some(n as u32 + 1),
        tracks: Some(count),
        disc: album.disc,
        discs: album.discs,
        isrc: track.isrc.clone(),
        barcode: album.barcode.clone(),
        date: album.date.clone(),
        genre: own(&track.genre, &album.genre),
        composer: own(&track.composer, &album.composer),
        lyrics: track.lyrics.clone(),
        copyright: album.copyright.clone(),
        label: album.label.clone(),
        comment: None,
        cover: cover.clone(),
        loudness: files::Loudness::default(),
    });
    Ok(tags.collect())
}

/// One order a track and target. `whole` is the reading of the album, whose loudness goes into every tag.
fn orders(
    (ids, targets): (&[String], &Targets),
    sources: &[PathBuf],
    tags: &[Tags],
    out: &Path,
    album: &Album,
    whole: Option<&Reading>,
) -> Result<Vec<Order>, WorkflowError> {
    let mut orders = Vec::new();
    for id in ids {
        let target = targets.find(id)?;
        let folder = out.join("deliver").join(target.id.as_ref());
        for (n, (source, tags)) in sources.iter().zip(tags).enumerate() {
            let mut tags = tags.clone();
            tags.loudness.album_lufs = whole.and_then(|whole| whole.facts.integrated_lufs);
            tags.loudness.album_peak_dbtp = whole.and_then(|whole| whole.facts.true_peak_dbtp);
            let (source, folder) = (source.clone(), folder.clone());
            // The silence before a track belongs to the file of the one before it.
            let joined = |n: usize| {
                let track = album.tracks.get(n).filter(|_| n > 0);
                track.is_some_and(|track| track.gap_s == 0.0 || track.crossfade_s > 0.0)
            };
            let joins = Joins { start: joined(n), end: joined(n + 1), album: true };
            let target = target.clone();
            orders.push(Order { source, target, folder, tags, joins, seed: album.seed });
        }
    }
    Ok(orders)
}
