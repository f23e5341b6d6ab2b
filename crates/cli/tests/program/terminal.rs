//! `measure --live` in a terminal of its own, which comes from `script` of util-linux: signals end it properly.

use crate::common::{voice, wav16};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until `look` finds something.
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success(), "{signal}");
}

fn read(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap_or_default()).into_owned()
}

#[test]
fn signals_give_the_terminal_back() {
    // The last case is somebody who does not want to wait: both are there when the program goes on.
    for signals in [&["-TERM"][..], &["-INT"], &["-HUP"], &["-STOP", "-TERM", "-INT", "-CONT"]] {
        let folder = tempfile::tempdir().unwrap();
        let long: Vec<f64> = voice().repeat(20);
        std::fs::write(folder.path().join("take.wav"), wav16(&[long])).unwrap();
        let program = env!("CARGO_BIN_EXE_tonmeister");
        let line = format!(
            "stty -g > before; sh -c 'echo $$ > process; exec {program} measure --live take.wav'; echo $? > code; \
             stty -g > after"
        );
        let mut child = Command::new("script")
            .args(["-q", "-e", "-f", "-c", &line, "typescript"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`script` of util-linux");
        let seen = || read(folder.path(), "typescript");
        // It has drawn something.
        wait("the view does not come", || seen().contains("take.wav").then_some(()));
        let process =
            wait("no process", || Some(read(folder.path(), "process")).filter(|p| p.ends_with('\n')));
        signals.iter().for_each(|signal| kill(signal, process.trim()));
        wait("it does not end", || child.try_wait().unwrap());
        let what = format!("{signals:?}: {:?}", seen());
        assert_eq!(read(folder.path(), "code").trim(), "130", "{what}");
        assert_eq!(read(folder.path(), "before"), read(folder.path(), "after"), "{what}");
        let seen = seen();
        assert!(seen.rfind("\x1b[?1049l") > seen.rfind("\x1b[?1049h"), "the other screen stays: {what}");
        assert!(seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l"), "the cursor is hidden: {what}");
    }
}
