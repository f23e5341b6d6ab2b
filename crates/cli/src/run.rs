//! From words to a verb, and from its result to text.

use crate::args::{Command, Place, RenderPart, Taste, Voice};
use crate::print;
use serde_json::{Value, json};
use workflow::{
    Context, MasterRequest, Part, PlanRequest, ProduceRequest, Project, Rules, StepId, WorkflowError,
};

/// What a command answers.
pub(crate) struct Answer {
    /// Text or JSON, with a line end.
    pub(crate) text: String,
    /// False when a check did not pass.
    pub(crate) passed: bool,
}

fn answer(voice: &Voice, value: Value, text: impl FnOnce() -> String) -> Answer {
    let text = if voice.json { format!("{value}\n") } else { text() };
    Answer { text, passed: true }
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("results have only plain values")
}

fn project(place: &Place) -> Result<Project, WorkflowError> {
    Project::new(&place.dir, place.home.as_deref())
}

fn rules(taste: &Taste) -> Rules {
    Rules { strength: taste.style.strength(), focus: taste.focus.clone(), ..Rules::default() }
}

pub(crate) fn run(command: Command, voice: &Voice, context: &Context) -> Result<Answer, WorkflowError> {
    match command {
        Command::Demo { dir, seed } => {
            let done = workflow::demo(&dir, seed, context)?;
            let passed = done.produced.passed;
            Ok(Answer { passed, ..answer(voice, json_of(&done), || print::demo(&done)) })
        }
        Command::Scan { place } => {
            let scan = workflow::scan(&project(&place)?, context)?;
            Ok(answer(voice, json_of(&scan), || print::scanned(&scan)))
        }
        Command::Produce { place, taste, aim, stems, tracks, dry_run } => {
            let master = MasterRequest {
                target: aim.target,
                reference: aim.reference,
                loudness_lufs: aim.loudness,
                strength: Some(taste.style.strength()),
                as_it_is: false,
            };
            let plan = PlanRequest { rules: rules(&taste), ..PlanRequest::default() };
            let request = ProduceRequest { plan, master, stems, tracks, ..ProduceRequest::default() };
            produce(&place, request, dry_run, voice, context)
        }
        Command::Mix { place, taste, stems, tracks, dry_run } => {
            let plan = PlanRequest { rules: rules(&taste), ..PlanRequest::default() };
            let request = ProduceRequest { plan, stems, tracks, only_mix: true, ..ProduceRequest::default() };
            produce(&place, request, dry_run, voice, context)
        }
        Command::Plan { place, only, taste, dry_run } => {
            let (steps, strips) = steps_and_strips(only);
            plan(&place, PlanRequest { steps, strips, rules: rules(&taste), dry_run }, voice, context)
        }
        Command::Why { what, dir } => {
            let why = workflow::why(&Project::new(&dir, None)?, &what, context)?;
            Ok(answer(voice, json_of(&why), || print::why(&why)))
        }
        Command::Set { settings, undo, dir, dry_run } => {
            let project = Project::new(&dir, None)?;
            let edited = match undo {
                true => workflow::undo(&project, dry_run)?,
                false => workflow::set(&project, &settings, dry_run)?,
            };
            Ok(answer(voice, json_of(&edited), || print::edited(&edited)))
        }
        Command::Render { place, parts, dry_run } => render(&place, &parts, dry_run, voice, context),
        Command::Master { files, aim, style, home, dry_run } => {
            let request = MasterRequest {
                target: aim.target,
                reference: aim.reference,
                loudness_lufs: aim.loudness,
                strength: Some(style.strength()),
                as_it_is: false,
            };
            let done = workflow::master_files(&files, home.as_deref(), &request, dry_run, context)?;
            let passed = done.passed;
            Ok(Answer { passed, ..answer(voice, json_of(&done), || print::mastered(&done, voice.verbose)) })
        }
        Command::Deliver { place, to, dry_run } => {
            let done = workflow::deliver(&project(&place)?, &to, dry_run, context)?;
            let passed = done.passed;
            Ok(Answer { passed, ..answer(voice, json_of(&done), || print::delivered(&done)) })
        }
        Command::Check { files, target } => {
            let done = workflow::check(&files, &target, context)?;
            let passed = done.passed;
            Ok(Answer { passed, ..answer(voice, json_of(&done), || print::checked(&done, voice.verbose)) })
        }
        Command::Measure { files, series } => {
            let done = workflow::measure(&files, series, context)?;
            Ok(answer(voice, json_of(&done), || print::measured(&done)))
        }
        Command::Compare { a, b } => {
            let done = workflow::compare(&a, &b, context)?;
            Ok(answer(voice, json_of(&done), || print::compared(&done)))
        }
        Command::Processors { ids } => {
            let all = workflow::processors(&ids)?;
            let value = json!({"schema": "tonmeister.processors/1", "processors": json_of(&all)});
            Ok(answer(voice, value, || print::processors(&all)))
        }
        Command::Targets { ids } => {
            let all = workflow::targets(&ids)?;
            let value = json!({"schema": "tonmeister.targets/1", "targets": json_of(&all)});
            Ok(answer(voice, value, || print::targets(&all)))
        }
        Command::Roles { names } if names.is_empty() => {
            let all = workflow::roles();
            let value = json!({"schema": "tonmeister.roles/1", "roles": json_of(&all)});
            Ok(answer(voice, value, || print::roles(&all)))
        }
        Command::Roles { names } => {
            let all = workflow::name_roles(&names);
            let value = json!({"schema": "tonmeister.roles/1", "names": json_of(&all)});
            Ok(answer(voice, value, || print::named(&all)))
        }
        Command::Completions { .. } | Command::Man => unreachable!("answered before anything is set up"),
    }
}

