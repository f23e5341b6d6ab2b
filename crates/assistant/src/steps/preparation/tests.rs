use super::*;
use crate::Relation;
use crate::testing::{Sound, applied, decide, song, song_of};
use dsp::processors::{declick, declip, dehum, denoise, eq, leveller, rumble};
use proptest::prelude::*;
use session::Path;

fn prepared(session: &Session, facts: &SongFacts) -> Session {
    applied(session, &decide(&Preparation, facts, session, &Rules::default()))
}

fn two_snares(relation: Relation) -> (Session, SongFacts) {
    let (session, mut facts) =
        song(&[("top", "snare_top"), ("bottom", "snare_bottom"), ("room", "drum_room")]);
    facts.relations = vec![relation];
    (session, facts)
}

fn relation() -> Relation {
    Relation {
        track: "bottom".into(),
        reference: "top".into(),
        lag_frames: 24.3,
        inverted: true,
        confidence: 0.9,
        correlation: 0.6,
        gain_db: 4.0,
    }
}

#[test]
fn a_clean_session_is_left_alone() {
    let (session, facts) =
        song(&[("kick", "kick_in"), ("bass", "bass_di"), ("vox", "lead_vocal"), ("what", "unknown")]);
    assert!(decide(&Preparation, &facts, &session, &Rules::default()).is_empty());
}

#[test]
fn offset_and_rumble_are_filtered_below_hearing() {
    let (session, mut facts) =
        song(&[("bass", "bass_di"), ("vox", "lead_vocal"), ("gtr", "guitar_electric")]);
    facts.tracks.get_mut("bass").unwrap().raw.facts.dc_offset = -0.02;
    facts.tracks.get_mut("vox").unwrap().raw.facts.below_25_hz_db = Some(-20.5);
    let after = prepared(&session, &facts);
    let filter = |id: &str| {
        let insert = after.tracks[id].insert("clean").expect("a filter");
        rumble::Settings::from_values(&insert.values)
    };
    // An offset needs no corner, which would turn phases and ring at the ends of the file.
    assert!(filter("bass").remove_dc && filter("bass").freq_hz == 0.0);
    // An octave below the lowest voices, 65 Hz.
    assert!(filter("vox").remove_dc && (20.0..40.0).contains(&filter("vox").freq_hz));
    assert!(after.tracks["gtr"].inserts.is_empty());
    // A second look finds nothing more to do.
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty());
}

#[test]
fn what_is_meant_to_be_low_is_not_rumble() {
    let (session, mut facts) = song(&[("sub", "bass_808"), ("kick", "kick_in"), ("vox", "lead_vocal")]);
    for track in facts.tracks.values_mut() {
        track.raw.facts.below_25_hz_db = Some(-32.0);
    }
    let after = prepared(&session, &facts);
    let filtered: Vec<&str> =
        after.tracks.values().filter(|t| !t.inserts.is_empty()).map(|t| t.id.as_str()).collect();
    assert_eq!(filtered, ["vox"]);
}

#[test]
fn all_microphones_of_a_drum_get_the_same_filter() {
    let (session, mut facts) = song(&[("in", "kick_in"), ("out", "kick_out"), ("oh", "overhead")]);
    facts.tracks.get_mut("out").unwrap().raw.facts.dc_offset = 0.01;
    facts.tracks.get_mut("in").unwrap().raw.facts.below_25_hz_db = Some(-10.0);
    let after = prepared(&session, &facts);
    // Below the lowest note of a bass with five strings, 30.9 Hz.
    let filter = rumble::Settings::from_values(&after.tracks["in"].inserts[0].values);
    assert!((20.0..30.9).contains(&filter.freq_hz), "{}", filter.freq_hz);
    assert_eq!(after.tracks["in"].inserts[0].values, after.tracks["out"].inserts[0].values);
    assert!(after.tracks["oh"].inserts.is_empty());
}

#[test]
fn the_filter_stands_first_in_a_chain_that_is_there() {
    let (mut session, mut facts) = song(&[("vox", "lead_vocal")]);
    session.tracks["vox"].inserts.push(session::Insert::new("gain", &gain::KIND));
    facts.tracks.get_mut("vox").unwrap().raw.facts.dc_offset = 0.01;
    let after = prepared(&session, &facts);
    let chain: Vec<&str> = after.tracks["vox"].inserts.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(chain, ["clean", "gain"]);
}

