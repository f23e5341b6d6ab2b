//! Remedies as a session: what is wrong with a finished file becomes decisions in a session of its own, which is rendered
//! into a new file and checked again. The file itself is never written to.

use super::can_be_mended;
use crate::ceiling::keep_ceiling;
use crate::finished_song::source_on;
use crate::master::{LIMITER, Work, session_of_file};
use crate::merging::Merging;
use crate::{Context, Project, WorkflowError};
use delivery::{Checked, Container, Depth, Finding, Job, Mend, Reading, Remedy, Target};
use dsp::Values;
use mastering::{Goal, MasterFacts};
use serde::Serialize;
use session::{Change, Decision, Document, Path as Key, Session, StepId};
use std::path::{Path, PathBuf};

/// What the mended file is called after the name of the first.
const MENDED: &str = "-mended";
/// Sensitivities of the click repair, in percent, tried until none is found any more: a little keener than the search first.
/// What stays at all of them is the sound's own, such as the pulses of a deep voice: then the one that leaves fewest is kept.
const SENSITIVITIES_PERCENT: [f64; 4] = [60.0, 70.0, 80.0, 90.0];
/// Gain of the sum of a channel and silence that has the channel's level again, in dB.
const BOTH_SIDES_DB: f64 = 6.020_599_913;
/// Where a level may lie in a window, the nearer edge is aimed at with this much to spare, in dB.
const INSIDE_DB: f64 = 0.5;
/// A gain goes this much below a ceiling, in dB, as a delivery's trim does.
const HAIR_DB: f64 = 0.01;
/// The least gain that is one, in dB.
const LEAST_DB: f64 = 0.005;

/// Which remedies to apply, and where to.
#[derive(Debug, Clone, Default)]
pub struct MendRequest {
    /// Only those of these findings, by id; all without it.
    pub only: Vec<String>,
    /// The folder for what is made; beside the file without it.
    pub output: Option<PathBuf>,
    /// Tell, but write nothing.
    pub dry_run: bool,
}

/// One remedy that was applied, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// The finding's id.
    pub finding: &'static str,
    /// What was done, in a sentence.
    pub what: String,
    /// What it cost.
    pub price: String,
}

/// What became of a file.
#[derive(Debug, Clone, Serialize)]
pub struct Mended {
    /// The new file; where it would stand, in a dry run.
    pub path: String,
    /// The session that holds the remedies; absent where the sound was left as it is.
    pub session: Option<String>,
    /// What was done.
    pub applied: Vec<Applied>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// The new file, checked; `null` in a dry run.
    pub checked: Option<Checked>,
}

/// Mends what can be of a checked file; `None` where there is nothing.
pub(super) fn mend(
    checked: &Checked,
    target: &Target,
    request: &MendRequest,
    context: &Context,
) -> Result<Option<Mended>, WorkflowError> {
    let path = &checked.reading.path;
    let wanted = |f: &&Finding| request.only.is_empty() || request.only.iter().any(|id| id == f.id);
    let findings: Vec<&Finding> =
        checked.findings.iter().filter(wanted).filter(|finding| can_be_mended(finding)).collect();
    if findings.is_empty() {
        return Ok(None);
    }
    let mut project = Project::of_file(path, request.output.as_deref())?;
    let name = format!("{}{MENDED}", crate::written::name_of(path));
    project.single = Some(name.clone());
    let form = Form::of(&checked.reading, target);
    let new = project.home.join(format!("{}.{}", delivery::file_stem(&name), form.container.extension()));
    let mut mended = Mended {
        path: crate::written::shown(&new),
        session: None,
        applied: findings.iter().map(|finding| applied(finding)).collect(),
        notes: Vec::new(),
        checked: None,
    };
    if request.dry_run {
        return Ok(Some(mended));
    }
    std::fs::create_dir_all(&project.home).map_err(WorkflowError::io(&project.home, "create the folder"))?;
    let project = project.hold(context)?;
    context.listener.stage(&format!("mending {}", path.display()), None);
    let remedies: Vec<Remedy> = findings.iter().filter_map(|finding| remedy(finding)).collect();
    let rendered = match remedies.iter().any(|remedy| !matches!(remedy, Remedy::Store | Remedy::Tags)) {
        true => Some(render(&project, checked, target, &findings, (&new, &mut mended), context)?),
        false if form.from_mono => Some(two_channels(&project, path, context)?),
        false => None,
    };
    let tags = checked.reading.tags.clone();
    let level = remedies.contains(&Remedy::Level);
    let job = Job {
        container: Some(form.container),
        depth: form.depth,
        sample_rate_hz: Some(form.sample_rate_hz),
        tags: Some(&tags),
        // Nothing is turned down that nobody asked for.
        max_trim_db: if level { 1.0 } else { 0.0 },
        ..Job::new(rendered.as_ref().map_or(path, |(path, _)| path), target, &project.home, &name)
    };
    let delivered = crate::handing_over::delivered(&job, context)?;
    if delivered.trim_db < 0.0 {
        mended.notes.push(format!(
            "turned down by {:.2} dB more: the file as stored made new peaks",
            -delivered.trim_db
        ));
    }
    mended.path = crate::written::shown(&delivered.path);
    mended.checked = Some(super::checked(&delivered.path, target, context)?);
    Ok(Some(mended))
}

