//! The compressors after hardware: VCA, FET, opto, vari-mu.

use crate::common::*;
use audio::{Buffer, db_to_gain};
use dsp::processors::{fet_compressor, opto_compressor, vari_mu_compressor, vca_compressor};
use dsp::{Kind, Processor};
use realfft::RealFftPlanner;

type Numbers = &'static [(&'static str, f64)];
/// A kind and its settings.
type Case = (&'static Kind, Numbers, Choices);
type Choices = &'static [(&'static str, &'static str)];

/// Output in decibels over the threshold of a compressor whose *output* `y` gives the reduction `curve(y)`: the one
/// output for which both agree, by bisection.
fn closed(over: f64, curve: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-200.0, over);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle + curve(middle) < over { low = middle } else { high = middle }
    }
    low
}

/// Parabola and line of a feedback compressor: above the bend the input meets `ratio`, and the bend is `knee` decibels
/// of input wide.
fn bend(ratio: f64, knee: f64) -> impl Fn(f64) -> f64 {
    let slope = ratio - 1.0;
    let width = knee / (1.0 + slope / 2.0);
    move |y| {
        if y <= -width / 2.0 {
            0.0
        } else if y < width / 2.0 {
            slope * (y + width / 2.0).powi(2) / (2.0 * width)
        } else {
            slope * y
        }
    }
}

/// Level out for a steady level in, in decibels.
fn steady(processor: &mut dyn Processor, level_db: f64) -> f64 {
    let output = run(processor, &[vec![db_to_gain(level_db); 24_000]]);
    db(output[0][23_999])
}

#[test]
fn the_static_curves_are_the_stated_laws() {
    for level in [-60.0, -34.0, -31.0, -29.0, -22.0, -10.0, 0.0, 10.0] {
        let over: f64 = level + 30.0;
        let check =
            |what: &str, kind: &Kind, numbers: &[(&str, f64)], choices: &[(&str, &str)], expected: f64| {
                let seen = steady(build(kind, RATE_HZ, 1, numbers, choices).as_mut(), level) + 30.0;
                // 0.05 dB is the promise for compressors; a direct current leaves no ripple.
                assert!((seen - expected).abs() < 0.05, "{what} at {over} dB over: {seen}, not {expected}");
            };
        for ratio in [2.0, 4.0, 10.0] {
            let numbers = [("threshold_db", -30.0), ("ratio", ratio), ("attack_ms", 1.0)];
            let line = if over < 0.0 { over } else { over / ratio };
            for topology in ["feed_forward", "feedback"] {
                check("vca", &vca_compressor::KIND, &numbers, &[("topology", topology)], line);
            }
            let soft = [("topology", "feedback"), ("knee", "soft")];
            check("vca soft", &vca_compressor::KIND, &numbers, &soft, closed(over, bend(ratio, 6.0)));
        }
        for (ratio, number, knee, threshold) in [
            ("4_to_1", 4.0, 6.0, -20.0),
            ("8_to_1", 8.0, 4.0, -18.5),
            ("12_to_1", 12.0, 3.0, -17.5),
            ("20_to_1", 20.0, 2.0, -16.0),
            ("all", 16.0, 12.0, -18.0),
        ] {
            let over = level - threshold;
            let expected = closed(over, bend(number, knee)) + threshold + 30.0;
            check("fet", &fet_compressor::KIND, &[], &[("ratio", ratio)], expected);
        }
        check("fet off", &fet_compressor::KIND, &[], &[], over);
        let numbers = [("threshold_db", -30.0)];
        for (mode, ratio, knee) in [("compress", 3.0, 16.0), ("limit", 10.0, 10.0)] {
            let expected = closed(over, bend(ratio, knee));
            check("opto", &opto_compressor::KIND, &numbers, &[("mode", mode)], expected);
        }
        // The ratio grows by 4.5 in 20 dB and is 1.5 at the threshold: the output's slope is its reciprocal, summed
        // in steps of a thousandth of a decibel.
        let mut output = -10.0;
        for step in 0..((over + 10.0).max(0.0) * 1000.0) as usize {
            let input = -10.0 + (step as f64 + 0.5) / 1000.0;
            output += 0.001 / (1.5 + 4.5 * input / 20.0).clamp(1.0, 6.0);
        }
        let expected = if over < -10.0 { over } else { output };
        check("vari-mu", &vari_mu_compressor::KIND, &numbers, &[], expected);
    }
}

