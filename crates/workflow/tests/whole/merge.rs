//! A person's edits survive a new plan, and a new plan of the same recordings changes nothing.

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;
use workflow::{Context, PlanRequest, Planned, ProduceRequest, Project, Quiet, StepId};

static NEVER: AtomicBool = AtomicBool::new(false);

fn quiet() -> Context<'static> {
    Context { listener: &Quiet, cancel: &NEVER, threads: 2 }
}

const RATE_HZ: u32 = 48_000;
const SECONDS: usize = 2;

/// A drum, a bass and a voice: enough for every step to have something to decide.
fn song() -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("01_Kick.wav"), &|t| {
        let since = t % 0.5;
        0.8 * (TAU * 55.0 * t).sin() * (-since * 12.0).exp()
    });
    write(&folder.path().join("02_Bass.wav"), &|t| 0.3 * tone(82.4, 5, t));
    write(&folder.path().join("03_Lead Vox.wav"), &|t| {
        let vibrato = t + 0.001 * (TAU * 5.0 * t).sin();
        0.2 * (0.6 + 0.4 * (TAU * 1.3 * t).sin()) * tone(220.0, 8, vibrato)
    });
    let project = Project::new(folder.path(), None).unwrap();
    (folder, project)
}

/// A note with overtones that fall by 6 dB per octave.
fn tone(hz: f64, overtones: usize, time_s: f64) -> f64 {
    (1..=overtones).map(|n| (TAU * hz * n as f64 * time_s).sin() / n as f64).sum()
}

fn write(path: &Path, sound: &dyn Fn(f64) -> f64) {
    let frames = SECONDS * RATE_HZ as usize;
    let mut buffer = Buffer::new(1, frames);
    for (n, sample) in buffer.channel_mut(0).iter_mut().enumerate() {
        *sample = sound(n as f64 / f64::from(RATE_HZ));
    }
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: RATE_HZ,
        channels: 1,
    };
    let mut writer = Writer::create(path, spec).unwrap();
    writer.write_f64(&buffer.as_block()).unwrap();
    writer.finish().unwrap();
}

fn with_context<T>(work: impl FnOnce(&Context) -> T) -> T {
    let cancel = AtomicBool::new(false);
    work(&Context { listener: &Quiet, cancel: &cancel, threads: 2 })
}

fn plan_of(project: &Project, request: &PlanRequest) -> Planned {
    with_context(|context| workflow::plan(project, request, context)).unwrap()
}

fn plan(project: &Project) -> Planned {
    plan_of(project, &PlanRequest::default())
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(project.session_file()).unwrap()
}

fn rewrite(project: &Project, change: impl FnOnce(String) -> String) {
    let old = text(project);
    let new = change(old.clone());
    assert_ne!(old, new, "the edit of the test finds nothing to change");
    std::fs::write(project.session_file(), new).unwrap();
}

fn yours(planned: &Planned) -> Vec<String> {
    planned.yours.iter().map(ToString::to_string).collect()
}

fn fader(project: &Project) -> f64 {
    project.load().unwrap().session().unwrap().tracks["lead_vox"].fader_db
}

/// The line of the voice's fader, in a text of the session.
fn fader_line(text: &str) -> &str {
    let voice = &text[text.find("[track.lead_vox]").unwrap()..];
    voice.lines().find(|line| line.starts_with("fader_db")).expect("the voice has a fader")
}

#[test]
fn the_same_recordings_give_the_same_plan() {
    let (_folder, project) = song();
    let first = plan(&project);
    assert!(first.yours.is_empty(), "nobody has edited anything: {:?}", yours(&first));
    assert!(!first.session.returns.is_empty(), "the voice is sent somewhere: else this proves less");
    let before = text(&project);
    let second = plan(&project);
    assert_eq!(second.changes, []);
    assert_eq!(text(&project), before, "not a letter changes");
    assert!(second.yours.is_empty(), "{:?}", yours(&second));
}

/// Counts how often something is listened to.
#[derive(Default)]
struct Listens(std::sync::atomic::AtomicUsize);

