use crate::common::*;
use crate::limiter::{RATES_HZ, the_ceiling_is_kept};
use dsp::processors::clip_limiter::KIND;

#[test]
fn the_ceiling_is_kept_whatever_the_share() {
    for rate_hz in RATES_HZ {
        for (share_db, clips) in [(2.0, "everything"), (12.0, "everything"), (4.0, "hits")] {
            let numbers = [("drive_db", 12.0), ("share_db", share_db)];
            // What the clipper takes away reaches right up to half the rate, where two meters differ most.
            the_ceiling_is_kept(&KIND, rate_hz, &numbers, &[("clips", clips)], 0.6);
        }
    }
}

#[test]
fn the_limiter_is_left_what_the_share_leaves() {
    // A tone 4 dB over the ceiling: the clipper takes the share, the limiter the rest.
    let tone = sine(48_000, RATE_HZ, 100.0, audio::db_to_gain(4.0), 0.0);
    for (share_db, left_db) in [(0.0, 4.0), (2.0, 2.0), (3.0, 1.0), (6.0, 0.0)] {
        let numbers = [("ceiling_dbtp", 0.0), ("share_db", share_db), ("knee_db", 0.0)];
        let mut limiter = build(&KIND, RATE_HZ, 1, &numbers, &[]);
        run(limiter.as_mut(), std::slice::from_ref(&tone));
        // The clipper's filter lets a tenth of a decibel pass above a slow tone.
        let reduction = limiter.reading().gain_reduction_db;
        assert!((reduction - left_db).abs() < 0.15, "share {share_db} dB: the limiter takes {reduction} dB");
    }
}

#[test]
fn below_the_ceiling_every_bit_is_kept_and_comes_back() {
    let signal = noise(20_000, 0.4, 9);
    for clips in ["everything", "hits"] {
        let mut limiter = build(&KIND, RATE_HZ, 1, &[("ceiling_dbtp", -1.0)], &[("clips", clips)]);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&signal));
        assert!(output[0] == signal, "{clips}");
        run(limiter.as_mut(), &[vec![2.0; 4_800]]);
        // 50 release times of the slowest adaptive one.
        run(limiter.as_mut(), &[vec![0.0; 48_000 * 40]]);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&signal));
        assert!(output[0] == signal, "{clips}, after it has worked");
    }
}

#[test]
fn clipping_leaves_no_alias() {
    // 5 kHz, 2 dB clipped: whatever is no harmonic has folded back. A second of whole periods.
    let tone = sine(96_000, RATE_HZ, 5_000.0, audio::db_to_gain(2.0), 0.1);
    let numbers = [("ceiling_dbtp", 0.0), ("share_db", 2.0), ("knee_db", 0.0)];
    let mut limiter = build(&KIND, RATE_HZ, 1, &numbers, &[]);
    let output = run(limiter.as_mut(), &[tone]);
    let mut rest = output[0][48_000..].to_vec();
    for harmonic in 1..=4 {
        remove_tone(&mut rest, RATE_HZ, 5_000.0 * f64::from(harmonic));
    }
    // The fifth harmonic, 25 kHz, lies in the skirt of the filter on the way back and comes back as 23 kHz.
    remove_tone(&mut rest, RATE_HZ, 23_000.0);
    assert!(rms_db(&rest) < -95.0, "{} dB", rms_db(&rest));
}
