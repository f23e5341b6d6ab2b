//! A CD: its image in whole sectors, and the sheet that says where its tracks are.

use super::{CD, Track, image};
use crate::{Context, WorkflowError};
use delivery::{CueSheet, CueTrack, Delivered, Job, Target};
use session::Album;
use std::path::{Path, PathBuf};

/// Most tracks of a CD, and the shortest of them in seconds (IEC 60908).
const MOST_TRACKS: usize = 99;
const SHORTEST_S: usize = 4;

/// What was written.
pub(super) struct Disc {
    pub(super) image: Delivered,
    pub(super) sheet: PathBuf,
}

/// Writes image and sheet into the folder of the target.
pub(super) fn write(
    album: &Album,
    tracks: &[Track],
    places: &[usize],
    rate_hz: u32,
    image: &Path,
    (out, target): (&Path, &Target),
    context: &Context,
) -> Result<Disc, WorkflowError> {
    let grid = image::grid(rate_hz);
    let short = (0..tracks.len()).find(|n| places[n + 1] - places[*n] < SHORTEST_S * rate_hz as usize);
    if let Some(short) = short {
        return Err(WorkflowError::Usage(format!(
            "track {} is shorter than the {SHORTEST_S} s that a CD's tracks last at least; join it with a neighbour",
            short + 1
        )));
    }
    if tracks.len() > MOST_TRACKS {
        return Err(WorkflowError::Usage(format!(
            "a CD has up to {MOST_TRACKS} tracks, not {}",
            tracks.len()
        )));
    }
    let title = album.title.clone().unwrap_or_else(|| "album".to_string());
    let folder = out.join("deliver").join(format!("{CD}-image"));
    context.listener.stage("writing the CD's image", None);
    let job = Job { seed: album.seed, ..Job::new(image, target, &folder, &title) };
    let delivered = crate::deliver::delivered(&job, context)?;
    // The sectors behind a sound that ends within one belong to its pause.
    let tracks = tracks.iter().enumerate().map(|(n, track)| {
        let pause = (n > 0 && track.join.gap_frames > 0)
            .then(|| (places[n - 1] + tracks[n - 1].join.frames).div_ceil(grid));
        CueTrack {
            title: track.said.title.clone(),
            performer: track.said.artist.clone().or(album.artist.clone()),
            songwriter: track.said.composer.clone().or(album.composer.clone()),
            isrc: track.said.isrc.clone(),
            pause_sector: pause,
            start_sector: places[n] / grid,
        }
    });
    let sheet = CueSheet {
        file: delivered.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        title: album.title.clone(),
        performer: album.artist.clone(),
        songwriter: album.composer.clone(),
        catalog: album.barcode.clone(),
        genre: album.genre.clone(),
        date: album.date.clone(),
        tracks: tracks.collect(),
    };
    let path = delivered.path.with_extension("cue");
    files::atomic_write(&path, sheet.text().as_bytes())?;
    delivery::write_manifest(&folder, CD, &[delivery::Entry::of(&delivered)?])?;
    Ok(Disc { image: delivered, sheet: path })
}