fn produce(
    place: &Place,
    request: ProduceRequest,
    dry_run: bool,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    if dry_run {
        return plan(place, PlanRequest { dry_run, ..request.plan }, voice, context);
    }
    let (done, ..) = workflow::produce(&project(place)?, &request, context)?;
    let passed = done.passed;
    Ok(Answer { passed, ..answer(voice, json_of(&done), || print::produced(&done)) })
}

fn plan(
    place: &Place,
    request: PlanRequest,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    let dry_run = request.dry_run;
    let done = workflow::plan(&project(place)?, &request, context)?;
    let value = json!({
        "schema": "tonmeister.plan/1",
        "dry_run": dry_run,
        "decisions": json_of(&done.decisions),
        "changes": json_of(&done.changes),
        "yours": json_of(&done.yours),
    });
    Ok(answer(voice, value, || print::planned(&done, voice.verbose, dry_run)))
}

fn render(
    place: &Place,
    parts: &[RenderPart],
    dry_run: bool,
    voice: &Voice,
    context: &Context,
) -> Result<Answer, WorkflowError> {
    let project = project(place)?;
    let wants_master = parts.contains(&RenderPart::Master);
    let mut mix: Vec<Part> = parts
        .iter()
        .filter_map(|part| match part {
            RenderPart::Premaster => Some(Part::Premaster),
            RenderPart::Stems => Some(Part::Stems),
            RenderPart::Tracks => Some(Part::Tracks),
            RenderPart::Master => None,
        })
        .collect();
    if parts.is_empty() || (wants_master && !mix.contains(&Part::Premaster)) {
        mix.insert(0, Part::Premaster);
    }
    let done = workflow::render(&project, &mix, wants_master, dry_run, context)?;
    Ok(answer(voice, json_of(&done), || print::rendered(&done)))
}

/// Numbers 1 to 11 and names of steps are steps; everything else is a strip.
fn steps_and_strips(only: Vec<String>) -> (Vec<StepId>, Vec<String>) {
    let mut steps = Vec::new();
    let mut strips = Vec::new();
    for word in only {
        let step = StepId::ALL.iter().find(|step| {
            word.parse() == Ok(step.number())
                || word.replace(['-', '_'], " ").eq_ignore_ascii_case(step.label())
        });
        match step {
            Some(step) => steps.push(*step),
            None => strips.push(word),
        }
    }
    (steps, strips)
}
