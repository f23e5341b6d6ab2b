//! What every verb is given besides its request: somebody to tell, and a way to be stopped.

use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody who is told how the work goes.
pub trait Listener: Sync {
    /// A stage begins; `seconds` of audio are to be worked through in it, where that is known.
    fn stage(&self, name: &str, seconds: Option<f64>);

    /// Part of the stage that is done, 0 to 1.
    fn progress(&self, part: f64);

    /// Something worth knowing that is no failure.
    fn note(&self, text: &str);

    /// Another run works in the folder, `holder` in words: true to wait until it is done, false to give up.
    fn waits_for(&self, _holder: &str) -> bool {
        false
    }
}

/// Tells nobody.
pub struct Quiet;

impl Listener for Quiet {
    fn stage(&self, _: &str, _: Option<f64>) {}
    fn progress(&self, _: f64) {}
    fn note(&self, _: &str) {}
}

/// What every verb is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who is told.
    pub listener: &'a dyn Listener,
    /// Becomes true when the user wants to stop.
    pub cancel: &'a AtomicBool,
    /// Worker threads; 0 for one per core.
    pub threads: usize,
}

impl Context<'_> {
    /// An error when the user wants to stop.
    pub(crate) fn check(&self) -> Result<(), crate::WorkflowError> {
        if self.cancel.load(Ordering::Relaxed) { Err(crate::WorkflowError::Cancelled) } else { Ok(()) }
    }
}

/// Lets no more threads than this work in this process; 0 for one per core. To be called once, before any work: it does nothing
/// where threads work already.
pub fn limit_threads(threads: usize) {
    if threads > 0 {
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
}
