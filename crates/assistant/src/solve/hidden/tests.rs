use super::*;
use crate::solve::{Image, Model, Place, Sides};

const LOW: usize = 12;
const HIGH: usize = 20;

/// Two sources, one in each of two bands, the first of which should be heard.
fn two(own: usize, other: usize, other_db: f64) -> Model {
    let mut powers = vec![0f32; 2 * ERB_BANDS];
    powers[own] = 1.0;
    powers[ERB_BANDS + other] = audio::db_to_power(other_db) as f32;
    let hidden = Hidden {
        own: vec![true, false],
        hides: vec![false, true],
        track: Some(0),
        tracks: vec![Some(0), Some(1)],
        at_db: vec![0.0; 2],
        whole_lufs: -18.0,
        weights: [1.0; ERB_BANDS],
        powers,
        limits: vec![Limit { from: 0.0, spread: 1.0 }],
    };
    Model {
        sources: vec![0, 1],
        centres_hz: (0..ERB_BANDS).map(|band| 50.0 * 1.15f64.powi(band as i32)).collect(),
        asks: Vec::new(),
        alike: Vec::new(),
        start_db: vec![0.0; 2],
        fixed: vec![true; 2],
        tones: vec![None; 2],
        spectrum: None,
        whole_lufs: -18.0,
        cuts: Vec::new(),
        hidden: vec![hidden],
        image: None,
    }
}

/// The hidden share where the problem begins.
fn share(model: &Model) -> f64 {
    let layout = model.layout();
    let start = model.start(&layout);
    model.hidden[0].share(&Point::new(model, &layout, &start), None)
}

#[test]
fn equal_power_in_the_same_band_hides_half() {
    // A ratio of 0 dB.
    assert!((share(&two(LOW, LOW, 0.0)) - 0.5).abs() < 1e-9);
    assert!(share(&two(LOW, LOW, 12.0)) > 0.97 && share(&two(LOW, LOW, -30.0)) < 0.001);
}

#[test]
fn masking_reaches_upward_farther_than_downward() {
    let (upward, downward) = (share(&two(HIGH, LOW, 78.0)), share(&two(LOW, HIGH, 78.0)));
    assert!(upward > downward + 0.05, "{upward} {downward}");
}

#[test]
fn what_stands_on_the_other_side_hides_by_six_decibels_less() {
    let mut model = two(LOW, LOW, 0.0);
    let apart = |position: f64| Image {
        sides: vec![
            Sides::Point { position: -position, doubled: false },
            Sides::Point { position, doubled: false },
        ],
        of: vec![[1.0; ERB_BANDS]; 2],
        places: Vec::new(),
        widths: Vec::new(),
    };
    model.image = Some(apart(1.0));
    // A quarter of the power is left: a ratio of 6.02 dB, two widths of the soft edge.
    assert!((share(&model) - 1.0 / (1.0 + (6.0206f64 / SOFTNESS_DB).exp())).abs() < 1e-4);
    model.image = Some(apart(0.0));
    assert!((share(&model) - 0.5).abs() < 1e-9);
}

#[test]
fn slopes_are_those_of_the_values() {
    // Every variable of a problem that has all kinds, against differences.
    let mut model = two(LOW, LOW + 1, 8.0);
    model.fixed = vec![false; 2];
    model.tones = vec![Some(crate::solve::Tone { tilt_db_per_oct: 0.4, varies_db_per_oct: 1.0 }); 2];
    let shape_db = std::array::from_fn(|band| 1.0 / (1.0 + (band as f64 - 13.0).powi(2)));
    model.cuts = vec![crate::solve::Cut { source: 1, shape_db, share: 0.5, most_db: 3.0, fixed_db: None }];
    let place = |track, side| Place { members: vec![(track, side)], wish: 0.3, spread: 0.2, most: 0.8 };
    let width = crate::solve::Width { source: 1, side_db: -12.0, usual_db: -8.0, most_db: 6.0 };
    let powers = |at: usize| std::array::from_fn(|band| if band == at { 1.0 } else { 0.01 });
    model.image = Some(Image {
        sides: vec![Sides::Point { position: 0.0, doubled: false }; 2],
        of: vec![powers(LOW), powers(HIGH)],
        places: vec![place(0, -1.0), place(1, 1.0)],
        widths: vec![width],
    });
    model.asks = vec![crate::solve::Ask {
        of: vec![powers(LOW), [0.0; ERB_BANDS]],
        against: crate::solve::Against::Tracks(vec![[0.0; ERB_BANDS], powers(HIGH)]),
        goal_lu: 1.0,
        spread_lu: 1.0,
    }];
    let layout = model.layout();
    let at: Vec<f64> = vec![1.0, -2.0, 0.3, -0.2, -18.0, 1.2, 0.4, 0.25, 2.0];
    assert_eq!(at.len(), layout.len());
    let (values, slopes) = Point::new(&model, &layout, &at).residuals();
    for variable in 0..layout.len() {
        const STEP: f64 = 1e-5;
        let moved = |by: f64| {
            let mut at = at.clone();
            at[variable] += by;
            Point::new(&model, &layout, &at).residuals().0
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        for n in 0..values.len() {
            let slope = (up[n] - down[n]) / (2.0 * STEP);
            // Differences of doubles over 2e-5 are exact to about 1e-9 of values around 100.
            assert!(
                (slope - slopes[n][variable]).abs() < 1e-6,
                "{n} {variable}: {slope} {}",
                slopes[n][variable]
            );
        }
    }
}
