//! Numbers, times and sentences as people read them.

use crate::markup::Markup;

/// What stands where a number is not defined.
const NOTHING: &str = "\u{2013}";

/// A number with a true minus sign; a dash where it is not finite, and no minus before zero.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NOTHING.into();
    }
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    let text = grouped(&text);
    if value < 0.0 && !zero { format!("\u{2212}{text}") } else { text }
}

/// Digits in threes from five on, with narrow spaces (ISO 80000-1, 7.3.1).
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole < 5 {
        return digits.into();
    }
    let spaced = |(place, digit): (usize, char)| {
        let apart = place > 0 && place < whole && (whole - place).is_multiple_of(3);
        apart.then_some('\u{202f}').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(spaced).collect()
}

/// A number with its sign, for gains.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    let zero = text.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    if value.is_finite() && value > 0.0 && !zero { format!("+{text}") } else { text }
}

/// A number with as many decimals as say something: about three digits, no zeros at the end.
pub(crate) fn trimmed(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    let text = number(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A number and its unit, as text.
pub(crate) fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.into() } else { format!("{number}\u{a0}{unit}") }
}

/// A time in the song, as minutes and seconds.
pub(crate) fn clock(seconds: f64, decimals: usize) -> String {
    if !seconds.is_finite() {
        return NOTHING.into();
    }
    // Rounded before it is split, so that 59.96 s does not become 0:60.0.
    let unit = 10f64.powi(decimals as i32);
    let rounded = (seconds.max(0.0) * unit).round() / unit;
    let minutes = (rounded / 60.0).floor();
    let width = if decimals == 0 { 2 } else { decimals + 3 };
    format!("{minutes:.0}:{:0width$.decimals$}", rounded - 60.0 * minutes)
}

/// A size of a file.
pub(crate) fn size(bytes: u64) -> String {
    match bytes as f64 {
        small if small < 1e3 => format!("{small:.0} bytes"),
        middle if middle < 1e6 => format!("{:.1} kB", middle / 1e3),
        large => format!("{:.1} MB", large / 1e6),
    }
}

/// A frequency on an axis: 63, 1k, 12.5k.
pub(crate) fn short_hz(hz: f64) -> String {
    if hz >= 1000.0 { format!("{}k", trimmed(hz / 1000.0)) } else { trimmed(hz) }
}

/// The first letter large.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// An id as words: underscores become spaces.
pub(crate) fn spaced(id: &str) -> String {
    id.replace('_', " ")
}

/// As much of a text as fits into so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// A measured number with its unit, or a dash that says that there is none.
pub(crate) fn figure(out: &mut Markup, value: Option<f64>, decimals: usize, unit: &str) {
    let Some(value) = value.filter(|v| v.is_finite()) else { return nothing(out) };
    quantity(out, &number(value, decimals), unit);
}

/// A gain with its sign and unit.
pub(crate) fn gain(out: &mut Markup, value_db: f64) {
    if value_db.is_finite() { quantity(out, &signed(value_db, 1), "dB") } else { nothing(out) }
}

/// A number that is text already, and its unit.
pub(crate) fn quantity(out: &mut Markup, number: &str, unit: &str) {
    let class = if unit.is_empty() { "n pure" } else { "n" };
    out.block("span", class, |span| {
        span.text(number);
        if !unit.is_empty() {
            span.words("span", "u", &format!("\u{a0}{unit}"));
        }
    });
}

/// The dash that stands where nothing is defined.
pub(crate) fn nothing(out: &mut Markup) {
    out.leaf("span", &[("class", "none"), ("title", "not defined")], NOTHING);
}

/// A sentence: what stands between backticks becomes code, and hyphens before numbers become minus signs.
pub(crate) fn prose(out: &mut Markup, sentence: &str) {
    let parts: Vec<&str> = sentence.split('`').collect();
    // A backtick without its partner is only a backtick.
    if parts.len().is_multiple_of(2) {
        return out.text(&minus_signs(sentence));
    }
    for (place, part) in parts.iter().enumerate() {
        match place % 2 {
            0 => out.text(&minus_signs(part)),
            _ => out.leaf("code", &[], part),
        }
    }
}

fn minus_signs(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let sign = |place: usize| {
        let before = place.checked_sub(1).map(|p| characters[p]);
        let starts = before.is_none_or(|c| c.is_whitespace() || c == '(');
        starts && characters.get(place + 1).is_some_and(char::is_ascii_digit)
    };
    let mapped = characters.iter().enumerate();
    mapped.map(|(place, c)| if *c == '-' && sign(place) { '\u{2212}' } else { *c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(write: impl FnOnce(&mut Markup)) -> String {
        let mut out = Markup::default();
        write(&mut out);
        out.into_text()
    }

    #[test]
    fn numbers_have_a_true_minus_and_never_a_minus_zero() {
        assert_eq!(number(-14.04, 1), "\u{2212}14.0");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(signed(0.04, 1), "0.0");
        assert_eq!(signed(1.25, 1), "+1.2");
        assert_eq!(number(f64::NAN, 1), "\u{2013}");
        assert_eq!(number(f64::NEG_INFINITY, 1), "\u{2013}");
    }

    #[test]
    fn trailing_zeros_go_but_not_those_of_whole_numbers() {
        assert_eq!(trimmed(4.0), "4");
        assert_eq!(trimmed(-17.5), "\u{2212}17.5");
        assert_eq!(trimmed(1200.0), "1200");
        assert_eq!(trimmed(-44_100.0), "\u{2212}44\u{202f}100");
        assert_eq!(number(8_467_200.25, 2), "8\u{202f}467\u{202f}200.25");
        assert_eq!(trimmed(0.25), "0.25");
    }

    #[test]
    fn a_time_is_rounded_before_it_is_split() {
        assert_eq!(clock(59.96, 1), "1:00.0");
        assert_eq!(clock(65.04, 0), "1:05");
        assert_eq!(clock(-1.0, 0), "0:00");
    }

    #[test]
    fn what_is_not_defined_is_a_dash_that_says_so() {
        let dash = "<span class=\"none\" title=\"not defined\">\u{2013}</span>";
        assert_eq!(html(|out| figure(out, None, 1, "LUFS")), dash);
        assert_eq!(html(|out| figure(out, Some(f64::NAN), 1, "LUFS")), dash);
        assert_eq!(html(|out| gain(out, f64::INFINITY)), dash);
    }

    #[test]
    fn code_is_marked_and_only_signs_become_minus() {
        let text = html(|out| prose(out, "`a-1`: from -20 to (-3) dB, mid-1990s & <b>"));
        assert_eq!(text, "<code>a-1</code>: from \u{2212}20 to (\u{2212}3) dB, mid-1990s &amp; &lt;b&gt;");
        assert_eq!(html(|out| prose(out, "one ` alone")), "one ` alone");
    }
}