#[test]
fn polarity_and_delay_are_mended_when_they_are_sure_and_worth_it() {
    let (session, facts) = two_snares(relation());
    let after = prepared(&session, &facts);
    assert!(after.tracks["bottom"].invert && !after.tracks["top"].invert);
    // It comes later, so it is moved earlier.
    assert_eq!(after.tracks["bottom"].delay_frames, -24.3);
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty());
}

#[test]
fn nothing_is_moved_on_doubt() {
    let doubts: [fn(&mut Relation); 6] = [
        |r| r.confidence = 0.5,
        |r| r.gain_db = 0.4,
        // More than 30 ms: not one source.
        |r| r.lag_frames = 1_500.0,
        |r| r.lag_frames = f64::NAN,
        |r| r.track = "room".into(),
        |r| r.reference = "gone".into(),
    ];
    for doubt in doubts {
        let mut doubtful = relation();
        doubt(&mut doubtful);
        let (session, facts) = two_snares(doubtful.clone());
        assert!(decide(&Preparation, &facts, &session, &Rules::default()).is_empty(), "{doubtful:?}");
    }
}

#[test]
fn a_turned_channel_is_turned_back() {
    let (session, mut facts) = song_of(&[
        ("keys", "keys", Sound::of_role("keys").stereo()),
        ("pad", "synth_pad", Sound::of_role("synth_pad").stereo()),
    ]);
    let keys = &mut facts.tracks.get_mut("keys").unwrap().raw.facts;
    (keys.correlation, keys.mono_loss_db) = (Some(-0.97), Some(18.0));
    let after = prepared(&session, &facts);
    let insert = after.tracks["keys"].insert("polarity").unwrap();
    assert!(gain::Settings::from_values(&insert.values).invert_right);
    assert!(after.tracks["pad"].inserts.is_empty());
}

#[test]
fn silence_is_set_aside() {
    let (session, mut facts) = song(&[("vox", "lead_vocal"), ("empty", "keys")]);
    facts.tracks.get_mut("empty").unwrap().raw.facts.active_rms_dbfs = None;
    let after = prepared(&session, &facts);
    assert!(after.tracks["empty"].mute && !after.tracks["vox"].mute);
}

#[test]
fn only_what_is_plain_gets_a_role_from_its_sound() {
    let unknown = |sound: Sound| ("unknown", sound);
    // A kit is as flat as noise; a choir strikes nothing, but has many short syllables without a clear pitch.
    let sounds = [
        ("low", unknown(Sound::band(45.0, 300.0))),
        ("beat", unknown(Sound::band(45.0, 12_000.0))),
        ("choir", unknown(Sound::band(250.0, 1_200.0))),
        ("what", unknown(Sound::band(200.0, 5_000.0))),
    ];
    let tracks: Vec<(&str, &str, Sound)> = sounds.into_iter().map(|(id, (role, s))| (id, role, s)).collect();
    let (session, mut facts) = song_of(&tracks);
    let mut change =
        |id: &str, change: &dyn Fn(&mut Facts)| change(&mut facts.tracks.get_mut(id).unwrap().raw.facts);
    change("low", &|f| {
        (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(45.0), Some(700.0));
        (f.pitched_share, f.pitch_median_hz) = (Some(0.8), Some(82.0));
    });
    for id in ["beat", "choir"] {
        change(id, &|f| {
            (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(50.0), Some(9_000.0));
            (f.onsets_per_s, f.active_crest_db, f.pitched_share) = (Some(4.3), Some(17.0), Some(0.05));
        });
    }
    change("what", &|f| {
        (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(200.0), Some(5_000.0));
        (f.onsets_per_s, f.active_crest_db, f.pitched_share) = (Some(1.0), Some(12.0), Some(0.6));
    });
    let decisions = decide(&Preparation, &facts, &session, &Rules::default());
    assert!(decisions.iter().all(|d| d.confidence < 0.7));
    let after = applied(&session, &decisions);
    let roles = ["low", "beat", "choir", "what"].map(|id| after.tracks[id].role.as_deref());
    assert_eq!(roles, [Some("bass_electric"), Some("drum_kit"), None, None]);
}

