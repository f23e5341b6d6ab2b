//! A CD: its image in whole sectors, and the sheet that says where its tracks are.

use super::{CD, Track, image};
use crate::handing_over::{HandedOver, Order, Wishes, hand_over};
use crate::{Context, WorkflowError};
use delivery::{Container, CueSheet, CueTrack, Joins, Target};
use files::Tags;
use session::Album;
use std::path::{Path, PathBuf};

/// Most tracks of a CD, and the shortest of them in seconds (IEC 60908).
const MOST_TRACKS: usize = 99;
const SHORTEST_S: usize = 4;

/// What was written.
pub(super) struct Disc {
    pub(super) handed: HandedOver,
    pub(super) sheet: PathBuf,
}

/// Writes image and sheet into the folder of the target.
pub(super) fn write(
    album: &Album,
    tracks: &[Track],
    places: &[usize],
    rate_hz: u32,
    image: &Path,
    (out, target, zip): (&Path, &Target, bool),
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
    let file = format!("{}.{}", delivery::file_stem(&title), Container::Wav.extension());
    let path = folder.join(&file).with_extension("cue");
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
        file,
        title: album.title.clone(),
        performer: album.artist.clone(),
        songwriter: album.composer.clone(),
        catalog: album.barcode.clone(),
        genre: album.genre.clone(),
        date: album.date.clone(),
        tracks: tracks.collect(),
    };
    std::fs::create_dir_all(&folder).map_err(WorkflowError::io(&folder, "create the folder"))?;
    files::atomic_write(&path, sheet.text().as_bytes())?;
    let order = Order {
        source: image.to_path_buf(),
        target: target.clone(),
        folder,
        tags: tags_of(album, title),
        joins: Joins::default(),
        seed: album.seed,
    };
    // The sheet says WAV. What is there and right is not made again; the ZIP file holds image and sheet.
    let wishes = Wishes { formats: vec![Container::Wav], zip, ..Wishes::default() };
    let handed = hand_over(&[order], &wishes, context)?;
    Ok(Disc { handed, sheet: path })
}

/// What the image says about the disc as a whole.
fn tags_of(album: &Album, title: String) -> Tags {
    Tags {
        title: Some(title),
        artist: album.artist.clone(),
        album_artist: album.artist.clone(),
        album: album.title.clone(),
        barcode: album.barcode.clone(),
        date: album.date.clone(),
        genre: album.genre.clone(),
        composer: album.composer.clone(),
        copyright: album.copyright.clone(),
        label: album.label.clone(),
        ..Tags::default()
    }
}
