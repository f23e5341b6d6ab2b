//! A step of the method of Gauss and Newton.

/// The step over the free variables, held near where nothing else holds it.
pub(super) fn step(residuals: &[f64], slopes: &[Vec<f64>], free: &[usize]) -> Vec<f64> {
    /// The common gain changes no residual; a little weight keeps it where it is.
    const HELD: f64 = 1e-6;
    let size = free.len();
    let mut rows: Vec<Vec<f64>> = free
        .iter()
        .enumerate()
        .map(|(place, a)| {
            let normal = |b: &usize| slopes.iter().map(|slope| slope[*a] * slope[*b]).sum::<f64>();
            let mut row: Vec<f64> = free.iter().map(normal).collect();
            row[place] += HELD;
            row.push(-slopes.iter().zip(residuals).map(|(slope, r)| slope[*a] * r).sum::<f64>());
            row
        })
        .collect();
    // Elimination without exchange: the matrix is symmetric and positive definite.
    for pivot in 0..size {
        for below in pivot + 1..size {
            let factor = rows[below][pivot] / rows[pivot][pivot];
            for column in pivot..=size {
                let above = rows[pivot][column];
                rows[below][column] -= factor * above;
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
