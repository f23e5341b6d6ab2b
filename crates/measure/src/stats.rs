//! Order statistics.

/// The values in ascending order.
pub(crate) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value at the nearest rank, `round((n - 1) share)`, of values in ascending order (the definition of
/// EBU Tech 3342); `None` of nothing.
pub(crate) fn nearest_rank(ascending: &[f64], share: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    Some(ascending[(last as f64 * share).round() as usize])
}