#[test]
fn what_a_person_has_set_is_not_decided() {
    let (session, facts) = two_snares(relation());
    let rules = Rules { yours: vec!["track.bottom.invert".parse::<Path>().unwrap()], ..Rules::default() };
    let decisions = decide(&Preparation, &facts, &session, &rules);
    let paths: Vec<String> = decisions.iter().map(|d| d.change.path().to_string()).collect();
    assert_eq!(paths, ["track.bottom.delay_frames"]);
}

fn pairs(tracks: &[(&str, &str)]) -> Vec<(String, String)> {
    microphone_groups(&song(tracks).0)
}

fn pair(track: &str, reference: &str) -> (String, String) {
    (track.into(), reference.into())
}

#[test]
fn microphones_of_one_source_are_compared_with_the_nearest() {
    let found = pairs(&[
        ("kick_out", "kick_out"),
        ("kick_in", "kick_in"),
        ("snare_bottom", "snare_bottom"),
        ("snare_top", "snare_top"),
        ("oh_l", "overhead_left"),
        ("oh_r", "overhead_right"),
        ("room", "drum_room"),
        ("bass_amp", "bass_amp"),
        ("bass_di", "bass_di"),
        ("gtr_57", "guitar_electric"),
        ("gtr_421", "guitar_electric"),
        ("vox", "lead_vocal"),
        ("bv_1", "backing_vocal"),
        ("bv_2", "backing_vocal"),
    ]);
    assert_eq!(
        found,
        [
            pair("kick_out", "kick_in"),
            pair("snare_bottom", "snare_top"),
            pair("bass_amp", "bass_di"),
            pair("gtr_421", "gtr_57"),
        ]
    );
}

#[test]
fn alike_names_are_compared_and_others_are_not() {
    assert_eq!(
        pairs(&[("guitar_mic1", "guitar_electric"), ("guitar_mic2", "guitar_electric")]),
        [pair("guitar_mic2", "guitar_mic1")]
    );
    assert_eq!(
        pairs(&[("egtr_l", "guitar_electric"), ("egtr_r", "guitar_electric")]),
        [pair("egtr_r", "egtr_l")]
    );
    assert!(pairs(&[("rhythm", "guitar_rhythm"), ("solo", "guitar_lead")]).is_empty());
}

proptest! {
    #[test]
    fn any_relation_gives_a_session_that_can_be_read(
        lag in -1e6..1e6f64, inverted: bool, confidence in -1.0..2.0f64, gain in -50.0..50.0f64,
        offset in -1.0..1.0f64, below in -100.0..0.0f64,
    ) {
        let relation = Relation { lag_frames: lag, inverted, confidence, gain_db: gain, ..relation() };
        let (session, mut facts) = two_snares(relation);
        for track in facts.tracks.values_mut() {
            (track.raw.facts.dc_offset, track.raw.facts.below_25_hz_db) = (offset, Some(below));
        }
        let after = prepared(&session, &facts);
        let delay_ms = after.tracks["bottom"].delay_frames.abs() / 48.0;
        prop_assert!(delay_ms <= 30.0);
        prop_assert!(!after.tracks["bottom"].invert || (inverted && gain >= 0.5 && confidence >= 0.6));
    }
}

/// A voice whose peaks were cut off at -3 dBFS.
fn clips(runs: usize) -> (Session, SongFacts) {
    let (session, mut facts) = song(&[("vox", "lead_vocal")]);
    let raw = &mut facts.tracks.get_mut("vox").unwrap().raw.facts;
    (raw.clipped_runs, raw.clipped_samples) = (runs, 5 * runs);
    let run = |n: usize| measure::ClippedRun { channel: 0, frame: 1_000 * n, frames: 5, level_dbfs: -3.0 };
    raw.clipped_places = (0..runs.min(20)).map(run).collect();
    // An offset as well: its high-pass would round the flat tops.
    raw.dc_offset = 0.02;
    (session, facts)
}

