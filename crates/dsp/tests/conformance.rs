//! What every processor must keep, checked over the registry: a new kind is born tested.
//!
//! Each check of each kind is a test of its own, named `kind::check`:
//! `cargo test -p tonmeister-dsp --test conformance -- reverb::` runs those of the reverb.
//!
//! Settings are tried neutral, at both ends of every range, and at random places between (seeded, so that a
//! failure comes back). Each check prints the kind, the settings and what it saw.

mod support;

use audio::{Block, Buffer, Frames, Spec};
use dsp::{Address, Class, Complex64, KINDS, Kind, Tail, Unit, Values};
use libtest_mimic::{Arguments, Trial};
use std::collections::BTreeSet;
use std::f64::consts::TAU;
#[cfg(target_arch = "x86_64")]
use std::sync::{Mutex, PoisonError};
use support::*;

/// A check by its name; `applies` says for which kinds.
struct Check {
    name: &'static str,
    applies: fn(&Kind) -> bool,
    run: fn(&'static Kind),
}

const CHECKS: &[Check] = &[
    Check { name: "descriptions_are_sound", applies: |_| true, run: descriptions_are_sound },
    Check {
        name: "neutral_settings_change_no_bit_and_latency_is_as_stated",
        applies: |_| true,
        run: neutral_settings_change_no_bit_and_latency_is_as_stated,
    },
    Check {
        name: "block_sizes_reset_and_runs_give_the_same_bits",
        applies: |_| true,
        run: block_sizes_reset_and_runs_give_the_same_bits,
    },
    Check { name: "all_vectors_give_the_same_bits", applies: |_| true, run: all_vectors_give_the_same_bits },
    Check {
        name: "what_is_never_set_sounds_the_same",
        applies: |_| true,
        run: what_is_never_set_sounds_the_same,
    },
    Check {
        name: "setting_and_processing_allocate_nothing",
        applies: |_| true,
        run: setting_and_processing_allocate_nothing,
    },
    Check { name: "the_tail_is_as_stated", applies: |_| true, run: the_tail_is_as_stated },
    Check { name: "silence_stays_silent", applies: |_| true, run: silence_stays_silent },
    Check {
        name: "hostile_signals_stay_finite_at_both_ends_of_every_range",
        applies: |_| true,
        run: hostile_signals_stay_finite_at_both_ends_of_every_range,
    },
    Check {
        name: "mono_in_two_channels_stays_mono",
        applies: |kind| kind.keeps_mono,
        run: mono_in_two_channels_stays_mono,
    },
    Check {
        name: "the_stated_response_is_the_measured_one",
        applies: |kind| kind.response.is_some(),
        run: the_stated_response_is_the_measured_one,
    },
    Check {
        name: "sample_rates_agree_on_the_response",
        applies: |kind| kind.response.is_some(),
        run: sample_rates_agree_on_the_response,
    },
    Check { name: "automation_makes_no_steps", applies: |_| true, run: automation_makes_no_steps },
    Check {
        name: "automation_gives_the_same_bits_in_all_blocks",
        applies: |_| true,
        run: automation_gives_the_same_bits_in_all_blocks,
    },
    Check {
        name: "empty_and_single_frame_blocks_run",
        applies: |_| true,
        run: empty_and_single_frame_blocks_run,
    },
    Check {
        name: "a_key_equal_to_the_input_is_the_input",
        applies: |kind| kind.key_input,
        run: a_key_equal_to_the_input_is_the_input,
    },
];

fn main() {
    let registry = Trial::test("every_file_of_the_rack_is_registered", || {
        every_file_of_the_rack_is_registered();
        Ok(())
    });
    let of_kind = |kind: &'static Kind| {
        CHECKS.iter().filter(move |check| (check.applies)(kind)).map(move |check| {
            Trial::test(format!("{}::{}", kind.id, check.name), move || {
                (check.run)(kind);
                Ok(())
            })
        })
    };
    let trials = KINDS.iter().copied().flat_map(of_kind).chain([registry]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn descriptions_are_sound(kind: &'static Kind) {
    assert_eq!(KINDS.iter().filter(|k| k.id == kind.id).count(), 1, "{}: the id is taken", kind.id);
    assert!(kind.revision >= 1 && !kind.help.is_empty() && !kind.label.is_empty(), "{}", kind.id);
    let groups = kind.groups.iter().map(|g| g.params);
    for params in std::iter::once(kind.params).chain(groups) {
        let mut names = BTreeSet::new();
        for p in params {
            let what = format!("{}.{}", kind.id, p.id);
            assert!(names.insert(p.id), "{what}: the id is taken");
            assert!(!p.label.is_empty() && !p.help().is_empty(), "{what}: label and help");
            assert!(p.min < p.max && (p.min..=p.max).contains(&p.default), "{what}: range and default");
            match p.class {
                Class::Number => {
                    assert!(p.id.ends_with(p.unit.suffix()), "{what} ends with {}", p.unit.suffix());
                    let units = [
                        "_db",
                        "_hz",
                        "_ms",
                        "_s",
                        "_percent",
                        "_dbtp",
                        "_lufs",
                        "_bpm",
                        "_db_per_oct",
                        "_degrees",
                        "_cents",
                    ];
                    let named = units.iter().any(|u| p.id.ends_with(u));
                    assert_eq!(
                        named,
                        p.unit != Unit::None && p.unit != Unit::Beat && p.unit != Unit::Metre,
                        "{what}: unit"
                    );
                }
                Class::Switch => assert_eq!((p.min, p.max), (0.0, 1.0), "{what}"),
                Class::Choice => assert_eq!(p.max as usize + 1, p.choices.len(), "{what}"),
            }
        }
    }
    let values = with_items(kind, 2);
    for address in values.addresses() {
        assert_eq!(kind.address(&kind.name(address)), Ok(address), "{}", kind.id);
    }
}

/// The registry names every file of the folder, and every file's kind carries the file's name.
fn every_file_of_the_rack_is_registered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/processors");
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the processors folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        let stem = name.trim_end_matches(".rs").to_string();
        if stem != "mod" {
            files.insert(stem);
        }
    }
    let kinds: BTreeSet<String> = KINDS.iter().map(|k| k.id.to_string()).collect();
    assert_eq!(files, kinds);
}