/// Milliseconds after a step of a steady level until the gain has covered 63.2 % of its way.
fn time_ms(processor: &mut dyn Processor, before_db: f64, after_db: f64, wait: usize) -> f64 {
    let (low, high) = (db_to_gain(before_db), db_to_gain(after_db));
    let input: Vec<f64> = [vec![low; wait], vec![high; 3 * wait]].concat();
    let output = run_aligned(processor, std::slice::from_ref(&input)).remove(0);
    let gain = |n: usize| db(output[n] / input[n]);
    let (from, to) = (gain(wait - 200), gain(4 * wait - 200));
    let there = from + (to - from) * (1.0 - (-1f64).exp());
    // The filters around the raised rate ring for two milliseconds after a fall, louder than what follows.
    let skipped = if after_db < before_db { 100 } else { 0 };
    let first = (wait + skipped..4 * wait)
        .find(|&n| (gain(n) - from).abs() >= (there - from).abs())
        .expect("reached");
    (first - wait) as f64 / 48.0
}

#[test]
fn the_times_are_as_stated() {
    let check = |what: &str, seen: f64, stated: f64, share: f64| {
        assert!((seen - stated).abs() < share * stated, "{what}: {seen:.3} ms, stated {stated}");
    };
    // Both levels above the bend. The detector's mean takes its part of the VCA's and the opto's attack.
    for topology in ["feed_forward", "feedback"] {
        for attack_ms in [3.0, 30.0] {
            let numbers = [("threshold_db", -40.0), ("ratio", 4.0), ("attack_ms", attack_ms)];
            let mut vca = build(&vca_compressor::KIND, RATE_HZ, 1, &numbers, &[("topology", topology)]);
            check("vca attack", time_ms(vca.as_mut(), -30.0, -20.0, 48_000), attack_ms, 0.12);
        }
        let numbers = [("threshold_db", -30.0), ("ratio", 4.0), ("release_ms", 300.0), ("attack_ms", 1.0)];
        let mut vca = build(&vca_compressor::KIND, RATE_HZ, 1, &numbers, &[("topology", topology)]);
        check("vca release", time_ms(vca.as_mut(), -10.0, -60.0, 96_000), 300.0, 0.02);
    }
    for (ratio, attack_ms) in [("4_to_1", 0.8), ("20_to_1", 0.8), ("8_to_1", 0.4)] {
        let numbers = [("attack_ms", attack_ms), ("release_ms", 50.0)];
        let mut fet = build(&fet_compressor::KIND, RATE_HZ, 1, &numbers, &[("ratio", ratio)]);
        // The ringing of the step reaches two frames, 0.04 ms.
        check("fet attack", time_ms(fet.as_mut(), -10.0, 0.0, 24_000), attack_ms, 0.12);
        let mut fet = build(&fet_compressor::KIND, RATE_HZ, 1, &numbers, &[("ratio", ratio)]);
        check("fet release", time_ms(fet.as_mut(), 0.0, -60.0, 24_000), 50.0, 0.03);
    }
    let numbers = [("threshold_db", -40.0)];
    let mut opto = build(&opto_compressor::KIND, RATE_HZ, 1, &numbers, &[]);
    check("opto attack", time_ms(opto.as_mut(), -25.0, -20.0, 48_000), 10.0, 0.12);
    for attack_ms in [1.0, 25.0] {
        let numbers = [("threshold_db", -40.0), ("attack_ms", attack_ms), ("release_s", 0.2)];
        let mut vari_mu = build(&vari_mu_compressor::KIND, RATE_HZ, 1, &numbers, &[]);
        // The ratio is 3 at 1.5 / 4.5 x 20 dB over the threshold; a small step around it.
        let middle = -40.0 + 20.0 / 3.0;
        let seen = time_ms(vari_mu.as_mut(), middle - 0.05, middle + 0.05, 48_000);
        // The ringing of the step reaches four frames, 0.08 ms.
        check("vari-mu attack", seen, attack_ms, 0.02 + 0.08 / attack_ms);
        check("vari-mu release", time_ms(vari_mu.as_mut(), -30.0, -70.0, 48_000), 200.0, 0.02);
    }
}

