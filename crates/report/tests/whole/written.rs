//! What is written is read again as it was: the report and every series over time, whatever numbers they hold; and every
//! picture is one.

use measure::{ImageSeries, LoudnessSeries, PsrSeries};
use proptest::prelude::*;
use report::{Report, to_json};
use serde_json::Value;

/// Numbers that text easily spoils: many digits, both zeros, the smallest and large ones. Some fields have 32 bits.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f32>().prop_filter("JSON has no other", |x| x.is_finite()).prop_map(f64::from),
        (-200.0..200.0f64).prop_map(|x| f64::from(x as f32)),
        Just(-0.0),
        Just(f64::from(f32::MIN_POSITIVE)),
    ]
}

/// Numbers of 64 bits, all of them.
fn wide() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()),
        Just(0.1 + 0.2),
        Just(5e-324)
    ]
}

/// Puts the next number wherever a number with a fraction may stand; every seventh time nothing, where that may be.
fn fill(value: &mut Value, numbers: &mut impl Iterator<Item = f64>) {
    match value {
        Value::Number(number) if number.is_f64() => *value = numbers.next().expect("a cycle").into(),
        Value::Array(list) => list.iter_mut().for_each(|v| fill(v, numbers)),
        Value::Object(map) => map.values_mut().for_each(|v| fill(v, numbers)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    // Finds a field that is left out, renamed or rounded on one of both ways.
    #[test]
    fn a_report_is_read_as_it_was_written(numbers in prop::collection::vec(number(), 1..60)) {
        let mut json = to_json(&crate::song::sample());
        fill(&mut json, &mut numbers.iter().copied().cycle());
        let report: Report = serde_json::from_value(json.clone()).expect("its own form");
        let text = serde_json::to_string(&to_json(&report)).expect("plain values");
        let again: Report = serde_json::from_str(&text).expect("what was written");
        prop_assert_eq!(&again, &report);
        // Equal numbers may still differ in the sign of a zero; their text does not.
        prop_assert_eq!(to_json(&again).to_string(), json.to_string());
    }

    #[test]
    fn a_series_is_read_as_it_was_written(
        points in prop::collection::vec((wide(), prop::option::of(wide()), prop::option::of(wide())), 0..50),
    ) {
        let time_s: Vec<f64> = points.iter().map(|p| p.0).collect();
        let (one, two): (Vec<_>, Vec<_>) = points.iter().map(|p| (p.1, p.2)).unzip();
        let loudness =
            LoudnessSeries { time_s: time_s.clone(), momentary_lufs: one.clone(), short_term_lufs: two };
        let text = serde_json::to_string(&loudness).unwrap();
        prop_assert_eq!(&serde_json::from_str::<LoudnessSeries>(&text).unwrap(), &loudness);
        let psr = PsrSeries { time_s: time_s.clone(), psr_lu: one };
        let text = serde_json::to_string(&psr).unwrap();
        prop_assert_eq!(&serde_json::from_str::<PsrSeries>(&text).unwrap(), &psr);
        let image = ImageSeries { window_s: time_s.first().copied().unwrap_or(0.4), time_s, bands: Vec::new() };
        let text = serde_json::to_string(&image).unwrap();
        prop_assert_eq!(&serde_json::from_str::<ImageSeries>(&text).unwrap(), &image);
    }
}
