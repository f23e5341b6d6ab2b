use super::*;
use audio::{db_to_power, power_to_db};
use proptest::prelude::*;

fn centres_hz() -> Vec<f64> {
    // Evenly spaced in octaves from 25 Hz to 16 kHz: any centres will do.
    (0..ERB_BANDS).map(|band| 25.0 * 640f64.powf(band as f64 / (ERB_BANDS - 1) as f64)).collect()
}

/// Equal power in the bands between two frequencies, of a level in dB.
fn sound(low_hz: f64, high_hz: f64, level_db: f64) -> Bands {
    let mut bands = [0.0; ERB_BANDS];
    let centres = centres_hz();
    let inside: Vec<usize> = (0..ERB_BANDS).filter(|b| (low_hz..=high_hz).contains(&centres[*b])).collect();
    inside.iter().for_each(|band| bands[*band] = db_to_power(level_db) / inside.len() as f64);
    bands
}

fn only(own: usize, count: usize, bands: Bands) -> Vec<Bands> {
    (0..count).map(|n| if n == own { bands } else { [0.0; ERB_BANDS] }).collect()
}

/// A model of single tracks that are expected at levels against the whole.
fn model(sounds: &[Bands], goals: &[f64]) -> Model {
    let count = sounds.len();
    let ask = |(n, goal): (usize, &f64)| Ask {
        of: only(n, count, sounds[n]),
        against: Against::Whole,
        goal_lu: *goal,
        spread_lu: 2.0,
    };
    Model {
        sources: (0..count).collect(),
        centres_hz: centres_hz(),
        asks: goals.iter().enumerate().map(ask).collect(),
        alike: Vec::new(),
        start_db: vec![0.0; count],
        fixed: vec![false; count],
        tones: vec![None; count],
        spectrum: None,
        whole_lufs: -18.0,
        cuts: Vec::new(),
        hidden: Vec::new(),
        image: None,
    }
}

fn three() -> Model {
    let sounds = [sound(50.0, 200.0, -20.0), sound(200.0, 4_000.0, -31.0), sound(1_000.0, 8_000.0, -14.0)];
    model(&sounds, &[-6.0, -3.0, -10.0])
}

#[test]
fn what_can_be_met_is_met_exactly() {
    let solution = three().solve();
    let stands = |n: usize| solution.gains_db[n] + [-20.0, -31.0, -14.0][n];
    // Against each other: the whole is free.
    assert!((stands(0) - stands(1) + 3.0).abs() < 1e-6 && (stands(2) - stands(1) + 7.0).abs() < 1e-6);
    assert!(solution.cost < 1e-9, "{}", solution.cost);
    assert!(solution.tilts_db_per_oct.iter().all(|tilt| *tilt == 0.0));
}

#[test]
fn a_contradiction_is_shared_by_the_spreads() {
    // One track, wanted at -6 LU within 1 LU and at 0 LU within 2 LU against a second that is fixed: the optimum of
    // ((x + 6)/1)^2 + (x/2)^2 is x = -4.8.
    let mut model = model(&[sound(200.0, 400.0, -20.0), sound(200.0, 400.0, -20.0)], &[]);
    model.fixed[1] = true;
    for (goal_lu, spread_lu) in [(-6.0, 1.0), (0.0, 2.0)] {
        let of = only(0, 2, sound(200.0, 400.0, -20.0));
        let against = Against::Tracks(only(1, 2, sound(200.0, 400.0, -20.0)));
        model.asks.push(Ask { of, against, goal_lu, spread_lu });
    }
    let solution = model.solve();
    assert!((solution.gains_db[0] + 4.8).abs() < 1e-4 && solution.gains_db[1] == 0.0, "{solution:?}");
}

#[test]
fn players_of_one_part_come_nearer_to_each_other() {
    // Wanted at -6 and 0 LU within 2 LU against a third that is fixed, and as loud as each other within 1 LU of their mean:
    // the optimum of ((a + 6)/2)^2 + (b/2)^2 + 2 ((a - b)/2)^2 is a = -3.6, b = -2.4.
    let loud = sound(200.0, 400.0, -20.0);
    let mut model = model(&[loud; 3], &[]);
    model.fixed[2] = true;
    model.alike = vec![vec![only(0, 3, loud), only(1, 3, loud)]];
    for (n, goal_lu) in [(0, -6.0), (1, 0.0)] {
        let against = Against::Tracks(only(2, 3, loud));
        model.asks.push(Ask { of: only(n, 3, loud), against, goal_lu, spread_lu: 2.0 });
        model.asks.push(Ask {
            of: only(n, 3, loud),
            against: Against::Alike(0),
            goal_lu: 0.0,
            spread_lu: 1.0,
        });
    }
    let gains_db = model.solve().gains_db;
    assert!((gains_db[0] + 3.6).abs() < 1e-4 && (gains_db[1] + 2.4).abs() < 1e-4, "{gains_db:?}");
}

#[test]
fn a_slope_is_undone_as_far_as_it_is_an_accident() {
    let mut model = three();
    // As likely an accident of the chain as the instrument's own: half of it is taken back.
    model.tones[1] = Some(Tone { tilt_db_per_oct: 1.0, varies_db_per_oct: CHAIN_DB_PER_OCT });
    model.tones[2] = Some(Tone { tilt_db_per_oct: -1.0, varies_db_per_oct: 2.0 });
    let tilts = model.solve().tilts_db_per_oct;
    assert!((tilts[1] + 0.5).abs() < 1e-5, "{tilts:?}");
    // 0.8^2 / (0.8^2 + 2^2)
    assert!((tilts[2] - 0.64 / 4.64).abs() < 1e-5, "{tilts:?}");
}