/// Reduction left at some milliseconds after `loud_s` seconds at a level, as a share of that at the end.
fn left_after(
    kind: &Kind,
    numbers: &[(&str, f64)],
    choices: &[(&str, &str)],
    loud_s: f64,
    at_ms: &[f64],
) -> Vec<f64> {
    let loud = (loud_s * RATE_HZ) as usize;
    let input = [vec![db_to_gain(-10.0); loud], vec![db_to_gain(-70.0); 240_000]].concat();
    let mut processor = build(kind, RATE_HZ, 1, numbers, choices);
    let output = run_aligned(processor.as_mut(), std::slice::from_ref(&input)).remove(0);
    let gain = |n: usize| db(output[n] / input[n]);
    let whole = gain(loud - 200);
    at_ms.iter().map(|ms| gain(loud + (ms * 48.0) as usize) / whole).collect()
}

#[test]
fn the_opto_remembers_how_long_it_was_lit() {
    let at = [60.0, 560.0, 2_560.0];
    let short = left_after(&opto_compressor::KIND, &[("threshold_db", -30.0)], &[], 0.1, &at);
    let long = left_after(&opto_compressor::KIND, &[("threshold_db", -30.0)], &[], 16.0, &at);
    // Half is gone after 60 ms, either way; the mean of the detector holds it for up to its 2 ms times ln of 60 dB.
    for left in [short[0], long[0]] {
        assert!((0.48..0.60).contains(&left), "{short:?} {long:?}");
    }
    // The other half with 0.5 s and with nearly 5 s: e^(-0.56/0.51) / 2 and e^(-0.56/4.8) / 2.
    assert!((short[1] - 0.17).abs() < 0.03, "{short:?}");
    assert!((long[1] - 0.445).abs() < 0.03, "{long:?}");
    assert!(short[2] < 0.02 && long[2] > 0.25, "{short:?} {long:?}");
}

#[test]
fn dual_releases_wait_for_lasting_reduction() {
    let vca: (&Kind, Numbers, Choices) =
        (&vca_compressor::KIND, &[("threshold_db", -30.0), ("attack_ms", 0.1)], &[("release", "auto")]);
    let vari_mu: (&Kind, Numbers, Choices) = (
        &vari_mu_compressor::KIND,
        &[("threshold_db", -30.0), ("attack_ms", 1.0), ("release_s", 0.2)],
        &[("release", "dual")],
    );
    for (kind, numbers, choices) in [vca, vari_mu] {
        let short = left_after(kind, numbers, choices, 0.02, &[500.0])[0];
        let long = left_after(kind, numbers, choices, 4.0, &[500.0])[0];
        // What the second stage takes up while the first comes back from a peak is some of it, not most.
        assert!(short < 0.3 && long > 0.55 && long > 2.5 * short, "{}: {short} {long}", kind.id);
    }
}

/// Second and third harmonic against the fundamental, in decibels, of a sine whose amplitude behind the gain is
/// `amplitude`, while a direct current in the key holds the reduction.
fn harmonics(
    kind: &Kind,
    numbers: &[(&str, f64)],
    choices: &[(&str, &str)],
    key_db: f64,
    reduction_db: f64,
    amplitude_out: f64,
) -> [f64; 2] {
    let numbers: Vec<_> = numbers.iter().copied().chain([("colour_percent", 100.0)]).collect();
    let mut processor = build(kind, RATE_HZ, 1, &numbers, choices);
    let input = sine(96_000, RATE_HZ, 1000.0, amplitude_out * db_to_gain(reduction_db), 0.0);
    let mut buffer = Buffer::from_channels(&[input]);
    let key = Buffer::from_channels(&[vec![db_to_gain(key_db); 4_800]]);
    for start in (0..96_000).step_by(4_800) {
        processor.process(&mut buffer.range_mut(start, 4_800), Some(&key.as_block()));
    }
    let told = processor.reading().gain_reduction_db;
    assert!((told - reduction_db).abs() < 0.1, "{}: {told} dB of reduction, not {reduction_db}", kind.id);
    let end = &buffer.channel(0)[48_000..];
    let of = |hz: f64| amplitude(end, RATE_HZ, hz);
    [2000.0, 3000.0].map(|hz| db(of(hz) / of(1000.0)))
}

