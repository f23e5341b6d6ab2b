use crate::common::*;
use crate::limiter::{RATES_HZ, the_ceiling_is_kept};
use audio::Buffer;
use dsp::processors::{limiter, perceptual_limiter::KIND};
use std::f64::consts::PI;

#[test]
fn the_ceiling_is_kept_before_and_after_the_repair() {
    for rate_hz in RATES_HZ {
        for (share_db, smoothness_ms) in [(1.0, 25.0), (3.0, 10.0)] {
            let numbers = [("drive_db", 12.0), ("share_db", share_db), ("smoothness_ms", smoothness_ms)];
            the_ceiling_is_kept(&KIND, rate_hz, &numbers, &[], 0.05);
        }
    }
}

#[test]
fn tones_pass_without_distortion() {
    for rate_hz in [44_100.0, 48_000.0] {
        for (hz, most_db) in [(60.0, -60.0), (1_000.0, -120.0), (997.0, -120.0)] {
            let numbers = [("drive_db", 6.0), ("ceiling_dbtp", 0.0)];
            let mut limiter = build(&KIND, rate_hz, 1, &numbers, &[]);
            let frames = (4.0 * rate_hz) as usize;
            let output = run(limiter.as_mut(), &[sine(frames, rate_hz, hz, 1.0, 0.0)]);
            let thd_n = thd_n_db(&output[0][frames - rate_hz as usize..], rate_hz, hz);
            assert!(thd_n < most_db, "{hz} Hz at {rate_hz} Hz: THD+N {thd_n} dB");
        }
    }
}

#[test]
fn below_the_ceiling_every_bit_is_kept_and_comes_back() {
    let signal = noise(20_000, 0.4, 9);
    let mut limiter = build(&KIND, RATE_HZ, 1, &[("ceiling_dbtp", -1.0)], &[]);
    assert!(run_aligned(limiter.as_mut(), std::slice::from_ref(&signal))[0] == signal);
    run(limiter.as_mut(), &[vec![2.0; 4_800]]);
    run(limiter.as_mut(), &[vec![0.0; 48_000 * 4]]);
    assert!(run_aligned(limiter.as_mut(), std::slice::from_ref(&signal))[0] == signal, "after it has worked");
}

/// Struck strings that sound on into each other, a drum, hiss: three seconds, peaking near 0 dBFS.
fn programme(seed: u64) -> Vec<f64> {
    let frames = 144_000;
    let hiss = noise(frames, 1.0, seed);
    let roots = [110.0, 146.8, 196.0, 98.0, 130.8];
    let mut out = vec![0.0; frames];
    for (n, out) in out.iter_mut().enumerate() {
        let t = n as f64 / RATE_HZ;
        let (beat, since) = ((t / 0.25) as usize, t % 0.25);
        for late in 0..3.min(beat + 1) {
            let (root, age) = (roots[(beat - late) * 7 % 5], since + 0.25 * late as f64);
            *out += 0.12
                * (1..20)
                    .map(|k| {
                        let k = f64::from(k);
                        (2.0 * PI * root * k * age).sin() * (-age * (3.0 + k)).exp() / k.sqrt()
                    })
                    .sum::<f64>();
        }
        let kick =
            (-since * 25.0).exp() * (2.0 * PI * (50.0 * since + 3.0 * (1.0 - (-since * 70.0).exp()))).sin();
        let snare = if beat % 2 == 1 { hiss[n] * (-since * 35.0).exp() } else { 0.0 };
        *out += 0.5 * kick + 0.45 * snare + 0.01 * hiss[n];
    }
    out
}

#[test]
fn the_cut_into_blocks_does_not_matter_and_nothing_is_allocated() {
    let channels = [programme(1), programme(2)];
    let numbers = [("ceiling_dbtp", -1.0), ("drive_db", 8.0)];
    let whole = run(build(&KIND, RATE_HZ, 2, &numbers, &[]).as_mut(), &channels);
    let mut cut = Buffer::from_channels(&channels);
    let mut limiter = build(&KIND, RATE_HZ, 2, &numbers, &[]);
    for _ in 0..2 {
        cut = Buffer::from_channels(&channels);
        let counted = allocation_counter::measure(|| {
            let mut start = 0;
            for size in [1, 7, 64, 1_000, 3, 0, 129, 2_048].into_iter().cycle() {
                let frames = size.min(cut.frames() - start);
                limiter.process(&mut cut.range_mut(start, frames), None);
                start += frames;
                if start == cut.frames() {
                    break;
                }
            }
        });
        assert_eq!(counted.count_total, 0);
        limiter.reset();
    }
    for c in 0..2 {
        assert!(cut.channel(c) == &whole[c][..], "channel {c}");
    }
}

