//! Finished files: `deliver` and `check`.

use crate::handing_over::{HandedOver, Order, Wishes, cover, hand_over, plans};
use crate::master::MASTERED;
use crate::written::{WrittenFile, delivered_file};
use crate::{Context, Project, WorkflowError};
use delivery::{Container, Delivered, Job, Joins, Preview, Targets};
use files::Tags;
use serde::Serialize;
use session::Session;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What to deliver.
#[derive(Debug, Clone, Default)]
pub struct DeliverRequest {
    /// Ids of targets; without any, those of the session.
    pub targets: Vec<String>,
    /// Kinds of file; without any, those of the session, or the target's own.
    pub formats: Vec<String>,
    /// Bits per second of what is coded with loss, in thousands.
    pub bit_rate_kbps: Option<u32>,
    /// Pack each target's folder into a ZIP file.
    pub zip: bool,
    /// Tell, but write nothing.
    pub dry_run: bool,
}

impl DeliverRequest {
    /// Looks whether all that is named is known.
    ///
    /// # Errors
    /// When a target or a kind of file is not.
    pub fn check(&self, targets: &Targets) -> Result<(), WorkflowError> {
        self.targets.iter().try_for_each(|id| targets.find(id).map(drop))?;
        formats(&self.formats).map(drop)
    }
}

/// What `deliver` prints.
#[derive(Debug, Clone, Serialize)]
pub struct DeliverResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// What was written.
    pub files: Vec<WrittenFile>,
    /// Everything about each.
    pub details: Vec<delivery::Delivered>,
    /// ZIP files of whole folders.
    pub zips: Vec<String>,
    /// What each streaming service will do to the master, where one was asked for.
    pub services: Vec<Preview>,
    /// What would be written, when nothing was.
    pub planned: Vec<delivery::Plan>,
    /// Whether every file passed its check.
    pub passed: bool,
}

/// Writes the master of a project for targets.
pub fn deliver(
    project: &Project,
    request: &DeliverRequest,
    context: &Context,
) -> Result<DeliverResult, WorkflowError> {
    let dry_run = request.dry_run;
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    project.knows_targets(&request.targets)?;
    let session = project.load()?.session()?;
    let float = project.state().join("master.wav");
    if !float.exists() {
        let first = match project.single {
            Some(_) => "`tonmeister master FILE` with the same -o",
            None => "`tonmeister produce` or `tonmeister render master`",
        };
        let place = project.home.display();
        return Err(WorkflowError::Usage(format!("{place}: there is no master yet; run {first} first")));
    }
    if changed_since(&project.state().join(MASTERED), &session) {
        context.listener.note(
            "the session has changed since this master was rendered; `tonmeister render premaster master` renders it anew",
        );
    }
    let ids = match (request.targets.as_slice(), session.deliver.targets.as_slice()) {
        ([], []) => vec![delivery::DEFAULT_TARGET.to_string()],
        ([], own) => own.to_vec(),
        (asked, _) => asked.to_vec(),
    };
    if !dry_run {
        let info = files::probe(&float)?;
        let bytes = crate::space::mastering(info.frames as u64, info.channels as u64);
        crate::space::ensure(&project.home, bytes)?;
    }
    let targets = project.targets()?;
    request.check(&targets)?;
    let wishes = Wishes::of(request, &session.deliver)?;
    let tags = tags_of(&session, project)?;
    let mut floats = Vec::new();
    let mut orders = Vec::new();
    for id in &ids {
        context.check()?;
        let target = targets.find(id)?;
        let source = if dry_run {
            float.clone()
        } else {
            let float = crate::retarget::float_for(project, &session, target, context)?;
            if let Some(why) = &float.stopped {
                context.listener.note(&format!("{id}: {why}"));
            }
            let path = float.path.clone();
            floats.push(float);
            path
        };
        let folder = project.out().join("deliver").join(target.id.as_ref());
        orders.push(Order {
            source,
            target: target.clone(),
            folder,
            tags: tags.clone(),
            joins: Joins::default(),
            seed: session.seed,
        });
    }
    let services = match orders.iter().any(|order| order.target.service) && !dry_run {
        true => preview(&float, project)?,
        false => Vec::new(),
    };
    let planned = if dry_run { plans(&orders, &wishes)? } else { Vec::new() };
    let handed = if dry_run { HandedOver::default() } else { hand_over(&orders, &wishes, context)? };
    Ok(DeliverResult {
        schema: "tonmeister.deliver/1",
        files: handed.files.iter().map(|d| delivered_file(&d.target, d)).collect(),
        passed: handed.files.iter().all(|d| d.passed),
        details: handed.files,
        zips: handed.zips,
        services,
        planned,
    })
}

/// What the services do to the one master that all of them get.
fn preview(master: &Path, project: &Project) -> Result<Vec<Preview>, WorkflowError> {
    let facts = delivery::read_back(master)?.facts;
    let rows = crate::services::services_in(&project.folder)?;
    Ok(delivery::preview_of(&rows, facts.integrated_lufs, facts.true_peak_dbtp))
}

