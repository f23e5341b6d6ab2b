//! What the meters hold, counted: the bytes of a copy of an analyser are those of what it keeps, without spare room.

use allocation_counter::measure as count;
use audio::{Buffer, Layout};
use measure::{Analyser, Facts, Options};

/// The lowest rate: what is kept belongs to time, not to samples.
const RATE_HZ: f64 = 8_000.0;

/// Ten seconds of notes over noise, stereo, with a pause and hum in it.
fn sound() -> Buffer {
    let mut state = 7u64;
    let planes: [Vec<f64>; 2] = [220.0, 277.2].map(|hz| {
        (0..80_000)
            .map(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                let t = n as f64 / RATE_HZ;
                let note = (std::f64::consts::TAU * hz * t).sin() * (-(t % 0.25) * 8.0).exp();
                let hum = 1e-3 * (std::f64::consts::TAU * 50.0 * t).sin();
                hum + 1e-4 * noise + if t < 7.0 { 0.3 * note } else { 0.0 }
            })
            .collect()
    });
    Buffer::from_channels(&planes)
}

fn feed(analyser: &mut Analyser, sound: &Buffer, seconds: usize) {
    (0..seconds / 10).for_each(|_| analyser.push(&sound.as_block()));
}

/// Bytes that an analyser holds.
fn held(analyser: &Analyser) -> f64 {
    let mut copy = None;
    count(|| copy = Some(analyser.clone())).bytes_current as f64
}

/// Bytes that an analyser takes at most to make its readings.
fn taken(analyser: &Analyser) -> f64 {
    let mut copy = Some(analyser.clone());
    count(|| drop(copy.take().map(Analyser::finish))).bytes_max as f64
}

/// What an analyser grows by in the next `seconds`, in bytes a second: what it holds, and what its readings take.
fn grown(analyser: &mut Analyser, sound: &Buffer, seconds: usize) -> (f64, f64) {
    let before = (held(analyser), taken(analyser));
    feed(analyser, sound, seconds);
    let per = seconds as f64;
    ((held(analyser) - before.0) / per, (taken(analyser) - before.1) / per)
}

#[test]
fn readings_of_a_mix_hold_little_of_a_second() {
    let sound = sound();
    let options = Options { series: false, pitch: false, music: false, ..Options::default() };
    let mut analyser = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
    feed(&mut analyser, &sound, 60);
    let (held_more, taken_more) = grown(&mut analyser, &sound, 180);
    // Loudness 100 x 8 bytes, levels 20 x 44, image 6 x 108, onsets at most 24 x 24, peaks 64; the rest is what the
    // buffers happen to hold.
    assert!(held_more < 3_200.0, "{held_more} bytes a second");
    assert!(taken_more < 4_000.0, "{taken_more} bytes a second to make the readings");
}

#[test]
fn what_is_kept_of_a_song_is_let_go_after_an_hour() {
    let sound = Buffer::from_channels(&[sound().channel(0).to_vec()]);
    let options = Options { series: false, pitch: false, ..Options::default() };
    let mut analyser = Analyser::new(RATE_HZ, Layout::Mono, options).unwrap();
    feed(&mut analyser, &sound, 3_590);
    let song = held(&analyser);
    // Notes 10 x 244 bytes, bands 20 x 160, novelty 100 x 16.
    assert!(song > 7_000.0 * 3_590.0, "{song} bytes");
    feed(&mut analyser, &sound, 20);
    let (now, expected) = (held(&analyser), 2_300.0 * 3_610.0 + 2e6);
    assert!(now < expected, "{now} bytes");
}