/// The mean noise-to-mask ratio over all frames and bands, in decibels. A mask after the standard's idea (ITU-R
/// BS.1387): bands of a quarter Bark, spread by 27 dB per Bark downwards and 12 upwards, 11 dB and more below the
/// programme. The noise is what differs from the programme at the gain of each frame that fits best.
fn noise_to_mask_db(programme: &[f64], output: &[f64]) -> f64 {
    const SIZE: usize = 2048;
    let bark = |hz: f64| 13.0 * (0.000_76 * hz).atan() + 3.5 * (hz / 7_500.0).powi(2).atan();
    let band = |bin: usize| (4.0 * bark(bin as f64 * RATE_HZ / SIZE as f64)) as usize;
    let bands = band(SIZE / 2) + 1;
    let powers = |samples: &[f64]| -> Vec<f64> {
        let mut plan = realfft::RealFftPlanner::new();
        let forward = plan.plan_fft_forward(SIZE);
        let mut time: Vec<f64> = samples
            .iter()
            .enumerate()
            .map(|(n, x)| x * (0.5 - 0.5 * (2.0 * PI * n as f64 / SIZE as f64).cos()))
            .collect();
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut time, &mut spectrum).expect("lengths fit");
        let mut sums = vec![0.0; bands];
        spectrum.iter().enumerate().for_each(|(bin, value)| sums[band(bin)] += value.norm_sqr());
        sums
    };
    let (mut sum, mut count) = (0.0, 0.0);
    for start in (0..programme.len() - SIZE).step_by(SIZE / 2) {
        let (x, y) = (&programme[start..start + SIZE], &output[start..start + SIZE]);
        let energy: f64 = x.iter().map(|x| x * x).sum();
        let gain = x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / energy.max(1e-12);
        let error: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - gain * x).collect();
        let (signal, error) = (powers(x), powers(&error));
        for b in 0..bands {
            let fall = |from: usize| {
                let barks = (b as f64 - from as f64) / 4.0;
                10f64.powf(if barks >= 0.0 { -1.2 * barks } else { 2.7 * barks })
            };
            let spread: f64 = (0..bands).map(|from| signal[from] * fall(from)).sum::<f64>() / 8.0;
            let below = 10f64.powf(-0.8 - (b as f64 / 160.0).max(0.3));
            sum += error[b] / (gain * gain * spread * below + 1e-9);
            count += 1.0;
        }
    }
    10.0 * (sum / count).log10()
}

/// The method of many open limiters: the least gain over the lookahead, released by a one-pole, then averaged over the
/// lookahead by three boxes.
fn usual_limiter(programme: &[f64], drive_db: f64) -> Vec<f64> {
    let (drive, ceiling, ahead) = (audio::db_to_gain(drive_db), audio::db_to_gain(-1.0), 240);
    let wanted: Vec<f64> =
        programme.iter().map(|x| (ceiling / (x.abs() * drive).max(1e-9)).min(1.0)).collect();
    let keep = (-1.0 / (0.1 * RATE_HZ)).exp();
    let mut held = 1.0;
    let mut gain: Vec<f64> = (0..wanted.len())
        .map(|n| {
            let least = wanted[n..(n + ahead + 1).min(wanted.len())].iter().fold(1.0, |m: f64, g| m.min(*g));
            held = least.min(least + keep * (held - least));
            held
        })
        .collect();
    for _ in 0..3 {
        let source = gain.clone();
        let mut sum = 0.0;
        for n in 0..gain.len() {
            sum += source[n] - if n >= ahead / 3 { source[n - ahead / 3] } else { 0.0 };
            gain[n] = sum / (n + 1).min(ahead / 3) as f64;
        }
    }
    programme.iter().zip(&gain).map(|(x, g)| x * drive * g).collect()
}

/// The output as loud as asked (RMS), under the same true peak, by bisection of the drive.
fn as_loud_as(level_db: f64, limited: impl Fn(f64) -> Vec<f64>) -> Vec<f64> {
    let (mut low, mut high) = (0.0, 30.0);
    let mut output = Vec::new();
    for _ in 0..9 {
        let drive = 0.5 * (low + high);
        output = limited(drive);
        if rms_db(&output) < level_db { low = drive } else { high = drive }
    }
    output
}

#[test]
fn at_the_same_loudness_its_distortion_lies_deepest_under_the_music() {
    let programme = programme(3);
    let ours = |kind: &'static dsp::Kind, choices: &'static [(&str, &str)]| {
        let programme = &programme;
        move |drive: f64| {
            let numbers = [("drive_db", drive), ("ceiling_dbtp", -1.0)];
            run_aligned(build(kind, RATE_HZ, 1, &numbers, choices).as_mut(), std::slice::from_ref(programme))
                .remove(0)
        }
    };
    // Four decibels more than it could be without a limiter.
    let target_db =
        rms_db(&programme) - 1.0 - db(programme.iter().fold(0.0, |m: f64, x| m.max(x.abs()))) + 4.0;
    let judged = |output: Vec<f64>| {
        assert!((rms_db(&output) - target_db).abs() < 0.1, "{} of {target_db} dB", rms_db(&output));
        noise_to_mask_db(&programme, &output)
    };
    let perceptual = judged(as_loud_as(target_db, ours(&KIND, &[])));
    let others = [
        ("usual", judged(as_loud_as(target_db, |drive| usual_limiter(&programme, drive)))),
        ("transparent", judged(as_loud_as(target_db, ours(&limiter::KIND, &[("character", "transparent")])))),
        ("two-stage", judged(as_loud_as(target_db, ours(&limiter::KIND, &[("release_mode", "two_stage")])))),
    ];

    for (name, other) in others {
        assert!(perceptual < other - 3.0, "{perceptual:.1} dB noise to mask, {name} {other:.1} dB");
    }
}