fn neutral_settings_change_no_bit_and_latency_is_as_stated(kind: &'static Kind) {
    for (channels, rate) in [(1, 44_100.0), (2, 48_000.0), (2, 192_000.0)] {
        let spec = Spec { sample_rate_hz: rate, channels, max_frames: 512 };
        // Fixed settings change the latency and nothing else while the rest is neutral.
        let mut cases = vec![Values::neutral(kind)];
        for (field, p) in kind.params.iter().enumerate().filter(|(_, p)| p.fixed) {
            for value in [p.min, (p.min + p.max) / 2.0, p.max] {
                let mut values = Values::neutral(kind);
                values.put(Address::Field(field), p.clamp(value));
                cases.push(values);
            }
        }
        if let Some(response) = impulse_response(kind) {
            let with_one =
                |values: &Values| Values { impulse_response: Some(response.clone()), ..values.clone() };
            let more: Vec<Values> = cases.iter().map(with_one).collect();
            cases.extend(more);
        }
        for values in cases {
            let input = music(channels, 6_000, rate, 1);
            let mut processor = (kind.build)(&values, &spec);
            let latency = processor.latency();
            let output = run(processor.as_mut(), &extended(&input, latency), &[512]);
            for c in 0..channels {
                let seen = &output.channel(c)[latency..];
                let first = (0..6_000).find(|&n| seen[n] != input.channel(c)[n]);
                assert_eq!(
                    first, None,
                    "{} {} Hz, channel {c}, latency {latency}: {values:?}",
                    kind.id, rate
                );
            }
        }
    }
}

fn block_sizes_reset_and_runs_give_the_same_bits(kind: &'static Kind) {
    for values in cases(kind, 6) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 5_000 };
        let input = music(2, 5_000, 48_000.0, 2);
        let mut processor = (kind.build)(&values, &spec);
        let whole = run(processor.as_mut(), &input, &[5_000]);
        for sizes in [&[1][..], &[7], &[64], &[1_000], &[3, 0, 129, 1, 2_048]] {
            let mut fresh = (kind.build)(&values, &spec);
            let cut = run(fresh.as_mut(), &input, sizes);
            assert_same(&cut, &whole, &format!("{} in blocks of {sizes:?}: {values:?}", kind.id));
        }
        processor.reset();
        let again = run(processor.as_mut(), &input, &[5_000]);
        assert_same(&again, &whole, &format!("{} after reset: {values:?}", kind.id));
    }
}

