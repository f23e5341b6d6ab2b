//! Fills the report from what was measured, decided and written.

use crate::master::Mastered;
use crate::matching::{AspectTold, BandTold, Matched};
use crate::plan::Planned;
use crate::render::Rendered;
use crate::scan::faults_of;
use crate::{AbFile, Project, WorkflowError};
use delivery::{Delivered, Service, Severity, Target, Targets};
use engine::GainReduction;
use measure::{Analysis, ErbFrames, Facts};
use report::{
    AbPart, Bound, CurveBand, CurvePart, FilePart, FindingPart, FindingSeverity, ListeningPart,
    MatchedAspect, MatchedPart, ReductionPart, Report, SectionPart, ServicePart, SignalPart, StepPart,
    TargetPart, TargetRow, TrackPart, TranslationPart,
};
use session::{Decision, Session, StepId};
use std::path::{Path, PathBuf};

/// Loudnesses nearer than this are the same, in LU: half of what is shown.
const SAME_LU: f64 = 0.05;
/// A loudness that was asked for is met within this, in LU.
const SOLVED_LU: f64 = 0.05;
/// One point of loudness history per this many seconds is finer than a page can show.
const HISTORY_STEP_S: f64 = 0.1;
/// What is longer than this has as many points as this long has: a page is a thousand pixels wide, in seconds.
const HISTORY_S: f64 = 1200.0;

/// How many times coarser than a song's the history of something is.
fn coarser(duration_s: f64) -> usize {
    (duration_s / HISTORY_S).ceil().max(1.0) as usize
}

/// A signal with its history.
fn signal(analysis: &Analysis) -> SignalPart {
    SignalPart::new(analysis, HISTORY_STEP_S * coarser(analysis.facts.duration_s) as f64)
}

/// Writes `report.html` and `report.json` of a song; gives the page's path.
pub(crate) fn write(
    project: &Project,
    planned: &Planned,
    rendered: &[Rendered],
    reductions: &[GainReduction],
    mastered: Option<&Mastered>,
    deliveries: &[Delivered],
    ab: &[AbFile],
) -> Result<PathBuf, WorkflowError> {
    let session = mastered.map_or(&planned.session, |m| &m.session);
    let premaster = rendered.iter().find(|r| r.strip == engine::PREMASTER).map(|r| &r.analysis);
    let mut decisions: Vec<Decision> = planned.decisions.clone();
    let mut all_reductions = reductions.to_vec();
    if let Some(mastered) = mastered {
        decisions.extend(mastered.decisions.iter().cloned());
        all_reductions.extend(mastered.reductions.iter().cloned());
    }
    let rate = f64::from(planned.facts.sample_rate_hz);
    let command = format!("tonmeister produce {}", project.folder.display());
    let services = crate::services::services_in(&project.folder)?;
    let targets = project.targets()?;
    let mut report =
        base(session, mastered, premaster, &decisions, &all_reductions, rate, (&services, &targets));
    let voices = assistant::lead_and_rest(&planned.facts, session);
    let sound = mastered.map(|m| &m.analysis).or(premaster);
    report.translation = translation(sound, voices.as_ref());
    report.tracks = tracks(planned, session);
    report.back_to_mix.extend(planned.left_out.iter().map(|what| format!("A recording is {what}")));
    report.back_to_mix.extend(findings_of_mix(planned));
    report.files.extend(rendered.iter().map(rendered_file));
    report.files.extend(deliveries.iter().map(|d| delivered_file(&d.target, d)));
    report.reproduce =
        vec![format!("tonmeister render {} premaster master", project.home.display()), command];
    let page = project.out().join("report");
    report.ab = ab.iter().map(|sound| ab_part(sound, &page)).collect();
    save(&report, &page)
}

/// Writes the report of a finished mix that was mastered; `base` is its path without an extension.
pub(crate) fn write_master(
    project: &Project,
    mastered: &Mastered,
    ab: &[AbFile],
    path: &Path,
) -> Result<PathBuf, WorkflowError> {
    let rate = mastered.premaster.facts.sample_rate_hz;
    let premaster = Some(&mastered.premaster);
    let session = &mastered.session;
    let services = crate::services::services_in(&project.folder)?;
    let targets = project.targets()?;
    let mut report = base(
        session,
        Some(mastered),
        premaster,
        &mastered.decisions,
        &mastered.reductions,
        rate,
        (&services, &targets),
    );
    report.translation = translation(Some(&mastered.analysis), None);
    report.ab = ab.iter().map(|sound| ab_part(sound, path)).collect();
    let source = project.single.as_ref().map_or(project.folder.clone(), |name| project.folder.join(name));
    report.reproduce = vec![format!("tonmeister master {}", source.display())];
    save(&report, path)
}

