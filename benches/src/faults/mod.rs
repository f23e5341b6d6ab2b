//! Planted faults over many sessions: what the assistant finds of them, and what it invents.
//!
//! `faults` plays twice 200 short sessions of the demo's band with random faults (`faults 40` as many, `from 500` those of
//! other takes alone, `each` tells every mistake), asks the assistant what it would do, and prints
//! `docs/reference/planted-faults-statistics.md`. Nothing is rendered: repairs are decided on what is measured of the
//! recordings.

mod judge;
mod listen;

use crate::{Failure, say};
use demo::Material;
use judge::{Count, Verdict};
use std::collections::BTreeMap;

/// Sessions without a word to the contrary.
const SESSIONS: u64 = 200;
/// One take in so many sessions.
const SESSIONS_OF_A_TAKE: u64 = 25;
/// Takes that are played one after another.
#[derive(Clone, Copy)]
struct Set {
    first_seed: u64,
    title: &'static str,
    /// What must be known to judge the figures.
    known: &'static str,
}

const SETS: [Set; 2] = [
    Set {
        first_seed: 101,
        title: "Takes that were first heard when the rules stood",
        known: "At first hearing two repairs were invented, both of them levellers for takes whose rumble went on between \
                the phrases; the rule was mended then. What was missed was left as it is.",
    },
    Set { first_seed: 11, title: "Takes that were heard while the rules were written", known: "" },
];

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let mut wish = Wish { sessions: SESSIONS, told: false };
    let mut sets = SETS.to_vec();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "each" => wish.told = true,
            "from" => {
                let first_seed = words.next().ok_or("say: from TAKE")?.parse()?;
                sets = vec![Set { first_seed, title: "Other takes", known: "" }];
            }
            number => {
                let refused = |_| "say: faults [SESSIONS] [each] [from TAKE]";
                wish.sessions = number.parse().map_err(refused)?;
            }
        }
    }
    head(&wish)?;
    for set in sets {
        table(&set, &wish.played(set.first_seed)?)?;
    }
    foot()
}

/// How many sessions of each set are played, and whether each mistake is told.
struct Wish {
    sessions: u64,
    told: bool,
}

impl Wish {
    fn played(&self, first_seed: u64) -> Result<Total, Failure> {
        let mut total = Total::default();
        let mut take: Option<(u64, Material, listen::Listener)> = None;
        for number in 0..self.sessions {
            let seed = first_seed + number / SESSIONS_OF_A_TAKE;
            let (_, material, mut listener) = match take.take() {
                Some(current) if current.0 == seed => current,
                _ => (seed, Material::new(seed), listen::Listener::default()),
            };
            let song = material.session(number);
            let verdict = judge::judge(&song, &mut listener)?;
            if self.told {
                verdict
                    .missed
                    .iter()
                    .chain(&verdict.invented)
                    .try_for_each(|line| say(&format!("{number}: {line}")))?;
            }
            total.add(&song, verdict);
            take = Some((seed, material, listener));
        }
        Ok(total)
    }
}

/// What all sessions came to.
#[derive(Default)]
struct Total {
    sessions: usize,
    clean: usize,
    tracks: usize,
    clean_with_inventions: usize,
    kinds: BTreeMap<&'static str, Count>,
}

impl Total {
    fn add(&mut self, song: &demo::Song, verdict: Verdict) {
        self.sessions += 1;
        self.tracks += song.tracks.len();
        if song.planted.is_empty() {
            self.clean += 1;
            self.clean_with_inventions += usize::from(!verdict.invented.is_empty());
        }
        for (kind, count) in verdict.kinds {
            self.kinds.entry(kind).or_default().add(count);
        }
    }
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

fn row(name: &str, count: Count) -> String {
    let Count { planted, found, invented } = count;
    let precision = percent(found, found + invented);
    format!("| {name} | {planted} | {found} | {invented} | {} | {precision} |", percent(found, planted))
}

fn head(wish: &Wish) -> Result<(), Failure> {
    say("# Planted faults: found, missed, invented\n")?;
    say(&format!(
        "Sessions of 26 s made by the demo's band, {} of each set, {SESSIONS_OF_A_TAKE} of a take. Some have no fault, the \
         others one to four, each on a track of its own, of random kind, place and amount. The assistant gets what is measured \
         of the recordings and decides its steps 1 to 5; nothing is rendered.\n",
        wish.sessions
    ))?;
    say(
        "Recall is the share of the planted faults that are answered in the right place; precision the share of the \
         repairs that answer a planted fault.",
    )
}

fn table(set: &Set, total: &Total) -> Result<(), Failure> {
    let Set { first_seed, title, known } = set;
    let Total { sessions, clean, tracks, clean_with_inventions, kinds } = total;
    let mut all = Count::default();
    kinds.values().for_each(|count| all.add(*count));
    say(&format!("\n## {title}\n"))?;
    say(format!("{sessions} sessions from take {first_seed} on, {tracks} tracks. {known}").trim_end())?;
    say("")?;
    say("| fault | planted | found | invented | recall | precision |\n|---|---|---|---|---|---|")?;
    for (name, count) in kinds {
        say(&row(&name.replace('_', " "), *count))?;
    }
    say(&row("**all**", all))?;
    say(&format!("\nClean sessions in which something was mended: {clean_with_inventions} of {clean}."))
}

fn foot() -> Result<(), Failure> {
    say(
        "\n## What is counted\n\nAn offset and rumble are taken out by one filter and count as invented together, under rumble. Every \
         track gets a trim, so that none is invented under too quiet. Microphones of one drum are moved onto each other by the \
         distance between them as well: up to 2 ms counts as neither. Not counted here are faults that need the whole song or \
         a rendered mix (bleed, sibilance, mud, balance, space, the master): the [demo](../tutorial/demo.md) has them.\n",
    )?;
    say(
        "Measured with `cargo run --release -p tonmeister-benches -- faults`; the same takes give the same figures.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seeded sample of what the benchmark runs in full.
    #[test]
    fn a_dozen_sessions_are_mended_and_clean_ones_are_left_alone() {
        let material = Material::new(5);
        let mut listener = listen::Listener::default();
        let (mut all, mut told) = (Count::default(), Vec::new());
        for number in 0..12 {
            let song = material.session(number);
            let verdict = judge::judge(&song, &mut listener).unwrap();
            assert!(!song.planted.is_empty() || verdict.invented.is_empty(), "{:#?}", verdict.invented);
            verdict.kinds.values().for_each(|count| all.add(*count));
            told.extend(verdict.missed.into_iter().chain(verdict.invented));
        }
        // In four hundred sessions one in a hundred hides behind what is played: ten are all found.
        assert!(all.planted >= 10 && all.found == all.planted && all.invented == 0, "{all:?}: {told:#?}");
    }
}
