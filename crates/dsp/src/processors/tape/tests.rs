use super::*;
use crate::blocks::spectrum::tests::{after_abuse, alias_db, db, louder_by, sine, spectrum};
use audio::Buffer;

fn through(settings: Settings, mut samples: Vec<f64>, sample_rate_hz: f64) -> Vec<f64> {
    let spec = Spec { sample_rate_hz, channels: 1, max_frames: 4_096 };
    Machine::new(settings, &spec).process(&mut Block::from_mono(&mut samples), None);
    samples
}

fn wet(drive_db: f64) -> Settings {
    Settings { drive_db, mix_percent: 100.0, level: Match::Nominal, ..Settings::default() }
}

/// The table of the module: it follows from the equations that the hysteresis is tested against; 1 dB is allowed.
#[test]
fn harmonics_are_as_stated() {
    let nominal = nominal_amplitude();
    for (drive_db, third) in [(0.0, -50.0), (6.0, -38.1), (12.0, -26.7)] {
        let bins = spectrum(&through(wet(drive_db), sine(48_000, 1_000, nominal), 48e3), 48_000);
        let seen = db(bins[3_000] / bins[1_000]);
        assert!((seen - third).abs() < 1.0, "{drive_db} dB: {seen:.2}, stated {third}");
        // Odd, but for what the order of up and down leaves.
        assert!(db(bins[2_000] / bins[1_000]) < -65.0, "{drive_db} dB: {:.1}", db(bins[2_000] / bins[1_000]));
        assert!(
            db(bins[1_000] / nominal).abs() < 0.1,
            "{drive_db} dB: level {:.2}",
            db(bins[1_000] / nominal)
        );
        assert!(db(bins[0] / 2.0) < -80.0, "direct current {:.1} dBFS", db(bins[0] / 2.0));
    }
}

#[test]
fn little_drive_is_clean() {
    let bins = spectrum(&through(wet(-40.0), sine(48_000, 1_000, 1.0), 48e3), 48_000);
    let rest: f64 = (2..20).map(|k| bins[k * 1_000].powi(2)).sum::<f64>().sqrt();
    assert!(db(rest / bins[1_000]) < -90.0, "{:.1} dB", db(rest / bins[1_000]));
}

/// 5 kHz at full scale with 12 dB of drive, far into saturation: what is no harmonic.
#[test]
fn nothing_folds_back() {
    for (rate, hz, oversampling, bound_db) in [
        (44_100, 5_000, Rate::Auto, -100.0),
        (48_000, 5_000, Rate::Auto, -100.0),
        (44_100, 6_127, Rate::Auto, -100.0),
        (44_100, 5_000, Rate::Sixteen, -120.0),
        (48_000, 4_999, Rate::Sixteen, -120.0),
    ] {
        let settings = Settings { oversampling, ..wet(12.0) };
        let seen = alias_db(&spectrum(&through(settings, sine(rate, hz, 1.0), rate as f64), rate), hz);
        assert!(seen < bound_db, "{oversampling:?}, {hz} of {rate} Hz: {seen:.1} dB");
    }
}

/// Speed and wear do what they do on a machine: the tone of a quiet signal at three frequencies, in decibels.
/// From the losses' and the bell's formulas; 0.3 dB for the short filter.
#[test]
fn the_tone_is_the_formulas() {
    for (speed, wear_percent, bias_percent) in [
        (Speed::Fifteen, 0.0, 100.0),
        (Speed::SevenAndAHalf, 0.0, 100.0),
        (Speed::Thirty, 0.0, 100.0),
        (Speed::Fifteen, 100.0, 100.0),
        (Speed::Fifteen, 0.0, 150.0),
    ] {
        let settings = || Settings { speed, wear_percent, bias_percent, ..wet(0.0) };
        for hz in [5_000, 10_000, 15_000] {
            let level =
                |hz: usize| db(spectrum(&through(settings(), sine(48_000, hz, 0.001), 48e3), 48_000)[hz]);
            let seen = level(hz) - level(1_000);
            let expected = db(loss(&settings(), hz as f64) / loss(&settings(), 1_000.0));
            assert!(
                (seen - expected).abs() < 0.3,
                "{speed:?}, {wear_percent} %, {hz} Hz: {seen:.2} {expected:.2}"
            );
        }
    }
    let bump_hz = Speed::Fifteen.bump_hz().round() as usize;
    let seen = db(spectrum(&through(wet(0.0), sine(48_000, bump_hz, 0.001), 48e3), 48_000)[bump_hz] / 0.001);
    assert!((seen - 2.0).abs() < 0.2, "bump {seen:.2} dB");
}