/// Writes a report and its page; gives the page's path.
pub(crate) fn save(report: &Report, path: &Path) -> Result<PathBuf, WorkflowError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    let target = with_ending(path, ".json");
    let mut json = std::io::BufWriter::new(files::PendingFile::create(&target)?);
    let written = serde_json::to_writer_pretty(&mut json, report).map_err(std::io::Error::from);
    let whole = written.and_then(|()| json.into_inner().map_err(std::io::IntoInnerError::into_error));
    whole.map_err(WorkflowError::io(&target, "write to it"))?.commit()?;
    let html = with_ending(path, ".html");
    files::atomic_write(&html, report::to_html(report).as_bytes())?;
    Ok(html)
}

/// A path with something behind its name, which may have dots of its own.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

/// The tone of the references: that of the master, and what it misses of theirs.
fn of_references(matched: &Matched, master: &Analysis) -> CurvePart {
    let levels = &master.facts.third_octave_db;
    let band = |told: &BandTold| {
        let level = levels.iter().find(|level| level.hz == told.hz)?.db?;
        Some(CurveBand { hz: told.hz, db: level + told.after_db?, spread_db: told.spread_db })
    };
    CurvePart { label: matched.references.join(", "), bands: matched.bands.iter().filter_map(band).collect() }
}

fn matched_part(matched: &Matched) -> MatchedPart {
    let aspect = |a: &AspectTold| MatchedAspect {
        aspect: a.aspect.to_string(),
        unit: a.unit.to_string(),
        references: a.references,
        before: a.before,
        after: a.after,
    };
    let [bands_held, side_bands_held] = matched.held();
    MatchedPart {
        references: matched.references.clone(),
        aspects: matched.aspects.iter().map(aspect).collect(),
        bands_held,
        side_bands_held,
    }
}

fn base(
    session: &Session,
    mastered: Option<&Mastered>,
    premaster: Option<&Analysis>,
    decisions: &[Decision],
    reductions: &[GainReduction],
    rate: f64,
    (services, targets): (&[Service], &Targets),
) -> Report {
    let delivered = mastered.map(|m| &m.delivered);
    let target = delivered.and_then(|d| targets.find(&d.target).ok());
    let facts = delivered.map(Delivered::facts);
    let services = facts
        .map(|f| delivery::preview_of(services, f.integrated_lufs, f.true_peak_dbtp))
        .unwrap_or_default();
    let verdicts = mastered.map(|m| m.verdicts.as_slice()).unwrap_or_default();
    let master = mastered.map(|m| signal(&m.analysis));
    let matched = mastered.and_then(|m| Some((m, m.matched.as_ref()?)));
    let reference = matched.map_or_else(
        || CurvePart {
            label: "finished records".into(),
            bands: mastered
                .map_or(mastering::TARGET, |m| m.goal.curve)
                .iter()
                .map(|b| CurveBand { hz: b.hz, db: b.db, spread_db: b.spread_db })
                .collect(),
        },
        |(m, matched)| of_references(matched, &m.analysis),
    );
    // The page shows the time of the master; the session speaks in that of the song.
    let cut_s = if mastered.is_some() { session.master.start_s } else { 0.0 };
    let ran = |step: StepId| match step {
        step if step.is_mastering() => mastered.is_some(),
        _ => decisions.iter().any(|d| !d.step.is_mastering()),
    };
    let mut steps = StepPart::all(decisions, ran);
    for step in &mut steps {
        let note = match (step.number, delivered, facts) {
            (17, Some(d), Some(f)) => format!(
                "Read back from the written file: {}, {}; target {}.",
                worded(f.integrated_lufs, "LUFS"),
                worded(f.true_peak_dbtp, "dBTP"),
                d.target
            ),
            (19, Some(d), _) => {
                format!("{} at {} Hz, {}, checksum below.", d.stored(), d.sample_rate_hz, d.dither.name())
            }
            (20, ..) => "This page, and report.json beside it.".to_string(),
            _ => continue,
        };
        step.note = note;
    }
    let duration_s = mastered.map(|m| &m.analysis).or(premaster).map_or(0.0, |a| a.facts.duration_s);
    Report {
        title: session.song.title.clone().unwrap_or_else(|| "Untitled".into()),
        engine: env!("CARGO_PKG_VERSION").into(),
        sample_rate_hz: rate,
        duration_s,
        tempo_bpm: session.song.tempo_bpm,
        sections: session
            .song
            .sections
            .iter()
            .map(|s| SectionPart { name: s.name.clone(), start_s: (s.start_s - cut_s).max(0.0) })
            .collect(),
        passed: delivered.map(|d| d.passed),
        verdict: verdict(mastered, premaster),
        target: target
            .zip(facts)
            .zip(mastered)
            .map(|((target, facts), m)| target_part(target, &m.goal, facts)),
        premaster: premaster.map(signal),
        master,
        reference: Some(reference),
        matched: matched.map(|(_, matched)| matched_part(matched)),
        gain_reduction: reductions.iter().map(|r| reduction_part(r, duration_s, rate)).collect(),
        steps,
        back_to_mix: verdicts.iter().filter(|v| v.back_to_mix).map(mastering::Verdict::told).collect(),
        listening: verdicts.iter().map(listening).collect(),
        services: services
            .into_iter()
            .map(|s| ServicePart {
                service: s.service.to_string(),
                gain_db: s.gain_db,
                plays_at_lufs: s.plays_at_lufs,
                plays_at_dbtp: s.plays_at_dbtp,
                note: s.note,
            })
            .collect(),
        files: delivered.map(|d| delivered_file("master", d)).into_iter().collect(),
        ..Report::default()
    }
}

