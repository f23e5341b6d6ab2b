//! Numbers that are registered: ISRC, UPC and EAN, and days.

/// An International Standard Recording Code (ISO 3901): two letters of the registrar's country or region, three letters or
/// digits, the year in two digits and five digits. Hyphens and spaces are for display only and go.
///
/// # Errors
/// What is wrong with it, as part of a sentence.
pub fn isrc(text: &str) -> Result<String, String> {
    let code: String =
        text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
    let count = code.chars().count();
    if count != 12 {
        return Err(format!("an ISRC has 12 characters, such as DE-A12-34-00001; this has {count}"));
    }
    let wrong = code.char_indices().find(|(at, c)| match at {
        0..2 => !c.is_ascii_uppercase(),
        2..5 => !c.is_ascii_alphanumeric(),
        _ => !c.is_ascii_digit(),
    });
    match wrong {
        Some((at, c)) => Err(format!(
            "character {} of an ISRC cannot be `{c}`: two letters, three letters or digits, then seven digits",
            at + 1
        )),
        None => Ok(code),
    }
}

/// The number of a release: UPC-A of 12 digits, or EAN-13, with its check digit (GS1 General Specifications, section 7.9).
/// Hyphens and spaces go.
///
/// # Errors
/// What is wrong with it, as part of a sentence; a wrong check digit with the right one.
pub fn barcode(text: &str) -> Result<String, String> {
    let code: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if let Some(c) = code.chars().find(|c| !c.is_ascii_digit()) {
        return Err(format!("a UPC or EAN has digits alone, not `{c}`"));
    }
    if code.len() != 12 && code.len() != 13 {
        return Err(format!("a UPC has 12 digits and an EAN 13; this has {}", code.len()));
    }
    let digits: Vec<u32> = code.bytes().map(|b| u32::from(b - b'0')).collect();
    let (check, rest) = (digits[digits.len() - 1], &digits[..digits.len() - 1]);
    // From the right, every other digit counts three times.
    let sum: u32 = rest.iter().rev().enumerate().map(|(n, d)| if n % 2 == 0 { 3 * d } else { *d }).sum();
    let right = (10 - sum % 10) % 10;
    if check != right {
        return Err(format!("the last digit of {code} would have to be {right}: one of its digits is wrong"));
    }
    Ok(code)
}

/// A day, `yyyy-mm-dd`, or a year alone.
///
/// # Errors
/// What is wrong with it.
pub fn date(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a day such as 2026-11-21, or a year");
    let parts: Vec<&str> = text.trim().split('-').collect();
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    match parts[..] {
        [year] if digits(year, 4) => Ok(text.trim().to_owned()),
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => {
            let [y, m, d] = [year, month, day].map(|part| part.parse::<u32>().unwrap_or(0));
            let leap = y.is_multiple_of(4) && !y.is_multiple_of(100) || y.is_multiple_of(400);
            let days = match m {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                1..=12 => 31,
                _ => 0,
            };
            if (1..=days).contains(&d) { Ok(text.trim().to_owned()) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_recordings() {
        // The example of ISO 3901, with and without what is for display only.
        assert_eq!(isrc("US-S1Z-99-00001").unwrap(), "USS1Z9900001");
        assert_eq!(isrc("uss1z9900001").unwrap(), "USS1Z9900001");
        assert!(isrc("USS1Z990000").unwrap_err().contains("this has 11"));
        assert!(isrc("U5S1Z9900001").unwrap_err().contains("character 2"));
        assert!(isrc("USS1Z99OOOO1").unwrap_err().contains("cannot be `O`"));
        assert!(isrc("ÜSS1Z9900001").is_err() && isrc("").is_err());
    }

    #[test]
    fn numbers_of_releases() {
        // Examples of GS1: an EAN-13 and a UPC-A.
        assert_eq!(barcode("4 006381 333931").unwrap(), "4006381333931");
        assert_eq!(barcode("036000291452").unwrap(), "036000291452");
        assert!(barcode("4006381333932").unwrap_err().contains("have to be 1"));
        assert!(barcode("123").unwrap_err().contains("this has 3"));
        assert!(barcode("40063813339x1").unwrap_err().contains("`x`"));
        // Every wrong digit is found, and every swap of neighbours that differ by anything but five.
        let good = "4006381333931";
        for at in 0..13 {
            for digit in b'0'..=b'9' {
                let mut other = good.as_bytes().to_vec();
                other[at] = digit;
                let same = other == good.as_bytes();
                assert_eq!(barcode(std::str::from_utf8(&other).unwrap()).is_ok(), same);
            }
        }
    }

    #[test]
    fn days_are_days() {
        for good in ["2026", "2026-11-21", "2024-02-29", "2000-02-29"] {
            assert_eq!(date(good).unwrap(), good);
        }
        for bad in [
            "",
            "26",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-11-00",
            "21.11.2026",
            "2026-1-1",
            "2026-11",
        ] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }
}