/// Slow tape, whose treble is recorded higher, bends a loud 8 kHz more than fast tape.
#[test]
fn slow_tape_runs_out_of_treble_first() {
    let lost = |speed: Speed| {
        let level = |amplitude: f64| {
            let settings = Settings { speed, ..wet(6.0) };
            spectrum(&through(settings, sine(48_000, 8_000, amplitude), 48e3), 48_000)[8_000] / amplitude
        };
        db(level(0.001) / level(0.7))
    };
    let (slow, fast) = (lost(Speed::SevenAndAHalf), lost(Speed::Fifteen));
    assert!(slow > fast + 2.0, "slow {slow:.2} dB, fast {fast:.2} dB");
}

/// Frequency of a 3 kHz tone on a tape with wow and flutter, as RMS deviation: as set, within a tenth (some
/// seconds of three slow sines).
#[test]
fn the_speed_sways_as_much_as_set() {
    for (wow_percent, flutter_percent) in [(0.2, 0.0), (0.0, 0.1)] {
        let settings = Settings { wow_percent, flutter_percent, bump_db: 0.0, ..wet(-20.0) };
        let seconds = 24;
        let tone: Vec<f64> =
            (0..48_000 * seconds).map(|n| 0.1 * (TAU * (n % 16) as f64 / 16.0).sin()).collect();
        let output = through(settings, tone, 48e3);
        // Phase against the tone, every 10 ms; its rise over 2 pi 3 kHz 10 ms is the speed.
        let phases: Vec<f64> = output[48_000..]
            .chunks_exact(480)
            .map(|piece| {
                let (mut re, mut im) = (0.0, 0.0);
                for (n, x) in piece.iter().enumerate() {
                    let turn = TAU * (n % 16) as f64 / 16.0;
                    re += x * turn.sin();
                    im += x * turn.cos();
                }
                im.atan2(re)
            })
            .collect();
        let speeds: Vec<f64> =
            phases.windows(2).map(|w| ((w[1] - w[0]) / TAU - ((w[1] - w[0]) / TAU).round()) / 30.0).collect();
        let rms = (speeds.iter().map(|x| x * x).sum::<f64>() / speeds.len() as f64).sqrt();
        let expected = (wow_percent + flutter_percent) / 100.0;
        assert!((rms / expected - 1.0).abs() < 0.1, "{rms} {expected}");
    }
}

/// Hiss has the level that is set, differs between the channels, and ends with the signal.
#[test]
fn hiss_is_as_set_and_ends() {
    let settings = Settings { hiss_db: -60.0, ..wet(12.0) };
    let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
    let mut audio = Buffer::new(2, 96_000);
    for c in 0..2 {
        // So soft that only the hiss is measured.
        audio.channel_mut(c)[..48_000].fill(1e-9);
    }
    Machine::new(settings, &spec).process(&mut audio.as_block_mut(), None);
    let rms =
        |samples: &[f64]| db((samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).sqrt());
    let apart: Vec<f64> = (10_000..48_000).map(|n| audio.channel(0)[n] - audio.channel(1)[n]).collect();
    for c in 0..2 {
        let seen = rms(&audio.channel(c)[10_000..48_000]);
        assert!((seen - -60.0).abs() < 0.2, "{seen:.2} dBFS");
        assert!(audio.channel(c)[80_000..].iter().all(|x| x.abs() < 1e-9), "silence after the end");
    }
    assert!((rms(&apart) - -57.0).abs() < 0.3, "{:.2}", rms(&apart));
}

/// Programme of changing level comes out as loud as it went in.
#[test]
fn loudness_is_kept() {
    for drive_db in [0.0, 12.0] {
        let apart = louder_by(&KIND, &[("mix_percent", 100.0), ("drive_db", drive_db)]);
        assert!(apart.abs() < 0.1, "{drive_db} dB: {apart:.3} LU");
    }
}

#[test]
fn stays_stable() {
    let (peak, direct_current_db) =
        after_abuse(&KIND, &[("mix_percent", 100.0), ("drive_db", 36.0), ("oversampling", 1.0)]);
    assert!(peak < 4.0 && direct_current_db < -80.0, "{peak}, {direct_current_db:.1} dBFS");
}
