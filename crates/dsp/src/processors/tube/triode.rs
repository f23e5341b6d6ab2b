//! A triode stage with a resistor at its plate, solved once and kept as a table.
//!
//! Currents of a 12AX7 by K. Dempwolf and U. Zölzer (*A physically-motivated triode model for circuit
//! simulations*, DAFx 2011, the values of the first valve they measured). The stage: 250 V behind 100 kohm at
//! the plate, 1.5 V at the cathode, held there by a capacitor, and 68 kohm before the grid: what flows into a positive
//! grid flattens the tops there. Grid and plate are solved for each voltage before the grid
//! resistor.

const SUPPLY_V: f64 = 250.0;
const PLATE_OHM: f64 = 100e3;
const GRID_OHM: f64 = 68e3;
/// Grid against cathode at rest.
pub(super) const REST_V: f64 = -1.5;

/// Current that leaves the cathode.
fn cathode_current(grid: f64, plate: f64) -> f64 {
    const GAIN: f64 = 2.242e-3;
    const MU: f64 = 103.2;
    const POWER: f64 = 1.26;
    const SHARPNESS: f64 = 3.40;
    let drive = SHARPNESS * (plate / MU + grid);
    // ln(1 + e^x), without overflow.
    let soft = drive.max(0.0) + (-drive.abs()).exp().ln_1p();
    GAIN * (soft / SHARPNESS).powf(POWER)
}

/// Current into the grid.
fn grid_current(grid: f64) -> f64 {
    const GAIN: f64 = 6.177e-4;
    const POWER: f64 = 1.314;
    const SHARPNESS: f64 = 9.901;
    const ALWAYS: f64 = 8.025e-8;
    let drive = SHARPNESS * grid;
    let soft = drive.max(0.0) + (-drive.abs()).exp().ln_1p();
    GAIN * (soft / SHARPNESS).powf(POWER) + ALWAYS
}

/// The place where a falling function is zero: a straight line between the ends of the interval, the value at an end
/// that stays being halved (the Illinois rule, M. Dowell and P. Jarratt, BIT 11, 1971).
fn zero_of(falling: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const CLOSE_V: f64 = 1e-12;
    let (mut at_low, mut at_high) = (falling(low), falling(high));
    let mut stayed = 0;
    for _ in 0..60 {
        let place = (low * at_high - high * at_low) / (at_high - at_low);
        let here = falling(place);
        if here.abs() < CLOSE_V || high - low < CLOSE_V {
            return place;
        }
        if here > 0.0 {
            (low, at_low) = (place, here);
            at_high *= if stayed == 1 { 0.5 } else { 1.0 };
            stayed = 1;
        } else {
            (high, at_high) = (place, here);
            at_low *= if stayed == -1 { 0.5 } else { 1.0 };
            stayed = -1;
        }
    }
    0.5 * (low + high)
}

/// Plate voltage and grid current for a voltage before the grid resistor.
fn solve(source: f64) -> (f64, f64) {
    let grid =
        zero_of(|grid| source - grid - GRID_OHM * grid_current(grid), source.min(0.0) - 1.0, source.max(1.0));
    let into_grid = grid_current(grid);
    let plate = zero_of(
        |plate| SUPPLY_V - plate - PLATE_OHM * (cathode_current(grid, plate) - into_grid).max(0.0),
        0.0,
        SUPPLY_V + 1.0,
    );
    (plate, into_grid)
}

/// A curve through equally spaced points without a corner: a cubic spline that ends straight.
struct Spline {
    first: f64,
    per_step: f64,
    /// Per interval: value, and the coefficients of the first three powers of the way through it.
    pieces: Vec<[f64; 4]>,
}

impl Spline {
    fn through(first: f64, step: f64, values: &[f64]) -> Spline {
        let count = values.len();
        // Second derivatives (times step²) by elimination of the three-banded system.
        let (mut above, mut right) = (vec![0.0; count], vec![0.0; count]);
        for i in 1..count - 1 {
            let below = 4.0 - above[i - 1];
            above[i] = 1.0 / below;
            right[i] = (6.0 * (values[i + 1] - 2.0 * values[i] + values[i - 1]) - right[i - 1]) / below;
        }
        let mut bend = vec![0.0; count];
        for i in (1..count - 1).rev() {
            bend[i] = right[i] - above[i] * bend[i + 1];
        }
        let pieces = (0..count - 1)
            .map(|i| {
                let rise = values[i + 1] - values[i] - (2.0 * bend[i] + bend[i + 1]) / 6.0;
                [values[i], rise, bend[i] / 2.0, (bend[i + 1] - bend[i]) / 6.0]
            })
            .collect();
        Spline { first, per_step: 1.0 / step, pieces }
    }

    #[inline(always)]
    fn at(&self, x: f64) -> f64 {
        let last = self.pieces.len();
        let place = ((x - self.first) * self.per_step).clamp(0.0, last as f64);
        let piece = (place as usize).min(last - 1);
        let way = place - piece as f64;
        let [a, b, c, d] = self.pieces[piece];
        a + way * (b + way * (c + way * d))
    }
}

/// The stage: everything that its voltages decide.
pub(super) struct Triode {
    plate: Spline,
    grid: Spline,
    /// The plate's voltage against that at rest, summed up from rest to the beginning of each interval.
    areas: Vec<f64>,
}