#[test]
fn levels_hold_under_the_slopes_that_are_solved_with_them() {
    let mut model = three();
    model.tones = vec![Some(Tone { tilt_db_per_oct: -1.5, varies_db_per_oct: 0.4 }); 3];
    let solution = model.solve();
    let level = |n: usize| {
        let (of, tone) = (&model.asks[n].of[n], &solution.tone[n]);
        power_to_db(of.iter().zip(tone).map(|(power, tone)| power * tone).sum()) + solution.gains_db[n]
    };
    assert!((level(0) - level(1) + 3.0).abs() < 1e-5, "{} {}", level(0), level(1));
    // The low one became quieter by its slope, so its gain has to make up for it.
    assert!(solution.gains_db[0] > three().solve().gains_db[0] - solution.gains_db[1] + 0.5);
}

#[test]
fn a_sum_that_is_too_dull_is_evened_only_beyond_what_is_style() {
    let white = [1e-3; ERB_BANDS];
    let range =
        |low_hz: f64, high_hz: f64, level_db: f64| Range { low_hz, high_hz, level_db, spread_db: 4.0 };
    let tilted = |lower_db: f64| {
        let mut model = model(&[white], &[-3.0]);
        model.tones = vec![Some(Tone { tilt_db_per_oct: 0.0, varies_db_per_oct: 2.0 })];
        let ranges = vec![range(100.0, 1_000.0, 0.0), range(1_000.0, 10_000.0, lower_db)];
        model.spectrum = Some(Spectrum { of: vec![white], ranges });
        model.solve().tilts_db_per_oct[0]
    };
    // 2.5 dB either way are inside of 0.7 x 4 dB; what is left is rounding.
    assert!(tilted(5.0).abs() < 1e-9, "{}", tilted(5.0));
    assert!(tilted(14.0) > 0.1 && tilted(-14.0) < -0.1, "{} {}", tilted(14.0), tilted(-14.0));
}

#[test]
fn a_place_evens_what_stands_opposite_and_stops_at_its_bound() {
    let solved = |most: f64, doubled: bool| {
        let powers = sound(200.0, 4_000.0, -20.0);
        let mut model = model(&[powers; 2], &[]);
        model.fixed = vec![true; 2];
        let place = Place { members: vec![(0, -1.0)], wish: 0.3, spread: 0.2, most };
        model.image = Some(Image {
            sides: vec![
                Sides::Point { position: 0.0, doubled },
                Sides::Point { position: 0.5, doubled: false },
            ],
            of: vec![powers; 2],
            places: vec![place],
            widths: Vec::new(),
        });
        model.solve()
    };
    // Equally loud, so as far out as the other; a lean of 0.2 LU weighs as much as a fifth of the stage, and near here
    // a tenth of the stage is half a decibel.
    let solution = solved(0.75, false);
    assert!((solution.places[0] - 0.5).abs() < 0.03 && solution.lean_lu.abs() < 0.15, "{solution:?}");
    // On two equal channels it has to go farther out for the same ratio: sqrt(2) cos of 73 degrees is the cotangent of
    // 67.5.
    let solution = solved(0.75, true);
    assert!((solution.places[0] - 0.62).abs() < 0.03 && solution.lean_lu.abs() < 0.15, "{solution:?}");
    let bound = solved(0.4, false);
    assert!(bound.places[0] == 0.4 && bound.lean_lu > 0.3, "{bound:?}");
}

proptest! {
    /// The same mix from everywhere: beginnings 12 dB apart, recordings of any level, sources in any order.
    #[test]
    fn one_minimum(
        starts in prop::collection::vec(-12.0..12.0f64, 3),
        louder in prop::collection::vec(-20.0..20.0f64, 3),
        turn in 0..3usize,
    ) {
        let mut model = three();
        model.tones = vec![Some(Tone { tilt_db_per_oct: 0.7, varies_db_per_oct: 1.0 }); 3];
        // A contradiction, so that the minimum is not zero.
        let mut again = model.asks[0].clone();
        again.goal_lu += 5.0;
        model.asks.push(again);
        let expected = model.solve();

        let mut moved = model.clone();
        moved.start_db = starts;
        for ask in &mut moved.asks {
            for (bands, db) in ask.of.iter_mut().zip(&louder) {
                bands.iter_mut().for_each(|power| *power *= db_to_power(*db));
            }
        }
        let found = moved.solve();
        // The common gain is free.
        let common = found.gains_db[0] + louder[0] - expected.gains_db[0];
        for n in 0..3 {
            let compensated = found.gains_db[n] + louder[n] - common;
            prop_assert!((compensated - expected.gains_db[n]).abs() < 1e-3, "{found:?} {expected:?}");
            prop_assert!((found.tilts_db_per_oct[n] - expected.tilts_db_per_oct[n]).abs() < 1e-4);
        }

        let mut turned = model.clone();
        turned.sources.iter_mut().for_each(|source| *source = (*source + turn) % 3);
        let found = turned.solve();
        for n in 0..3 {
            let moved = found.gains_db[(n + turn) % 3] - found.gains_db[turn];
            prop_assert!((moved - (expected.gains_db[n] - expected.gains_db[0])).abs() < 1e-6);
        }
    }
}