/// Hum is asked as well, which holds no more after half an hour than it does then.
#[test]
fn readings_of_a_recording_hold_little_of_a_second() {
    let sound = sound();
    let options = Options { series: false, spectrum: false, music: false, ..Options::default() };
    let mut analyser = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
    feed(&mut analyser, &sound, 60);
    let (held_more, _) = grown(&mut analyser, &sound, 600);
    // Loudness and levels as above, pitch 10 x 16, peaks 64, hum 2,730. The windows of hum stand in one
    // vector, which doubles as it grows and may hold as much again.
    assert!(held_more < 7_400.0, "{held_more} bytes a second");
}

#[test]
fn loudness_alone_holds_less() {
    let sound = sound();
    let mut analyser = Analyser::new(RATE_HZ, Layout::Stereo, Options::loudness()).unwrap();
    feed(&mut analyser, &sound, 60);
    let (held_more, _) = grown(&mut analyser, &sound, 600);
    // A number every 10 ms, and what the buffers happen to hold.
    assert!(held_more < 1_000.0, "{held_more} bytes a second");
}

/// What a song is asked against time when it is mastered: tone 180, PSR 160, loudness 20 x 40 and what makes the readings.
#[test]
fn lean_series_of_a_song_hold_little_of_a_second_and_cost_no_reading_but_onsets() {
    let sound = sound();
    let [lean, full] = [true, false].map(|lean| {
        let options = Options { lean, pitch: false, music: false, ..Options::default() };
        let mut analyser = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
        feed(&mut analyser, &sound, 60);
        analyser
    });
    let (small, large) = (lean.clone().finish(), full.clone().finish());
    let without_onsets = Facts { onsets_per_s: None, inter_onset_median_s: None, ..large.facts };
    assert!(large.onsets_s.len() > 100 && small.onsets_s.is_empty());
    assert_eq!(small.facts, without_onsets);
    assert_eq!(small.tone, large.tone);
    assert_eq!((small.erb.rows(), small.image.time_s.len()), (0, 0));
    let spacing = small.loudness.time_s[1] - small.loudness.time_s[0];
    assert!((spacing - 0.05).abs() < 1e-9, "{spacing}");
    let [lean, full] = [lean, full].map(|mut analyser| grown(&mut analyser, &sound, 600).1);
    // 4,000 as without series, and 1,200 of what is told against time, once while it is made and once as it is kept.
    assert!(lean < 6_400.0 && full > 1.5 * lean, "{lean} and {full} bytes a second");
}

/// What is asked for series has the same readings.
#[test]
fn series_change_no_reading() {
    let sound = sound();
    let [with, without] = [true, false].map(|series| {
        let options = Options { series, ..Options::default() };
        let mut analyser = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
        feed(&mut analyser, &sound, 60);
        analyser.finish()
    });
    assert_eq!(with.facts, without.facts);
    assert_eq!(with.music, without.music);
    assert_eq!(with.blemishes, without.blemishes);
    assert_eq!(with.onsets_s, without.onsets_s);
    assert!(with.erb.rows() > 0 && !with.loudness.time_s.is_empty() && !with.psr.time_s.is_empty());
    assert_eq!((without.erb.rows(), without.loudness.time_s.len(), without.pitch_hz.len()), (0, 0, 0));
    assert_eq!((without.psr.time_s.len(), without.image.time_s.len()), (0, 0));
}