#[test]
fn clipped_peaks_are_rebuilt_before_anything_else_touches_them() {
    let (session, facts) = clips(300);
    let after = prepared(&session, &facts);
    let inserts = &after.tracks["vox"].inserts;
    assert_eq!(inserts.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["declip", "clean"]);
    let settings = declip::Settings::from_values(&inserts[0].values);
    // Below the flat tops, but by less than a decibel: what is below was not lost.
    assert!((-4.0..=-3.05).contains(&settings.ceiling_db), "{}", settings.ceiling_db);
    assert!(settings.rise_db >= 6.0);
    // In a chain that is there already, as well.
    let (mut session, facts) = clips(300);
    let squash = session::Insert::new("squash", dsp::kind("compressor").unwrap());
    session.tracks["vox"].inserts.push(squash);
    let after = prepared(&session, &facts);
    let ids: Vec<&str> = after.tracks["vox"].inserts.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["declip", "clean", "squash"]);
    let (session, facts) = clips(2);
    assert!(prepared(&session, &facts).tracks["vox"].insert("declip").is_none(), "two single overs");
}

#[test]
fn clicks_are_repaired_where_nothing_strikes() {
    let clicking = |role: &str, clicks: usize| {
        let (session, mut facts) = song(&[("part", role)]);
        let blemishes = &mut facts.tracks.get_mut("part").unwrap().raw.blemishes;
        blemishes.clicks = clicks;
        blemishes.click_places_s = (0..clicks.min(10)).map(|n| n as f64).collect();
        prepared(&session, &facts).tracks["part"].insert("declick").cloned()
    };
    let repair = clicking("lead_vocal", 12).expect("a repair");
    assert!(declick::Settings::from_values(&repair.values).sensitivity_percent > 0.0);
    assert!(clicking("lead_vocal", 3).is_none(), "a few may be consonants");
    assert!(clicking("snare", 40).is_none(), "strokes are short as well");
}

/// A guitar with hum of so many dBFS in its pauses.
fn hums(dbfs: f64) -> (Session, SongFacts) {
    let (session, mut facts) = song(&[("gtr", "guitar_electric")]);
    let line =
        |hz: f64, below: f64| measure::HumLine { hz, dbfs: dbfs - below, above_floor_db: 30.0 - below };
    let lines = vec![line(50.0, 0.0), line(100.0, 6.0), line(150.0, 15.0), line(300.0, 40.0)];
    facts.tracks.get_mut("gtr").unwrap().raw.blemishes.hum = Some(measure::Hum { mains_hz: 50.0, lines });
    (session, facts)
}

#[test]
fn hum_of_several_lines_is_subtracted_up_to_the_highest_that_stands_out() {
    let (session, facts) = hums(-50.0);
    let after = prepared(&session, &facts);
    let settings =
        dehum::Settings::from_values(&after.tracks["gtr"].insert("dehum").expect("a removal").values);
    // The line at 300 Hz is 40 dB weaker than the strongest: the highest that counts is 3 x 50 Hz.
    assert_eq!((settings.mains, settings.harmonics), (dehum::Mains::Hz50, 3.0));
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty(), "once is enough");
    let (session, facts) = hums(-90.0);
    assert!(prepared(&session, &facts).tracks["gtr"].inserts.is_empty(), "72 dB below what is played");
}

#[test]
fn a_line_that_hums_alone_is_cut_narrowly() {
    let (session, mut facts) = hums(-50.0);
    let blemishes = &mut facts.tracks.get_mut("gtr").unwrap().raw.blemishes;
    blemishes.hum.as_mut().unwrap().lines.truncate(1);
    let after = prepared(&session, &facts);
    let bands = eq::Settings::from_values(&after.tracks["gtr"].insert("hum").expect("a cut").values).bands;
    let cuts: Vec<(f64, f64)> = bands.iter().map(|b| (b.freq_hz, b.gain_db)).collect();
    // Never deeper than 20 dB, though the line stands out by 30.
    assert_eq!(cuts, [(50.0, -20.0)]);
    assert!(bands[0].q >= 16.0, "{bands:?}");
}