fn remedy(finding: &Finding) -> Option<Remedy> {
    match finding.mend {
        Mend::By(remedy) => Some(remedy),
        _ => None,
    }
}

fn applied(finding: &Finding) -> Applied {
    Applied { finding: finding.id, what: finding.remedy.clone(), price: finding.price.clone() }
}

/// How the new file is stored: as the first was, as far as the target takes that.
struct Form {
    container: Container,
    depth: Option<Depth>,
    sample_rate_hz: u32,
    from_mono: bool,
}

impl Form {
    fn of(reading: &Reading, target: &Target) -> Form {
        let taken = |c: &Container| target.containers.contains(c);
        let container = reading.container.filter(taken).unwrap_or(target.preferred_container());
        let own = reading.depth.filter(|depth| target.depths.contains(depth));
        let rate = reading.sample_rate_hz;
        Form {
            container,
            depth: own.filter(|_| container.codec().is_none()),
            sample_rate_hz: if target.takes_rate(rate) { rate } else { target.rate_for(rate) },
            from_mono: target.doubles(reading.channels),
        }
    }
}

/// The file's one channel on both sides.
fn two_channels(
    project: &Project,
    path: &Path,
    context: &Context,
) -> Result<(PathBuf, files::Workshop), WorkflowError> {
    let source = source_on(path, true)?;
    let mut work = Work::new(project, &source, context)?;
    let (rendered, _) = work.render(&Session::new())?;
    Ok((rendered, work.into_workshop()))
}

/// Decides the remedies of the sound, renders them and keeps their session.
fn render(
    project: &Project,
    checked: &Checked,
    target: &Target,
    findings: &[&Finding],
    (new, mended): (&Path, &mut Mended),
    context: &Context,
) -> Result<(PathBuf, files::Workshop), WorkflowError> {
    let path = &checked.reading.path;
    if !project.session_file().exists() {
        let document = session_of_file(&project.relative(path), &crate::written::name_of(path));
        crate::merging::tell(project, &document.session()?)?;
    }
    let mut merging = Merging::open(project)?;
    for decided in ["insert", "trim_db", "start_s", "end_s", "fade_in_s", "fade_out_s"] {
        merging.forget(&["master", decided])?;
    }
    let duration_s = checked.reading.duration_s;
    merging.apply(decisions(findings, duration_s, SENSITIVITIES_PERCENT[0]))?;
    let session = merging.merged().document.session()?;
    project.protect(&session, new)?;
    let source = source_on(path, Form::of(&checked.reading, target).from_mono)?;
    let mut work = Work::new(project, &source, context)?;
    let level = findings.iter().any(|finding| remedy(finding) == Some(Remedy::Level));
    let mut ceiling_dbtp = None;
    if findings.iter().any(|finding| remedy(finding) == Some(Remedy::RepairClicks)) {
        let (sensitivity, left) = keenest(&mut work, &session, findings, duration_s, target)?;
        merging.apply_anew(decisions(findings, duration_s, sensitivity))?;
        if left > 0 {
            mended.notes.push(format!(
                "{left} of what looks like a click {} found after the repair: the sound's own, or too wide for it",
                if left == 1 { "is" } else { "are" }
            ));
        }
    }
    let session = merging.merged().document.session()?;
    let (mut rendered, _) = work.render(&session)?;
    if level {
        let before = delivery::read_back(&rendered)?;
        let plan = Level::of(&before, target);
        if let Some(solved) = plan.decide(&mut merging, &mut work, before, mended)? {
            ceiling_dbtp = Some(plan.ceiling_dbtp);
            mended.notes.extend(solved);
        }
        let session = merging.merged().document.session()?;
        let (again, reductions) = work.render(&session)?;
        rendered = again;
        let most = reductions.iter().filter(|r| r.insert == LIMITER).flat_map(|r| &r.taken.deepest_db);
        let most = most.copied().fold(0.0f32, f32::max);
        if most > 0.0 {
            mended.notes.push(format!("the limiter took up to {most:.1} dB off the highest peaks"));
        }
    }
    if let Some(ceiling_dbtp) = ceiling_dbtp {
        keep_ceiling(&rendered, ceiling_dbtp, None, context)?;
    }
    merging.save(project)?;
    mended.session = Some(crate::written::shown(&project.session_file()));
    Ok((rendered, work.into_workshop()))
}

