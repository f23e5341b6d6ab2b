//! Printed echoes and reverberation: what they repeat, heard in how their bands move, or else said by their names.

use super::Problem;
use super::asks::ECHO_LU;
use crate::parts::role;
use crate::roles;
use audio::{db_to_power, power_to_db};
use measure::{ERB_BANDS, ErbFrames};

/// An echo comes so many rows of 50 ms after what it repeats, at most: a dotted quarter at 75 bpm.
const MOST_ROWS: usize = 24;
/// At most so many rows are compared.
const ROWS: usize = 1_200;
/// Bands that move together at least this much are of one sound.
const ALIKE: f64 = 0.5;

impl Problem<'_> {
    /// Recorded effects that repeat another track, each with the source that it follows best.
    pub(super) fn find_echoes(&mut self) {
        let returned = |source: usize| {
            let [track] = self.sources[source].tracks[..] else { return None };
            (roles::family(role(self.tracks[track].track)) == "returns").then_some(track)
        };
        let mut echoes = Vec::new();
        for source in 0..self.sources.len() {
            let Some(track) = returned(source) else { continue };
            let echo = moves(&self.tracks[track].facts.now().erb);
            let mut best: Option<(f64, usize)> = None;
            for other in (0..self.sources.len()).filter(|other| returned(*other).is_none()) {
                let heard = &self.tracks[self.sources[other].tracks[0]].facts.now().erb;
                let alike = follows(&echo, &moves(heard));
                if alike >= ALIKE && best.is_none_or(|(most, _)| alike > most + 1e-9) {
                    best = Some((alike, other));
                }
            }
            let repeated = match best {
                Some((_, other)) => vec![other],
                None => self.named_alike(track, &|other| returned(other).is_none()),
            };
            if !repeated.is_empty() {
                echoes.push((source, repeated));
            }
        }
        for (echo, repeated) in &echoes {
            let own = self.sources[*echo].part;
            let power = |source: &usize| {
                let group = &self.groups[self.sources[*source].part];
                db_to_power(group.expected_lu) / group.sources.len() as f64
            };
            // What is told of it beside the other parts.
            self.groups[own].expected_lu = ECHO_LU + power_to_db(repeated.iter().map(power).sum());
        }
        self.echoes = echoes;
    }

    /// Sources of the part that a track's name names beside saying that it is an effect: `vox` of `vox-echo`.
    fn named_alike(&self, track: usize, counts: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let own = words(self.tracks[track].track.name());
        let named = |source: &usize| {
            let other = self.tracks[self.sources[*source].tracks[0]].track.name();
            counts(*source) && words(other).iter().any(|word| own.contains(word))
        };
        (0..self.sources.len()).filter(named).collect()
    }
}

/// The words of a name that say something: no numbers, no abbreviations of a letter or two.
fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let said = lower.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 2);
    said.map(str::to_string).collect()
}

type Frame = [f64; ERB_BANDS];

/// How the bands move about their means, compressed as loudness is (S. S. Stevens's exponent of 0.3).
fn moves(erb: &ErbFrames) -> Vec<Frame> {
    let rows = erb.rows().min(ROWS + MOST_ROWS);
    let mut frames: Vec<Frame> = (0..rows)
        .map(|row| {
            let powers = erb.row(row);
            std::array::from_fn(|band| f64::from(powers[band]).powf(0.3))
        })
        .collect();
    for band in 0..ERB_BANDS {
        let mean = frames.iter().map(|frame| frame[band]).sum::<f64>() / rows.max(1) as f64;
        for frame in &mut frames {
            // What a mean of equal numbers is off by is no movement.
            let moved = frame[band] - mean;
            frame[band] = if moved.abs() > 1e-9 * mean { moved } else { 0.0 };
        }
    }
    frames
}

/// The highest correlation of an echo with what sounded up to [`MOST_ROWS`] earlier, -1 to 1.
fn follows(echo: &[Frame], heard: &[Frame]) -> f64 {
    let at = |late: usize| {
        let (mut common, mut own, mut other) = (0.0, 0.0, 0.0);
        for (echo, heard) in echo.iter().skip(late).zip(heard) {
            for (a, b) in echo.iter().zip(heard) {
                common += a * b;
                own += a * a;
                other += b * b;
            }
        }
        if own > 0.0 && other > 0.0 { common / (own * other).sqrt() } else { 0.0 }
    };
    (0..=MOST_ROWS).map(at).fold(-1.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes of changing bands and levels that follow no pattern, `late` rows later.
    fn notes(seed: u64, late: usize) -> ErbFrames {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as usize
        };
        let notes: Vec<(usize, f32)> = (0..80).map(|_| (random() % 30, (random() % 10) as f32)).collect();
        let mut erb = ErbFrames { frame_s: 0.05, ..ErbFrames::default() };
        for row in 0..400usize {
            let mut frame = [0f32; ERB_BANDS];
            if let Some((band, level)) = row.checked_sub(late).and_then(|row| notes.get(row / 5)) {
                frame[*band] = *level;
            }
            erb.power.extend(frame);
            erb.active.push(true);
        }
        erb
    }

    #[test]
    fn words_of_names_are_those_that_say_something() {
        assert_eq!(words("03_BGVox-echo L 2"), ["bgvox", "echo"]);
        assert!(words("12 L").is_empty());
    }

    #[test]
    fn an_echo_follows_its_source_and_nothing_else() {
        let echo = moves(&notes(1, 9));
        assert!(follows(&echo, &moves(&notes(1, 0))) > 0.95);
        assert!(follows(&echo, &moves(&notes(2, 0))) < 0.3);
        // What comes before is no echo.
        assert!(follows(&moves(&notes(1, 0)), &moves(&notes(1, 9))) < 0.3);
        assert_eq!(follows(&[], &echo), 0.0);
    }
}
