//! Tables and numbers in plain text.

/// A number with its unit, or a dash where it is not defined.
pub(crate) fn with_unit(value: Option<f64>, decimals: usize, unit: &str) -> String {
    match value {
        Some(value) => format!("{value:.decimals$} {unit}").trim_end().to_string(),
        None => "-".to_string(),
    }
}

/// Columns as wide as their widest cell; the first row is the heading.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let blanks = width - cell.chars().count() + 2;
            line += cell;
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Breaks a text into lines of at most `width` characters, each after `indent`.
pub(crate) fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > width {
            lines += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    if !line.is_empty() {
        lines += &format!("{indent}{line}\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_have_units() {
        let rows = [vec!["a".into(), "level".into()], vec!["longer".into(), with_unit(Some(-3.04), 1, "dB")]];
        assert_eq!(table(&rows), "a       level\nlonger  -3.0 dB\n");
        assert_eq!(with_unit(None, 1, "dB"), "-");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = wrapped("one two three four five six seven", "  ", 12);
        assert!(text.lines().all(|l| l.chars().count() <= 12), "{text}");
        assert_eq!(text.split_whitespace().count(), 7);
    }
}
