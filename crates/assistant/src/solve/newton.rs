//! The method of Levenberg and Marquardt (D. Marquardt, *An algorithm for least-squares estimation of nonlinear
//! parameters*, 1963) inside bounds: variables that stand on a bound and want to pass it are left out of the step.

/// Deviations in units of their spread, and the slope of each by the variables.
pub(super) type Residuals = (Vec<f64>, Vec<Vec<f64>>);

/// Half a sum of squares with a price by variable.
pub(super) struct Problem<'a> {
    pub(super) residuals: &'a dyn Fn(&[f64]) -> Residuals,
    pub(super) price: &'a [f64],
    /// The longest step of each variable.
    pub(super) longest: &'a [f64],
}

/// At most so many steps; convergence takes about ten.
const STEPS: usize = 80;
/// The common gain changes no residual; a little weight keeps it where it is.
const HELD: f64 = 1e-6;
/// A step that is shorter than this share of the longest is none.
const NO_STEP: f64 = 2e-8;
/// Damping begins with this, and at most so many are tried for one step.
const DAMPING: f64 = 1e-3;
const TRIES: usize = 12;

impl Problem<'_> {
    fn cost(&self, variables: &[f64], residuals: &[f64]) -> f64 {
        let price: f64 = self.price.iter().zip(variables).map(|(price, at)| price * at).sum();
        0.5 * residuals.iter().map(|r| r * r).sum::<f64>() + price
    }

    /// The variables at the minimum and twice what is left there: the sum of squares, and twice the price.
    pub(super) fn minimum(&self, start: Vec<f64>, limits: &[(f64, f64)]) -> (Vec<f64>, f64) {
        let mut variables = start;
        for (at, (least, most)) in variables.iter_mut().zip(limits) {
            *at = at.clamp(*least, *most);
        }
        let (mut residuals, mut slopes) = (self.residuals)(&variables);
        let mut cost = self.cost(&variables, &residuals);
        let mut damping = 0.0;
        for _ in 0..STEPS {
            let (normal, downhill) = self.normal(&residuals, &slopes);
            let free: Vec<usize> = (0..variables.len())
                .filter(|n| {
                    let (least, most) = limits[*n];
                    let (at, to) = (variables[*n], downhill[*n]);
                    least < most && !(at <= least && to <= 0.0) && !(at >= most && to >= 0.0)
                })
                .collect();
            let mut moved = 0.0;
            for _ in 0..TRIES {
                let step = solved(&normal, &downhill, &free, damping);
                let length = |n: usize| step[n].abs() / self.longest[free[n]];
                let longest = (0..free.len()).map(length).fold(0.0, f64::max);
                let short = (1.0 / longest.max(1e-12)).min(1.0);
                let mut tried = variables.clone();
                for (place, step) in free.iter().zip(&step) {
                    let (least, most) = limits[*place];
                    tried[*place] = (tried[*place] + short * step).clamp(least, most);
                }
                let found = (self.residuals)(&tried);
                let now = self.cost(&tried, &found.0);
                // Near the minimum the cost is flat to rounding.
                if now <= cost + 1e-13 * (1.0 + cost) {
                    let of = |n: &usize| (tried[*n] - variables[*n]).abs() / self.longest[*n];
                    moved = free.iter().map(of).fold(0.0, f64::max);
                    (variables, residuals, slopes, cost) = (tried, found.0, found.1, now);
                    damping = if damping <= DAMPING { 0.0 } else { damping / 8.0 };
                    break;
                }
                damping = if damping == 0.0 { DAMPING } else { damping * 8.0 };
            }
            if moved < NO_STEP {
                break;
            }
        }
        (variables, 2.0 * cost)
    }

    /// The matrix of the normal equations, and the direction in which the cost falls.
    fn normal(&self, residuals: &[f64], slopes: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let count = self.price.len();
        let mut normal = vec![vec![0.0; count]; count];
        let mut downhill: Vec<f64> = self.price.iter().map(|price| -price).collect();
        for (residual, slope) in residuals.iter().zip(slopes) {
            let used: Vec<usize> = (0..count).filter(|n| slope[*n] != 0.0).collect();
            for a in &used {
                downhill[*a] -= slope[*a] * residual;
                used.iter().for_each(|b| normal[*a][*b] += slope[*a] * slope[*b]);
            }
        }
        (normal, downhill)
    }
}

/// The step over the free variables.
fn solved(normal: &[Vec<f64>], downhill: &[f64], free: &[usize], damping: f64) -> Vec<f64> {
    let size = free.len();
    let mut rows: Vec<Vec<f64>> = free
        .iter()
        .enumerate()
        .map(|(place, a)| {
            let mut row: Vec<f64> = free.iter().map(|b| normal[*a][*b]).collect();
            row[place] += HELD + damping * (normal[*a][*a] + HELD);
            row.push(downhill[*a]);
            row
        })
        .collect();
    // Elimination without exchange: the matrix is symmetric and positive definite.
    for pivot in 0..size {
        let (above, below) = rows.split_at_mut(pivot + 1);
        let above = &above[pivot];
        for row in below {
            let factor = row[pivot] / above[pivot];
            if factor != 0.0 {
                row[pivot..].iter_mut().zip(&above[pivot..]).for_each(|(own, above)| *own -= factor * above);
            }
        }
    }
    let mut step = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| rows[row][column] * step[column]).sum();
        step[row] = (rows[row][size] - known) / rows[row][row];
    }
    step
}