/// Vectors of two, of four and, where the machine has them, of eight numbers.
#[cfg(target_arch = "x86_64")]
fn all_vectors_give_the_same_bits(kind: &'static Kind) {
    // Which vectors are used is one number for all threads.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for values in cases(kind, 6) {
        // Blocks that hold whole vectors, parts of them, and single frames.
        let (spec, sizes) =
            (Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 2_048 }, [2_048, 77, 1]);
        let input = music(2, 5_000, 48_000.0, 8);
        let [widest, two, four] =
            [audio::Vectors::Eight, audio::Vectors::Two, audio::Vectors::Four].map(|vectors| {
                audio::narrow_to(vectors);
                run((kind.build)(&values, &spec).as_mut(), &input, &sizes)
            });
        audio::narrow_to(audio::Vectors::Eight);
        assert_same(&two, &widest, &format!("{} by twos: {values:?}", kind.id));
        assert_same(&four, &widest, &format!("{} by fours: {values:?}", kind.id));
    }
}

/// Elsewhere there is one width.
#[cfg(not(target_arch = "x86_64"))]
fn all_vectors_give_the_same_bits(_: &'static Kind) {}

fn what_is_never_set_sounds_the_same(kind: &'static Kind) {
    for values in cases(kind, 6) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 2_048 };
        // Longer than the longest pre-delay.
        let input = music(2, 30_000, 48_000.0, 9);
        let [open, still] = [false, true].map(|still| {
            let values = Values { still, ..values.clone() };
            run((kind.build)(&values, &spec).as_mut(), &input, &[2_048, 77])
        });
        assert_same(&still, &open, &format!("{}: {values:?}", kind.id));
    }
}

fn setting_and_processing_allocate_nothing(kind: &'static Kind) {
    for values in cases(kind, 2) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 512 };
        let mut processor = (kind.build)(&values, &spec);
        let mut audio = music(2, 4_096, 48_000.0, 3);
        let key = music(2, 4_096, 48_000.0, 4);
        let addresses = values.addresses();
        let counted = allocation_counter::measure(|| {
            for (n, start) in (0..4_096).step_by(512).enumerate() {
                for &address in &addresses {
                    let param = kind.param(address);
                    if !param.fixed {
                        processor.set(address, if n % 2 == 0 { param.max } else { param.min });
                    }
                }
                let key = kind.key_input.then(|| key.range(start, 512));
                processor.process(&mut audio.range_mut(start, 512), key.as_ref());
                let _ = processor.reading();
            }
            processor.reset();
        });
        assert_eq!(counted.count_total, 0, "{}: {values:?}", kind.id);
    }
}

fn the_tail_is_as_stated(kind: &'static Kind) {
    for values in cases(kind, 6) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
        let mut processor = (kind.build)(&values, &spec);
        let Tail::Frames(tail) = processor.tail() else { continue };
        // Longer tails are the same code with larger numbers; rendering them would take minutes.
        if tail > 48_000 * 12 {
            continue;
        }
        let input = music(2, 24_000, 48_000.0, 5);
        let end = 24_000 + processor.latency() + tail;
        let output = run(processor.as_mut(), &extended(&input, end - 24_000 + 4_800), &[4_096]);
        let loudest = (0..2).map(|c| peak(&output.channel(c)[..end])).fold(peak_of(&input), f64::max);
        for c in 0..2 {
            let rest = peak(&output.channel(c)[end..]);
            assert!(
                rest <= loudest * 1e-6,
                "{}: {:.1} dB left after a tail of {tail} frames: {values:?}",
                kind.id,
                20.0 * (rest / loudest).log10()
            );
        }
    }
}

fn silence_stays_silent(kind: &'static Kind) {
    for values in cases(kind, 4) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
        let mut processor = (kind.build)(&values, &spec);
        let output = run(processor.as_mut(), &Buffer::new(2, 20_000), &[4_096]);
        assert_eq!(peak_of(&output), 0.0, "{}: {values:?}", kind.id);
    }
}

