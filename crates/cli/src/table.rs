//! Tables and numbers in plain text.

/// A number with its unit, or a dash where it is not defined.
pub(crate) fn with_unit(value: Option<f64>, decimals: usize, unit: &str) -> String {
    match value {
        Some(value) => {
            let number = format!("{value:.decimals$}");
            // Nothing is below nothing.
            let is_zero = number.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
            let number = if is_zero { number.trim_start_matches('-') } else { &number };
            format!("{number} {unit}").trim_end().to_string()
        }
        None => "-".to_string(),
    }
}

/// A file of the current folder by its name alone.
pub(crate) fn bare(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// `1 change`, `2 changes`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A row of fixed cells.
pub(crate) fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| c.to_string()).collect()
}

/// Running text is no wider than this, however wide the terminal is.
const TEXT_COLUMNS: usize = 100;

/// A column is never made narrower than this to fit.
const NARROWEST_COLUMN: usize = 10;

/// Between two columns.
const GAP: usize = 2;

/// Columns of the terminal; none where the result goes to a file or a pipe.
fn terminal_columns() -> Option<usize> {
    use terminal_size::{Width, terminal_size_of};
    let (Width(columns), _) = terminal_size_of(std::io::stdout())?;
    Some(usize::from(columns).max(40))
}

/// How wide running text is.
pub(crate) fn text_columns() -> usize {
    terminal_columns().unwrap_or(TEXT_COLUMNS).min(TEXT_COLUMNS)
}

/// Columns as wide as their widest cell; the first row is the heading. On a terminal no wider than that: what does not
/// fit is broken into lines within its column.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    table_within(rows, terminal_columns().unwrap_or(usize::MAX))
}

fn table_within(rows: &[Vec<String>], columns: usize) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let word = |column: usize| {
        let words = rows.iter().filter_map(|row| row.get(column)).flat_map(|cell| cell.split(' '));
        words.map(|word| word.chars().count()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..count).map(width).collect();
    // First where words end; in the middle of them only when that is not enough.
    fit(&mut widths, columns, &(0..count).map(word).collect::<Vec<_>>());
    fit(&mut widths, columns, &vec![NARROWEST_COLUMN; count]);
    let mut text = String::new();
    for row in rows {
        let cells: Vec<Vec<String>> =
            row.iter().zip(&widths).map(|(c, width)| cell_lines(c, *width)).collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
        for n in 0..lines {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                let part = cell.get(n).map_or("", String::as_str);
                line += part;
                line.extend(std::iter::repeat_n(' ', width + GAP - part.chars().count()));
            }
            text += &line.trim_end().replace(FIRM, " ");
            text.push('\n');
        }
    }
    text
}

/// A blank at which no line is broken: between a number and its unit.
const FIRM: char = '\u{a0}';

/// A number with its unit as a cell, which is never broken.
pub(crate) fn reading(value: Option<f64>, decimals: usize, unit: &str) -> String {
    firm(&with_unit(value, decimals, unit))
}

/// A cell that is never broken.
pub(crate) fn firm(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// Takes from the widest column that can give until all of them fit.
fn fit(widths: &mut [usize], columns: usize, narrowest: &[usize]) {
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    while total(widths) > columns {
        let giving = widths.iter_mut().zip(narrowest).filter(|(width, narrowest)| **width > **narrowest);
        let Some((widest, _)) = giving.max_by_key(|(width, _)| **width) else { return };
        *widest -= 1;
    }
}

/// A cell in lines of at most `width` characters, broken between words where there are any.
fn cell_lines(cell: &str, width: usize) -> Vec<String> {
    if cell.chars().count() <= width {
        return vec![cell.to_string()];
    }
    let indent: String = cell.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![indent];
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let line = lines.last_mut().expect("begins with one");
            let used = line.chars().count();
            let blank = usize::from(!line.trim().is_empty());
            if used + blank + word.len() <= width {
                line.extend(std::iter::repeat_n(' ', blank).chain(word.drain(..)));
            } else if line.trim().is_empty() {
                // Longer than the column by itself: file names are.
                line.extend(word.drain(..width - used));
            } else {
                lines.push(String::new());
            }
        }
    }
    lines
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
        assert_eq!(with_unit(Some(-0.04), 1, "dB"), "0.0 dB");
        assert_eq!(table_within(&[vec![reading(Some(-18.0), 1, "LUFS")]], 4), "-18.0 LUFS\n", "never broken");
    }

    #[test]
    fn a_table_fits_where_it_is_shown_and_loses_nothing() {
        let rows = [
            vec!["track".into(), "file".into(), "level".into()],
            vec!["vox".into(), "05_Lead Vocal Take 3 final final.wav".into(), "-18.0 dBFS".into()],
            vec!["gtr".into(), "averyveryverylongnamewithoutanyblanks.wav".into(), "-20.0 dBFS".into()],
        ];
        let text = table_within(&rows, 40);
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        let letters = |text: &str| {
            let mut letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            letters.sort_unstable();
            letters
        };
        assert_eq!(letters(&text), letters(&rows.concat().concat()));
        assert!(
            table_within(&rows, 60).contains("Take 3 final"),
            "broken between words where that is enough"
        );
        // Narrower than any table can be: wider than asked, but whole.
        assert_eq!(letters(&table_within(&rows, 1)), letters(&rows.concat().concat()));
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = wrapped("one two three four five six seven", "  ", 12);
        assert!(text.lines().all(|l| l.chars().count() <= 12), "{text}");
        assert_eq!(text.split_whitespace().count(), 7);
    }
}
