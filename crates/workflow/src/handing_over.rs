//! Masters to files: every target's folder with its kinds of file, several at a time, with manifest, checksums and ZIP.
//! What is there and right is not made again.

use crate::deliver::{DeliverRequest, formats};
use crate::{Context, WorkflowError};
use delivery::{Container, Delivered, Entry, Job, Joins, NameParts, Plan, Target};
use files::{Cover, Tags};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pattern of names where none is given.
const USUAL_NAME: &str = "{title}";

/// How files are to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// Kinds of file; none for the target's own.
    pub(crate) formats: Vec<Container>,
    pub(crate) bit_rate_kbps: Option<u32>,
    pub(crate) file_name: Option<String>,
    pub(crate) zip: bool,
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
        let own = [order.target.preferred_container()];
        let containers = if wishes.formats.is_empty() { &own[..] } else { &wishes.formats };
        for &container in containers {
            let folder = match containers {
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
    let mut known: BTreeMap<&Path, Vec<Entry>> = BTreeMap::new();
    for piece in &pieces {
        std::fs::create_dir_all(&piece.folder)
            .map_err(WorkflowError::io(&piece.folder, "create the folder"))?;
        known.entry(&piece.folder).or_insert_with(|| delivery::read_manifest(&piece.folder));
    }
    context.listener.stage(&format!("delivering {} files", pieces.len()), None);
    let done = AtomicUsize::new(0);
    let one = |piece: &Piece| -> Result<Delivered, WorkflowError> {
        let mut observe = |_, _| {
            if context.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let job = piece.job();
        let delivered = match delivery::kept(&job, &known[piece.folder.as_path()], &mut observe)? {
            Some(kept) => kept,
            None => delivery::deliver_observed(&job, &mut observe)?,
        };
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        context.listener.progress(done as f64 / pieces.len() as f64);
        Ok(delivered)
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(context.threads).build();
    let results: Vec<Result<Delivered, WorkflowError>> = match pool {
        Ok(pool) => pool.install(|| pieces.par_iter().map(one).collect()),
        Err(_) => pieces.iter().map(one).collect(),
    };
    // What is done is listed before anything else fails, so that the next run takes it up.
    let mut entries: BTreeMap<&Path, (&str, Vec<Entry>)> = BTreeMap::new();
    for (piece, result) in pieces.iter().zip(&results) {
        let list = entries.entry(&piece.folder).or_insert((&piece.order.target.id, Vec::new()));
        if let Ok(delivered) = result {
            list.1.push(Entry::of(delivered)?);
        }
    }
    for (folder, (target, entries)) in &entries {
        delivery::write_manifest(folder, target, entries)?;
    }
    let files = results.into_iter().collect::<Result<Vec<Delivered>, WorkflowError>>()?;
    let zips = if wishes.zip { zips(orders)? } else { Vec::new() };
    Ok(HandedOver { files, zips })
}

/// One ZIP file beside each target's folder.
fn zips(orders: &[Order]) -> Result<Vec<String>, WorkflowError> {
    let folders: std::collections::BTreeSet<&Path> =
        orders.iter().map(|order| order.folder.as_path()).collect();
    folders
        .into_iter()
        .map(|folder| {
            let mut name = folder.file_name().unwrap_or_default().to_os_string();
            name.push(".zip");
            let zip = folder.with_file_name(name);
            delivery::zip_folder(folder, &zip)?;
            Ok(crate::written::shown(&zip))
        })
        .collect()
}

/// The bytes of a cover.
pub(crate) fn cover(file: &Path) -> Result<Cover, WorkflowError> {
    let bytes = std::fs::read(file).map_err(WorkflowError::io(file, "read the cover"))?;
    Cover::new(bytes).ok_or_else(|| {
        WorkflowError::Usage(format!(
            "{}: is no PNG and no JPEG; save the cover as one of them",
            file.display()
        ))
    })
}
