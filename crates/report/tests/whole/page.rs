//! The page as a whole: whole whatever is missing, whatever it is called, whatever the numbers are.

use report::{Report, SignalPart, StepPart, to_html, to_json};
use serde_json::Value;
use std::collections::BTreeSet;

/// Nothing that is not a finite number, in every reading that may be one.
fn broken() -> Report {
    let mut report = crate::song::sample();
    for signal in [&mut report.premaster, &mut report.master].into_iter().flatten() {
        let facts = &mut signal.facts;
        for (reading, odd) in [
            (&mut facts.integrated_lufs, f64::NAN),
            (&mut facts.max_momentary_lufs, f64::INFINITY),
            (&mut facts.max_short_term_lufs, f64::NEG_INFINITY),
            (&mut facts.true_peak_dbtp, f64::NAN),
            (&mut facts.plr_lu, f64::INFINITY),
        ] {
            *reading = Some(odd);
        }
        for (place, band) in facts.third_octave_db.iter_mut().enumerate() {
            band.db = [Some(f64::NAN), Some(f64::NEG_INFINITY), None, Some(-30.0)][place % 4];
        }
        for band in &mut facts.bands {
            (band.side_mid_db, band.correlation) = (Some(f64::INFINITY), Some(f64::NAN));
        }
        for (place, lufs) in signal.loudness.short_term_lufs.iter_mut().enumerate() {
            *lufs = [Some(f64::NAN), None, Some(f64::INFINITY), Some(-300.0)][place % 4];
        }
        signal.loudness.momentary_lufs.fill(Some(f64::NEG_INFINITY));
    }
    for part in &mut report.gain_reduction {
        part.reduction_db.fill(f32::NAN);
        part.reduction_db[3] = f32::INFINITY;
    }
    for section in &mut report.sections {
        section.start_s = 1e9 - section.start_s;
    }
    for track in &mut report.tracks {
        track.before.active_rms_dbfs = Some(f64::NAN);
        (track.trim_db, track.pan) = (f64::NAN, f64::NAN);
    }
    for step in &mut report.steps {
        for decision in &mut step.decisions {
            decision.confidence = f64::NAN;
            for evidence in &mut decision.evidence {
                evidence.value = f64::INFINITY;
            }
        }
    }
    for part in &mut report.translation {
        part.lost_lu = Some(f64::NAN);
        part.bass_share = [Some(f64::INFINITY); 2];
        part.lead_left = [Some(f64::NAN), Some(0.0)];
        part.bands.iter_mut().for_each(|band| *band = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY));
    }
    report.duration_s = f64::NAN;
    report
}

/// Signals of which nothing is known.
fn unknown() -> Report {
    Report {
        premaster: Some(SignalPart::default()),
        master: Some(SignalPart::default()),
        tracks: vec![Default::default()],
        files: vec![Default::default()],
        translation: vec![Default::default()],
        services: vec![Default::default()],
        steps: StepPart::all(&[], |_| true),
        ..Default::default()
    }
}

fn every_kind() -> Vec<(&'static str, Report)> {
    let mut mix = crate::song::sample();
    (mix.master, mix.target, mix.passed) = (None, None, None);
    let mut failed = crate::song::sample();
    failed.passed = Some(false);
    vec![
        ("sample", crate::song::sample()),
        ("mix", mix),
        ("failed", failed),
        ("empty", Report::default()),
        ("unknown", unknown()),
        ("broken", broken()),
    ]
}

/// A piece of markup: what stands between `<` and `>`, or the text between two of these.
enum Piece<'a> {
    Tag(&'a str),
    Text(&'a str),
}

/// Cuts a page into tags and texts. A raw `<` or `>` in a text or an attribute would cut it wrongly, and the checks
/// that follow would fail.
fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if start > 0 {
            found.push(Piece::Text(&rest[..start]));
        }
        let end = rest[start..].find('>').expect("a tag that ends") + start;
        found.push(Piece::Tag(&rest[start + 1..end]));
        rest = &rest[end + 1..];
    }
    found
}