/// What an insert took away, in no more values than a page can show of so many seconds; `rate` in hertz.
fn reduction_part(reduction: &GainReduction, duration_s: f64, rate: f64) -> ReductionPart {
    let step_s = reduction.taken.step_frames as f64 / rate;
    let together = (coarser(duration_s) as f64 * HISTORY_STEP_S / step_s).round().max(1.0) as usize;
    let deepest = |some: &[f32]| some.iter().copied().fold(0.0, f32::max);
    ReductionPart {
        strip: reduction.strip.clone(),
        insert: reduction.insert.clone(),
        step_s: together as f64 * step_s,
        reduction_db: reduction.taken.deepest_db.chunks(together).map(deepest).collect(),
    }
}

fn listening(verdict: &mastering::Verdict) -> ListeningPart {
    ListeningPart {
        what: verdict.text.clone(),
        back_to_mix: verdict.back_to_mix,
        heard_as: verdict.heard_as.clone(),
        remedy: verdict.remedy.clone(),
        from_s: verdict.place_s.map(|p| p.0),
        to_s: verdict.place_s.map(|p| p.1),
        size: verdict.size.map(|s| s.0),
        unit: verdict.size.map_or(String::new(), |s| s.1.to_string()),
    }
}

/// A sound of the comparison, its file named from the page's folder.
fn ab_part(sound: &AbFile, page: &Path) -> AbPart {
    let folder = page.parent().unwrap_or(Path::new("."));
    AbPart {
        label: sound.label.clone(),
        path: from_folder(Path::new(&sound.path), folder),
        gain_db: sound.gain_db,
        plays_at_lufs: sound.plays_at_lufs,
        true_peak_dbtp: sound.true_peak_dbtp,
        integrated_lufs: sound.integrated_lufs,
        loudness_range_lu: sound.loudness_range_lu,
        plr_lu: sound.plr_lu,
        side_mid_db: sound.side_mid_db,
    }
}

/// What other loudspeakers leave of the sound, and of its lead where the tracks are at hand.
fn translation(sound: Option<&Analysis>, voices: Option<&[ErbFrames; 2]>) -> Vec<TranslationPart> {
    let losses = sound.map(|sound| crate::translate::losses(sound, voices)).unwrap_or_default();
    let part = |loss: crate::Loss| TranslationPart {
        device: loss.label.to_string(),
        model: loss.model.to_string(),
        lost_lu: loss.lost_lu,
        bass_share: loss.bass_share,
        mono_loss_db: loss.mono_loss_db,
        mono_worst_band: loss.mono_worst_band,
        lead_left: loss.lead_left,
        drowned_share: loss.drowned_share,
        bands: loss.bands,
    };
    losses.into_iter().map(part).collect()
}

