//! Processors as decisions put them on strips.

use crate::Rules;
use crate::power::Bands;
use dsp::processors::eq;
use dsp::{Kind, Values};
use measure::ERB_BANDS;
use session::{Change, Path, Strip, Value};

/// Settings of a kind by name: numbers, held inside their ranges, and choices. Everything else is neutral.
pub(crate) fn settings(kind: &'static Kind, numbers: &[(&str, f64)], choices: &[(&str, &str)]) -> Values {
    let known = "a setting of the kind";
    let mut values = Values::neutral(kind);
    for (name, number) in numbers {
        let address = kind.address(name).expect(known);
        values.put(address, kind.param(address).clamp(*number));
    }
    for (name, choice) in choices {
        values.set_choice(kind, name, choice).expect(known);
    }
    values
}

/// A band of an equaliser.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its shape, as the equaliser calls it.
    pub(crate) shape: &'static str,
    /// Centre or corner in hertz.
    pub(crate) freq_hz: f64,
    /// Gain in dB; 0 for passes.
    pub(crate) gain_db: f64,
    /// Narrowness; passes take Butterworth's.
    pub(crate) q: f64,
}

impl Band {
    /// A bell.
    pub(crate) fn bell(name: impl Into<String>, freq_hz: f64, gain_db: f64, q: f64) -> Band {
        Band { name: name.into(), shape: "bell", freq_hz: round_hz(freq_hz), gain_db, q }
    }

    /// A high-pass of 12 dB per octave.
    pub(crate) fn high_pass(name: impl Into<String>, freq_hz: f64) -> Band {
        Band { name: name.into(), shape: "high_pass", freq_hz: round_hz(freq_hz), gain_db: 0.0, q: 0.0 }
    }

    /// A high shelf.
    pub(crate) fn high_shelf(name: impl Into<String>, freq_hz: f64, gain_db: f64) -> Band {
        Band { name: name.into(), shape: "high_shelf", freq_hz: round_hz(freq_hz), gain_db, q: 0.0 }
    }

    fn table(&self) -> Vec<(&'static str, Value)> {
        let mut entries = vec![("type", Value::from(self.shape)), ("freq_hz", Value::from(self.freq_hz))];
        if self.gain_db != 0.0 {
            entries.push(("gain_db", Value::from(self.gain_db)));
        }
        if self.q > 0.0 {
            entries.push(("q", Value::from(self.q)));
        }
        entries
    }

    /// Puts the band into an equaliser of the strip, which is made by the `first` of its bands.
    pub(crate) fn change(&self, strip: &Strip, insert: &str, first: bool) -> Change {
        let path = strip.path().child("insert").child(insert);
        if !first {
            let value = Value::table(self.table());
            return Change::Set { path: path.child("bands").child(&self.name), value };
        }
        let mut band = self.table();
        band.push(("name", Value::from(self.name.as_str())));
        let bands = vec![Value::table(band)];
        let value = Value::table([("kind", Value::from(eq::KIND.id)), ("bands", Value::from(bands))]);
        Change::Set { path, value }
    }
}

/// Frequencies as people set them: two digits and a half (steps of 5 in the third).
pub(crate) fn round_hz(hz: f64) -> f64 {
    let step = 5.0 * 10f64.powf(hz.max(1.0).log10().floor() - 2.0);
    // Below 100 Hz a whole hertz is fine enough.
    let step = step.max(1.0);
    (hz / step).round() * step
}

/// A frequency for people: `310 Hz`, `2.8 kHz`.
pub(crate) fn shown_hz(hz: f64) -> String {
    if hz >= 1_000.0 {
        let khz = format!("{:.2}", hz / 1_000.0);
        format!("{} kHz", khz.trim_end_matches('0').trim_end_matches('.'))
    } else {
        format!("{hz:.0} Hz")
    }
}

/// True when an insert stands there already, or a person has set or removed it as a whole. What a person has
/// set inside of it is kept by the merge.
pub(crate) fn is_taken(strip: &Strip, insert: &str, rules: &Rules) -> bool {
    let path = strip.path().child("insert").child(insert);
    strip.insert(insert).is_some() || is_set_whole(rules, &path)
}

/// True when a person has set this, or something above.
pub(crate) fn is_set_whole(rules: &Rules, path: &Path) -> bool {
    rules.yours.iter().any(|yours| yours.contains(path))
}

/// Gain of a bell at a frequency, in dB: `H(s) = (s^2 + s A/Q + 1) / (s^2 + s/(A Q) + 1)`, `A = 10^(gain/40)`
/// (R. Bristow-Johnson, audio-EQ cookbook).
pub(crate) fn bell_db(hz: f64, freq_hz: f64, gain_db: f64, q: f64) -> f64 {
    let (w, a) = (hz / freq_hz, 10f64.powf(gain_db / 40.0));
    let real = (1.0 - w * w).powi(2);
    let (above, below) = (real + (w * a / q).powi(2), real + (w / (a * q)).powi(2));
    audio::power_to_db(above / below)
}

/// Factors on power by band of bells `(Hz, dB, Q)`.
pub(crate) fn bells(centres_hz: &[f64], bells: impl IntoIterator<Item = (f64, f64, f64)>) -> Bands {
    let mut factors = [1.0; ERB_BANDS];
    for (hz, gain_db, q) in bells {
        for (factor, centre) in factors.iter_mut().zip(centres_hz) {
            *factor *= audio::db_to_power(bell_db(*centre, hz, gain_db, q));
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_rounded_as_people_set_them() {
        for (hz, rounded) in
            [(54.3, 54.0), (152.6, 155.0), (312.0, 310.0), (643.2, 645.0), (2_831.0, 2_850.0)]
        {
            assert_eq!(round_hz(hz), rounded, "{hz}");
        }
    }

    #[test]
    fn a_bell_has_its_gain_at_its_centre_and_none_far_away() {
        for gain_db in [-9.0, -1.5, 3.0] {
            assert!((bell_db(700.0, 700.0, gain_db, 1.4) - gain_db).abs() < 1e-9);
            assert!(bell_db(7.0, 700.0, gain_db, 1.4).abs() < 0.01);
            // The same at equal distances in octaves.
            assert!(
                (bell_db(350.0, 700.0, gain_db, 1.4) - bell_db(1400.0, 700.0, gain_db, 1.4)).abs() < 1e-9
            );
        }
    }
}