/// Writes the master for one target, in the session's kinds of file; says why where its loudness could not be reached.
pub(crate) fn deliver_one(
    project: &Project,
    session: &Session,
    target: &str,
    context: &Context,
) -> Result<(Vec<Delivered>, Option<String>), WorkflowError> {
    let target = project.targets()?.find(target)?.clone();
    let float = crate::retarget::float_for(project, session, &target, context)?;
    let folder: PathBuf = project.out().join("deliver").join(target.id.as_ref());
    let wishes = Wishes::of(&DeliverRequest::default(), &session.deliver)?;
    let tags = tags_of(session, project)?;
    let order = Order {
        source: float.path.clone(),
        target,
        folder,
        tags,
        joins: Joins::default(),
        seed: session.seed,
    };
    Ok((hand_over(&[order], &wishes, context)?.files, float.stopped))
}

/// The kinds of file with these names.
pub(crate) fn formats(names: &[String]) -> Result<Vec<Container>, WorkflowError> {
    names.iter().map(|name| Ok(delivery::find_format(name)?)).collect()
}

/// What is written beside the sound of a project's master: what the session says about its song, and for a finished mix
/// what its file says besides.
pub(crate) fn tags_of(session: &Session, project: &Project) -> Result<Tags, WorkflowError> {
    let mut tags = tags_of_song(session, &project.home)?;
    let mix = session.tracks.values().next().and_then(|track| track.files.first());
    let Some(mix) = mix.filter(|_| project.single.is_some()) else { return Ok(tags) };
    // A kind of file that is not tagged here says nothing.
    let Ok(own) = files::read_tags(project.resolve(mix)) else { return Ok(tags) };
    // Until somebody says otherwise the session calls a mix by its file's name.
    if session.song.title.as_deref() == Some(crate::written::name_of(mix).as_str()) {
        tags.title = own.title.or(tags.title);
    }
    let or = |said: &mut Option<String>, own: Option<String>| {
        if said.is_none() {
            *said = own;
        }
    };
    or(&mut tags.artist, own.artist);
    or(&mut tags.album_artist, own.album_artist);
    or(&mut tags.album, own.album);
    or(&mut tags.isrc, own.isrc);
    or(&mut tags.barcode, own.barcode);
    or(&mut tags.date, own.date);
    or(&mut tags.genre, own.genre);
    or(&mut tags.composer, own.composer);
    or(&mut tags.lyrics, own.lyrics);
    or(&mut tags.copyright, own.copyright);
    or(&mut tags.label, own.label);
    tags.track = tags.track.or(own.track);
    tags.tracks = tags.tracks.or(own.tracks);
    tags.disc = tags.disc.or(own.disc);
    tags.discs = tags.discs.or(own.discs);
    tags.cover = tags.cover.or(own.cover);
    Ok(tags)
}

/// What a session says about its song, with the cover's bytes.
fn tags_of_song(session: &Session, home: &Path) -> Result<Tags, WorkflowError> {
    let song = &session.song;
    let code = |text: &Option<String>, read: fn(&str) -> Result<String, String>| {
        text.as_deref().and_then(|text| read(text).ok())
    };
    Ok(Tags {
        title: song.title.clone(),
        artist: song.artist.clone(),
        album_artist: song.album_artist.clone(),
        album: song.album.clone(),
        track: song.track,
        tracks: song.tracks,
        disc: song.disc,
        discs: song.discs,
        isrc: code(&song.isrc, session::codes::isrc),
        barcode: code(&song.barcode, session::codes::barcode),
        date: song.date.clone().or(song.year.map(|year| year.to_string())),
        genre: song.genre.clone(),
        composer: song.composer.clone(),
        lyrics: song.lyrics.clone(),
        copyright: song.copyright.clone(),
        label: song.label.clone(),
        comment: None,
        cover: song.cover.as_deref().map(|file| cover(&home.join(file))).transpose()?,
        loudness: files::Loudness::default(),
    })
}

/// Writes a file for a target, as long as the user wants it.
pub(crate) fn delivered(job: &Job, context: &Context) -> Result<Delivered, WorkflowError> {
    let delivered = delivery::deliver_observed(job, &mut |_, part| {
        context.listener.progress(part);
        if context.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    Ok(delivered?)
}

/// Whether the sound of a session is another than that of the one a master was rendered from; not when that one cannot
/// be told.
fn changed_since(mastered: &Path, session: &Session) -> bool {
    let then = session::load(mastered).and_then(|document| document.session());
    let told = ["version", "deliver", "song"];
    let sounds =
        |path: &session::Path| path.parts().first().is_none_or(|table| !told.contains(&table.as_str()));
    then.is_ok_and(|then| session::difference(&then, session).iter().any(|d| sounds(&d.path)))
}