fn hostile_signals_stay_finite_at_both_ends_of_every_range(kind: &'static Kind) {
    for rate in [44_100.0, 192_000.0] {
        for values in ends(kind) {
            for channels in [1, 2] {
                let spec = Spec { sample_rate_hz: rate, channels, max_frames: 4_096 };
                for (name, input) in hostile(channels) {
                    let mut processor = (kind.build)(&values, &spec);
                    let output = run(processor.as_mut(), &input, &[4_096]);
                    for c in 0..channels {
                        let bad = output.channel(c).iter().position(|x| !x.is_finite());
                        assert_eq!(bad, None, "{} {name} at {rate} Hz: {values:?}", kind.id);
                    }
                }
            }
        }
    }
}

fn mono_in_two_channels_stays_mono(kind: &'static Kind) {
    for values in cases(kind, 6) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
        let mono = music(1, 8_000, 48_000.0, 6);
        let input = Buffer::from_channels(&[mono.channel(0).to_vec(), mono.channel(0).to_vec()]);
        let output = run((kind.build)(&values, &spec).as_mut(), &input, &[4_096]);
        let apart = (0..8_000).find(|&n| output.channel(0)[n] != output.channel(1)[n]);
        assert_eq!(apart, None, "{}: {values:?}", kind.id);
    }
}

fn the_stated_response_is_the_measured_one(kind: &'static Kind) {
    let response = kind.response.expect("a linear kind");
    for values in cases(kind, 8) {
        for rate in [44_100.0, 96_000.0] {
            let spec = Spec { sample_rate_hz: rate, channels: 2, max_frames: 4_096 };
            let mut processor = (kind.build)(&values, &spec);
            let latency = processor.latency();
            // Long enough for the slowest corner (10 Hz, Q 40) to fall by 100 dB is minutes; where the
            // impulse response has not ended in four seconds the comparison says nothing and is left out.
            let frames = (rate * 4.0) as Frames;
            let mut input = Buffer::new(2, frames);
            input.channel_mut(0)[0] = 1.0;
            input.channel_mut(1)[0] = 1.0;
            let output = run(processor.as_mut(), &input, &[4_096]);
            // All of it: a filter of linear phase answers before its latency too.
            let ir = output.channel(0);
            let total = peak(ir);
            if peak(&ir[ir.len() - 4_800..]) > total * 1e-7 {
                continue;
            }
            for hz in log_spaced(20.0, rate * 0.45, 40) {
                let stated = response(&values, &spec, hz);
                let late = (hz / rate * latency as f64).fract();
                let seen = transform(ir, hz / rate) * Complex64::from_polar(1.0, TAU * late);
                // 1e-5 of the strongest output: what is left of the impulse response after the end.
                let error = (stated - seen).norm();
                let bound = 1e-5 * stated.norm().max(total);
                assert!(
                    error <= bound,
                    "{} at {hz:.0} Hz, rate {rate}: stated {stated}, measured {seen}: {values:?}",
                    kind.id
                );
            }
        }
    }
}

fn sample_rates_agree_on_the_response(kind: &'static Kind) {
    let response = kind.response.expect("a linear kind");
    for mut values in cases(kind, 8) {
        // One item per group, so that the allowed design error of one band is the bound.
        values.groups.iter_mut().for_each(|items| items.truncate(1));
        let at = |rate: f64, hz: f64| {
            let spec = Spec { sample_rate_hz: rate, channels: 2, max_frames: 64 };
            20.0 * response(&values, &spec, hz).norm().max(1e-6).log10()
        };
        // Corners above a rate's Nyquist frequency cannot agree.
        let corner_too_high =
            values.addresses().iter().any(|&a| kind.param(a).unit == Unit::Hertz && values.get(a) > 9_000.0);
        if corner_too_high {
            continue;
        }
        for hz in log_spaced(20.0, 9_000.0, 30) {
            let reference = at(192_000.0, hz);
            for rate in [44_100.0, 48_000.0, 88_200.0, 96_000.0] {
                // Each design is within 0.1 dB of the analogue curve below 10 kHz; twice that between two.
                // Below -60 dB a slope's last decibel is not heard.
                let seen = at(rate, hz);
                let close = (seen - reference).abs() <= 0.2 || (seen < -60.0 && reference < -60.0);
                assert!(
                    close,
                    "{} at {hz:.0} Hz: {seen:.2} dB at {rate} Hz, {reference:.2} dB at 192 kHz: {values:?}",
                    kind.id
                );
            }
        }
    }
}