/// A path as a link from a folder: both stand in one tree.
pub(crate) fn from_folder(path: &Path, folder: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (path, folder) = (absolute(path), absolute(folder));
    let common = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| "..".to_string());
    let down = path.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

fn worded(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| format!("no {unit}"), |v| format!("{v:.1} {unit}"))
}

/// The big sentence, then what it rests on.
fn verdict(mastered: Option<&Mastered>, premaster: Option<&Analysis>) -> Vec<String> {
    let Some(mastered) = mastered else {
        let facts = premaster.map(|p| &p.facts);
        let peak = facts.and_then(|f| f.true_peak_dbtp);
        let loudness = facts.and_then(|f| f.integrated_lufs);
        return vec![
            "The pre-master is ready.".into(),
            format!("It has {} and peaks at {}.", worded(loudness, "LUFS"), worded(peak, "dBTP")),
        ];
    };
    let delivered = &mastered.delivered;
    let facts = delivered.facts();
    let first = match delivered.passed {
        true => format!("Ready for {}.", delivered.target),
        false => format!("Not ready for {} yet.", delivered.target),
    };
    let mut verdict = vec![
        first,
        format!(
            "The master has {} and its true peak is {}, read back from the file as written.",
            worded(facts.integrated_lufs, "LUFS"),
            facts.true_peak_dbtp.map_or("not defined".into(), |p| format!("{p:.2} dBTP"))
        ),
    ];
    verdict.extend(mastered.solved.as_ref().and_then(|s| s.stopped.clone()));
    let lowered = match mastered.repaired {
        0 => return verdict,
        1 => "one peak between the samples was".to_owned(),
        several => format!("{several} peaks between the samples were"),
    };
    verdict.push(format!("After the limiter {lowered} lowered by hundredths of a decibel."));
    verdict
}

/// What the master was made for: the target's row, or the loudness and the ceiling that the session, the command or the
/// references asked for instead.
fn target_part(target: &Target, goal: &mastering::Goal, facts: &Facts) -> TargetPart {
    let mut rows = Vec::new();
    let row = target.integrated_lufs_for(facts.channels);
    let other = goal.loudness_lufs.filter(|lufs| row.is_none_or(|row| (row - lufs).abs() > SAME_LU));
    // What was asked for is solved for; only a target has a width of its own.
    let aim = other.map(|lufs| (lufs, SOLVED_LU)).or(row.map(|lufs| (lufs, target.tolerance_lu)));
    if let Some((lufs, tolerance)) = aim {
        rows.push(TargetRow {
            what: match other {
                Some(_) => "Integrated loudness, as asked".into(),
                None => "Integrated loudness".into(),
            },
            unit: "LUFS".into(),
            limit: Bound::About { value: lufs, tolerance },
            measured: facts.integrated_lufs,
            measured_words: String::new(),
            ok: facts.integrated_lufs.is_some_and(|v| (v - lufs).abs() <= tolerance + SAME_LU),
        });
    }
    rows.push(TargetRow {
        what: "True peak".into(),
        unit: "dBTP".into(),
        limit: Bound::AtMost(goal.ceiling_dbtp),
        measured: facts.true_peak_dbtp,
        measured_words: String::new(),
        ok: facts.true_peak_dbtp.is_none_or(|p| p <= goal.ceiling_dbtp),
    });
    TargetPart {
        label: target.label.to_string(),
        loudness_lufs: aim.map(|aim| aim.0),
        ceiling_dbtp: Some(goal.ceiling_dbtp),
        rows,
    }
}

fn tracks(planned: &Planned, session: &Session) -> Vec<TrackPart> {
    let known = session.tracks.values().filter_map(|t| Some((t, planned.facts.tracks.get(&t.id)?)));
    known
        .map(|(track, facts)| TrackPart {
            id: track.id.clone(),
            name: track.name().to_string(),
            role: track.role.clone(),
            file: facts.file.names.join(" + "),
            trim_db: track.trim_db,
            fader_db: track.fader_db,
            pan: track.pan,
            before: facts.raw.facts.clone(),
            after: facts.strip.as_ref().map(|s| s.facts.clone()),
            faults: faults_of(facts, track.role.as_deref(), &planned.facts),
        })
        .collect()
}

