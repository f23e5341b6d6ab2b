use super::*;
use crate::testing::{ROWS, Sound, analysis, applied, decide};
use crate::testing_tone::{louder, raw, usual_song};
use dsp::processors::reverb;

const BAND: [(&str, &str); 6] = [
    ("kick", "kick_in"),
    ("snare", "snare_top"),
    ("bass", "bass_di"),
    ("guitar", "guitar_electric"),
    ("voice", "lead_vocal"),
    ("what", "unknown"),
];

fn band(bpm: Option<f64>) -> (Session, SongFacts) {
    let (mut session, facts) = usual_song(&BAND);
    session.song.tempo_bpm = bpm;
    (session, facts)
}

fn run(session: &Session, facts: &SongFacts) -> (Vec<Decision>, Session) {
    let decisions = decide(&Space, facts, session, &Rules::default());
    let session = applied(session, &decisions);
    (decisions, session)
}

fn sent(session: &Session, track: &str, to: &str) -> Option<f64> {
    session.tracks[track].sends.iter().find(|send| send.to == to).map(|send| send.level_db)
}

fn reverb_of(session: &Session, id: &str) -> reverb::Settings {
    reverb::Settings::from_values(&session.returns[id].insert("reverb").expect("a reverb").values)
}

#[test]
fn tracks_share_spaces_and_the_low_end_stays_dry() {
    let (session, facts) = band(Some(92.0));
    let (decisions, session) = run(&session, &facts);
    assert!(sent(&session, "voice", "plate").is_some() && sent(&session, "snare", "plate").is_some());
    assert!(sent(&session, "guitar", "room").is_some());
    for dry in ["kick", "bass", "what"] {
        assert!(session.tracks[dry].sends.is_empty(), "{dry}");
    }
    for id in ["plate", "room"] {
        let reverb = reverb_of(&session, id);
        assert_eq!(reverb.mix_percent, 100.0);
        assert!(reverb.low_cut_hz >= 200.0 && reverb.high_cut_hz <= 9_000.0, "{reverb:?}");
        let made = decisions.iter().find(|d| d.change.path().to_string() == format!("return.{id}")).unwrap();
        assert!(made.why.contains("92 beats per minute") && made.evidence[0].value == 92.0, "{}", made.why);
    }
}

#[test]
fn decays_follow_the_tempo_within_bounds() {
    for bpm in [40.0, 70.0, 92.0, 120.0, 174.0, 240.0] {
        let (session, facts) = band(Some(bpm));
        let (_, session) = run(&session, &facts);
        let (plate, room) = (reverb_of(&session, "plate"), reverb_of(&session, "room"));
        assert!((1.2..=2.0).contains(&plate.decay_s) && (0.3..=0.6).contains(&room.decay_s));
        // It has fallen by 30 dB within a bar of four, at tempi at which that leaves a plate at all.
        assert!(bpm > 200.0 || plate.decay_s / 2.0 <= 4.0 * 60.0 / bpm, "{bpm}");
        assert!((10.0..=60.0).contains(&plate.predelay_ms), "{plate:?}");
    }
    let (session, facts) = band(None);
    let (_, session) = run(&session, &facts);
    assert!((1.2..=2.0).contains(&reverb_of(&session, "plate").decay_s));
}

#[test]
fn an_echo_needs_a_tempo() {
    let echo = |bpm| {
        let (session, facts) = band(bpm);
        run(&session, &facts).1.returns.contains_key("slap")
    };
    assert!(!echo(None));
    assert!(echo(Some(120.0)));
}

#[test]
fn a_return_steps_aside_for_a_track_of_its_name() {
    let (session, facts) = usual_song(&[("room", "drum_room"), ("guitar", "guitar_electric")]);
    let (_, session) = run(&session, &facts);
    assert!(session.returns.contains_key("room_return"));
    assert!(sent(&session, "guitar", "room_return").is_some());
}

#[test]
fn the_wet_sound_lies_where_the_role_wants_it() {
    let (session, mut facts) = band(Some(120.0));
    // All of the voice at 1 kHz, where the plate's cuts of 250 Hz and 8 kHz take 0.02 dB.
    raw(&mut facts, "voice").erb = analysis(&Sound::tone(1_000.0)).erb;
    let (decisions, session) = run(&session, &facts);
    assert_eq!(sent(&session, "voice", "plate"), Some(-14.0));
    let send =
        decisions.iter().find(|d| d.change.path().to_string() == "track.voice.sends.plate_db").unwrap();
    assert!(send.why.contains("14 LU under the dry one"), "{}", send.why);
    // What the cuts take is given back: a source in the band around 250 Hz loses 10 log(1 + (250 / f)^4).
    let low = analysis(&Sound::tone(250.0));
    let row = low.erb.row(0);
    let centre_hz = low.erb.centres_hz[row.iter().position(|power| *power > 0.0).unwrap()];
    raw(&mut facts, "voice").erb = low.erb;
    let lost = 10.0 * (1.0 + (250.0 / centre_hz).powi(4)).log10();
    let level = sent(&run(&band(Some(120.0)).0, &facts).1, "voice", "plate").unwrap();
    // In steps of half a decibel, and never more than 3 LU.
    assert!((level - (lost.min(3.0) - 14.0)).abs() <= 0.26, "{level} {lost}");
}

