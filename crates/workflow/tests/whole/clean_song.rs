//! The demo's song without its faults: the assistant must not mend what is not broken.

use assistant::{Rules, SongFacts, TrackFacts};
use audio::Layout;
use measure::{Options, analyse};
use session::{Session, Strip, StripClass};

/// What the steps find in the recordings of the clean song, as they are.
#[test]
fn a_clean_song_gets_no_repairs() {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(demo::SESSION_RATE_HZ);
    let mut facts = SongFacts { sample_rate_hz: demo::SESSION_RATE_HZ, ..SongFacts::default() };
    // What faults are planted on, and what is likeliest to be mistaken: all of it takes minutes.
    let asked = ["Snare Top", "Floor Tom", "Bass", "EGtr R", "Keys", "Pad", "Lead Vox", "BVox 1", "BVox 2"];
    let mut tracks = Vec::new();
    let sheet = demo::each_track(7, demo::Take::Clean, |track| {
        if asked.iter().any(|name| track.file_name.contains(name)) {
            tracks.push(track);
        }
    });
    for track in tracks {
        let rate_hz = f64::from(track.sample_rate_hz);
        let layout = Layout::from_channels(track.audio.channels());
        let options = Options { true_peak_factor: 4, ..Options::default() };
        let raw = analyse(&track.audio.as_block(), rate_hz, layout, options).unwrap();
        let id = track.file_name[3..].trim_end_matches(".wav").to_lowercase().replace(' ', "_");
        let mut strip = Strip::new(StripClass::Track, id.clone());
        strip.role = Some(track.role.to_string());
        session.add(strip);
        facts.duration_s = facts.duration_s.max(raw.facts.duration_s);
        let mut known = TrackFacts { raw, ..TrackFacts::default() };
        known.file.sample_rate_hz = track.sample_rate_hz;
        known.file.duration_s = known.raw.facts.duration_s;
        known.file.depth = "24-bit integer".to_string();
        facts.tracks.insert(id, known);
    }
    assert_eq!(facts.tracks.len(), asked.len());

    for (id, known) in &facts.tracks {
        let role = session.tracks[id].role.as_deref().unwrap_or_default();
        let faults = assistant::recording_faults(known, role, &facts);
        assert!(faults.is_empty(), "{id}: {faults:?}");
    }
    let repairs =
        ["clean", "hum", "low_mono", "polarity", "bands.boom", "bands.ring", "automation", "invert"];
    for step in assistant::STEPS.iter().take(9) {
        for decision in step.decide(&facts, &session, &Rules::default()) {
            let path = decision.change.path().to_string();
            // The lead's ride is not a repair, and what a person plays is never even.
            let ride = path.contains("lead_vox.automation");
            let repair = repairs.iter().find(|repair| path.contains(*repair) && !ride);
            assert!(repair.is_none(), "{path}: {}", decision.why);
            let noise = path.contains("insert.gate") && !path.contains("tom") && !path.contains("snare");
            assert!(!noise, "{path}: {}", decision.why);
            if path == "song.tempo_bpm" {
                let evidence = format!("{decision:?}");
                assert!(evidence.contains(&format!("Number({:.1}", sheet.tempo_bpm)), "{evidence}");
            }
        }
    }
}
