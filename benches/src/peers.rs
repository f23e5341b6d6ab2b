//! The same mix, the same goal, by this program and by a peer: how near each comes, and whether the ceiling holds.
//!
//! The peer is FFmpeg's `loudnorm` in its two-pass form, the usual free answer to "-14 LUFS at -1 dBTP". It is run
//! where it is installed. Both results are read by the same meter, which is proven on the cases of EBU Tech 3341.

use crate::{Failure, say};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use workflow::{Context, MasterRequest, Quiet, master_files, measure};

/// What is asked of both.
const LOUDNESS_LUFS: f64 = -14.0;
const CEILING_DBTP: f64 = -1.0;

/// Masters each file both ways and prints what came out.
pub(crate) fn run(files: &[&str]) -> Result<(), Failure> {
    if files.is_empty() {
        return Err("name the mixes: peers FILE ... (the demo writes one to out/premaster.wav)".into());
    }
    say(&format!("asked: {LOUDNESS_LUFS} LUFS, at most {CEILING_DBTP} dBTP\n"))?;
    say("| mix | by | LUFS | off by, LU | dBTP | over by, dB |")?;
    say("|---|---|---:|---:|---:|---:|")?;
    let folder = tempfile::tempdir()?;
    for (number, file) in files.iter().enumerate() {
        let home = folder.path().join(number.to_string());
        std::fs::create_dir_all(&home)?;
        let cancel = AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 0 };
        let request = MasterRequest { loudness_lufs: Some(LOUDNESS_LUFS), ..MasterRequest::default() };
        let ours = master_files(&[PathBuf::from(file)], Some(&home), &request, false, &context)?;
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
        row(&name, "tonmeister", Path::new(&ours.files[0].master.path), &context)?;
        match loudnorm(Path::new(file), &home.join("loudnorm.wav")) {
            Ok(theirs) => row(&name, "FFmpeg loudnorm, two passes", &theirs, &context)?,
            Err(why) => say(&format!("| {name} | FFmpeg loudnorm | not run: {why} | | | |"))?,
        }
    }
    Ok(())
}

fn row(name: &str, by: &str, file: &Path, context: &Context) -> Result<(), Failure> {
    let facts = &measure(&[file.to_path_buf()], false, None, context)?.files[0].facts;
    let (lufs, dbtp) = facts.integrated_lufs.zip(facts.true_peak_dbtp).ok_or("silence")?;
    let (off, over) = ((lufs - LOUDNESS_LUFS).abs(), (dbtp - CEILING_DBTP).max(0.0));
    say(&format!("| {name} | {by} | {lufs:.2} | {off:.2} | {dbtp:.2} | {over:.2} |"))
}

/// FFmpeg's filter as its manual advises for files: measured first, then applied with what was measured.
fn loudnorm(file: &Path, to: &Path) -> Result<PathBuf, Failure> {
    let goal = format!("loudnorm=I={LOUDNESS_LUFS}:TP={CEILING_DBTP}:LRA=20");
    let first = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(file)
        .args(["-af", &format!("{goal}:print_format=json"), "-f", "null", "-"])
        .output()?;
    let told = String::from_utf8_lossy(&first.stderr);
    let json = told.rfind('{').zip(told.rfind('}')).ok_or("it measured nothing")?;
    let read: serde_json::Value = serde_json::from_str(&told[json.0..=json.1])?;
    let of = |key: &str| read[key].as_str().unwrap_or_default().to_string();
    let applied = format!(
        "{goal}:measured_I={}:measured_TP={}:measured_LRA={}:measured_thresh={}:offset={}",
        of("input_i"),
        of("input_tp"),
        of("input_lra"),
        of("input_thresh"),
        of("target_offset")
    );
    let rate = files::probe(file)?.sample_rate_hz.to_string();
    let second = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-y", "-v", "error", "-i"])
        .arg(file)
        .args(["-af", &applied, "-ar", &rate, "-c:a", "pcm_s24le"])
        .arg(to)
        .status()?;
    if second.success() { Ok(to.to_path_buf()) } else { Err(format!("it failed: {second}").into()) }
}
