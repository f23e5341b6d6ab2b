//! Masters to files: every target's folder with its kinds of file, several at a time, with manifest, checksums and ZIP.
//! What is there and right is not made again.

use crate::held::Held;
use crate::{Context, WorkflowError};
use delivery::{Container, Delivered, Entry, Job, Joins, NameParts, Plan, Target, Targets};
use files::Tags;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The pattern of names where none is given.
const USUAL_NAME: &str = "{title}";

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

/// The kinds of file with these names.
pub(crate) fn formats(names: &[String]) -> Result<Vec<Container>, WorkflowError> {
    names.iter().map(|name| Ok(delivery::find_format(name)?)).collect()
}

/// How files are to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// Kinds of file; none for the target's own.
    pub(crate) formats: Vec<Container>,
    pub(crate) bit_rate_kbps: Option<u32>,
    pub(crate) file_name: Option<String>,
    pub(crate) zip: bool,
    /// The name of the mix, where others are delivered into the same folders, one by one: what they have there stays, and
    /// stays listed.
    pub(crate) among_others: Option<String>,
}

impl Wishes {
    /// What is asked for goes before what the session says.
    pub(crate) fn of(request: &DeliverRequest, own: &session::Deliver) -> Result<Wishes, WorkflowError> {
        let names = if request.formats.is_empty() { &own.formats } else { &request.formats };
        Ok(Wishes {
            formats: formats(names)?,
            bit_rate_kbps: request.bit_rate_kbps,
            file_name: own.file_name.clone(),
            zip: request.zip || own.zip,
            among_others: None,
        })
    }
}

/// One master for one target.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) source: PathBuf,
    pub(crate) target: Target,
    /// The target's folder.
    pub(crate) folder: PathBuf,
    pub(crate) tags: Tags,
    pub(crate) joins: Joins,
    pub(crate) seed: u64,
}

/// What was handed over.
#[derive(Debug, Default)]
pub(crate) struct HandedOver {
    pub(crate) files: Vec<Delivered>,
    pub(crate) zips: Vec<String>,
}

/// One file of an order, with what its job borrows.
struct Piece<'a> {
    order: &'a Order,
    container: Container,
    folder: PathBuf,
    name: String,
    bit_rate_kbps: Option<u32>,
}

impl Piece<'_> {
    fn job(&self) -> Job<'_> {
        let order = self.order;
        Job {
            container: Some(self.container),
            bit_rate_kbps: self.bit_rate_kbps.filter(|_| self.container.codec().is_some()),
            seed: order.seed,
            tags: Some(&order.tags),
            joins: order.joins,
            ..Job::new(&order.source, &order.target, &self.folder, &self.name)
        }
    }
}

/// Every file, in the order of the orders. Several kinds of file have a folder each.
fn pieces<'a>(orders: &'a [Order], wishes: &Wishes) -> Result<Vec<Piece<'a>>, WorkflowError> {
    let mut pieces = Vec::new();
    for order in orders {
        let containers = containers(&order.target, orders, wishes);
        for &container in &containers {
            let folder = match containers.as_slice() {
                [_] => order.folder.clone(),
                _ => order.folder.join(container.id()),
            };
            let bit_rate_kbps = wishes.bit_rate_kbps;
            let mut piece = Piece { order, container, folder, name: String::new(), bit_rate_kbps };
            let plan = piece.job().plan()?;
            let mut tags = order.tags.clone();
            tags.title.get_or_insert_with(|| "master".to_string());
            let parts = NameParts {
                tags: &tags,
                target: &order.target.id,
                format: container.id(),
                sample_rate_hz: plan.sample_rate_hz,
                stored: &plan.stored(),
            };
            piece.name = delivery::file_name(wishes.file_name.as_deref().unwrap_or(USUAL_NAME), &parts)?;
            pieces.push(piece);
        }
    }
    no_name_twice(&pieces)?;
    Ok(pieces)
}

/// The kinds of file of a target: its own, or of those that are wished for the ones it takes. What one target does not take is
/// left to the others; what none of them takes is left in, to be refused by name.
fn containers(target: &Target, orders: &[Order], wishes: &Wishes) -> Vec<Container> {
    let takes = |target: &Target, kind: &Container| target.containers.contains(kind);
    let elsewhere = |kind: &Container| orders.iter().any(|order| takes(&order.target, kind));
    let wanted = wishes.formats.iter().filter(|kind| takes(target, kind) || !elsewhere(kind));
    let wanted: Vec<Container> = wanted.copied().collect();
    if wanted.is_empty() { vec![target.preferred_container()] } else { wanted }
}

