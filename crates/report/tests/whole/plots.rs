//! Pictures of one file: well-formed, finite and inside their frame, whatever the file was.

use measure::{BandMeter, BandPortrait, LoudnessSeries, Options, analyse};
use proptest::prelude::*;
use report::{Plot, PlotPart, SectionPart, Theme, to_svg};

const RATE_HZ: f64 = 48_000.0;

/// What is measured of some channels, as `measure --plot` does.
fn part(channels: &[Vec<f64>]) -> PlotPart {
    let buffer = audio::Buffer::from_channels(channels);
    let layout = audio::Layout::from_channels(channels.len());
    let analysis = analyse(&buffer.as_block(), RATE_HZ, layout, Options::default()).expect("measurable");
    let mut image = BandMeter::new(RATE_HZ, channels.len());
    image.push(&buffer.as_block());
    PlotPart {
        name: "Rye & <Rain>.wav".into(),
        about: "WAV, 24-bit \u{b7} 48 kHz \u{b7} stereo".into(),
        peak_step_s: 0.05,
        peaks_dbtp: (0..buffer.frames() / 2400).map(|n| Some(-(n as f64 % 7.0))).collect(),
        facts: analysis.facts,
        loudness: analysis.loudness,
        range_lufs: analysis.range_edges_lufs,
        portrait: image.finish(),
        sections: Vec::new(),
    }
}

fn tone(seconds: f64, hz: f64, level: f64) -> Vec<f64> {
    let frames = (seconds * RATE_HZ) as usize;
    (0..frames).map(|n| level * (n as f64 * hz * std::f64::consts::TAU / RATE_HZ).sin()).collect()
}

/// Every number of every attribute that places something.
fn places(svg: &str) -> Vec<f64> {
    let mut found = Vec::new();
    for key in [" x=\"", " y=\"", " x1=\"", " x2=\"", " y1=\"", " y2=\"", " cx=\"", " cy=\"", " d=\""] {
        for (at, _) in svg.match_indices(key) {
            let value = svg[at + key.len()..].split('"').next().expect("closed");
            let numbers = value.split(|c: char| "MLZ ".contains(c)).filter(|n| !n.is_empty());
            found.extend(numbers.map(|n| n.parse::<f64>().unwrap_or_else(|_| panic!("{n} in {key}"))));
        }
    }
    found
}

/// Tags close in the order in which they opened.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').expect("every tag ends");
        match inside.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if inside.ends_with('/') => {}
            None => open.push(inside.split(' ').next().expect("a name")),
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

fn check(part: &PlotPart, what: &str) {
    for plot in Plot::ALL {
        for theme in [Theme::Light, Theme::Dark] {
            let svg = to_svg(part, plot, theme);
            well_formed(&svg);
            let width: f64 = if plot == Plot::Sheet { 1600.0 } else { 1200.0 };
            let places = places(&svg);
            assert!(
                places.iter().all(|p| p.is_finite() && (0.0..=width).contains(p)),
                "{what}, {}",
                plot.id()
            );
            // Numbers that are no numbers would be written as these.
            for odd in ["NaN", ">inf", "var("] {
                assert!(!svg.contains(odd), "{what}, {}: {odd}", plot.id());
            }
            assert_eq!(svg, to_svg(part, plot, theme), "the same picture twice");
        }
    }
}

#[test]
fn every_signal_has_its_pictures() {
    let (low, high) = (tone(5.0, 100.0, 0.5), tone(5.0, 3000.0, 0.9));
    check(&part(&[low.clone(), high.clone()]), "stereo");
    check(&part(std::slice::from_ref(&low)), "mono");
    check(&part(&[low.clone(), vec![0.0; low.len()]]), "one channel silent");
    check(&part(&[vec![0.0; 48_000], vec![0.0; 48_000]]), "silence");
    check(&part(&[tone(0.2, 1000.0, 0.5)]), "0.2 s");
    check(&part(&[vec![0.5], vec![0.5]]), "one frame");
    check(&part(&[vec![], vec![]]), "no frame");
    check(&part(&vec![low; 9]), "nine channels");
    check(&PlotPart::default(), "nothing");
}