/// Fails unless every tag is closed in order, every attribute quoted and given once, every `&` an escape.
fn assert_well_formed(what: &str, html: &str) {
    let escapes = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces(html) {
        let text = match &piece {
            Piece::Tag(text) | Piece::Text(text) => *text,
        };
        for (place, _) in text.match_indices('&') {
            assert!(escapes.iter().any(|e| text[place..].starts_with(e)), "{what}: raw & in {text}");
        }
        let Piece::Tag(tag) = piece else { continue };
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{what}: closed out of order");
            continue;
        }
        let (name, attributes) =
            tag.trim_end_matches('/').split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{what}: <{tag}>");
        let quotes: Vec<&str> = attributes.split('"').collect();
        assert_eq!(quotes.len() % 2, 1, "{what}: an open quote in <{tag}>");
        let mut names = BTreeSet::new();
        for name in quotes.iter().step_by(2).map(|n| n.trim()).filter(|n| !n.is_empty()) {
            assert!(name.ends_with('='), "{what}: an attribute without quotes in <{tag}>");
            assert!(names.insert(name), "{what}: {name} twice in <{tag}>");
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{what}: not closed: {open:?}");
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// Everything that a person reads, without tags and without the style sheet.
fn readable(html: &str) -> String {
    let (head, rest) = html.split_once("<style>").expect("a style sheet");
    let (_, body) = rest.split_once("</style>").expect("its end");
    let page = format!("{head}{body}");
    let texts = pieces(&page).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.to_string(),
        Piece::Tag(_) => "\n".to_string(),
    });
    texts.collect()
}

#[test]
fn every_page_is_well_formed() {
    for (what, report) in every_kind() {
        assert_well_formed(what, &to_html(&report));
    }
}

#[test]
fn the_check_of_markup_sees_what_it_is_for() {
    for bad in ["<p>", "<p></b></p>", "<p title=x></p>", "<p>a & b</p>", "<b><i></b></i>"] {
        assert!(std::panic::catch_unwind(|| assert_well_formed("bad", bad)).is_err(), "{bad}");
    }
}

#[test]
fn nobody_ever_reads_what_is_not_a_number() {
    for (what, report) in every_kind() {
        let text = readable(&to_html(&report));
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            assert!(!["NaN", "inf", "null"].contains(&word), "{what}: {word}");
        }
    }
}

#[test]
fn what_is_not_defined_is_a_dash_that_says_so() {
    let html = to_html(&unknown());
    let dashes = html.matches("<span class=\"none\" title=\"not defined\">\u{2013}</span>").count();
    // Four key figures; ten of the sixteen optional readings of each signal at least; a track's two; a file's two.
    assert!(dashes > 20, "{dashes}");
}