/// Case makes no difference on many disks.
fn no_name_twice(pieces: &[Piece]) -> Result<(), WorkflowError> {
    let mut seen: BTreeMap<(PathBuf, String), &Path> = BTreeMap::new();
    for piece in pieces {
        let key =
            (piece.folder.clone(), format!("{}.{}", piece.name, piece.container.extension()).to_lowercase());
        if let Some(other) = seen.insert(key, &piece.order.source) {
            return Err(WorkflowError::Usage(format!(
                "{} and {} would both become `{}` in {}; write {{track}} into file_name, or give them other titles",
                other.display(),
                piece.order.source.display(),
                piece.name,
                piece.folder.display()
            )));
        }
    }
    Ok(())
}

/// A file that stands in the folder under this name must not be of another mix.
fn not_anothers(piece: &Piece, known: &[Entry], wishes: &Wishes) -> Result<(), WorkflowError> {
    let Some(mix) = &wishes.among_others else { return Ok(()) };
    let name = format!("{}.{}", piece.name, piece.container.extension());
    let theirs = known.iter().find(|entry| {
        entry.name.to_lowercase() == name.to_lowercase() && piece.folder.join(&entry.name).exists()
    });
    match theirs.and_then(|entry| entry.mix.as_ref()) {
        Some(other) if other != mix => Err(WorkflowError::Usage(format!(
            "{}: this is `{other}` already, and `{mix}` would become it too; give one of them another title or \
             file_name in its session file",
            crate::written::shown(&piece.folder.join(&name)),
        ))),
        _ => Ok(()),
    }
}

/// What would be written.
pub(crate) fn plans(orders: &[Order], wishes: &Wishes) -> Result<Vec<Plan>, WorkflowError> {
    pieces(orders, wishes)?.iter().map(|piece| Ok(piece.job().plan()?)).collect()
}