/// The tables of the modules, to 1 dB.
#[test]
fn the_harmonics_are_as_stated() {
    let nominal = db_to_gain(-18.0) * 2f64.sqrt();
    let thr: Numbers = &[("threshold_db", -30.0)];
    // Level of a remote curve's input for 12 dB of reduction: output u with (e^(cu) - 1)/c - u = 12, c = 0.225.
    let remote = |y: f64| ((0.225 * y).exp() - 1.0) / 0.225 - y;
    let heard = (0..80_000).map(|n| f64::from(n) / 1e4).find(|y| remote(*y) >= 12.0).expect("below the line");
    let remote_key = -30.0 - 0.5 / 0.225 + heard + 12.0;
    let cases: [(Case, f64, f64, f64, [f64; 2]); 9] = [
        ((&vca_compressor::KIND, thr, &[]), -60.0, 0.0, nominal, [-60.0, -66.0]),
        ((&vca_compressor::KIND, thr, &[]), -14.0, 12.0, nominal, [-54.0, -60.0]),
        ((&fet_compressor::KIND, &[], &[("ratio", "4_to_1")]), -60.0, 0.0, 0.1, [-52.5, -54.0]),
        ((&fet_compressor::KIND, &[], &[("ratio", "4_to_1")]), -20.0 + 40.0 / 3.0, 10.0, 0.1, [-42.0, -43.5]),
        ((&fet_compressor::KIND, &[], &[("ratio", "4_to_1")]), -20.0 + 80.0 / 3.0, 20.0, 0.1, [-37.5, -39.0]),
        ((&opto_compressor::KIND, thr, &[]), -60.0, 0.0, nominal, [-56.0, -70.0]),
        ((&opto_compressor::KIND, thr, &[]), -12.0, 12.0, nominal, [-50.0, -62.0]),
        ((&vari_mu_compressor::KIND, thr, &[]), -60.0, 0.0, nominal, [-46.0, -66.0]),
        ((&vari_mu_compressor::KIND, thr, &[]), remote_key, 12.0, nominal, [-36.0, -58.0]),
    ];
    for ((kind, numbers, choices), key_db, reduction_db, amplitude_out, stated) in cases {
        let seen = harmonics(kind, numbers, choices, key_db, reduction_db, amplitude_out);
        for (seen, stated) in seen.iter().zip(stated) {
            assert!(
                (seen - stated).abs() < 1.0,
                "{} at {reduction_db} dB: {seen:.1}, stated {stated}",
                kind.id
            );
        }
    }
}

/// The strongest component below 20 kHz that is no harmonic of a 5 kHz tone, against the tone, in decibels.
fn alias_db(kind: &Kind, numbers: &[(&str, f64)], choices: &[(&str, &str)]) -> f64 {
    let mut processor = build(kind, RATE_HZ, 1, numbers, choices);
    let input = sine(96_000, RATE_HZ, 5_000.0, 1.0, 0.13);
    let mut end = run(processor.as_mut(), &[input]).remove(0).split_off(48_000);
    let transform = RealFftPlanner::new().plan_fft_forward(48_000);
    let mut bins = transform.make_output_vec();
    transform.process(&mut end, &mut bins).expect("lengths fit");
    let stray = (20..20_000).filter(|hz| hz % 5_000 != 0).map(|hz| bins[hz].norm()).fold(0.0, f64::max);
    db(stray / bins[5_000].norm())
}

/// The fastest settings of each, with all of the colour, 20 dB over the threshold. The corners of a branching gain
/// have harmonics that fall by 12 dB per octave: at 20 microseconds and 192 kHz the last of them are at -75 dB.
#[test]
fn fast_gains_and_colour_fold_nothing_back() {
    let cases: [(&Kind, Numbers, Choices, f64); 5] = [
        (
            &fet_compressor::KIND,
            &[("attack_ms", 0.02), ("release_ms", 50.0), ("colour_percent", 100.0)],
            &[("ratio", "20_to_1")],
            -74.0,
        ),
        (
            &fet_compressor::KIND,
            &[("attack_ms", 0.02), ("release_ms", 50.0), ("colour_percent", 100.0)],
            &[("ratio", "all")],
            -74.0,
        ),
        (
            &vca_compressor::KIND,
            &[
                ("threshold_db", -20.0),
                ("ratio", 10.0),
                ("attack_ms", 0.1),
                ("release_ms", 50.0),
                ("colour_percent", 100.0),
            ],
            &[("topology", "feedback")],
            -80.0,
        ),
        (&opto_compressor::KIND, &[("threshold_db", -20.0), ("colour_percent", 100.0)], &[], -80.0),
        (
            &vari_mu_compressor::KIND,
            &[("threshold_db", -20.0), ("attack_ms", 1.0), ("release_s", 0.2), ("colour_percent", 100.0)],
            &[],
            -80.0,
        ),
    ];
    for (kind, numbers, choices, bound) in cases {
        let seen = alias_db(kind, numbers, choices);
        assert!(seen < bound, "{} {choices:?}: {seen:.1} dB", kind.id);
    }
}

