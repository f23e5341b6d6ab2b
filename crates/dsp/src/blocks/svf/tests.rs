use super::*;
use crate::blocks::matched;
use proptest::prelude::*;

fn bell(gain_db: f64, hz: f64) -> Coefficients {
    let mut section = [matched::bell(gain_db, 1.3)];
    matched::digital(&mut section, hz / 48_000.0);
    Coefficients::from_fraction(&section[0])
}

#[test]
fn a_fraction_keeps_its_response() {
    // The same number by the polynomials and by the filter's form: rounding only.
    let mut section = [matched::low_shelf(9.0, 0.9)];
    matched::digital(&mut section, 80.0 / 48_000.0);
    let c = Coefficients::from_fraction(&section[0]);
    for hz in [1.0, 60.0, 900.0, 21_000.0] {
        let w = std::f64::consts::TAU * hz / 48_000.0;
        let seen = c.response(Complex64::from_polar(1.0, w)).norm_sqr();
        let expected = section[0].power((w / 2.0).tan().powi(2));
        assert!((seen / expected - 1.0).abs() < 1e-9, "{hz} Hz: {seen} {expected}");
    }
}

/// Five sections on three channels, against the recursion written out for one section and one channel.
#[test]
fn grouped_sections_are_the_plain_recursion() {
    let all: Vec<Coefficients> = (0..5).map(|i| bell(6.0 - 3.0 * i as f64, 150.0 * 3f64.powi(i))).collect();
    let input: Vec<Vec<f64>> = (0..3)
        .map(|c| (0..500).map(|n| ((n * (c + 3)) as f64 * 0.37).sin() + f64::from(n == 9)).collect())
        .collect();
    let mut audio = audio::Buffer::from_channels(&input);
    Chain::new(all.clone(), 3).process(&mut audio.as_block_mut());
    for (c, plain) in input.iter().enumerate() {
        let mut plain = plain.clone();
        for k in &all {
            let (mut s1, mut s2) = (0.0, 0.0);
            for x in &mut plain {
                let v1 = (s1 + k.g * (*x - s2)) / (1.0 + k.g * (k.g + k.k));
                let v2 = s2 + k.g * v1;
                s1 = 2.0 * v1 - s1;
                s2 = 2.0 * v2 - s2;
                *x = k.m0 * *x + k.m1 * v1 + k.m2 * v2;
            }
        }
        for n in 0..500 {
            // Rounding of two orders of summation over 500 recursive steps.
            assert!((audio.channel(c)[n] - plain[n]).abs() < 1e-11, "channel {c}, frame {n}");
        }
    }
}

#[test]
fn a_move_ends_at_its_target_and_a_neutral_section_forgets() {
    let mut chain = Chain::new([bell(12.0, 1_000.0)], 1);
    chain.go_to(0, bell(12.0, 1_000.0).silenced());
    let mut samples = vec![1.0; 100];
    chain.process(&mut Block::from_mono(&mut samples));
    // The last frame of the move still carries a share of the band-pass; from the next on nothing is left.
    assert!(samples[64..].iter().all(|&x| x == 1.0), "{:?}", &samples[60..70]);
    assert_eq!(chain.states[0], State::default());
}

proptest! {
    /// Any number of sections, in any blocks, are these sections one after another: to the bit, and also where states become
    /// too small to matter.
    #[test]
    fn together_they_are_each_by_itself(
        count in 1usize..20,
        channels in 1usize..4,
        blocks in prop::collection::vec(0usize..400, 1..12),
    ) {
        // High and broad ones die away within a few blocks.
        let all: Vec<Coefficients> = (0..count).map(|i| bell(4.0 - i as f64, 9_000.0 + 500.0 * i as f64)).collect();
        let mut together = Chain::new(all.clone(), channels);
        let mut apart: Vec<Chain> = all.iter().map(|one| Chain::new([*one], channels)).collect();
        for (number, frames) in blocks.into_iter().enumerate() {
            let sound = |c: usize, n: usize| if number % 3 == 0 && n < 40 { ((n * (c + 2)) as f64).sin() } else { 0.0 };
            let planes: Vec<Vec<f64>> = (0..channels).map(|c| (0..frames).map(|n| sound(c, n)).collect()).collect();
            let mut seen = audio::Buffer::from_channels(&planes);
            let mut wanted = seen.clone();
            together.process(&mut seen.as_block_mut());
            apart.iter_mut().for_each(|one| one.process(&mut wanted.as_block_mut()));
            for c in 0..channels {
                let bits = |b: &audio::Buffer| b.channel(c).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&seen), bits(&wanted), "channel {} of block {}", c, number);
            }
        }
    }

    /// One channel alone, in any number of sections and any blocks, gives the bits it gives beside another.
    #[test]
    fn mono_and_stereo_are_one_filter(count in 1usize..10, blocks in prop::collection::vec(0usize..90, 1..9)) {
        let all: Vec<Coefficients> = (0..count).map(|i| bell(5.0, 80.0 * 1.9f64.powi(i as i32))).collect();
        let (mut mono, mut stereo) = (Chain::new(all.clone(), 1), Chain::new(all, 2));
        for (turn, frames) in blocks.into_iter().enumerate() {
            let plane: Vec<f64> = (0..frames).map(|n| ((n + 97 * turn) as f64 * 0.61).sin()).collect();
            let mut one = audio::Buffer::from_channels(std::slice::from_ref(&plane));
            let mut two = audio::Buffer::from_channels(&[plane.clone(), plane]);
            mono.process(&mut one.as_block_mut());
            stereo.process(&mut two.as_block_mut());
            prop_assert_eq!(one.channel(0), two.channel(0));
            prop_assert_eq!(two.channel(1), two.channel(0));
        }
    }

    /// Whatever jumps the coefficients make, the output of a bounded input stays bounded.
    #[test]
    fn moving_is_stable(moves in prop::collection::vec((10.0f64..22_000.0, -30.0f64..30.0), 1..40)) {
        let mut chain = Chain::new([Coefficients::NEUTRAL], 1);
        for (n, (hz, gain_db)) in moves.into_iter().enumerate() {
            let mut section = [matched::bell(gain_db.abs(), 3.0)];
            matched::digital(&mut section, hz / 48_000.0);
            let section = if gain_db < 0.0 { section[0].inverse() } else { section[0] };
            chain.go_to(0, Coefficients::from_fraction(&section));
            let mut samples: Vec<f64> = (0..64).map(|i| if (i / 7 + n) % 2 == 0 { 1.0 } else { -1.0 }).collect();
            chain.process(&mut Block::from_mono(&mut samples));
            // 30 dB of boost on a square wave, and as much again for a resonance that was just left.
            prop_assert!(samples.iter().all(|x| x.abs() < 1_000.0));
        }
    }
}