#[test]
fn nothing_is_wetter_than_nine_units_under_the_dry_sound() {
    let (session, facts) = band(Some(120.0));
    for (strength, least) in [(1.0, 9.0), (4.0, 9.0)] {
        let rules = Rules { strength, ..Rules::default() };
        for decision in Space.decide(&facts, &session, &rules) {
            for under in decision.evidence.iter().filter(|e| e.name == "wet under dry") {
                assert!(under.value >= least, "{}", decision.why);
            }
        }
    }
    let none = Rules { strength: 0.0, ..Rules::default() };
    assert!(Space.decide(&facts, &session, &none).is_empty());
}

/// Strokes at a tone that fall by so many dB in 150 ms.
fn falling(fall_db: f64) -> measure::Analysis {
    let moves_db = (0..ROWS).map(|row| -(row as f64 % 12.0) * fall_db / 3.0).collect();
    analysis(&Sound { moves_db, ..Sound::tone(1_000.0) })
}

#[test]
fn recordings_with_a_room_get_less() {
    let decay = |fall_db: f64| dryness::decay_s(&falling(fall_db)).expect("falls");
    // 60 dB take four times as long as 15 dB in 150 ms.
    assert!((decay(15.0) - 0.6).abs() < 1e-6 && (decay(40.0) - 0.225).abs() < 1e-6);
    let (session, mut facts) = band(Some(120.0));
    *raw(&mut facts, "voice") = falling(40.0);
    let (dry, decided) = (run(&session, &facts).1, run(&session, &facts).0);
    assert!(decided.iter().any(|d| d.why.contains("It is dry") && d.why.contains("0.22 s")), "{decided:?}");
    *raw(&mut facts, "voice") = falling(15.0);
    let wet = run(&session, &facts).1;
    let level = |session: &Session| sent(session, "voice", "plate").unwrap();
    assert_eq!(level(&dry) - level(&wet), 4.0);
}

#[test]
fn a_side_says_that_the_room_was_printed() {
    let (session, mut facts) = usual_song(&[("voice", "lead_vocal"), ("kit", "drum_kit")]);
    let levels = |facts: &SongFacts| {
        let session = run(&session, facts).1;
        (sent(&session, "voice", "plate"), sent(&session, "kit", "room"))
    };
    let (dry, kit) = levels(&facts);
    assert!(kit.is_some());
    for id in ["voice", "kit"] {
        let known = &mut raw(&mut facts, id).facts;
        (known.channels, known.side_mid_db) = (2, Some(-15.0));
    }
    let (printed, kit) = levels(&facts);
    assert_eq!((dry.unwrap() - printed.unwrap(), kit), (4.0, None));
}

#[test]
fn a_steady_sound_says_nothing_of_its_room() {
    assert_eq!(dryness::decay_s(&analysis(&Sound::tone(500.0))), None);
    assert_eq!(dryness::decay_s(&measure::Analysis::default()), None);
}

#[test]
fn level_does_not_matter_and_what_is_set_stays() {
    let (session, facts) = band(Some(120.0));
    assert_eq!(run(&session, &facts).1, run(&session, &louder(&facts, -17.0)).1);
    let yours = Rules { yours: vec!["track.voice.sends.plate_db".parse().unwrap()], ..Rules::default() };
    let decisions = Space.decide(&facts, &session, &yours);
    assert!(!decisions.iter().any(|d| d.change.path().to_string() == "track.voice.sends.plate_db"));
    // What is there already is not made again.
    let (_, once) = run(&session, &facts);
    assert!(run(&once, &facts).0.is_empty());
}

#[test]
fn what_is_wide_by_nature_gets_a_side_that_vanishes_in_mono() {
    use dsp::processors::{decorrelator, mid_side};
    let (mut session, facts) =
        usual_song(&[("pad", "synth_pad"), ("bv", "backing_vocal"), ("bass", "bass_di")]);
    session.tracks["bv"].pan = -60.0;
    let (_, after) = run(&session, &facts);
    let level = sent(&after, "pad", "wide").expect("a side");
    // 7 LU under the middle, but for what the cut below 300 Hz takes.
    assert!((-7.5..=-4.0).contains(&level), "{level}");
    assert_eq!((sent(&after, "bv", "wide"), sent(&after, "bass", "wide")), (None, None), "placed, and low");
    let inserts = &after.returns["wide"].inserts;
    assert_eq!(decorrelator::Settings::from_values(&inserts[0].values).amount_percent, 100.0);
    // Only the side is left, so that nothing is in mono what was not there.
    assert!(mid_side::Settings::from_values(&inserts[1].values).mid_db <= -40.0);
}

#[test]
fn a_genre_makes_it_drier_or_wetter_and_says_so() {
    let (mut session, facts) = band(Some(92.0));
    let mut level = |genre: &str| {
        session.song.genre = Some(genre.into());
        let (decisions, after) = run(&session, &facts);
        let why =
            decisions.iter().find(|d| d.change.path().to_string() == "track.voice.sends.plate_db").unwrap();
        (sent(&after, "voice", "plate").unwrap(), why.why.clone())
    };
    let (rock, hip_hop, ambient) = (level("rock"), level("hip hop"), level("ambient"));
    // 3 LU drier and 4 LU wetter.
    assert_eq!((rock.0 - hip_hop.0, ambient.0 - rock.0), (3.0, 4.0));
    assert!(hip_hop.1.contains("drier") && ambient.1.contains("wetter") && !rock.1.contains("rock"));
}