/// A singer with noise so many dB below the singing: the same power in every row, in bands from `from_hz` up.
fn noisy(below_db: f64, from_hz: f64, role: &str) -> (Session, SongFacts) {
    let sings = Sound { on: 40, of: 100, ..Sound::band(200.0, 5_000.0) };
    let (session, mut facts) = song_of(&[("part", role, sings)]);
    let erb = &mut facts.tracks.get_mut("part").unwrap().raw.erb;
    let bands: Vec<usize> = (0..measure::ERB_BANDS).filter(|band| erb.centres_hz[*band] >= from_hz).collect();
    let each = (audio::db_to_power(-18.0 - below_db) / bands.len() as f64) as f32;
    for row in 0..erb.rows() {
        bands.iter().for_each(|band| erb.power[row * measure::ERB_BANDS + band] += each);
    }
    (session, facts)
}

#[test]
fn steady_noise_is_learnt_in_the_pauses_and_turned_down_within_bounds() {
    for (below_db, reduction_db) in [(38.0, 12.0), (41.0, 11.0)] {
        let (session, facts) = noisy(below_db, 250.0, "lead_vocal");
        let after = prepared(&session, &facts);
        let values = &after.tracks["part"].insert("denoise").expect("a denoiser").values;
        let settings = denoise::Settings::from_values(values);
        assert_eq!(settings.reduction_db, reduction_db, "{below_db} dB below");
        // What is printed adds up to the noise again: bands of equal power, each as wide as an ERB there.
        let power: f64 = settings
            .print
            .iter()
            .filter(|point| point.freq_hz >= 250.0)
            .map(|point| audio::db_to_power(point.level_db) * 24.7 * 1.017 * (1.0 + 0.00437 * point.freq_hz))
            .sum();
        // Half a decibel: the width of a band is that of its middle.
        assert!((audio::power_to_db(power) + 18.0 + below_db).abs() < 0.5, "{below_db}");
        assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty(), "once is enough");
    }
    // Too far away, a synthesiser's own, and a whistle that lies in one band.
    for (below_db, from_hz, role) in
        [(46.0, 250.0, "lead_vocal"), (38.0, 250.0, "synth_pad"), (38.0, 19_000.0, "lead_vocal")]
    {
        let (session, facts) = noisy(below_db, from_hz, role);
        assert!(prepared(&session, &facts).tracks["part"].inserts.is_empty(), "{below_db} {from_hz} {role}");
    }
}

#[test]
fn what_goes_on_below_hearing_is_filtered_even_where_strokes_reach_down() {
    let (session, mut facts) = song(&[("kick", "kick_in"), ("vox", "lead_vocal"), ("sub", "bass_808")]);
    let steady = [("kick", Some(-40.0)), ("vox", Some(-60.0)), ("sub", Some(-70.0))];
    for (id, dbfs) in steady {
        facts.tracks.get_mut(id).unwrap().raw.blemishes.subsonic_dbfs = dbfs;
    }
    // The kick averages -26 dBFS: rumble of -40 dBFS between its strokes is 14 dB below them; its own low end is not.
    let after = prepared(&session, &facts);
    let filter =
        |id: &str| after.tracks[id].insert("clean").map(|i| rumble::Settings::from_values(&i.values).freq_hz);
    assert!(filter("kick").is_some_and(|hz| (20.0..30.9).contains(&hz)), "{:?}", filter("kick"));
    assert_eq!(filter("sub"), None, "52 dB below");
    assert!(filter("vox").is_some_and(|hz| hz > 30.0), "42 dB below a voice, which has nothing there");
}

#[test]
fn the_near_microphone_is_never_delayed() {
    // The one that was taken as the reference comes 30 frames later: it is moved, not the other one.
    let early = Relation { lag_frames: -30.0, inverted: false, ..relation() };
    let (session, facts) = two_snares(early);
    let after = prepared(&session, &facts);
    assert_eq!((after.tracks["top"].delay_frames, after.tracks["bottom"].delay_frames), (-30.0, 0.0));
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty());
    // Three of one source: all go to the earliest.
    let (session, mut facts) =
        song(&[("top", "snare_top"), ("bottom", "snare_bottom"), ("side", "snare_side")]);
    let of = |track: &str, lag_frames: f64| Relation { track: track.into(), lag_frames, ..relation() };
    facts.relations = vec![of("bottom", 12.0), of("side", -8.0)];
    let after = prepared(&session, &facts);
    let delays = ["top", "bottom", "side"].map(|id| after.tracks[id].delay_frames);
    assert_eq!(delays, [-8.0, -20.0, 0.0]);
}