/// Range of the table; beyond it the stage is long cut off or saturated.
const LOWEST_V: f64 = -16.0;
const HIGHEST_V: f64 = 24.0;
const STEPS: usize = 4_000;
const STEP_V: f64 = (HIGHEST_V - LOWEST_V) / STEPS as f64;

/// The integral of a piece from its beginning, in intervals.
#[inline(always)]
fn area([a, b, c, d]: [f64; 4], way: f64) -> f64 {
    way * (a + way * (b / 2.0 + way * (c / 3.0 + way * (d / 4.0))))
}

impl Triode {
    /// Solves the stage for every voltage of the table.
    pub(super) fn new() -> Triode {
        let solved = (0..=STEPS).map(|i| solve(LOWEST_V + i as f64 * STEP_V));
        let (mut plate, grid): (Vec<f64>, Vec<f64>) = solved.unzip();
        let rest = ((REST_V - LOWEST_V) / STEP_V).round() as usize;
        let at_rest = plate[rest];
        plate.iter_mut().for_each(|plate| *plate -= at_rest);
        let plate = Spline::through(LOWEST_V, STEP_V, &plate);
        let whole = |i: usize| STEP_V * area(plate.pieces[i], 1.0);
        // From rest outwards: small near it, so that small signals keep their digits.
        let mut areas = vec![0.0; STEPS];
        for i in rest + 1..STEPS {
            areas[i] = areas[i - 1] + whole(i - 1);
        }
        for i in (0..rest).rev() {
            areas[i] = areas[i + 1] - whole(i);
        }
        Triode { plate, grid: Spline::through(LOWEST_V, STEP_V, &grid), areas }
    }

    /// Voltage of the plate against that at [`REST_V`].
    #[inline(always)]
    pub(super) fn plate(&self, source: f64) -> f64 {
        self.plate.at(source)
    }

    /// Integral of [`Triode::plate`] from [`REST_V`] on.
    #[inline(always)]
    pub(super) fn plate_area(&self, source: f64) -> f64 {
        let inside = source.clamp(LOWEST_V, HIGHEST_V);
        let place = (inside - LOWEST_V) * self.plate.per_step;
        let piece = (place as usize).min(STEPS - 1);
        let within = self.areas[piece] + STEP_V * area(self.plate.pieces[piece], place - piece as f64);
        // Outside the table the plate stays where it is.
        if inside == source { within } else { within + (source - inside) * self.plate.at(inside) }
    }

    /// Current into the grid, in amperes.
    #[inline(always)]
    pub(super) fn grid_current(&self, source: f64) -> f64 {
        self.grid.at(source)
    }

    /// Gain from grid to plate for small signals, as a positive number.
    pub(super) fn gain(&self, source: f64) -> f64 {
        const SMALL: f64 = 1e-4;
        (self.plate.at(source - SMALL) - self.plate.at(source + SMALL)) / (2.0 * SMALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data sheets' typical figures for 250 V and 100 kohm: a gain of 50 to 70, about 1 mA and 150 V at rest.
    #[test]
    fn works_as_the_data_sheets_say() {
        let triode = Triode::new();
        let gain = triode.gain(REST_V);
        assert!((50.0..70.0).contains(&gain), "gain {gain:.1}");
        let (plate, _) = solve(REST_V);
        assert!((130.0..200.0).contains(&plate), "{plate:.1} V");
    }

    /// Between its points the table is the solution: an error of 1e-4 V at 100 V, where it is cut off most sharply, is
    /// -120 dB, and as smooth as the curve.
    #[test]
    fn the_table_is_the_solution() {
        let triode = Triode::new();
        let (rest, _) = solve(REST_V);
        for i in 0..500 {
            let source = -6.0 + 0.0213 * f64::from(i);
            let (plate, grid) = solve(source);
            let left = SUPPLY_V
                - plate
                - PLATE_OHM * (cathode_current(source - GRID_OHM * grid, plate) - grid).max(0.0);
            assert!(left.abs() < 1e-8, "{source} V leave {left} V");
            let seen = triode.plate(source) + rest;
            assert!((seen - plate).abs() < 1e-4, "{source} V: {seen} {plate}");
            assert!((triode.grid_current(source) - grid).abs() < 1e-10, "{source} V");
        }
    }

    /// The mean over a way is what the areas say, inside the table and beyond it.
    #[test]
    fn areas_are_the_integral() {
        let triode = Triode::new();
        for (from, to) in [(-1.5, -1.4), (-6.0, 3.0), (0.3, 0.301), (-30.0, -10.0), (20.0, 40.0)] {
            const PARTS: usize = 20_000;
            let part = (to - from) / PARTS as f64;
            let sum: f64 = (0..PARTS).map(|i| triode.plate(from + (i as f64 + 0.5) * part)).sum();
            let (seen, expected) = (triode.plate_area(to) - triode.plate_area(from), sum * part);
            // The midpoint rule's error, as a share of 200 V.
            assert!(
                (seen - expected).abs() < 1e-6 * 200.0 * (to - from),
                "{from} to {to}: {seen} {expected}"
            );
        }
    }

    /// The plate falls as the grid rises, until the stage is cut off or saturated.
    #[test]
    fn the_curve_falls() {
        let triode = Triode::new();
        let mut last = f64::INFINITY;
        for i in 0..=4_000 {
            let plate = triode.plate(-16.0 + 0.01 * f64::from(i));
            assert!(plate <= last + 1e-5 && plate.abs() < SUPPLY_V, "{i}: {plate} after {last}");
            last = plate;
        }
    }
}
