//! Albums, as text.

use crate::print;
use crate::table::bare;
use workflow::AlbumResult;

pub(crate) fn album(done: &AlbumResult, dry_run: bool) -> String {
    let mut text = String::new();
    for (n, t) in done.tracks.iter().enumerate() {
        let number =
            |value: Option<f64>, unit: &str| value.map_or("-".to_string(), |v| format!("{v:.1} {unit}"));
        text += &format!(
            "{:>2}  {}  {:>6.1} s  {:>11}  {:>10}  {:+5.1} dB  {}\n",
            n + 1,
            t.mark,
            t.length_s,
            number(t.integrated_lufs, "LUFS"),
            number(t.true_peak_dbtp, "dBTP"),
            t.gain_db,
            t.title.as_deref().unwrap_or(bare(&t.file)),
        );
    }
    text += &format!("length: {}:{:04.1}", (done.length_s / 60.0) as u32, done.length_s % 60.0);
    if let (Some(lufs), Some(peak)) = (done.integrated_lufs, done.true_peak_dbtp) {
        text += &format!(", album: {lufs:.1} LUFS, {peak:.2} dBTP");
    }
    text += "\n";
    for note in &done.notes {
        text += &print::note(note);
    }
    for plan in &done.planned {
        text += &format!(
            "{}: {} Hz, {}\n",
            bare(&plan.path.to_string_lossy()),
            plan.sample_rate_hz,
            plan.stored()
        );
    }
    if dry_run {
        return text + "nothing was written\n";
    }
    text += &print::handed_over(&done.files, &done.details);
    for (what, paths) in [("CUE sheet", &done.sheets), ("transition", &done.transitions), ("ZIP", &done.zips)]
    {
        for path in paths {
            text += &format!("{what}: {}\n", bare(path));
        }
    }
    text
}