/// The closed loops come to rest on a steady level, however far it is over the threshold and however fast they are:
/// a loop with a delay would hunt.
#[test]
fn closed_loops_do_not_hunt() {
    for level_db in [-10.0, 20.0, 60.0] {
        for (kind, numbers, choices) in [
            (&fet_compressor::KIND, &[("attack_ms", 0.02)] as Numbers, &[("ratio", "20_to_1")] as Choices),
            (&fet_compressor::KIND, &[("attack_ms", 0.02)], &[("ratio", "all")]),
            (
                &vca_compressor::KIND,
                &[("attack_ms", 0.1), ("ratio", 20.0), ("threshold_db", -60.0)],
                &[("topology", "feedback")],
            ),
            (&opto_compressor::KIND, &[("threshold_db", -60.0)], &[("mode", "limit")]),
            (&vari_mu_compressor::KIND, &[("attack_ms", 1.0), ("threshold_db", -60.0)], &[]),
        ] {
            let mut processor = build(kind, RATE_HZ, 1, numbers, choices);
            let output = run(processor.as_mut(), &[vec![db_to_gain(level_db); 48_000]]).remove(0);
            let rest = output[47_999];
            let apart = output[40_000..].iter().map(|x| (x / rest - 1.0).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-9, "{} at {level_db} dBFS: {apart}", kind.id);
        }
    }
}

#[test]
fn it_recovers_from_infinities_and_not_numbers() {
    for kind in
        [&vca_compressor::KIND, &fet_compressor::KIND, &opto_compressor::KIND, &vari_mu_compressor::KIND]
    {
        let mut processor = build(kind, RATE_HZ, 1, &[("colour_percent", 100.0)], &[]);
        run(processor.as_mut(), &[vec![f64::INFINITY, f64::NAN, f64::NEG_INFINITY]]);
        let output = run(processor.as_mut(), &[vec![0.001; 96_000]]);
        assert!(output[0][95_999].is_finite(), "{}", kind.id);
    }
}

/// Sum and difference: a loud centre is turned down, and a quiet side behind it stays as it was.
#[test]
fn the_vari_mu_can_hold_the_centre_alone() {
    let centre = sine(48_000, RATE_HZ, 300.0, 0.9, 0.0);
    let side = sine(48_000, RATE_HZ, 4_000.0, 0.003, 0.1);
    let left: Vec<f64> = centre.iter().zip(&side).map(|(m, s)| m + s).collect();
    let right: Vec<f64> = centre.iter().zip(&side).map(|(m, s)| m - s).collect();
    let numbers = [("threshold_db", -30.0), ("link_percent", 0.0)];
    let mut processor = build(&vari_mu_compressor::KIND, RATE_HZ, 2, &numbers, &[("lanes", "mid_side")]);
    let output = run_aligned(processor.as_mut(), &[left, right]);
    for n in 24_000..47_000 {
        let (m, s) = (0.5 * (output[0][n] + output[1][n]), 0.5 * (output[0][n] - output[1][n]));
        // The side is under its threshold; what it differs by is the ripple of the filters, 3e-5 dB.
        assert!((s - side[n]).abs() < 1e-7, "frame {n}: {s} {}", side[n]);
        assert!(m.abs() < 0.3, "frame {n}: {m}");
    }
}

/// A parallel mix is aligned: half of it is the mean of input and output, to the last bits.
#[test]
fn a_parallel_mix_is_aligned() {
    let input = noise(20_000, 0.7, 5);
    for (kind, numbers, choices) in [
        (&vca_compressor::KIND, &[("threshold_db", -30.0), ("makeup_db", 3.0)] as Numbers, &[] as Choices),
        (&fet_compressor::KIND, &[("drive_db", 12.0), ("output_db", -6.0)], &[("ratio", "8_to_1")]),
        (&opto_compressor::KIND, &[("threshold_db", -30.0)], &[]),
        (&vari_mu_compressor::KIND, &[("threshold_db", -30.0), ("colour_percent", 50.0)], &[]),
    ] {
        let with = |mix: f64| {
            let numbers: Vec<_> = numbers.iter().copied().chain([("mix_percent", mix)]).collect();
            run_aligned(build(kind, RATE_HZ, 1, &numbers, choices).as_mut(), std::slice::from_ref(&input))
                .remove(0)
        };
        let (wet, half) = (with(100.0), with(50.0));
        for n in 0..input.len() {
            assert!((half[n] - 0.5 * (input[n] + wet[n])).abs() < 1e-12, "{} frame {n}", kind.id);
        }
    }
}

