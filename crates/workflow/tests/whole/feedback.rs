//! Notes that a person pins to the song, and versions without some of its tracks.

use crate::support::*;
use audio::{Buffer, gain_to_db};
use workflow::{PlanRequest, Project, Version, note, plan, render, render_versions};

fn energy_db(buffer: &Buffer) -> f64 {
    let sum: f64 = (0..buffer.channels()).flat_map(|c| buffer.channel(c)).map(|x| x * x).sum();
    gain_to_db((sum / (buffer.frames().max(1) * buffer.channels()) as f64).sqrt())
}

#[test]
fn a_note_is_kept_answered_and_taken_back_and_versions_add_up_to_the_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    record(folder.path());
    let project = Project::new(folder.path(), None).expect("a project");
    let request = PlanRequest::default();
    let before = plan(&project, &request, &context(0)).expect("a plan").session;

    let noted = note(&project, "keys", Some("too loud here"), Some((4.0, Some(6.0))), false, &context(0));
    assert!(noted.expect("a note").notes[0].unanswered.is_none());
    let strange = note(&project, "keys", Some("more \"velvet\""), None, false, &context(0)).expect("a note");
    assert!(strange.notes[1].unanswered.is_some(), "{strange:?}");
    let planned = plan(&project, &request, &context(0)).expect("a plan");
    let keys = &planned.session.tracks["keys"];
    let lane = keys.lanes.iter().find(|lane| lane.target == session::LaneTarget::Fader).expect("a lane");
    // The note's three decibels, on the fader as it is solved: nothing else has moved.
    assert_eq!(keys.fader_db, before.tracks["keys"].fader_db);
    assert!(
        (lane.value_at(5.0) - (keys.fader_db - 3.0)).abs() < 1e-3
            && (lane.value_at(2.0) - keys.fader_db).abs() < 1e-3
    );
    assert_eq!(keys.notes.len(), 2, "what is not understood is kept as well");
    let answer = planned.decisions.iter().find(|d| d.why.contains("too loud here")).expect("a reason");
    assert!(answer.why.contains("0:04.0") && answer.unless.contains("notes"), "{answer:?}");
    let report = assistant::findings(&planned.facts, &planned.session);
    assert!(report.iter().any(|found| found.what.contains("velvet")), "{report:?}");

    // The versions of this session: without the singer and of the singer alone, together the mix.
    render(&project, &[workflow::Part::Premaster], false, false, &context(0)).expect("a mix");
    let versions = [Version::Instrumental, Version::Acappella];
    let done = render_versions(&project, &versions, false, false, &context(0)).expect("versions");
    let out = folder.path().join("out");
    let mut rest = read(&out.join("premaster.wav"));
    let whole_db = energy_db(&rest);
    for file in &done.files {
        let part = read(std::path::Path::new(&file.path));
        assert!(energy_db(&part) > -50.0, "{}", file.path);
        assert_eq!(part.frames(), rest.frames(), "{}", file.path);
        for c in 0..rest.channels() {
            rest.channel_mut(c).iter_mut().zip(part.channel(c)).for_each(|(x, p)| *x -= p);
        }
    }
    assert!(out.join("premaster-instrumental.wav").exists() && out.join("premaster-acappella.wav").exists());
    // Rounding of 32-bit floats only: buses here have no compressor that hears both.
    assert!(energy_db(&rest) < whole_db - 100.0, "{:.1} dB are left of {whole_db:.1}", energy_db(&rest));

    // Taken out again, the session is what it was.
    workflow::set(&project, &["track.keys.notes=".into()], false, &context(0)).expect("an edit");
    let after = plan(&project, &request, &context(0)).expect("a plan").session;
    assert!(after.tracks["keys"].lanes.is_empty() && after.tracks["keys"].notes.is_empty());
    assert_eq!(after.tracks["keys"].fader_db, before.tracks["keys"].fader_db);
}