/// Replaces every text by one that tries to become markup; words that are a choice of the format stay.
fn poison(value: &mut Value, evil: &str) {
    match value {
        Value::String(text) => *text = evil.into(),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, evil)),
        Value::Object(entries) => {
            let change = entries.contains_key("change");
            for (key, item) in entries {
                let choice = matches!(key.as_str(), "schema" | "step" | "severity" | "change");
                if !(choice || change && key == "path") {
                    poison(item, evil);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_text_becomes_markup() {
    let evil = "\"'><img src=x onerror=alert(1)>&`</style><script>";
    let mut json = to_json(&crate::song::sample());
    poison(&mut json, evil);
    let report: Report = serde_json::from_value(json).expect("still a report");
    assert_eq!(report.title, evil);
    let html = to_html(&report);
    assert_well_formed("poisoned", &html);
    for tag in ["<img", "<script", "</style><script"] {
        assert!(!html.contains(tag), "{tag}");
    }
    // Title, verdict, sections, target, tracks, decisions, services, files: each shows it, escaped.
    assert!(html.matches("&lt;img src=x").count() > 60);
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let html = to_html(&crate::song::sample());
    for outside in ["http:", "https:", "src=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn every_part_is_there_and_every_link_leads_somewhere() {
    let html = to_html(&crate::song::sample());
    let tags: Vec<&str> = pieces(&html)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Tag(tag) => Some(tag),
            Piece::Text(_) => None,
        })
        .collect();
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| attribute(tag, "id")) {
        assert!(ids.insert(id), "{id} twice");
    }
    let parts = ["top", "target", "loudness", "spectrum", "stereo", "dynamics", "decisions", "mix", "tracks"];
    for part in parts.into_iter().chain(["services", "files", "again"]) {
        assert!(ids.contains(part), "{part}");
        assert!(tags.contains(&format!("a href=\"#{part}\"").as_str()), "no link to {part}");
    }
    for step in 1..=20 {
        assert!(ids.contains(format!("step-{step}").as_str()), "step {step}");
    }
    for name in ["aria-labelledby", "for"] {
        for target in tags.iter().filter_map(|tag| attribute(tag, name)).flat_map(str::split_whitespace) {
            assert!(ids.contains(target), "{name} {target}");
        }
    }
}

#[test]
fn steps_without_decisions_say_why() {
    let text = readable(&to_html(&crate::song::sample()));
    assert!(text.contains("nothing needed") && text.contains("not part of this run"));
    let bare = readable(&to_html(&Report::default()));
    assert_eq!(bare.matches("not part of this run").count(), 20);
}

/// Numbers without a unit: those that have none in nature.
#[test]
fn every_number_has_its_unit() {
    let html = to_html(&crate::song::sample());
    let shown = html.matches("<span class=\"n\">").count();
    assert!(shown > 100, "{shown}");
    for after in html.split("<span class=\"n\">").skip(1) {
        let number = after.split("</span>").next().expect("its end");
        let (digits, unit) = number.split_once("<span class=\"u\">\u{a0}").expect("a unit");
        assert!(!digits.is_empty() && !unit.is_empty(), "{number}");
    }
    // Correlation and DC offset, before and after; and the correlation that a decision rests on.
    assert_eq!(html.matches("<span class=\"n pure\">").count(), 5);
}

/// The numbers of a path, after its letters.
fn coordinates(data: &str) -> Vec<f64> {
    let numbers = data.split(|c: char| c == ' ' || c.is_ascii_uppercase()).filter(|n| !n.is_empty());
    numbers.map(|n| n.parse().expect("a number")).collect()
}

#[test]
fn every_point_of_every_picture_is_finite_and_inside() {
    for (what, report) in every_kind() {
        let html = to_html(&report);
        let (mut width, mut height) = (0.0, 0.0);
        let mut points = 0;
        for piece in pieces(&html) {
            let Piece::Tag(tag) = piece else { continue };
            if let Some(view) = attribute(tag, "viewBox") {
                let numbers = coordinates(view);
                (width, height) = (numbers[2], numbers[3]);
                assert!(width > 0.0 && height > 0.0, "{what}: {view}");
            }
            let mut inside = |x: f64, y: f64| {
                points += 1;
                let fits = (0.0..=width).contains(&x) && (0.0..=height).contains(&y);
                assert!(fits, "{what}: {x} {y} outside {width} {height} in <{tag}>");
            };
            let number = |name: &str| attribute(tag, name).map_or(0.0, |n| n.parse().expect("a number"));
            match tag.split(' ').next() {
                Some("path") => {
                    coordinates(attribute(tag, "d").expect("data")).chunks(2).for_each(|p| inside(p[0], p[1]))
                }
                Some("line") => {
                    inside(number("x1"), number("y1"));
                    inside(number("x2"), number("y2"));
                }
                Some("rect") => {
                    inside(number("x"), number("y"));
                    // Places and sizes are rounded apart, to a tenth of a pixel.
                    inside(
                        (number("x") + number("width") - 0.1).max(0.0),
                        (number("y") + number("height") - 0.1).max(0.0),
                    );
                }
                Some("circle") => inside(number("cx"), number("cy")),
                Some("text") => inside(number("x"), number("y")),
                _ => {}
            }
        }
        assert!(matches!(what, "empty" | "unknown") || points > 100, "{what}: {points} points");
    }
}

#[test]
fn a_passage_that_is_louder_stands_higher() {
    let html = to_html(&crate::song::sample());
    let picture = html.split("id=\"loudness-plot-wide-title\"").nth(1).expect("the wide picture");
    let line =
        picture.split("<path class=\"main\" d=\"").nth(1).and_then(|r| r.split('"').next()).expect("a line");
    let points: Vec<f64> = coordinates(line);
    let y_at = |share: f64| points[((points.len() / 2) as f64 * share) as usize * 2 + 1];
    // The verse at 0:30 and the chorus at 1:00 of 3:12; y grows downwards.
    assert!(y_at(60.0 / 192.0) < y_at(30.0 / 192.0) - 20.0, "{} {}", y_at(60.0 / 192.0), y_at(30.0 / 192.0));
}

#[test]
fn json_holds_the_whole_report() {
    let report = crate::song::sample();
    let json = to_json(&report);
    assert_eq!(json["schema"], "tonmeister.report/1");
    assert_eq!(json["target"]["rows"][1]["limit"]["at_most"], -1.0);
    assert_eq!(json["master"]["loudness"]["short_term_lufs"][0], Value::Null);
    assert_eq!(json["steps"][0]["decisions"][0]["path"], "track.snare_bottom.invert");
    let again: Report = serde_json::from_value(json).expect("its own form");
    assert_eq!(again, report);
}

#[test]
fn a_series_is_thinned_by_leaving_out_never_by_making_up() {
    let mut analysis = measure::Analysis::default();
    analysis.loudness.time_s = (40..100).map(|n| f64::from(n) / 100.0).collect();
    analysis.loudness.momentary_lufs = (40..100).map(|n| Some(-f64::from(n))).collect();
    analysis.loudness.short_term_lufs = vec![None; 60];
    let part = SignalPart::new(&analysis, 0.1);
    let expected: Vec<Option<f64>> = (4..10).map(|n| Some(-10.0 * f64::from(n))).collect();
    assert_eq!(part.loudness.momentary_lufs, expected);
    assert_eq!(part.loudness.time_s.len(), 6);
    assert_eq!(SignalPart::new(&measure::Analysis::default(), 0.1), SignalPart::default());
}