proptest! {
    // Each case measures a signal and draws every plot twice: a few of them are enough for a quick run, and every run
    // has others.
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    // Finds a name that is not escaped, a picture of a signal so short that it has no moment, and a scale without room.
    #[test]
    fn every_picture_is_well_formed(
        channels in 1usize..=8,
        frames in prop_oneof![0usize..3, 0usize..30_000],
        level in prop::sample::select(vec![0.0, 1e-9, 0.001, 0.5, 1.0, 900.0]),
        name in any::<String>(),
        sections in prop::collection::vec((any::<String>(), -1.0..1.0f64), 0..4),
        seed in any::<u32>(),
    ) {
        let mut state = seed;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * (f64::from(state) / 2_147_483_648.0 - 1.0)
        };
        let mut part = part(&(0..channels).map(|_| (0..frames).map(|_| noise()).collect()).collect::<Vec<_>>());
        (part.name, part.about) = (name.clone(), name);
        part.sections = sections.into_iter().map(|(name, start_s)| SectionPart { name, start_s }).collect();
        check(&part, &format!("{channels} channels, {frames} frames at {level}"));
    }
}

#[test]
fn numbers_that_are_none_break_no_picture() {
    let mut odd = part(&[tone(5.0, 100.0, 0.5), tone(5.0, 120.0, 0.5)]);
    let none = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 400.0, -400.0];
    for value in none {
        odd.facts.integrated_lufs = Some(value);
        odd.facts.true_peak_dbtp = Some(value);
        odd.facts.duration_s = value;
        odd.range_lufs = Some((value, value));
        odd.portrait.tilt = Some((value, value));
        odd.peaks_dbtp = vec![Some(value), None, Some(-3.0)];
        odd.loudness.short_term_lufs.fill(Some(value));
        odd.loudness.momentary_lufs[5] = Some(value);
        odd.portrait.moments.iter_mut().for_each(|(all, bands)| {
            *all = Some(value);
            bands.fill(Some(value));
        });
        odd.portrait.thirds.iter_mut().for_each(|b| (b.db, b.side_mid_db) = (Some(value), Some(value)));
        odd.sections = vec![SectionPart { name: "x".into(), start_s: value }];
        check(&odd, &format!("{value}"));
    }
}

/// What is above -1 dBTP stands out, and nothing else does.
#[test]
fn peaks_above_the_permitted_maximum_are_marked() {
    let mut song = part(&[tone(5.0, 100.0, 0.5), tone(5.0, 100.0, 0.5)]);
    let marked =
        |song: &PlotPart| to_svg(song, Plot::Loudness, Theme::Light).matches("class=\"over\"").count();
    song.peaks_dbtp = vec![Some(-1.0); 100];
    assert_eq!(marked(&song), 0);
    song.peaks_dbtp[50] = Some(-0.9);
    // The place itself, and its entry in the legend.
    assert_eq!(marked(&song), 2);
}

/// Three hours in moments of 10 ms: the picture has as many points as columns, not as moments.
#[test]
fn a_long_file_makes_no_large_picture() {
    let moments = 3 * 3600 * 100;
    let time_s: Vec<f64> = (0..moments).map(|n| n as f64 / 100.0).collect();
    let lufs: Vec<Option<f64>> = (0..moments).map(|n| Some(-20.0 - (n % 1000) as f64 / 100.0)).collect();
    let mut long = part(&[tone(1.0, 100.0, 0.5), tone(1.0, 200.0, 0.5)]);
    long.facts.duration_s = 3.0 * 3600.0;
    long.loudness = LoudnessSeries { time_s, momentary_lufs: lufs.clone(), short_term_lufs: lufs };
    long.peaks_dbtp = (0..3 * 3600 * 20).map(|n| Some(-(n as f64 % 13.0))).collect();
    let rows = (0..2048).map(|n| (Some(1.0 - n as f64 / 1024.0), vec![Some((n % 3) as f64 - 1.0); 9]));
    long.portrait = BandPortrait { moments: rows.collect(), moment_s: 5.3, ..long.portrait };
    let svg = to_svg(&long, Plot::Sheet, Theme::Light);
    assert!(svg.len() < 700_000, "{} bytes", svg.len());
    check(&long, "three hours");
}