/// Finds anything that a master's meters keep of every moment of a programme of hours, and a reading that is lost by what is
/// folded.
#[test]
fn what_is_longer_than_an_hour_is_held_in_hardly_more() {
    let sound = sound();
    let options = Options {
        series: true,
        lean: true,
        pitch: false,
        clipping: false,
        psr: false,
        course: true,
        ..Options::default()
    };
    let mut lean = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
    feed(&mut lean, &sound, 4_500);
    let (hour, made) = (held(&lean), taken(&lean));
    feed(&mut lean, &sound, 3 * 3_600);
    // An end that fills nothing that is kept as one.
    lean.push(&sound.range(0, 5_000));
    let grown = |now: f64, before: f64| (now - before) / (3.0 * 3_600.0);
    // Loudness 20 x 8 bytes; what folds at an hour holds at most twice of what it does just behind one.
    assert!(grown(held(&lean), hour) < 160.0 + 400.0, "{} and {hour} bytes", held(&lean));
    // What plays, 20 x 17 and what is sorted of it; loudness by windows.
    assert!(grown(taken(&lean), made) < 1_200.0, "{} and {made} bytes", taken(&lean));
    // The same ten seconds over and over: hours of them read as minutes do.
    let mut short = Analyser::new(RATE_HZ, Layout::Stereo, options).unwrap();
    feed(&mut short, &sound, 600);
    let (long, short) = (lean.finish(), short.finish());
    assert!(long.course.tops.is_empty() && short.course.tops.len() == 600 * 400);
    let (long, short) = (long.facts, short.facts);
    let near = |a: Option<f64>, b: Option<f64>, by: f64| (a.unwrap() - b.unwrap()).abs() < by;
    assert!(near(long.integrated_lufs, short.integrated_lufs, 0.01), "{long:?}");
    assert!(near(long.loudness_range_lu, short.loudness_range_lu, 0.05), "{long:?}");
    assert!(near(long.max_momentary_lufs, short.max_momentary_lufs, 1e-6), "{long:?}");
    assert!(near(long.max_short_term_lufs, short.max_short_term_lufs, 1e-6), "{long:?}");
    // Pauses of three seconds are told with the 0.2 s that four stretches last.
    assert!(
        (long.active_share - short.active_share).abs() < 0.04,
        "{} {}",
        long.active_share,
        short.active_share
    );
    assert!(near(long.active_rms_dbfs, short.active_rms_dbfs, 0.2), "{long:?}");
    assert!(near(long.active_crest_db, short.active_crest_db, 0.5), "{long:?}");
}

/// Finds a course of loudness that grows with a programme beyond an hour, one that is coarser than it says within the hour, and
/// points that are not those of the finer course at their times.
#[test]
fn a_lean_course_of_loudness_has_no_more_points_than_an_hour_has() {
    let sound = Buffer::from_channels(&[sound().channel(0).to_vec()]);
    let options = Options { series: true, lean: true, ..Options::loudness() };
    let mut lean = Analyser::new(RATE_HZ, Layout::Mono, options).unwrap();
    let mut full = Analyser::new(RATE_HZ, Layout::Mono, Options { lean: false, ..options }).unwrap();
    let mut fed = 0;
    for (seconds, spacing_s) in [(3_600, 0.05), (3_610, 0.10), (7_200, 0.10), (10_800, 0.15)] {
        for analyser in [&mut lean, &mut full] {
            feed(analyser, &sound, seconds - fed);
        }
        fed = seconds;
        let (course, fine) = (lean.clone().finish().loudness, full.clone().finish().loudness);
        assert!(course.time_s.len() <= 3_600 * 20, "{seconds} s: {} points", course.time_s.len());
        let spaced = course.time_s[1] - course.time_s[0];
        assert!((spaced - spacing_s).abs() < 1e-9, "{seconds} s: {spaced}");
        assert!(seconds as f64 - course.time_s.last().unwrap() < spacing_s, "{seconds} s");
        for (n, time_s) in course.time_s.iter().enumerate().step_by(997) {
            // A point every 10 ms from 0.4 s on.
            let at = ((time_s - 0.4) * 100.0).round() as usize;
            for (a, b) in [
                (&course.momentary_lufs, &fine.momentary_lufs),
                (&course.short_term_lufs, &fine.short_term_lufs),
            ] {
                // Beyond an hour sums of fives are added up: rounding of 300 additions.
                let same = match (a[n], b[at]) {
                    (Some(a), Some(b)) => (a - b).abs() < 1e-12 * 300.0,
                    (a, b) => a == b,
                };
                assert!(same, "{time_s} s: {:?} for {:?}", a[n], b[at]);
            }
        }
    }
}
