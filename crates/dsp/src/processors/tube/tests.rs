use super::*;
use crate::blocks::spectrum::tests::*;

fn wet(stage: Stage, drive_db: f64) -> Vec<(&'static str, f64)> {
    let stage = stage as usize as f64;
    vec![("drive_db", drive_db), ("stage", stage), ("mix_percent", 100.0), ("level", 1.0)]
}

/// The table of the module, which follows from the valve's published curve; 1 dB is allowed.
#[test]
fn harmonics_are_as_stated() {
    let none = f64::NEG_INFINITY;
    for (stage, drive_db, second, third) in [
        (Stage::Single, 0.0, -35.2, -59.3),
        (Stage::Single, 12.0, -21.0, -32.0),
        (Stage::Double, 0.0, -41.1, -55.7),
        (Stage::Double, 12.0, -24.9, -29.1),
        (Stage::PushPull, 0.0, none, -59.3),
        (Stage::PushPull, 12.0, none, -32.0),
    ] {
        let nominal = nominal_amplitude();
        let bins =
            spectrum(&rendered(&KIND, &wet(stage, drive_db), sine(48_000, 1_000, nominal), 48_000), 48_000);
        for (harmonic, expected) in [(2_000, second), (3_000, third)] {
            let seen = db(bins[harmonic] / bins[1_000]);
            let as_stated = if expected == none { seen < -120.0 } else { (seen - expected).abs() < 1.0 };
            assert!(as_stated, "{stage:?}, {drive_db} dB, {harmonic} Hz: {seen:.1}, stated {expected}");
        }
        let power: f64 = bins[1..].iter().map(|x| x * x / 2.0).sum();
        // The static curve of the trim against the stage with its memory.
        assert!((10.0 * power.log10() + 18.0).abs() < 0.3, "{stage:?}, {drive_db} dB: {power}");
        assert!(db(bins[0] / 2.0) < -80.0, "direct current {:.1} dBFS", db(bins[0] / 2.0));
    }
}

/// A second harmonic falls with the level, not with its square: a single triode is at -75 dB where the pair, whose
/// third falls by two decibels per decibel, is at -139.
#[test]
fn little_drive_is_clean() {
    let rest_db = |stage: Stage| {
        let tone = sine(48_000, 1_000, nominal_amplitude());
        let bins = spectrum(&rendered(&KIND, &wet(stage, -40.0), tone, 48_000), 48_000);
        let rest: f64 = (2..20).map(|k| bins[k * 1_000].powi(2)).sum::<f64>().sqrt();
        db(rest / bins[1_000])
    };
    assert!(rest_db(Stage::PushPull) < -90.0, "{:.1}", rest_db(Stage::PushPull));
    assert!((rest_db(Stage::Single) + 75.2).abs() < 1.0, "{:.1}", rest_db(Stage::Single));
}

#[test]
fn nothing_folds_back() {
    for stage in [Stage::Single, Stage::Double, Stage::PushPull] {
        for (oversampling, bound_db) in [(0.0, -105.0), (3.0, -120.0)] {
            let mut set = wet(stage, 0.0);
            set.push(("oversampling", oversampling));
            let seen = worst_alias_db(&KIND, &set);
            assert!(seen < bound_db, "{stage:?}, {oversampling}: {seen:.1} dB");
        }
    }
}

/// After a loud passage the working point leans towards cut-off, which lowers the gain and raises the second harmonic,
/// and comes back within the recovery time.
#[test]
fn leans_back_after_loud_passages() {
    let rest = |recovery_ms: f64| {
        let mut tone: Vec<f64> = sine(48_000, 1_000, 0.05);
        tone[24_000..48_000].iter_mut().for_each(|x| *x *= 40.0);
        let mut set = wet(Stage::Single, 6.0);
        set.push(("recovery_ms", recovery_ms));
        let output = rendered(&KIND, &set, tone, 48_000);
        let level = |from: usize| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, x) in output[from..from + 48].iter().enumerate() {
                let turn = TAU * n as f64 / 48.0;
                re += x * turn.cos();
                im += x * turn.sin();
            }
            f64::hypot(re, im)
        };
        // 5 ms after the end, and long after.
        db(level(48_000 + 240 + 200) / level(48_000 + 40_000))
    };
    let (quick, slow) = (rest(5.0), rest(50.0));
    assert!(slow < -0.5 && slow < quick - 0.3, "after 5 ms: {quick:.2} dB, {slow:.2} dB");
}

#[test]
fn loudness_is_kept() {
    for stage in [0.0, 1.0, 2.0] {
        let apart = louder_by(&KIND, &[("mix_percent", 100.0), ("drive_db", 12.0), ("stage", stage)]);
        assert!(apart.abs() < 0.1, "{stage}: {apart:.3} LU");
    }
}

#[test]
fn stays_stable() {
    for stage in [0.0, 1.0] {
        let (peak, direct_current_db) = after_abuse(
            &KIND,
            &[("mix_percent", 100.0), ("drive_db", 36.0), ("stage", stage), ("oversampling", 1.0)],
        );
        assert!(peak < 8.0 && direct_current_db < -80.0, "{stage}: {peak}, {direct_current_db:.1} dBFS");
    }
}