/// Settings at which each of them turns a tone at -1 dBFS down by several decibels.
const WORKING: [Case; 4] = [
    (&vca_compressor::KIND, &[("threshold_db", -30.0)], &[]),
    (&fet_compressor::KIND, &[], &[("ratio", "8_to_1")]),
    (&opto_compressor::KIND, &[("threshold_db", -30.0)], &[]),
    (&vari_mu_compressor::KIND, &[("threshold_db", -30.0)], &[]),
];

/// Change of level of each channel over the last quarter of a second, in decibels.
fn changes(case: Case, more: &[(&str, f64)], input: &[Vec<f64>], key: Option<&[Vec<f64>]>) -> Vec<f64> {
    let (kind, numbers, choices) = case;
    let numbers = [numbers, more].concat();
    let mut processor = build(kind, RATE_HZ, input.len(), &numbers, choices);
    let mut buffer = Buffer::from_channels(input);
    let key = key.map(Buffer::from_channels);
    for start in (0..buffer.frames()).step_by(4_000) {
        let key = key.as_ref().map(|key| key.range(start, 4_000));
        processor.process(&mut buffer.range_mut(start, 4_000), key.as_ref());
    }
    let late = processor.latency();
    let level = |samples: &[f64], late: usize| rms_db(&samples[36_000 - 200 + late..48_000 - 200 + late]);
    (0..input.len()).map(|c| level(buffer.channel(c), late) - level(&input[c], 0)).collect()
}

#[test]
fn the_link_keeps_the_image_and_without_it_each_channel_goes_alone() {
    let input = [sine(48_000, RATE_HZ, 330.0, 0.9, 0.0), sine(48_000, RATE_HZ, 270.0, 0.003, 0.1)];
    for case in WORKING {
        let linked = changes(case, &[], &input, None);
        assert!(linked[0] < -4.0 && (linked[0] - linked[1]).abs() < 0.02, "{}: {linked:?}", case.0.id);
        let alone = changes(case, &[("link_percent", 0.0)], &input, None);
        assert!((alone[0] - linked[0]).abs() < 0.02 && alone[1].abs() < 0.001, "{}: {alone:?}", case.0.id);
        let half = changes(case, &[("link_percent", 50.0)], &input, None);
        assert!((half[1] - 0.5 * linked[0]).abs() < 0.1, "{}: {half:?}", case.0.id);
    }
}

#[test]
fn the_detector_hears_the_key_and_not_what_its_high_pass_takes() {
    for case in WORKING {
        let quiet = [sine(48_000, RATE_HZ, 330.0, 0.003, 0.0), sine(48_000, RATE_HZ, 270.0, 0.003, 0.1)];
        let key = [sine(48_000, RATE_HZ, 500.0, 0.9, 0.0)];
        let keyed = changes(case, &[], &quiet, Some(&key));
        assert!(
            keyed[0] < -4.0 && (keyed[0] - keyed[1]).abs() < 0.02,
            "{}: a mono key: {keyed:?}",
            case.0.id
        );
        let silent = changes(case, &[], &[key[0].clone()], Some(&[vec![0.0; 48_000]]));
        assert_eq!(silent[0], 0.0, "{}: a silent key", case.0.id);
        // 24 dB per two octaves: a tone at 60 Hz under a corner of 240 Hz is heard 24 dB quieter.
        let low = [sine(48_000, RATE_HZ, 60.0, db_to_gain(-8.0), 0.0)];
        let quieter = [sine(48_000, RATE_HZ, 60.0, db_to_gain(-32.1), 0.0)];
        let (deaf, heard) = (
            changes(case, &[("sidechain_high_pass_hz", 240.0)], &low, None),
            changes(case, &[], &quieter, None),
        );
        assert!((deaf[0] - heard[0]).abs() < 0.1, "{}: {deaf:?} {heard:?}", case.0.id);
    }
}

/// The drive is gain before, the output gain after: 12 dB up and down again is the same as a threshold 12 dB lower.
#[test]
fn the_fet_is_driven_into_its_threshold() {
    let level = |numbers: &[(&str, f64)], level_db: f64| {
        steady(build(&fet_compressor::KIND, RATE_HZ, 1, numbers, &[("ratio", "4_to_1")]).as_mut(), level_db)
    };
    let driven = level(&[("drive_db", 12.0), ("output_db", -3.0)], -20.0);
    assert!((driven - (level(&[], -8.0) - 3.0)).abs() < 1e-6, "{driven}");
}
