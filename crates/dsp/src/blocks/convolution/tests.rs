use super::*;
use audio::Buffer;
use proptest::prelude::*;

fn noise(frames: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as f64 / u64::MAX as f64 * 2.0 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}

/// The definition.
fn direct_sum(input: &[f64], taps: &[f64], frame: usize) -> f64 {
    (0..taps.len().min(frame + 1)).map(|k| taps[k] * input[frame - k]).sum()
}

fn run(convolver: &mut Convolver, input: &[Vec<f64>], outputs: usize, sizes: &[usize]) -> Buffer {
    let input = Buffer::from_channels(input);
    let mut output = Buffer::new(outputs, input.frames());
    let (mut start, mut turn) = (0, 0);
    while start < input.frames() {
        let frames = sizes[turn % sizes.len()].min(input.frames() - start);
        convolver.convolve(&input.range(start, frames), &mut output.range_mut(start, frames));
        start += frames;
        turn += 1;
    }
    output
}

/// Every stage, its first and last tap, and lengths on either side of every seam.
#[test]
fn is_the_sum_of_products_without_latency() {
    for taps in [1, 2, 63, 64, 65, 128, 129, 512, 1_024, 1_025, 8_192, 8_193, 20_000] {
        let h = noise(taps, 3);
        let input = noise(taps + 9_000, 4);
        let filter = Filter::new(&h, &Partition::without_latency(taps));
        let mut convolver = Convolver::each(&filter, 1);
        assert_eq!((convolver.latency(), convolver.tail()), (0, taps - 1));
        let output = run(&mut convolver, std::slice::from_ref(&input), 1, &[4_096]);
        let loudest = (taps as f64).sqrt();
        for frame in (0..input.len()).step_by(397).chain([taps - 1, taps, taps + 63]) {
            let expected = direct_sum(&input, &h, frame);
            let seen = output.channel(0)[frame];
            // -140 dB is asked, of a sum whose size grows with the root of the length; f64 leaves -280.
            assert!((seen - expected).abs() < 1e-13 * loudest, "{taps} taps, {frame}: {seen} {expected}");
        }
    }
}

/// The largest stage: a filter of more than 65536 taps that is nearly empty, so that the sum is quick.
#[test]
fn the_longest_blocks_stand_where_they_should() {
    let mut h = vec![0.0; 140_000];
    let places = [0, 63, 64, 511, 512, 4_095, 4_096, 32_767, 32_768, 65_536, 99_999, 139_999];
    places.iter().enumerate().for_each(|(n, &place)| h[place] = (n + 1) as f64);
    let partition = Partition::without_latency(h.len());
    assert_eq!(partition.stages.len(), 4);
    let mut input = vec![0.0; 150_000];
    input[77] = 1.0;
    let output = run(&mut Convolver::each(&Filter::new(&h, &partition), 1), &[input], 1, &[10_000]);
    for frame in 0..150_000usize {
        let expected = frame.checked_sub(77).and_then(|k| h.get(k)).copied().unwrap_or(0.0);
        // Rounding of transforms whose largest value is 12.
        assert!((output.channel(0)[frame] - expected).abs() < 1e-13, "{frame}");
    }
}

#[test]
fn equal_blocks_are_late_by_one() {
    let (h, input) = (noise(1_000, 5), noise(5_000, 6));
    for block in [1, 32, 256, 2_048] {
        let mut convolver = Convolver::each(&Filter::new(&h, &Partition::uniform(block)), 1);
        assert_eq!(convolver.latency(), block);
        let output = run(&mut convolver, std::slice::from_ref(&input), 1, &[777]);
        assert_eq!(output.channel(0)[..block], vec![0.0; block]);
        for frame in (0..5_000 - block).step_by(131) {
            let error = output.channel(0)[frame + block] - direct_sum(&input, &h, frame);
            // As above.
            assert!(error.abs() < 1e-12, "blocks of {block}, {frame}: {error:e}");
        }
    }
}

/// True stereo: four filters of different lengths, two of them to one output.
#[test]
fn paths_lead_where_they_say_and_are_summed() {
    let input = [noise(4_000, 7), noise(4_000, 8)];
    let lengths = [3_000, 40, 700, 1];
    let partition = Partition::without_latency(3_000);
    let taps: Vec<Vec<f64>> = lengths.iter().map(|&n| noise(n, n as u64)).collect();
    let path = |n: usize| Path { input: n / 2, output: n % 2, filter: Filter::new(&taps[n], &partition) };
    let mut convolver = Convolver::new(2, 2, (0..4).map(path).collect());
    assert_eq!(convolver.tail(), 2_999);
    let output = run(&mut convolver, &input, 2, &[512]);
    for frame in (0..4_000).step_by(59) {
        for out in 0..2 {
            let expected =
                direct_sum(&input[0], &taps[out], frame) + direct_sum(&input[1], &taps[2 + out], frame);
            assert!((output.channel(out)[frame] - expected).abs() < 1e-11, "{out} {frame}");
        }
    }
}

#[test]
fn silence_is_exactly_silent_and_reset_forgets() {
    let filter = Filter::new(&noise(3_000, 1), &Partition::without_latency(3_000));
    let mut convolver = Convolver::each(&filter, 1);
    let first = run(&mut convolver, &[noise(5_000, 2)], 1, &[4_096]);
    let after = run(&mut convolver, &[vec![0.0; 20_000]], 1, &[4_096]);
    // After the tail at most the rest of a block whose window still holds sound.
    assert!(after.channel(0)[3_000 + 2 * 512..].iter().all(|x| *x == 0.0));
    convolver.reset();
    let again = run(&mut convolver, &[noise(5_000, 2)], 1, &[4_096]);
    assert_eq!(first, again);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_bits_do_not_depend_on_the_blocks(
        taps in 1usize..3_000,
        sizes in prop::collection::vec(0usize..700, 1..12),
        uniform in any::<bool>(),
    ) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let partition =
            if uniform { Partition::uniform(256) } else { Partition::without_latency(taps) };
        let filter = Filter::new(&noise(taps, 9), &partition);
        let input = [noise(4_000, 10)];
        let whole = run(&mut Convolver::each(&filter, 1), &input, 1, &[4_000]);
        let cut = run(&mut Convolver::each(&filter, 1), &input, 1, &sizes);
        prop_assert_eq!(whole, cut);
    }
}