/// What the checks of the mix found and did not change.
fn findings_of_mix(planned: &Planned) -> Vec<String> {
    let label = |id: &str| planned.session.strip(id).map_or(id.to_string(), |strip| strip.name().to_string());
    assistant::findings(&planned.facts, &planned.session)
        .into_iter()
        .map(|f| {
            format!(
                "{}: {:.1} {}",
                f.track.as_ref().map_or(f.what.clone(), |t| format!("{}: {}", label(t), f.what)),
                f.value,
                f.unit
            )
        })
        .collect()
}

fn rendered_file(rendered: &Rendered) -> FilePart {
    let facts = &rendered.analysis.facts;
    FilePart {
        what: rendered.strip.clone(),
        path: crate::written::shown(&rendered.path),
        format: "WAV, 32-bit float".into(),
        dither: "none".into(),
        sample_rate_hz: facts.sample_rate_hz,
        channels: facts.channels,
        frames: facts.frames,
        facts: Some(facts.clone()),
        ..FilePart::default()
    }
}

fn delivered_file(what: &str, delivered: &Delivered) -> FilePart {
    let reading = &delivered.reading;
    FilePart {
        what: what.to_string(),
        path: crate::written::shown(&delivered.path),
        format: format!("{}, {}", reading.format, reading.encoding),
        dither: delivered.dither.name().to_string(),
        sample_rate_hz: f64::from(reading.sample_rate_hz),
        channels: reading.channels,
        frames: reading.frames,
        sha256: reading.sha256.clone(),
        passed: Some(delivered.passed),
        findings: delivered.findings.iter().map(finding).collect(),
        facts: Some(reading.facts.clone()),
        ..FilePart::default()
    }
}

fn finding(finding: &delivery::Finding) -> FindingPart {
    FindingPart {
        severity: match finding.severity {
            Severity::Fail => FindingSeverity::Fail,
            Severity::Warn => FindingSeverity::Warn,
            Severity::Info => FindingSeverity::Info,
        },
        what: finding.what.clone(),
        place_s: finding.place_s,
        heard_as: finding.heard_as.clone(),
        remedy: finding.remedy.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::LoudnessSeries;

    /// A signal as long as that, whose loudness is known every `spacing_s`.
    fn heard(duration_s: f64, spacing_s: f64) -> Analysis {
        let time_s: Vec<f64> =
            (1..=(duration_s / spacing_s) as usize).map(|n| n as f64 * spacing_s).collect();
        let levels: Vec<Option<f64>> = time_s.iter().map(|t| Some(-20.0 - t / duration_s)).collect();
        let loudness = LoudnessSeries { momentary_lufs: levels.clone(), short_term_lufs: levels, time_s };
        Analysis { facts: Facts { duration_s, ..Facts::default() }, loudness, ..Analysis::default() }
    }

    /// Finds a history that grows with the length of a programme, one that is too coarse for a song, and one that loses its
    /// end. Lean readings have a point every 50 ms up to an hour, and no more points of what is longer.
    #[test]
    fn a_history_has_as_many_points_as_a_page_can_show_however_long_it_is() {
        let most = (HISTORY_S / HISTORY_STEP_S) as usize;
        for (minutes, spacing_s) in [(4, 0.05), (20, 0.05), (21, 0.05), (60, 0.05), (180, 0.15), (720, 0.6)] {
            let duration_s = 60.0 * f64::from(minutes);
            let part = signal(&heard(duration_s, spacing_s));
            let points = part.loudness.time_s.len();
            assert!(points <= most + 1, "{minutes} minutes: {points}");
            let fine = points as f64 >= duration_s / HISTORY_STEP_S - 1.0;
            assert!(if minutes <= 20 { fine } else { 2 * points > most }, "{minutes} minutes: {points}");
            let spaced = part.loudness.time_s[1] - part.loudness.time_s[0];
            let last = part.loudness.time_s.last().copied().unwrap_or(0.0);
            assert!(duration_s - last <= spaced, "{minutes} minutes end at {last} s");
            assert_eq!(part.loudness.short_term_lufs.len(), points);
        }
    }
}
