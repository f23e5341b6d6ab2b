//! Colours and letters of a picture that stands alone: those of the report, written out.

/// The report's style sheet: its rules for plots and its colours are these pictures' too.
const REPORT: &str = include_str!("../html/style.css");
/// Letters that are there everywhere, after those that PNG is drawn with.
const SANS: &str =
    "Inter, \"Helvetica Neue\", Helvetica, Arial, \"Liberation Sans\", \"DejaVu Sans\", sans-serif";
/// Steps of colour from opposite to in phase, zero in the middle.
pub(super) const STEPS: usize = 20;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The style sheet.
    pub(super) fn style(self) -> String {
        let rules = REPORT.lines().filter(|line| line.starts_with("svg .") || line.starts_with("svg text"));
        let mut style: String = rules.flat_map(|rule| [rule.trim_start_matches("svg "), "\n"]).collect();
        style += OWN;
        for step in 0..=STEPS {
            style += &format!(".h{step} {{ fill: {}; }}\n", self.of_correlation(step));
        }
        for name in ["paper", "ink", "soft", "line", "faint", "accent", "tint", "bad"] {
            style = style.replace(&format!("var(--{name})"), &self.colour(name));
        }
        style.replace("var(--sans)", SANS)
    }

    /// A colour of the report by its name: each theme is one block of its style sheet, the light one first.
    fn colour(self, name: &str) -> String {
        let key = format!("--{name}: ");
        let mut values = REPORT.match_indices(&key).map(|(at, _)| &REPORT[at + key.len()..]);
        let value =
            values.nth(if self == Theme::Light { 0 } else { 1 }).and_then(|rest| rest.split(';').next());
        value.unwrap_or("#888888").trim().into()
    }

    /// From the colour of what is wrong over nearly none to the accent.
    fn of_correlation(self, step: usize) -> String {
        let place = step as f64 / STEPS as f64 * 2.0 - 1.0;
        let end = self.colour(if place < 0.0 { "bad" } else { "accent" });
        let (from, to) = (channels(&self.colour("faint")), channels(&end));
        // By the root, so that the steps near zero can be told apart.
        let share = place.abs().powf(0.8);
        let mixed: Vec<String> = from
            .iter()
            .zip(to)
            .map(|(a, b)| format!("{:02x}", (a + (b - a) * share).round() as u8))
            .collect();
        format!("#{}", mixed.concat())
    }
}

/// Red, green and blue of `#rrggbb`, 0 to 255.
fn channels(colour: &str) -> [f64; 3] {
    let channel =
        |n: usize| colour.get(1 + 2 * n..3 + 2 * n).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    [0, 1, 2].map(|n| f64::from(channel(n).unwrap_or(128)))
}

/// What only pictures that stand alone have.
const OWN: &str = "\
.paper { fill: var(--paper); }
.name { font-size: 28px; font-weight: 600; }
.about { font-size: 14px; fill: var(--soft); }
.figure { font-size: 26px; font-weight: 600; }
.figure-name { font-size: 12px; fill: var(--soft); }
.panel { font-size: 15px; font-weight: 600; }
.foot { font-size: 11.5px; fill: var(--soft); }
.why { font-size: 15px; fill: var(--soft); }
.on-plot { font-size: 11.5px; fill: var(--soft); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.rule { stroke: var(--line); stroke-width: 1; }
.empty { fill: var(--faint); }
.range { fill: var(--faint); }
.peaks { fill: var(--tint); }
.over { fill: var(--bad); }
.over-text { fill: var(--bad); }
.pink { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 1.5 4; stroke-linecap: round; fill: none; }
.bar { fill: var(--tint); }
.bar-against { fill: var(--bad); opacity: 0.7; }
.fine { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_themes_are_written_out_and_differ() {
        let (light, dark) = (Theme::Light.style(), Theme::Dark.style());
        for style in [&light, &dark] {
            assert!(!style.contains("var(") && style.contains(".main") && style.contains("Inter"), "{style}");
        }
        assert_ne!(Theme::Light.colour("paper"), Theme::Dark.colour("paper"));
        // Dark letters on light and the other way round: the sums of their channels are far apart.
        let light_of = |theme: Theme, name: &str| channels(&theme.colour(name)).iter().sum::<f64>();
        assert!(light_of(Theme::Light, "paper") - light_of(Theme::Light, "ink") > 400.0);
        assert!(light_of(Theme::Dark, "ink") - light_of(Theme::Dark, "paper") > 400.0);
    }
}