impl workflow::Listener for Listens {
    fn stage(&self, name: &str, _: Option<f64>) {
        if name.starts_with("listening") || name.starts_with("comparing") {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    fn progress(&self, _: f64) {}
    fn note(&self, _: &str) {}
}

fn listens(project: &Project) -> (usize, String) {
    let counter = Listens::default();
    let context = Context { listener: &counter, cancel: &NEVER, threads: 2 };
    workflow::plan(project, &PlanRequest::default(), &context).unwrap();
    (counter.0.into_inner(), text(project))
}

/// What has been heard is not heard again: neither within a plan, in which some steps only move faders, nor by a second one.
#[test]
fn a_second_plan_listens_to_nothing_and_decides_the_same() {
    let (folder, project) = song();
    // A second microphone, so that there is a pair to compare.
    write(&folder.path().join("04_Kick Out.wav"), &|t| {
        let since = (t - 0.004).max(0.0) % 0.5;
        0.5 * (TAU * 55.0 * (t - 0.004).max(0.0)).sin() * (-since * 12.0).exp()
    });
    let (first, planned) = listens(&project);
    assert!(first > 2, "a new song is listened to, {first} times");
    let (second, again) = listens(&project);
    assert_eq!((second, again), (0, planned.clone()));
    // Another recording is heard, and what it changes.
    write(&folder.path().join("02_Bass.wav"), &|t| 0.2 * tone(61.7, 5, t));
    let (third, changed) = listens(&project);
    assert!(third > 0 && changed != planned);
    // What is thrown away is measured again, to the same plan.
    std::fs::remove_dir_all(project.state().join("heard")).unwrap();
    let (fourth, anew) = listens(&project);
    assert!(fourth > 0);
    assert_eq!(anew, changed);
}

#[test]
fn a_fader_set_by_hand_stays_until_its_line_is_deleted() {
    let (_folder, project) = song();
    plan(&project);
    let planned = fader(&project);
    let line = fader_line(&text(&project)).to_string();
    rewrite(&project, |text| text.replace(&line, "fader_db = 3.5  # louder, says the singer"));
    let second = plan(&project);
    assert_eq!(yours(&second), ["track.lead_vox.fader_db"], "and nothing else");
    assert_eq!(fader(&project), 3.5);
    assert!(text(&project).contains("fader_db = 3.5  # louder, says the singer\n"), "{}", text(&project));
    // The plan after the next one still knows whose it is.
    assert_eq!(yours(&plan(&project)), ["track.lead_vox.fader_db"]);
    rewrite(&project, |text| text.replace("fader_db = 3.5  # louder, says the singer\n", ""));
    let last = plan(&project);
    assert_eq!(fader(&project), planned, "the machine has it again, and decides as at first");
    assert!(last.yours.is_empty(), "{:?}", yours(&last));
}

#[test]
fn comments_of_a_person_stay_and_those_of_the_machine_are_renewed() {
    let (_folder, project) = song();
    plan(&project);
    let line = fader_line(&text(&project)).to_string();
    assert!(line.contains("#~"), "{line}");
    let (value, _) = line.split_once("#~").unwrap();
    let mine = format!("# ask the singer first\n{}# and mine\n", value);
    rewrite(&project, |text| text.replace(&format!("{line}\n"), &mine));
    plan(&project);
    let text = text(&project);
    assert!(text.contains("# ask the singer first\n"), "{text}");
    assert!(fader_line(&text).ends_with("# and mine"), "{text}");
}

#[test]
fn an_insert_that_is_deleted_comes_back_and_one_that_is_bypassed_stays_so() {
    let (_folder, project) = song();
    let first = plan(&project);
    let inserts = |planned: &Planned| -> Vec<String> {
        planned.session.tracks["lead_vox"].inserts.iter().map(|insert| insert.id.clone()).collect()
    };
    let planned = inserts(&first);
    assert!(!planned.is_empty());
    let path = format!("track.lead_vox.insert.{}", planned[0]);
    workflow::set(&project, &[format!("{path}=")], false, &quiet()).unwrap();
    assert!(!text(&project).contains(&format!("id = \"{}\"", planned[0])) || planned.len() > 1);
    let second = plan(&project);
    assert_eq!(inserts(&second), planned, "what is taken away is given back to the machine");
    workflow::set(&project, &[format!("{path}.bypass=on")], false, &quiet()).unwrap();
    let third = plan(&project);
    assert!(third.session.tracks["lead_vox"].inserts[0].bypass);
    assert_eq!(yours(&third), [format!("{path}.bypass")], "the rest of it is the machine's");
    workflow::set(&project, &[format!("{path}.bypass=")], false, &quiet()).unwrap();
    let last = plan(&project);
    assert!(last.yours.is_empty(), "{:?}", yours(&last));
    assert_eq!(last.session, first.session);
}

#[test]
fn what_is_told_with_the_recordings_is_nobodys_edit_and_stays() {
    let (_folder, project) = song();
    let request = ProduceRequest {
        only_mix: true,
        title: Some("Rye and Rain".into()),
        song: Some((92.0, vec![("intro".into(), 0.0), ("verse".into(), 1.5)])),
        ..ProduceRequest::default()
    };
    let (produced, ..) = with_context(|context| workflow::produce(&project, &request, context)).unwrap();
    assert_eq!(produced.yours, [""; 0]);
    let again = plan(&project);
    assert!(again.yours.is_empty(), "{:?}", yours(&again));
    assert_eq!(again.changes, []);
    assert_eq!(again.session.song.title.as_deref(), Some("Rye and Rain"));
    assert_eq!(again.session.song.tempo_bpm, Some(92.0));
    assert_eq!(again.session.song.sections.len(), 2);
    workflow::set(&project, &["song.tempo_bpm=93".into()], false, &quiet()).unwrap();
    assert_eq!(yours(&plan(&project)), ["song.tempo_bpm"], "an edit of it is an edit");
}

#[test]
fn what_a_person_wrote_before_the_first_plan_is_theirs() {
    let (_folder, project) = song();
    std::fs::write(project.session_file(), "version = 1\n[song]\ntitle = \"Mine\"\n").unwrap();
    let planned = plan(&project);
    assert_eq!(yours(&planned), ["song.title"], "the version is nobody's wish");
    assert_eq!(planned.session.song.title.as_deref(), Some("Mine"));
}

/// A session without what the machine measured beside its decisions: a part of a plan hears the faders where dynamics
/// have left them, the whole heard them before, so that a share may be told as 65 % instead of 66.
fn without_reasons(text: &str) -> String {
    text.lines().map(|line| line.split("#~").next().unwrap_or(line).trim_end()).collect::<Vec<_>>().join("\n")
}

/// A part of a plan decides what the whole would, and leaves the rest: on the same recordings nothing changes.
#[test]
fn parts_of_a_plan_agree_with_the_whole() {
    let (_folder, project) = song();
    let whole = plan(&project);
    let before = text(&project);
    let part = |steps: &[StepId], strips: &[&str]| PlanRequest {
        steps: steps.to_vec(),
        strips: strips.iter().map(ToString::to_string).collect(),
        ..PlanRequest::default()
    };
    let requests = [
        part(&[StepId::SubtractiveEq, StepId::Dynamics], &[]),
        part(&[StepId::StaticMix], &["bass"]),
        part(&[], &["lead_vox"]),
        part(&[], &["plate"]),
    ];
    for request in &requests {
        let planned = plan_of(&project, request);
        assert_eq!(planned.changes, [], "{request:?}");
        assert_eq!(without_reasons(&text(&project)), without_reasons(&before), "{request:?}");
        let asked = |d: &workflow::Decision| {
            let strips = &request.strips;
            (request.steps.is_empty() || request.steps.contains(&d.step))
                && (strips.is_empty() || d.change.path().parts().iter().any(|part| strips.contains(part)))
        };
        let told = |d: &workflow::Decision| (d.step, d.change.clone());
        let expected: Vec<_> = whole.decisions.iter().filter(|d| asked(d)).map(told).collect();
        let decided: Vec<_> = planned.decisions.iter().map(told).collect();
        assert!(!expected.is_empty(), "{request:?}");
        assert_eq!(decided, expected, "{request:?}");
    }
    // Repeating did not lose any reason: the whole list of decisions is behind the session as before.
    assert_eq!(plan(&project).decisions, whole.decisions);
}

#[test]
fn a_part_leaves_alone_what_it_was_not_asked_for() {
    let (_folder, project) = song();
    let whole = plan(&project);
    let louder = PlanRequest {
        steps: vec![StepId::StaticMix],
        rules: workflow::Rules { focus: Some("bass".into()), ..Default::default() },
        ..PlanRequest::default()
    };
    let part = plan_of(&project, &louder);
    assert!(!part.changes.is_empty(), "another focus moves faders");
    for change in &part.changes {
        let setting = change.path.parts().last().unwrap();
        assert!(setting == "fader_db" || setting == "pan", "{change}");
    }
    for (id, track) in &whole.session.tracks {
        assert_eq!(track.inserts, part.session.tracks[id].inserts, "{id}");
        assert_eq!(track.trim_db, part.session.tracks[id].trim_db, "{id}");
    }
}

#[test]
fn without_an_earlier_plan_a_part_plans_the_whole_and_says_so() {
    let (_folder, project) = song();
    let request = PlanRequest { steps: vec![StepId::GainStaging], ..PlanRequest::default() };
    let planned = plan_of(&project, &request);
    assert!(planned.notes.iter().any(|note| note.contains("no earlier plan")), "{:?}", planned.notes);
    assert!(!planned.decisions.is_empty());
    assert!(planned.decisions.iter().all(|d| d.step == StepId::GainStaging));
    assert!(!planned.changes.is_empty());
    assert!(planned.changes.iter().all(|c| c.path.parts().last().unwrap() == "trim_db"));
    assert!(text(&project).contains("fader_db"), "all of it is written");
}

/// Everything in a folder with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_dry_run_decides_the_same_and_writes_nothing() {
    let (folder, project) = song();
    let before = contents(folder.path());
    let dry = PlanRequest { dry_run: true, ..PlanRequest::default() };
    let tried = plan_of(&project, &dry);
    assert_eq!(contents(folder.path()), before, "neither session nor caches");
    let done = plan(&project);
    assert_eq!(tried.decisions, done.decisions);
    assert_eq!(tried.changes, done.changes);
    let before = contents(folder.path());
    let bold = workflow::Rules { strength: 1.5, ..Default::default() };
    assert!(!plan_of(&project, &PlanRequest { rules: bold, ..dry }).changes.is_empty());
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_recording_that_is_added_or_gone_is_planned_with() {
    let (folder, project) = song();
    plan(&project);
    write(&folder.path().join("04_Keys.wav"), &|t| 0.2 * tone(330.0, 4, t));
    let more = plan(&project);
    assert!(more.session.tracks.contains_key("keys"));
    std::fs::remove_file(folder.path().join("02_Bass.wav")).unwrap();
    let less = plan(&project);
    assert!(!less.session.tracks.contains_key("bass"), "nobody has touched it: it goes with its file");
    assert!(less.yours.is_empty(), "{:?}", yours(&less));
}
