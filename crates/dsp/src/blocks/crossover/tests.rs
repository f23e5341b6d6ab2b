use super::*;
use audio::Buffer;
use proptest::prelude::*;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

/// The bands of one channel, each as long as the input; `edges` says where the edges go before a frame.
fn bands_of(
    crossover: &mut Crossover,
    input: &[f64],
    mut edges: impl FnMut(usize, &mut Crossover),
) -> Vec<Vec<f64>> {
    let mut out = vec![Vec::new(); crossover.bands()];
    let mut held = vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; 1];
    for (place, piece) in input.chunks(CONTROL_FRAMES).enumerate() {
        edges(place * CONTROL_FRAMES, crossover);
        crossover.flush();
        crossover.split(&BlockRef::from_mono(piece), &mut held);
        for (out, band) in out.iter_mut().zip(&held[0]) {
            out.extend_from_slice(&band[..piece.len()]);
        }
    }
    out
}

fn impulse(frames: usize) -> Vec<f64> {
    (0..frames).map(|n| if n == 0 { 1.0 } else { 0.0 }).collect()
}

fn transform(ir: &[f64], hz: f64) -> Complex64 {
    let turn = Complex64::from_polar(1.0, -TAU * hz / RATE);
    ir.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, &x| sum * turn + x)
}

fn spaced(from_hz: f64, to_hz: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |n| from_hz * (to_hz / from_hz).powf(n as f64 / (count - 1) as f64))
}

fn db(gain: f64) -> f64 {
    20.0 * gain.max(1e-20).log10()
}

/// Flat within 0.01 dB from 10 Hz to 0.49 of the rate is asked for; what the structure gives is rounding.
#[test]
fn bands_sum_flat_and_are_what_the_formulas_say() {
    let sets: [&[f64]; 5] = [
        &[1_000.0],
        &[120.0, 4_000.0],
        &[200.0, 300.0, 450.0],
        &[60.0, 150.0, 1_000.0, 9_000.0],
        &[90.0, 200.0, 800.0, 3_000.0, 15_000.0],
    ];
    for slope in [Slope::Db24, Slope::Db48] {
        for edges in sets {
            let bands = bands_of(&mut Crossover::new(slope, edges, RATE, 1), &impulse(48_000), |_, _| {});
            for hz in spaced(10.0, 0.49 * RATE, 40) {
                let stated = responses(slope, edges, RATE, hz);
                let seen: Vec<Complex64> = bands.iter().map(|band| transform(band, hz)).collect();
                let sum: Complex64 = seen.iter().sum();
                assert!(db(sum.norm()).abs() < 1e-6, "{slope:?} {edges:?} {hz} Hz: {} dB", db(sum.norm()));
                for (k, (seen, stated)) in seen.iter().zip(&stated).enumerate() {
                    // 1e-8: rounding of the recursion at the lowest corners.
                    assert!(
                        (seen - stated).norm() < 1e-8,
                        "{slope:?} {edges:?} band {k}, {hz} Hz: {seen} {stated}"
                    );
                }
            }
        }
    }
}

/// Both sides of every split are half as large at the crossover and fall by the stated slope beyond it.
#[test]
fn a_split_is_six_decibels_down_at_its_crossover() {
    for (slope, per_octave) in [(Slope::Db24, 24.08), (Slope::Db48, 48.16)] {
        for edge in [30.0, 120.0, 1_000.0, 6_000.0, 18_000.0] {
            let bands = bands_of(&mut Crossover::new(slope, &[edge], RATE, 1), &impulse(48_000), |_, _| {});
            for band in &bands {
                let seen = db(transform(band, edge).norm());
                assert!((seen + 6.0206).abs() < 0.001, "{slope:?} {edge} Hz: {seen} dB");
            }
            if edge <= 1_000.0 {
                // Far from Nyquist: 1/(1 + 2^2n) one octave beyond, and a full slope from there to the next.
                let high = &bands[1];
                let (once, twice) =
                    (db(transform(high, edge / 2.0).norm()), db(transform(high, edge / 4.0).norm()));
                assert!((once - twice - per_octave).abs() < 0.6, "{slope:?} {edge} Hz: {once} {twice}");
            }
        }
    }
}

/// The largest share of a signal outside 500 Hz around a tone, in decibels of the tone's amplitude.
fn beside_db(signal: &[f64], tone_hz: f64, amplitude: f64) -> f64 {
    let frames = signal.len() as f64;
    // Blackman-Harris: side lobes under -92 dB.
    let window = |n: usize| {
        let x = TAU * n as f64 / frames;
        0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos()
    };
    let windowed: Vec<f64> = signal.iter().enumerate().map(|(n, x)| x * window(n)).collect();
    let mut most = 0.0f64;
    let mut hz = 20.0;
    while hz < 22_000.0 {
        if f64::abs(hz - tone_hz) > 500.0 {
            most = most.max(2.0 * transform(&windowed, hz).norm() / (0.35875 * frames * amplitude));
        }
        // Fine near the tone, where side bands of the movement are; a click is broad.
        hz += if hz < 3_000.0 { 12.0 } else { 150.0 };
    }
    db(most)
}

