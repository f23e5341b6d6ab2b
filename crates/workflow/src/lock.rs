//! A run that writes to a project holds it, and clears away what earlier runs left there.

use crate::held::Held;
use crate::{Context, Project, WorkflowError};
use std::path::Path;
use std::sync::Arc;

impl Project {
    /// The project for a run that writes to it: everybody else who would is kept out until the last copy of it is
    /// dropped. What a killed run has left unfinished is cleared away first. Nothing is done for a dry run, nor in a
    /// project that is held already.
    ///
    /// # Errors
    /// [`WorkflowError::Busy`] when another run works here; when the folder cannot be written to.
    pub(crate) fn hold(&self, context: &Context) -> Result<Project, WorkflowError> {
        if self.untouched || self.held.is_some() {
            return Ok(self.clone());
        }
        let held = Held::take(&self.home, &self.state(), context)?;
        let project = Project { held: Some(Arc::new(held)), ..self.clone() };
        project.clear(context);
        crate::saving::complete(&project)?;
        Ok(project)
    }

    /// Removes what killed runs have left unfinished.
    fn clear(&self, context: &Context) {
        let mut cleared = files::sweep(&self.home);
        for folder in [self.out(), self.state()] {
            cleared += sweep_below(&folder, 3);
        }
        if cleared > 0 {
            context.listener.note(&format!(
                "cleared away {cleared} unfinished {} of a run that was cut off",
                if cleared == 1 { "file" } else { "files" }
            ));
        }
    }
}

/// Folders of ours are at most this deep: `out/deliver/TARGET`.
fn sweep_below(folder: &Path, depth: usize) -> usize {
    let mut cleared = files::sweep(folder);
    if depth > 0 {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            // Links are not followed.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                cleared += sweep_below(&entry.path(), depth - 1);
            }
        }
    }
    cleared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Listener for Notes {
        fn stage(&self, _: &str, _: Option<f64>) {}
        fn progress(&self, _: f64) {}
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push(text.into());
        }
    }

    fn with_notes<T>(of: impl FnOnce(&Context) -> T) -> (T, Vec<String>) {
        let (notes, cancel) = (Notes::default(), AtomicBool::new(false));
        let result = of(&Context { listener: &notes, cancel: &cancel, threads: 1 });
        (result, notes.0.into_inner().unwrap())
    }

    #[test]
    fn one_at_a_time_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), None).unwrap();
        let (held, notes) = with_notes(|context| project.hold(context).unwrap());
        assert_eq!(notes, Vec::<String>::new());
        let (busy, _) = with_notes(|context| project.hold(context));
        let said = busy.unwrap_err().to_string();
        assert!(said.contains(&format!("process {}", std::process::id())) && said.contains("-o"), "{said}");
        // What is held is held once.
        let (again, _) = with_notes(|context| held.hold(context).unwrap());
        drop(held);
        assert!(with_notes(|context| project.hold(context)).0.is_err());
        drop(again);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(with_notes(|context| project.hold(context)).0.is_ok());
    }

    /// Waits as often as it is asked, and lets go of what it holds when it is.
    struct Patient(Mutex<Option<Project>>, AtomicBool);

    impl Listener for Patient {
        fn stage(&self, _: &str, _: Option<f64>) {}
        fn progress(&self, _: f64) {}
        fn note(&self, text: &str) {
            panic!("nobody was cut off: {text}");
        }
        fn waits_for(&self, holder: &str) -> bool {
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
            let asked_before = self.1.swap(true, std::sync::atomic::Ordering::Relaxed);
            assert!(!asked_before, "asked once, told once");
            self.0.lock().unwrap().take();
            true
        }
    }

    #[test]
    fn who_waits_gets_the_lock_when_the_other_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), None).unwrap();
        let other = with_notes(|context| project.hold(context).unwrap()).0;
        let (patient, cancel) =
            (Patient(Mutex::new(Some(other)), AtomicBool::new(false)), AtomicBool::new(false));
        let context = Context { listener: &patient, cancel: &cancel, threads: 1 };
        let held = project.hold(&context).unwrap();
        assert!(project.state().join("lock").exists());
        drop(held);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left by either");
        // Waiting can be interrupted.
        let other = with_notes(|context| project.hold(context).unwrap()).0;
        let patient = Patient(Mutex::new(None), AtomicBool::new(false));
        cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        let stopped = project.hold(&Context { listener: &patient, cancel: &cancel, threads: 1 });
        assert!(matches!(stopped, Err(WorkflowError::Cancelled)));
        assert!(project.state().join("lock").exists(), "it is still the other's");
        drop(other);
    }

    #[test]
    fn what_a_killed_run_left_is_taken_over_and_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), None).unwrap();
        std::fs::create_dir_all(project.out().join("deliver/cd")).unwrap();
        std::fs::create_dir_all(project.strips()).unwrap();
        let left = [project.out().join("deliver/cd"), project.strips(), folder.path().to_path_buf()]
            .map(|folder| folder.join(".tonmeister-abc123.part"));
        left.iter().for_each(|path| std::fs::write(path, b"half").unwrap());
        std::fs::write(project.state().join("lock"), "process = 4242\nbegun_s = 10\n").unwrap();
        let (held, notes) = with_notes(|context| project.hold(context).unwrap());
        assert!(left.iter().all(|path| !path.exists()));
        assert!(notes[0].contains("process 4242") && notes[0].contains("cut off"), "{notes:?}");
        assert!(notes[1].contains("3 unfinished files"), "{notes:?}");
        drop(held);
        assert!(project.strips().is_dir() && !project.state().join("lock").exists());
    }

    /// Many that want it at once: never two have it.
    #[test]
    fn no_two_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), None).unwrap();
        let inside = AtomicBool::new(false);
        let times = std::sync::atomic::AtomicUsize::new(0);
        use std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        // The folder may go between two steps of somebody else, which is told, and tried again.
                        if let (Ok(held), _) = with_notes(|context| project.hold(context)) {
                            assert!(!inside.swap(true, SeqCst), "two at a time");
                            times.fetch_add(1, SeqCst);
                            inside.store(false, SeqCst);
                            drop(held);
                        }
                    }
                });
            }
        });
        assert!(times.load(SeqCst) > 0);
    }
}