/// Every parameter is driven through its range in 32 steps, one per control point, over a slow sine. A value
/// that jumps shows in the second difference; a value that moves over the control period does not.
fn automation_makes_no_steps(kind: &'static Kind) {
    for values in cases(kind, 3) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 64 };
        for address in values.addresses() {
            let param = kind.param(address);
            if param.fixed {
                continue;
            }
            let mut processor = (kind.build)(&values, &spec);
            // What answers late, and rings before it answers, is waited for.
            let lead = (2 * processor.latency()).div_ceil(64);
            let mut audio = sine(2, 64 * (lead + 160), 48_000.0, 50.0, 0.5);
            for (point, start) in (0..audio.frames()).step_by(64).enumerate() {
                let step = point.saturating_sub(lead + 64).min(64);
                let there = if step <= 32 { step as f64 / 32.0 } else { (64 - step) as f64 / 32.0 };
                if (1..=64).contains(&step) {
                    processor.set(address, between(param, there));
                }
                processor.process(&mut audio.range_mut(start, 64), None);
            }
            for c in 0..2 {
                let out = audio.channel(c);
                let kinks = |range: &[f64]| {
                    range.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs()).fold(0.0, f64::max)
                };
                let loudest = peak(out).max(0.5);
                let (before, during) =
                    (kinks(&out[64 * (lead + 40)..64 * (lead + 64)]), kinks(&out[64 * (lead + 64)..]));
                // A jump of a thirty-second of the range moves the output by far more than this
                // sixteenth wherever the parameter matters; a ramp over 64 frames by a quarter of it.
                assert!(
                    during <= 4.0 * before + loudest / 16.0,
                    "{}.{}: kink {during:.4} (steady {before:.4}, loudest {loudest:.3}): {values:?}",
                    kind.id,
                    kind.name(address),
                );
            }
        }
    }
}

/// One parameter after the other is set anew at the points of the control grid; between them the audio may be cut
/// anyhow.
fn automation_gives_the_same_bits_in_all_blocks(kind: &'static Kind) {
    const FRAMES: Frames = 2_560;
    for values in cases(kind, 2) {
        let moved: Vec<Address> = values.addresses().into_iter().filter(|&a| !kind.param(a).fixed).collect();
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 64 };
        let automated = |size: Frames| {
            let mut audio = music(2, FRAMES, 48_000.0, 8);
            let mut processor = (kind.build)(&values, &spec);
            let mut noise = Noise::new(9);
            for (point, start) in (0..FRAMES).step_by(64).enumerate() {
                if let Some(&address) = moved.get(point % moved.len().max(1)) {
                    let place = (noise.next() + 1.0) / 2.0;
                    processor.set(address, between(kind.param(address), place));
                }
                for part in (0..64).step_by(size) {
                    processor.process(&mut audio.range_mut(start + part, size.min(64 - part)), None);
                }
            }
            audio
        };
        let whole = automated(64);
        for size in [1, 7] {
            assert_same(&automated(size), &whole, &format!("{} in blocks of {size}: {values:?}", kind.id));
        }
    }
}

fn empty_and_single_frame_blocks_run(kind: &'static Kind) {
    for channels in [1, 2] {
        let spec = Spec { sample_rate_hz: 48_000.0, channels, max_frames: 16 };
        let mut processor = (kind.build)(&Values::neutral(kind), &spec);
        let mut one = Buffer::new(channels, 1);
        processor.process(&mut one.range_mut(0, 0), None);
        let mut block: Block = one.as_block_mut();
        processor.process(&mut block, None);
        assert_eq!(peak_of(&one), 0.0, "{}", kind.id);
    }
}

/// A kind that takes a key must hear it: a silent key and a loud key differ, and a key equal to the input is
/// the same as none.
fn a_key_equal_to_the_input_is_the_input(kind: &'static Kind) {
    for values in cases(kind, 4) {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
        let input = music(2, 4_096, 48_000.0, 7);
        let own = run((kind.build)(&values, &spec).as_mut(), &input, &[4_096]);
        let mut keyed = input.clone();
        let key = input.as_block();
        (kind.build)(&values, &spec).process(&mut keyed.as_block_mut(), Some(&key));
        assert_same(&keyed, &own, &format!("{} keyed by its input: {values:?}", kind.id));
    }
}

fn with_items(kind: &Kind, items: usize) -> Values {
    let mut values = Values::neutral(kind);
    for group in kind.groups {
        for _ in 0..items.min(group.max) {
            values.push(kind, group.id).expect("a group of the kind");
        }
    }
    values
}