/// A crossover that moves across a tone: nothing beside the tone above -80 dB, in the sum and in every band,
/// whether it glides by automation or is told to jump by two octaves.
#[test]
fn moving_an_edge_is_click_free() {
    let tone: Vec<f64> = (0..24_000).map(|n| 0.5 * (TAU * 1_000.0 * n as f64 / RATE).sin()).collect();
    let glides: [fn(usize) -> Option<f64>; 2] = [
        |frame| Some(500.0 * 8f64.powf(frame as f64 / 24_000.0)),
        |frame| (frame == 64 * 180).then_some(2_000.0),
    ];
    for slope in [Slope::Db24, Slope::Db48] {
        for glide in glides {
            let mut crossover = Crossover::new(slope, &[100.0, 500.0], RATE, 1);
            let bands = bands_of(&mut crossover, &tone, |frame, crossover| {
                if let Some(hz) = glide(frame) {
                    crossover.go_to(1, hz);
                }
            });
            let sum: Vec<f64> = (0..tone.len()).map(|n| bands.iter().map(|band| band[n]).sum()).collect();
            // The tone's own beginning is left out.
            for (what, signal) in
                [("sum", &sum), ("low", &bands[0]), ("middle", &bands[1]), ("high", &bands[2])]
            {
                let seen = beside_db(&signal[2_400..], 1_000.0, 0.5);
                assert!(seen < -80.0, "{slope:?} {what}: {seen:.1} dB beside the tone");
            }
        }
    }
}

#[test]
fn a_reset_crossover_is_a_new_one_where_it_was_sent() {
    let mut moved = Crossover::new(Slope::Db48, &[300.0], RATE, 1);
    bands_of(&mut moved, &impulse(700), |frame, crossover| {
        if frame == 64 {
            crossover.go_to(0, 777.0);
        }
    });
    moved.reset();
    let again = bands_of(&mut moved, &impulse(700), |_, _| {});
    let fresh = bands_of(&mut Crossover::new(Slope::Db48, &[777.0], RATE, 1), &impulse(700), |_, _| {});
    assert_eq!(again, fresh);
}

proptest! {
    /// Any edges, moved anywhere at any time: the bands sum to something no louder than an allpass can make it,
    /// and each channel is filtered as if it were alone.
    #[test]
    fn any_movement_stays_bounded(
        edges in prop::collection::vec(10.0f64..23_000.0, 1..6),
        moves in prop::collection::vec((0usize..5, 10.0f64..23_000.0), 30),
        steep in any::<bool>(),
    ) {
        let slope = if steep { Slope::Db48 } else { Slope::Db24 };
        let mut crossover = Crossover::new(slope, &edges, RATE, 3);
        let mut held = vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; 3];
        for (turn, (edge, hz)) in moves.into_iter().enumerate() {
            crossover.go_to(edge % edges.len(), hz);
            crossover.flush();
            let plane: Vec<f64> = (0..64).map(|i| if (i / 7 + turn) % 2 == 0 { 1.0 } else { -1.0 }).collect();
            let audio = Buffer::from_channels(&[plane.clone(), plane.clone(), plane]);
            crossover.split(&audio.as_block(), &mut held);
            for n in 0..64 {
                let sum: f64 = (0..crossover.bands()).map(|k| held[0][k][n]).sum();
                // Five allpasses of second order turn a square wave into at most (1 + 4)^5 of it; far less here.
                prop_assert!(sum.abs() < 100.0, "{sum}");
                for k in 0..crossover.bands() {
                    prop_assert_eq!(held[0][k][n], held[1][k][n]);
                    prop_assert_eq!(held[0][k][n], held[2][k][n]);
                }
            }
        }
    }

    /// The tail is long enough for every band.
    #[test]
    fn the_decay_is_as_stated(edges in prop::collection::vec(200.0f64..23_900.0, 1..6), steep in any::<bool>()) {
        let slope = if steep { Slope::Db48 } else { Slope::Db24 };
        let frames = decay_frames(slope, &edges, 120.0, RATE);
        let bands = bands_of(&mut Crossover::new(slope, &edges, RATE, 1), &impulse(frames + 2_000), |_, _| {});
        let largest = bands.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
        for band in &bands {
            let left = band[frames..].iter().fold(0.0f64, |m, x| m.max(x.abs()));
            prop_assert!(left <= 1e-6 * largest, "{} dB left", db(left / largest));
        }
    }
}