/// A singer whose level goes up and down by so many dB every 6 s, beside a guitar that does the same or not.
fn uneven(swing_db: f64, guitar_follows: bool, role: &str) -> Vec<session::Insert> {
    let swings =
        |db: f64| (0..crate::testing::ROWS).map(|row| if (row / 120) % 2 == 0 { db } else { -db }).collect();
    let part = Sound { moves_db: swings(swing_db), ..Sound::band(200.0, 5_000.0) };
    let guitar = Sound {
        moves_db: swings(if guitar_follows { swing_db } else { 0.0 }),
        ..Sound::band(150.0, 3_000.0)
    };
    let (session, facts) = song_of(&[("part", role, part), ("gtr", "guitar_electric", guitar)]);
    let after = prepared(&session, &facts);
    assert!(after.tracks["gtr"].inserts.is_empty());
    after.tracks["part"].inserts.clone()
}

#[test]
fn an_uneven_take_is_levelled_and_dynamics_of_the_song_stay() {
    let inserts = uneven(5.0, false, "lead_vocal");
    let settings = leveller::Settings::from_values(&inserts[0].values);
    // 10 LU apart, 4.5 wanted: halfway from both ends.
    assert!((2.0..=4.0).contains(&settings.range_db), "{}", settings.range_db);
    assert_eq!(settings.reference, leveller::Reference::Own);
    assert!(uneven(5.0, true, "lead_vocal").is_empty(), "everybody plays so");
    assert!(uneven(2.5, false, "lead_vocal").is_empty(), "5 LU are usual");
    assert!(uneven(5.0, false, "snare").is_empty(), "strokes have a step of their own");
}

/// Rumble goes on between the phrases, and the meter, which hears it, takes the pauses for playing.
#[test]
fn rumble_between_phrases_makes_no_take_uneven() {
    let sung = |row: usize| if row % 120 < 60 { 0.0 } else { -30.0 };
    let moves_db = (0..crate::testing::ROWS).map(sung).collect();
    let part = Sound { moves_db, ..Sound::band(200.0, 5_000.0) };
    let guitar = Sound::band(150.0, 3_000.0);
    let (session, facts) = song_of(&[("part", "lead_vocal", part), ("gtr", "guitar_electric", guitar)]);
    assert!(facts.tracks["part"].raw.erb.active.iter().all(|active| *active));
    assert!(prepared(&session, &facts).tracks["part"].inserts.is_empty());
}

/// Keys whose low end leans by `low_db`, as a whole by `whole_db`.
fn leaning(low_db: f64, whole_db: f64) -> Vec<session::Insert> {
    let (session, mut facts) = song_of(&[("keys", "keys", Sound::band(60.0, 3_000.0).stereo())]);
    let raw = &mut facts.tracks.get_mut("keys").unwrap().raw;
    crate::testing_tone::put_spectrum(&mut raw.facts, &|hz| if hz > 50.0 { 0.0 } else { -60.0 });
    raw.facts.balance_db = Some(whole_db);
    raw.blemishes.low_end_balance_db = Some(low_db);
    prepared(&session, &facts).tracks["keys"].inserts.clone()
}

#[test]
fn only_a_low_end_that_leans_by_itself_goes_to_the_middle() {
    let inserts = leaning(-30.0, -2.0);
    assert_eq!(inserts.len(), 1);
    assert_eq!(dsp::processors::width::Settings::from_values(&inserts[0].values).mono_below_hz, 150.0);
    // A pianist's left hand, a track that is on one side as a whole, and one that is even.
    for (low_db, whole_db) in [(-5.0, -1.0), (-30.0, -28.0), (0.0, 0.0)] {
        assert!(leaning(low_db, whole_db).is_empty(), "{low_db} {whole_db}");
    }
}

