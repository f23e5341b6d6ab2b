//! From words to a verb, and from its result to text.

use crate::args::{Aim, Command, DeliverWishes, Home, Near, Place, Style, Taste, VersionName, Voice};
use crate::views::Views;
use crate::{
    live, manual, print, print_album, print_between, print_check, print_known, print_measured, views, words,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use workflow::{
    AlbumRequest, Context, DeliverRequest, Failure, MasterRequest, PlanRequest, ProduceRequest, Project,
    Rules, WorkflowError,
};

/// What a command answers.
pub(crate) struct Answer {
    /// Text or JSON, with a line end.
    pub(crate) text: String,
    /// What was wrong with a part of it, for standard error.
    pub(crate) complaints: Vec<String>,
    /// Why the exit code is not 0.
    pub(crate) failure: Option<Failure>,
}

impl Answer {
    fn new(voice: &Voice, value: &Value, text: impl FnOnce() -> String) -> Answer {
        let text = if voice.json { format!("{value}\n") } else { text() };
        Answer { text, complaints: Vec::new(), failure: None }
    }

    /// A check that did not pass is no error, but has its exit code.
    fn passing(self, passed: bool) -> Answer {
        Answer { failure: (!passed).then_some(Failure::NotPassed), ..self }
    }

    /// Files that could not be read weigh more than one that did not pass.
    fn except(self, unreadable: &[workflow::Unreadable]) -> Answer {
        let failure = if unreadable.is_empty() { self.failure } else { Some(Failure::Unreadable) };
        let complaints = unreadable.iter().map(|u| u.error.clone()).collect();
        Answer { failure, complaints, ..self }
    }
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("results have only plain values")
}

/// The object of a command that can be asked to write nothing.
fn json_of_run(value: &impl serde::Serialize, dry_run: bool) -> Value {
    let mut value = json_of(value);
    value["dry_run"] = dry_run.into();
    value
}

fn project(place: &Place) -> Result<Project, WorkflowError> {
    Project::new(&place.dir, place.home.home.as_deref())
}

fn rules(taste: &Taste) -> Rules {
    Rules { strength: taste.style.strength(), focus: taste.focus.clone(), ..Rules::default() }
}

/// What is asked of the mix; what cannot be is told before any work begins.
fn mixed(taste: &Taste, near: &Near, dry_run: bool) -> Result<PlanRequest, WorkflowError> {
    let skip_unreadable = taste.skip_unreadable;
    let references = near.reference.clone();
    references.iter().try_for_each(|(file, _)| workflow::readable_audio(file))?;
    Ok(PlanRequest { rules: rules(taste), dry_run, skip_unreadable, references, ..PlanRequest::default() })
}

fn delivery(wishes: DeliverWishes) -> DeliverRequest {
    let DeliverWishes { to, format, bit_rate, zip, dry_run } = wishes;
    DeliverRequest { targets: to, formats: format, bit_rate_kbps: bit_rate, zip, dry_run }
}

/// What is asked of the master; what cannot be is told before any work begins.
fn aimed(aim: Aim, style: Style) -> Result<MasterRequest, WorkflowError> {
    aim.near.reference.iter().try_for_each(|(file, _)| workflow::readable_audio(file))?;
    aim.genre.as_deref().map_or(Ok(()), |genre| workflow::genre(genre).map(drop))?;
    Ok(MasterRequest {
        target: aim.target,
        references: aim.near.reference,
        matching: aim.matching,
        genre: aim.genre,
        loudness_lufs: aim.loudness,
        strength: Some(style.strength()),
        as_it_is: false,
        ab: aim.ab,
        take: None,
    })
}

pub(crate) fn run(command: Command, voice: &Voice, context: &Context) -> Result<Answer, WorkflowError> {
    match command {
        Command::Demo { seed, dry_run: true, .. } => {
            let contents = workflow::demo_contents(seed);
            Ok(Answer::new(voice, &json_of(&contents), || print::demo_contents(&contents)))
        }
        Command::Demo { dir, seed, dry_run: false } => {
            let done = workflow::demo(&dir, seed, context)?;
            let answer = Answer::new(voice, &json_of_run(&done, false), || print::demo(&done));
            Ok(answer.passing(done.produced.passed))
        }
        Command::Scan { dir } => {
            let scan = workflow::scan(&Project::new(&dir, None)?, context)?;
            let answer = Answer::new(voice, &json_of(&scan), || print::scanned(&scan));
            Ok(answer.except(&scan.unreadable))
        }
        Command::Produce { place, taste, aim, stems, tracks, versions, dry_run } => {
            self::project(&place)?.knows_targets(&aim.target)?;
            let plan = mixed(&taste, &aim.near, dry_run)?;
            let master = aimed(aim, taste.style)?;
            let versions = versions.into_iter().map(Into::into).collect();
            let request =
                ProduceRequest { plan, master, stems, tracks, versions, ..ProduceRequest::default() };
            produce(&place, request, voice, context)
        }
        Command::Mix { place, taste, near, stems, tracks, versions, dry_run } => {
            let plan = mixed(&taste, &near, dry_run)?;
            let versions = versions.into_iter().map(Into::into).collect();
            let only_mix = true;
            let request =
                ProduceRequest { plan, stems, tracks, versions, only_mix, ..ProduceRequest::default() };
            produce(&place, request, voice, context)
        }
        Command::Plan { words, home: Home { home }, taste, near, dry_run } => {
            let (dir, steps, strips) = words::of_plan(&words)?;
            let request = PlanRequest { steps, strips, ..mixed(&taste, &near, dry_run)? };
            plan("plan", &Project::new(&dir, home.as_deref())?, &request, voice, context)
        }
        Command::Why { what, dir } => {
            let why = workflow::why(&Project::new(&dir, None)?, &what, context)?;
            Ok(Answer::new(voice, &json_of(&why), || print::why(&why)))
        }
        Command::Set { settings, undo, dir, dry_run } => {
            let project = Project::new(&dir, None)?;
            let edited = match undo {
                true => workflow::undo(&project, dry_run, context)?,
                false => workflow::set(&project, &settings, dry_run, context)?,
            };
            Ok(Answer::new(voice, &json_of(&edited), || print::edited(&edited)))
        }
        Command::Note { strip, text, at, to, dir, dry_run } => {
            let place = at.map(|from_s| (from_s, to));
            let project = Project::new(&dir, None)?;
            let noted = workflow::note(&project, &strip, text.as_deref(), place, dry_run, context)?;
            Ok(Answer::new(voice, &json_of(&noted), || print::noted(&noted)))
        }
        Command::Render { words, versions, home: Home { home }, dry_run } => {
            let (dir, parts) = words::of_render(&words)?;
            let project = Project::new(&dir, home.as_deref())?;
            if !versions.is_empty() {
                return versions_of(&project, &parts, &versions, dry_run, voice, context);
            }
            if parts.master && project.load()?.session()?.master.strip.inserts.is_empty() {
                context.listener.note(
                    "the session has no mastering chain yet, so the master is only the mix: `tonmeister produce` \
                     decides one",
                );
            }
            let done = workflow::render(&project, &parts.mix, parts.master, dry_run, context)?;
            let passed = done.files.iter().all(|file| file.passed != Some(false));
            Ok(Answer::new(voice, &json_of(&done), || print::rendered(&done)).passing(passed))
        }
        Command::Master { files, home, promote: Some(take), dry_run, .. } => {
            let [mix] = files.as_slice() else {
                return Err(WorkflowError::Usage(
                    "--promote belongs to one mix: give one file or folder".into(),
                ));
            };
            let done = workflow::promote_take(mix, home.as_deref(), &take, dry_run, context)?;
            let mut value = json_of(&done);
            value["schema"] = "tonmeister.master/1".into();
            Ok(Answer::new(voice, &value, || print::promoted(&done)))
        }
        Command::Master { files, aim, style, home, take, promote: None, dry_run } => {
            let request = MasterRequest { take, ..aimed(aim, style)? };
            let mixes = files.iter().filter(|file| !file.is_dir());
            mixes.into_iter().try_for_each(|file| workflow::readable_audio(file))?;
            let done = workflow::master_files(&files, home.as_deref(), &request, dry_run, context)?;
            let answer = Answer::new(voice, &json_of_run(&done, dry_run), || {
                print::mastered(&done, voice.verbose, dry_run)
            });
            Ok(answer.passing(done.passed))
        }
        Command::Deliver { place, wishes } => {
            let request = delivery(wishes);
            let project = if place.dir.is_file() {
                Project::of_file(&place.dir, place.home.home.as_deref())?
            } else {
                Project::new(&place.dir, place.home.home.as_deref())?
            };
            let done = workflow::deliver(&project, &request, context)?;
            let answer = Answer::new(voice, &json_of_run(&done, request.dry_run), || print::delivered(&done));
            Ok(answer.passing(done.passed))
        }
        Command::Album { file, output, wishes } => {
            let request = AlbumRequest { deliver: delivery(wishes), output };
            let done = workflow::album(&file, &request, context)?;
            let dry_run = request.deliver.dry_run;
            let answer =
                Answer::new(voice, &json_of_run(&done, dry_run), || print_album::album(&done, dry_run));
            Ok(answer.passing(done.passed))
        }
        Command::Check { files, target, targets, services, apply, output, dry_run } => {
            let named = |ids: Vec<String>| ids.into_iter().filter(|id| !id.is_empty()).collect();
            let mend = apply.map(|ids| workflow::MendRequest { only: named(ids), output, dry_run });
            let request = workflow::CheckRequest { target, targets, services, mend };
            let done = workflow::check(&files, &request, context)?;
            let answer = Answer::new(voice, &json_of(&done), || print_check::checked(&done, voice.verbose));
            Ok(answer.passing(done.passed).except(&done.unreadable))
        }
        Command::Translate { files, lead, output, dry_run } => {
            let request = workflow::TranslateRequest { output, lead, dry_run };
            let done = workflow::translate(&files, &request, context)?;
            Ok(Answer::new(voice, &json_of_run(&done, dry_run), || print_check::translated(&done, dry_run)))
        }
        Command::Measure { files, between: true, .. } => {
            let done = workflow::measure_between(&files, context)?;
            let answer = Answer::new(voice, &json_of(&done), || print_between::between(&done));
            Ok(answer.except(&done.unreadable))
        }
        Command::Measure { files, views, .. } if views.live => live(&files, &views, voice, context),
        Command::Measure { files, loudness, series, services, views, .. } => {
            let services = services.as_deref();
            let plots = views.plots()?;
            let request = workflow::MeasureRequest { series, loudness_only: loudness };
            let done = match &plots {
                Some(plots) => workflow::measure_and_plot(&files, series, services, plots, context)?,
                None => workflow::measure(&files, request, services, context)?,
            };
            let dry_run = plots.as_ref().is_some_and(|plots| plots.dry_run);
            let value = if plots.is_some() { json_of_run(&done, dry_run) } else { json_of(&done) };
            let answer = Answer::new(voice, &value, || {
                print_measured::measured(&done, voice.verbose) + &views::plotted(&done, dry_run)
            });
            Ok(answer.except(&done.unreadable))
        }
        Command::Compare { a, b } => {
            let done = workflow::compare(&a, &b, context)?;
            Ok(Answer::new(voice, &json_of(&done), || print::compared(&done)))
        }
        other => known(other, voice, context),
    }
}

/// Versions of pre-master and master.
fn versions_of(
    project: &Project,
    parts: &words::Parts,
    versions: &[VersionName],
    dry_run: bool,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    if parts.mix.iter().any(|part| *part != workflow::Part::Premaster) {
        return Err(WorkflowError::Usage(
            "--version goes with premaster and master; stems and tracks are the same in every version".into(),
        ));
    }
    let versions: Vec<workflow::Version> = versions.iter().map(|name| (*name).into()).collect();
    let done = workflow::render_versions(project, &versions, parts.master, dry_run, context)?;
    let passed = done.files.iter().all(|file| file.passed != Some(false));
    Ok(Answer::new(voice, &json_of(&done), || print::rendered(&done)).passing(passed))
}

/// What needs no audio and no folder.
fn known(command: Command, voice: &Voice, context: &Context) -> Result<Answer, WorkflowError> {
    match command {
        Command::Processors { ids } => {
            let all = workflow::processors(&ids)?;
            let value = json!({"schema": "tonmeister.processors/1", "processors": json_of(&all)});
            Ok(Answer::new(voice, &value, || print_known::processors(&all)))
        }
        Command::Targets { ids, targets } => {
            let all = workflow::targets(&ids, targets.as_deref(), context)?;
            let value = json!({"schema": "tonmeister.targets/1", "targets": json_of(&all)});
            Ok(Answer::new(voice, &value, || print_known::targets(&all, !ids.is_empty())))
        }
        Command::Roles { names } if names.is_empty() => {
            let all = workflow::roles();
            let value = json!({"schema": "tonmeister.roles/1", "roles": json_of(&all)});
            Ok(Answer::new(voice, &value, || print_known::roles(&all)))
        }
        Command::Roles { names } => {
            let all = workflow::name_roles(&names);
            let value = json!({"schema": "tonmeister.roles/1", "names": json_of(&all)});
            Ok(Answer::new(voice, &value, || print_known::named(&all)))
        }
        Command::Completions { shell } => {
            let script = manual::completions(shell);
            let value = json!({
                "schema": "tonmeister.completions/1", "shell": shell.to_string(), "script": script,
            });
            Ok(Answer::new(voice, &value, || script))
        }
        _ => {
            let roff = manual::manual().map_err(|e| WorkflowError::Usage(format!("the manual page: {e}")))?;
            Ok(Answer::new(voice, &json!({"schema": "tonmeister.man/1", "roff": roff}), || roff))
        }
    }
}

/// Meters in the terminal; what they read stays when the view is left.
fn live(files: &[PathBuf], views: &Views, voice: &Voice, context: &Context) -> Result<Answer, WorkflowError> {
    if voice.json {
        return Err(WorkflowError::Usage(
            "--live is for eyes; `tonmeister measure --json --series FILE` gives programs the same over time"
                .into(),
        ));
    }
    let left = live::live(files, views.speed, context)?;
    let failure = left.interrupted.then_some(Failure::Interrupted);
    Ok(Answer { text: left.text, complaints: Vec::new(), failure })
}

fn produce(
    place: &Place,
    request: ProduceRequest,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    let project = project(place)?;
    if request.plan.dry_run {
        let command = if request.only_mix { "mix" } else { "produce" };
        return plan(command, &project, &request.plan, voice, context);
    }
    let (done, ..) = workflow::produce(&project, &request, context)?;
    let answer = Answer::new(voice, &json_of_run(&done, false), || print::produced(&done));
    Ok(answer.passing(done.passed))
}

/// Plans, for itself or for what a command that writes nothing would do first.
fn plan(
    command: &str,
    project: &Project,
    request: &PlanRequest,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    let done = workflow::plan(project, request, context)?;
    let value = json!({
        "schema": format!("tonmeister.{command}/1"),
        "dry_run": request.dry_run,
        "session": project.session_file().to_string_lossy(),
        "notes": done.notes,
        "left_out": done.left_out,
        "decisions": json_of(&done.decisions),
        "changes": json_of(&done.changes),
        "yours": json_of(&done.yours),
    });
    Ok(Answer::new(voice, &value, || print::planned(&done, voice.verbose, request.dry_run)))
}
