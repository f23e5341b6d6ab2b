use super::*;
use num_complex::Complex64;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;
const SPEC: Spec = Spec { sample_rate_hz: RATE, channels: 2, max_frames: 4_096 };

fn settings(bands: &[(f64, f64)]) -> Settings {
    let bands = bands.iter().map(|&(freq_hz, width_percent)| Band { freq_hz, width_percent }).collect();
    Settings { bands, ..Settings::default() }
}

fn run(settings: Settings, audio: &Buffer) -> (Buffer, Frames) {
    let mut audio = audio.clone();
    let mut width = BandWidth::new(settings, &SPEC);
    width.process(&mut audio.as_block_mut(), None);
    (audio, width.latency())
}

fn noise(frames: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .collect()
}

/// Noise of which the middle is this many decibels louder than the side.
fn stereo(frames: usize, mid_over_side_db: f64) -> Buffer {
    let (mid, side) = (noise(frames, 3), noise(frames, 4));
    let share = 10f64.powf(-mid_over_side_db / 20.0);
    let plane = |sign: f64| mid.iter().zip(&side).map(|(m, s)| 0.2 * (m + sign * share * s)).collect();
    Buffer::from_channels(&[plane(1.0), plane(-1.0)])
}

/// A width of 100 % in every band: the input, later, to the bit; also while loudness is kept.
#[test]
fn a_width_of_one_hundred_is_the_identity() {
    let audio = stereo(20_000, 6.0);
    for keep_loudness in [false, true] {
        let mut settings = settings(&[(120.0, 100.0), (2_000.0, 100.0), (20_000.0, 100.0)]);
        settings.keep_loudness = keep_loudness;
        let (seen, latency) = run(settings, &audio);
        for c in 0..2 {
            let (seen, input) = (&seen.channel(c)[latency..], audio.channel(c));
            assert_eq!((0..seen.len()).find(|&n| seen[n] != input[n]), None, "{keep_loudness} {c}");
        }
    }
}

/// Each band has its width, and the middle is untouched, in magnitude and phase.
#[test]
fn each_band_has_its_width_and_the_middle_stays() {
    for slope in [Steepness::Db24, Steepness::Db48] {
        let mut impulse = Buffer::new(2, 40_000);
        impulse.channel_mut(0)[0] = 1.0;
        let mut settings = settings(&[(120.0, 0.0), (4_000.0, 100.0), (20_000.0, 170.0)]);
        settings.slope = slope;
        let (seen, latency) = run(settings, &impulse);
        let at = |hz: f64, sign: f64| -> Complex64 {
            (0..40_000)
                .map(|n| {
                    let x = 0.5 * (seen.channel(0)[n] + sign * seen.channel(1)[n]);
                    Complex64::from_polar(x, -TAU * hz / RATE * (n as f64 - latency as f64))
                })
                .sum()
        };
        // Two octaves off an edge a slope of 24 dB is 48 dB down: 0.4 %.
        for (hz, width) in [(20.0, 0.0), (700.0, 1.0), (17_000.0, 1.7), (120.0, 0.5), (4_000.0, 1.35)] {
            let (mid, side) = (at(hz, 1.0), at(hz, -1.0));
            assert!((mid - 0.5).norm() < 1e-12, "{hz} Hz: {mid}");
            assert!((side - 0.5 * width).norm() < 0.006, "{slope:?} {hz} Hz: {side}, width {width}");
        }
    }
}

/// Power of left and right together, and of the middle, in decibels, over the last half.
fn levels_db(audio: &Buffer) -> [f64; 2] {
    let half = audio.frames() / 2;
    let (left, right) = (&audio.channel(0)[half..], &audio.channel(1)[half..]);
    let all: f64 = left.iter().zip(right).map(|(l, r)| l * l + r * r).sum();
    let mid: f64 = left.iter().zip(right).map(|(l, r)| 0.25 * (l + r) * (l + r)).sum();
    [10.0 * all.log10(), 10.0 * mid.log10()]
}

/// Widened, the whole is as loud as before when asked, and the sum to mono within half a decibel.
#[test]
fn loudness_stays_when_asked() {
    let audio = stereo(240_000, 12.0);
    let before = levels_db(&audio);
    let changes = |keep_loudness: bool, width: f64| {
        let mut settings = settings(&[(20_000.0, width)]);
        settings.keep_loudness = keep_loudness;
        let after = levels_db(&run(settings, &audio).0);
        [after[0] - before[0], after[1] - before[1]]
    };
    // The side has 1/16 of the middle's power; at 130 % it is 0.69/16 more, 0.17 dB.
    let [all, mid] = changes(true, 130.0);
    assert!(all.abs() < 0.03, "{all} dB");
    assert!(mid < -0.1 && mid > -0.5, "{mid} dB");
    let [all, mid] = changes(false, 130.0);
    assert!((all - 0.17).abs() < 0.03 && mid.abs() < 1e-9, "{all} dB, {mid} dB");
    // Twice the side is 0.71 dB more; the middle gives way by half a decibel and no more.
    let [all, mid] = changes(true, 200.0);
    assert!(all > 0.1 && (mid + 0.5).abs() < 0.01, "{all} dB, {mid} dB");
}

#[test]
fn other_layouts_pass() {
    let input = vec![0.3; 50];
    let mut audio = Buffer::from_channels(std::slice::from_ref(&input));
    let mut width = BandWidth::new(settings(&[(100.0, 0.0), (900.0, 0.0)]), &Spec { channels: 1, ..SPEC });
    width.process(&mut audio.as_block_mut(), None);
    assert_eq!((audio.channel(0), width.latency()), (&input[..], 0));
}