#[test]
fn a_plain_tempo_is_written_down_and_a_stated_one_stays() {
    let (mut session, mut facts) =
        song(&[("kick", "kick_in"), ("snare", "snare_top"), ("hat", "hihat"), ("vox", "lead_vocal")]);
    assert_eq!(prepared(&session, &facts).song.tempo_bpm, None, "nothing is known of onsets");
    // 96 beats per minute: the kick on 1 and 3, the snare on 2 and 4, the hat on eighths.
    let beat = 60.0 / 96.0;
    for (id, first, every) in [("kick", 0.0, 2.0), ("snare", 1.0, 2.0), ("hat", 0.0, 0.5)] {
        let raw = &mut facts.tracks.get_mut(id).unwrap().raw;
        raw.onsets_s =
            (0..).map(|n| (first + f64::from(n) * every) * beat + 0.2).take_while(|t| *t < 29.0).collect();
        for row in 0..raw.erb.rows() {
            let strikes = raw.onsets_s.iter().any(|t| (t / 0.05) as usize == row);
            let power = if strikes { 1e-2 } else { 1e-6 };
            raw.erb.power[row * measure::ERB_BANDS..][..measure::ERB_BANDS].fill(power);
        }
    }
    let found = prepared(&session, &facts).song.tempo_bpm.expect("a tempo");
    assert!((found - 96.0).abs() < 0.3, "{found}");
    session.song.tempo_bpm = Some(120.0);
    let yours = Rules { yours: vec![Path::new(["song", "tempo_bpm"])], ..Rules::default() };
    assert!(decide(&Preparation, &facts, &session, &yours).is_empty());
}

/// Two microphones of one voice; the second one is duller, and its level against the first varies by so many dB.
fn two_of_one(varies_db: f64, correlation: f64, roles: (&str, &str)) -> (Session, SongFacts) {
    let sound = |level: f64, swing_db: f64| {
        let moves_db = (0..crate::testing::ROWS).map(|row| if row % 2 == 0 { swing_db } else { -swing_db });
        Sound { moves_db: moves_db.collect(), on: 1, of: 1, ..Sound::band(200.0, 5_000.0) }.at(level)
    };
    let (session, mut facts) =
        song_of(&[("vox", roles.0, sound(-18.0, 0.0)), ("vox_far", roles.1, sound(-20.0, varies_db))]);
    for (id, hz) in [("vox", 9_000.0), ("vox_far", 5_000.0)] {
        facts.tracks.get_mut(id).unwrap().raw.facts.energy_99_percent_hz = Some(hz);
    }
    let relation = Relation { track: "vox_far".into(), reference: "vox".into(), correlation, ..relation() };
    facts.relations = vec![relation];
    (session, facts)
}

#[test]
fn a_microphone_that_adds_nothing_is_set_aside() {
    let alike = ("lead_vocal", "lead_vocal");
    let (session, facts) = two_of_one(0.3, 0.97, alike);
    let after = prepared(&session, &facts);
    assert!(after.tracks["vox_far"].mute && !after.tracks["vox"].mute);
    // Nothing is moved onto what is not heard.
    assert_eq!((after.tracks["vox_far"].delay_frames, after.tracks["vox_far"].invert), (0.0, false));
    // A room moves the level of the farther one; another tone makes another sound; and roles say what each is for.
    for (varies_db, correlation, roles) in
        [(4.0, 0.97, alike), (0.3, 0.7, alike), (0.3, 0.97, ("bass_di", "bass_amp"))]
    {
        let (session, facts) = two_of_one(varies_db, correlation, roles);
        let after = prepared(&session, &facts);
        assert!(after.tracks.values().all(|track| !track.mute), "{varies_db} {correlation}");
        assert_eq!(after.tracks["vox_far"].delay_frames, -24.3, "the farther one is moved earlier");
    }
    // Where the farther one has more, the nearer one goes.
    let (session, mut facts) = two_of_one(0.3, 0.97, alike);
    facts.tracks.get_mut("vox_far").unwrap().raw.facts.energy_99_percent_hz = Some(12_000.0);
    assert!(prepared(&session, &facts).tracks["vox"].mute);
}
