//! Numbers as the reasons say them.

/// Signed decibels with one digit: `+2.1 dB`.
pub(crate) fn signed_db(db: f64) -> String {
    // Rounded first, so that nothing is told as "-0.0".
    let db = tenth(db);
    format!("{:+.1} dB", if db == 0.0 { 0.0 } else { db })
}

/// A place between the loudspeakers: `centre`, `45 left`, `80 right`.
pub(crate) fn place(pan: f64) -> String {
    match pan.round() as i32 {
        0 => "the centre".to_string(),
        pan if pan < 0 => format!("{} left", -pan),
        pan => format!("{pan} right"),
    }
}

/// Rounded to a tenth: finer than anybody hears, and readable in the file.
pub(crate) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A list for people: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A role as people say it: `kick_in` is "kick in".
pub(crate) fn spoken_role(role: &str) -> String {
    role.replace('_', " ")
}

/// Seconds as people read them: `1:07.4`.
pub(crate) fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    format!("{minutes:.0}:{:04.1}", seconds - 60.0 * minutes)
}