/// The sensitivity of the click repair that leaves the fewest clicks, and how many it leaves.
fn keenest(
    work: &mut Work,
    session: &Session,
    findings: &[&Finding],
    duration_s: f64,
    target: &Target,
) -> Result<(f64, usize), WorkflowError> {
    let mut best = (SENSITIVITIES_PERCENT[0], usize::MAX);
    for sensitivity in SENSITIVITIES_PERCENT {
        let mut document = Document::new(session);
        session::apply(&mut document, &decisions(findings, duration_s, sensitivity))?;
        let (rendered, _) = work.render(&document.session()?)?;
        let left = delivery::check(&rendered, target)?.reading.analysis.blemishes.clicks;
        if left < best.1 {
            best = (sensitivity, left);
        }
        if left == 0 {
            break;
        }
    }
    Ok(best)
}

/// The remedies but for the level, as decisions in the order the sound passes them. The file keeps its length where none of
/// them is about it.
fn decisions(findings: &[&Finding], duration_s: f64, sensitivity_percent: f64) -> Vec<Decision> {
    let strip = Key::new(["master"]);
    let of = |wanted: fn(&Remedy) -> bool| {
        findings.iter().find_map(|finding| remedy(finding).filter(wanted).map(|remedy| (*finding, remedy)))
    };
    let mut all = Vec::new();
    let mut insert = |id: &str, kind: &str, settings: &[(&str, f64)], finding: &Finding| {
        let Some(kind) = dsp::kind(kind) else { return };
        let mut values = Values::neutral(kind);
        for (name, value) in settings {
            let address = kind.address(name).expect("a setting of the kind");
            values.put(address, *value);
        }
        all.push(decided(Change::insert(&strip, id, kind, &values), finding));
    };
    if let Some((finding, _)) = of(|r| *r == Remedy::RepairClicks) {
        insert("declick", "declick", &[("sensitivity_percent", sensitivity_percent)], finding);
    }
    if let Some((finding, _)) = of(|r| *r == Remedy::RemoveDc) {
        insert("rumble", "rumble", &[("remove_dc", 1.0)], finding);
    }
    if let Some((finding, _)) = of(|r| *r == Remedy::InvertRight) {
        insert("polarity", "gain", &[("invert_right", 1.0)], finding);
    }
    if let Some((finding, _)) = of(|r| *r == Remedy::BothSides) {
        insert("both_sides", "width", &[("width_percent", 0.0)], finding);
        insert("its_level", "gain", &[("gain_db", BOTH_SIDES_DB)], finding);
    }
    if let Some((finding, Remedy::MonoBelow { hz })) = of(|r| matches!(r, Remedy::MonoBelow { .. })) {
        insert("low_end", "width", &[("mono_below_hz", hz)], finding);
    }
    let end =
        Decision::set(StepId::QualityCheck, strip.child("end_s"), duration_s, "It ends where it ended.");
    all.push(end);
    for finding in findings {
        let (key, seconds) = match remedy(finding) {
            Some(Remedy::TrimStart { to_s }) => ("start_s", to_s),
            Some(Remedy::TrimEnd { to_s }) => ("end_s", to_s),
            Some(Remedy::FadeIn { seconds }) => ("fade_in_s", seconds),
            Some(Remedy::FadeOut { seconds }) => ("fade_out_s", seconds),
            _ => continue,
        };
        let milliseconds = (seconds * 1000.0).round() / 1000.0;
        let path = strip.child(key);
        all.push(decided(Change::Set { path, value: milliseconds.into() }, finding));
    }
    all
}