/// Makes every file that is not there already, as many at a time as there are threads.
pub(crate) fn hand_over(
    orders: &[Order],
    wishes: &Wishes,
    context: &Context,
) -> Result<HandedOver, WorkflowError> {
    let pieces = pieces(orders, wishes)?;
    let mut lists: BTreeMap<&Path, Mutex<List>> = BTreeMap::new();
    for (place, piece) in pieces.iter().enumerate() {
        std::fs::create_dir_all(&piece.folder)
            .map_err(WorkflowError::io(&piece.folder, "create the folder"))?;
        let list = lists.entry(&piece.folder).or_insert_with(|| {
            // What a run that was killed was in the middle of.
            files::sweep(&piece.folder);
            Mutex::new(List::of(piece, wishes))
        });
        list.get_mut().expect("nobody else has it yet").expect(place, piece);
    }
    let known: BTreeMap<&Path, Vec<Entry>> =
        lists.keys().map(|folder| (*folder, delivery::read_manifest(folder))).collect();
    for piece in &pieces {
        not_anothers(piece, &known[piece.folder.as_path()], wishes)?;
    }
    let files = if pieces.len() == 1 { "one file".into() } else { format!("{} files", pieces.len()) };
    context.listener.stage(&format!("delivering {files}"), None);
    let done = AtomicUsize::new(0);
    let one = |(place, piece): (usize, &Piece)| -> Result<Delivered, WorkflowError> {
        let mut observe = |_, _| {
            if context.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let job = piece.job();
        let folder = piece.folder.as_path();
        let delivered = match delivery::kept(&job, &known[folder], &mut observe)? {
            Some(kept) => kept,
            None => delivery::deliver_observed(&job, &mut observe)?,
        };
        // Every file is listed as soon as it is there, so that a run that is killed is taken up behind it.
        let mut list = lists[folder].lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry { mix: wishes.among_others.clone(), ..Entry::of(&delivered)? };
        list.add(place, entry, context)?;
        drop(list);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        context.listener.progress(done as f64 / pieces.len() as f64);
        Ok(delivered)
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(context.threads).build();
    let results: Vec<Result<Delivered, WorkflowError>> = match pool {
        Ok(pool) => pool.install(|| pieces.par_iter().enumerate().map(one).collect()),
        Err(_) => pieces.iter().enumerate().map(one).collect(),
    };
    // What is there is listed before anything that failed is told; what is no longer asked for is not.
    for list in lists.into_values() {
        list.into_inner().unwrap_or_else(PoisonError::into_inner).finish(context)?;
    }
    let files = results.into_iter().collect::<Result<Vec<Delivered>, WorkflowError>>()?;
    let zips = if wishes.zip { zips(orders, wishes, context)? } else { Vec::new() };
    Ok(HandedOver { files, zips })
}

/// What stands in a folder, as its manifest has it.
struct List<'a> {
    folder: &'a Path,
    target: &'a str,
    /// What an earlier run listed: its files are right until they are made anew, and say what they were made of.
    before: Vec<Entry>,
    /// The files of this run in order: their names, and their entries once they are there.
    now: BTreeMap<usize, (String, Option<Entry>)>,
    /// Whether files of other songs stay listed.
    among_others: bool,
}

impl<'a> List<'a> {
    fn of(piece: &'a Piece, wishes: &Wishes) -> List<'a> {
        List {
            folder: &piece.folder,
            target: &piece.order.target.id,
            before: delivery::read_manifest(&piece.folder),
            now: BTreeMap::new(),
            among_others: wishes.among_others.is_some(),
        }
    }

    fn expect(&mut self, place: usize, piece: &Piece) {
        let name = format!("{}.{}", piece.name, piece.container.extension());
        self.now.insert(place, (name, None));
    }

    fn add(&mut self, place: usize, entry: Entry, context: &Context) -> Result<(), WorkflowError> {
        let Some(expected) = self.now.get_mut(&place) else { return Ok(()) };
        expected.1 = Some(entry);
        self.write(|name| self.before.iter().find(|entry| entry.name == name), context)
    }

    /// Only what this run has made or found, and what is there of others.
    fn finish(self, context: &Context) -> Result<(), WorkflowError> {
        self.write(|_| None, context)
    }

    /// Lists the files of this run, those that are not there yet as `before` has them, and behind them those of others as they
    /// are listed by now: another run may deliver its song into the same folder in this moment.
    fn write<'s>(
        &'s self,
        before: impl Fn(&str) -> Option<&'s Entry>,
        context: &Context,
    ) -> Result<(), WorkflowError> {
        let _alone = self.among_others.then(|| Held::briefly(self.folder, context)).transpose()?;
        let others = if self.among_others { delivery::read_manifest(self.folder) } else { Vec::new() };
        let own = self.now.values().filter_map(|(name, entry)| entry.as_ref().or_else(|| before(name)));
        let is_theirs = |entry: &&Entry| {
            let there = std::fs::metadata(self.folder.join(&entry.name));
            there.is_ok_and(|file| file.len() == entry.bytes)
                && !self.now.values().any(|(name, _)| *name == entry.name)
        };
        let listed: Vec<Entry> = own.chain(others.iter().filter(is_theirs)).cloned().collect();
        Ok(delivery::write_manifest(self.folder, self.target, &listed)?)
    }
}

/// One ZIP file beside each target's folder.
fn zips(orders: &[Order], wishes: &Wishes, context: &Context) -> Result<Vec<String>, WorkflowError> {
    let folders: std::collections::BTreeSet<&Path> =
        orders.iter().map(|order| order.folder.as_path()).collect();
    folders
        .into_iter()
        .map(|folder| {
            let mut name = folder.file_name().unwrap_or_default().to_os_string();
            name.push(".zip");
            let zip = folder.with_file_name(name);
            let _alone = wishes.among_others.as_ref().map(|_| Held::briefly(folder, context)).transpose()?;
            delivery::zip_folder(folder, &zip)?;
            Ok(crate::written::shown(&zip))
        })
        .collect()
}

/// Writes a file for a target, as long as the user wants it.
pub(crate) fn delivered(job: &Job, context: &Context) -> Result<Delivered, WorkflowError> {
    Ok(delivery::deliver_observed(job, &mut observer(context))?)
}

/// Tells how far a delivery is, and ends it where the user wants that.
pub(crate) fn observer(context: &Context) -> impl FnMut(delivery::Stage, f64) -> ControlFlow<()> {
    |_, part| {
        context.listener.progress(part);
        if context.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
