//! A file that is written while its master is still being rendered: no file lies between the two.
//!
//! The first pass of [`crate::deliver`] with the same samples, and the same bytes. Whether it is the last one shows at its
//! end: a file that would have to be made lower, or whose samples turn out to need no dither, is left to
//! [`crate::deliver_observed`], which reads a master as often as it must.

use std::ops::ControlFlow;
use std::path::PathBuf;

use audio::BlockRef;

use crate::deliver::{Known, Made, excess_db, handed_over, workshop_for};
use crate::delivered::Delivered;
use crate::error::DeliveryError;
use crate::grid::Grid;
use crate::job::{Extent, Job, Plan, Stage};
use crate::quantise::Dither;
use crate::reading::Hearing;
use crate::targets::Depth;
use crate::writing::{IntegerFile, Pass, dither_of, hearing_of, tags_of};

/// A file on its way; when it is dropped nothing is left of it.
pub struct Streamed {
    plan: Plan,
    hidden: PathBuf,
    depth: Depth,
    file: IntegerFile,
    hearing: Hearing,
    dither: Dither,
    /// The grid of the samples, as long as they all lie on that of the file.
    grid: Option<Grid>,
    /// Held as long as there is work.
    _workshop: files::Workshop,
}

impl std::fmt::Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streamed").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Streamed {
    /// Begins the file of a job whose master will be so large; the job's source is what the master is made of, which is never
    /// written over and not read. `None` where one pass is seldom enough or the file must be read to be known: another sample
    /// rate than the master's, floating point, coding with loss, more channels than two; or where it is to be listed with a
    /// fingerprint of its master.
    ///
    /// # Errors
    /// When the target does not take what is asked for, the file would be the source itself, or the disk refuses.
    pub fn begin(job: &Job, master: Extent) -> Result<Option<Streamed>, DeliveryError> {
        let plan = job.plan_for(master)?;
        let integers = plan.depth.filter(|depth| !depth.is_float());
        let Some(depth) =
            integers.filter(|_| !job.listed && !plan.converts() && (1..=2).contains(&plan.channels))
        else {
            return Ok(None);
        };
        let (workshop, hidden) = workshop_for(job, &plan)?;
        let Some(hearing) = hearing_of(job, &plan, &hidden)? else { return Ok(None) };
        let dither = dither_of(job, &plan, false);
        let file = IntegerFile::create(&hidden, (&plan, depth), dither, job)?;
        let grid = Some(Grid::new());
        Ok(Some(Streamed { plan, hidden, depth, file, hearing, dither, grid, _workshop: workshop }))
    }

    /// Takes the next block of the master (channels x any number of frames).
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, block: &BlockRef) -> Result<(), DeliveryError> {
        if let Some(grid) = &mut self.grid {
            grid.push(block);
            self.grid = self.grid.take().filter(|grid| grid.bits_used() <= self.depth.bits());
        }
        self.file.write(block, Some(&mut self.hearing))
    }

    /// Completes the file, reads it back and gives it its name; `job` is the one that it was begun with. `None`, and nothing is
    /// left, where it has to be made otherwise.
    ///
    /// # Errors
    /// As [`crate::deliver_observed`].
    pub fn finish(
        self,
        job: &Job,
        observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
    ) -> Result<Option<Delivered>, DeliveryError> {
        let Streamed { plan, hidden, file, hearing, dither, grid, _workshop, .. } = self;
        // Everything lies on the grid of the file: as it does there without dither.
        if grid.is_some() && dither != Dither::None {
            return Ok(None);
        }
        let heard = hearing.finish();
        if excess_db(heard.facts(), job.target) > 0.0 {
            return Ok(None);
        }
        let (clipped, tagged) = file.finish(tags_of(job, &heard).as_ref())?;
        let written = Pass { dither, clipped, about_source: Vec::new(), heard: None, tagged };
        let known = Known::Heard(Box::new(heard), tagged);
        let made = Made { written, known, trim_db: 0.0, passes: 1 };
        handed_over(job, plan, &hidden, made, observe).map(Some)
    }
}