/// A remedy with the finding as its reason.
fn decided(change: Change, finding: &Finding) -> Decision {
    let mut decision =
        Decision::new(StepId::QualityCheck, change, format!("{} {}", finding.what, finding.remedy))
            .costs(finding.price.clone());
    if let Some(value) = finding.value {
        decision = decision.measured(finding.id, value, finding.unit);
    }
    decision
}

/// Where level and peaks are to go.
struct Level {
    gain_db: f64,
    /// Loudness to solve the limiter for, where there has to be one.
    limit_to_lufs: Option<f64>,
    ceiling_dbtp: f64,
}

impl Level {
    fn of(reading: &Reading, target: &Target) -> Level {
        let facts = &reading.facts;
        let peak = facts.true_peak_dbtp.unwrap_or(f64::NEG_INFINITY);
        // Samples never stand above the true peak.
        let ceiling_dbtp =
            target.max_sample_peak_dbfs.unwrap_or(target.ceiling_dbtp).min(target.ceiling_dbtp);
        let over_db = (peak - ceiling_dbtp).max(0.0);
        if !target.levels() {
            let gain_db = if over_db > 0.0 { -over_db - HAIR_DB } else { 0.0 };
            return Level { gain_db, limit_to_lufs: None, ceiling_dbtp };
        }
        let to_loudness =
            target.integrated_lufs_for(reading.channels).zip(facts.integrated_lufs).map(|(to, now)| {
                // What is right already stays.
                if (to - now).abs() <= target.tolerance_lu { 0.0 } else { to - now }
            });
        let to_window = target.rms_dbfs.zip(facts.rms_dbfs).map(|([low, high], now)| {
            let inside = INSIDE_DB.min(0.5 * (high - low));
            if now < low {
                low + inside - now
            } else if now > high {
                high - inside - now
            } else {
                // Down as far as the window goes, where that spares the peaks the limiter.
                -over_db.min(now - low - inside).max(0.0)
            }
        });
        let gain_db = to_loudness.or(to_window).unwrap_or(0.0);
        let limits = peak + gain_db > ceiling_dbtp;
        let limit_to_lufs = facts.integrated_lufs.filter(|_| limits).map(|now| now + gain_db);
        Level { gain_db, limit_to_lufs, ceiling_dbtp }
    }

    /// Puts it into the session: gain, or a limiter whose drive is solved. Gives what could not be reached, where there is a
    /// limiter.
    fn decide(
        &self,
        merging: &mut Merging,
        work: &mut Work,
        before: Reading,
        mended: &mut Mended,
    ) -> Result<Option<Option<String>>, WorkflowError> {
        let Some(lufs) = self.limit_to_lufs else {
            if self.gain_db.abs() > LEAST_DB {
                let gain_db = (self.gain_db * 100.0).floor() / 100.0;
                let why = format!("{gain_db:+.2} dB bring it to the target.");
                mended.notes.push(format!("gain {gain_db:+.2} dB"));
                let path = Key::new(["master", "trim_db"]);
                merging.apply(vec![Decision::set(StepId::QualityCheck, path, gain_db, why)])?;
            } else {
                mended.notes.push("the level is right once the rest is mended: no gain".to_owned());
            }
            return Ok(None);
        };
        let goal = Goal::new(Some(lufs), self.ceiling_dbtp);
        let facts = MasterFacts { premaster: before.analysis, ..MasterFacts::default() };
        let session = merging.merged().document.session()?;
        let step = mastering::STEPS.iter().find(|step| step.id() == StepId::Limiting);
        merging.apply(step.map(|step| step.decide(&facts, &session, &goal)).unwrap_or_default())?;
        let session = merging.merged().document.session()?;
        let solved = work.solve(&session, &goal)?;
        merging.apply_anew(mastering::limiter_decisions(&goal, &solved))?;
        Ok(Some(solved.stopped))
    }
}
