//! The page of every published case of a loudness meter: what ours read now, and what other meters were found to read.
//!
//! Our own column is measured anew each time the page is made. The peers' figures are kept in
//! `benches/peers/meter-cases.json`, which `benches/peers/meters.py` writes: it makes the same signals in another
//! language and has every meter read them as files, Tonmeister among them. Where that reading is not the one of our own signal
//! the figures do not belong side by side, and the page is not made.

mod cases;
mod signals;

use crate::markdown::{GENERATED, table};
use cases::Row;
use serde_json::Value;

/// The rates of the page, in hertz.
const RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
/// Who read the signals of the peers' program besides the peers.
const OURSELVES: &str = "Tonmeister";
/// How far our readings of the two makings of a signal may differ, in dB: 32-bit samples and the last digits of sines are
/// far below; another phase or length is above.
const SAME_DB: f64 = 0.005;

/// What other meters were found to read.
const KEPT: &str = include_str!("../../../../benches/peers/meter-cases.json");

pub(crate) fn page() -> String {
    let kept: Value = serde_json::from_str(KEPT).expect("what benches/peers/meters.py wrote");
    let peers = Peers::new(&kept);
    let worst = cases::worst();
    // As many threads as rates: the machine shares them out.
    let rates: Vec<(u32, Vec<Row>)> = std::thread::scope(|scope| {
        let worst = &worst;
        let each = RATES_HZ.map(|rate_hz| (rate_hz, scope.spawn(move || cases::rows(rate_hz, worst))));
        each.into_iter().map(|(rate_hz, rows)| (rate_hz, rows.join().expect("rows"))).collect()
    });
    peers.belong(&rates);
    let names: Vec<&str> = std::iter::once(OURSELVES).chain(peers.names()).collect();
    format!(
        "# Every case of a loudness meter\n\n{GENERATED}\n\n{INTRODUCTION}\n\nPeers, {}: {}.{}\n\n## Passed\n\n{}\n## Failed\n\n{}\n{}{}",
        peers.date,
        peers.versions(),
        unasked(&peers),
        passed(&rates, &peers, &names),
        failed(&rates, &peers, &names),
        least(&rates),
        rates.iter().map(|(rate_hz, rows)| section(*rate_hz, rows, &peers, &names)).collect::<String>(),
    )
}

const INTRODUCTION: &str = "\
The cases are those of EBU Tech 3341 and Tech 3342 (2023) and of ITU-R BS.1770-5, each made from its published \
description. Cases 7 and 8 of Tech 3341, and 5 and 6 of Tech 3342, are recorded programmes, which cannot be generated. The \
rows named *peak* are ours: signals without anything above 0.4535 of the sample rate (20 kHz at 44.1 kHz) that are highest \
far from any sample; their true peak is known from their spectrum, 64 points a frame, and a meter passes within 0.1 dB.\n\n\
The column of Tonmeister is measured each time this page is made, and a test makes it. The peers read the same signals from \
files of 32-bit float samples that `benches/peers/meters.py` makes; their figures are kept in \
`benches/peers/meter-cases.json`. Tonmeister read those files as well, and had to find what it finds in its own signals.\n\n\
**Bold** is outside of the tolerance. Of a case with several files or a steady reading the one that is farthest off is shown. \
A dash: the meter has no such reading. Who prints one decimal is \
given the benefit of it.";

/// The kept figures.
struct Peers<'a> {
    date: &'a str,
    meters: &'a serde_json::Map<String, Value>,
    rows: &'a [Value],
}

/// What a peer said of a case.
enum Told {
    Figure(f64),
    Refused,
    Nothing,
}

impl<'a> Peers<'a> {
    fn new(kept: &'a Value) -> Peers<'a> {
        let parts = (kept["date"].as_str(), kept["meters"].as_object(), kept["rows"].as_array());
        let (Some(date), Some(meters), Some(rows)) = parts else { panic!("a date, meters and rows") };
        Peers { date, meters, rows }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.meters.keys().map(String::as_str).filter(|name| *name != OURSELVES)
    }

    fn versions(&self) -> String {
        self.names().filter_map(|name| self.meters[name].as_str()).collect::<Vec<_>>().join("; ")
    }

    /// Whether the peers were asked at a rate.
    fn knows(&self, rate_hz: u32) -> bool {
        self.rows.iter().any(|row| row["rate_hz"] == rate_hz)
    }

    fn told(&self, rate_hz: u32, row: &Row, name: &str) -> Told {
        let is_row = |kept: &&Value| {
            kept["rate_hz"] == rate_hz
                && kept["case"] == row.case.as_str()
                && kept["what"] == row.what.as_str()
        };
        if !self.knows(rate_hz) {
            return Told::Nothing;
        }
        let kept = self.rows.iter().find(is_row);
        let kept = kept.unwrap_or_else(|| panic!("{}, {} at {rate_hz} Hz: {REMEDY}", row.case, row.what));
        match &kept["figures"][name] {
            Value::Number(figure) => Told::Figure(figure.as_f64().expect("a number")),
            Value::String(_) => Told::Refused,
            _ => Told::Nothing,
        }
    }

    /// Checks that the peers read the signals that we read.
    fn belong(&self, rates: &[(u32, Vec<Row>)]) {
        let known = || rates.iter().filter(|(rate_hz, _)| self.knows(*rate_hz));
        for (rate_hz, rows) in known() {
            for row in rows {
                let (case, what) = (&row.case, &row.what);
                let Told::Figure(theirs) = self.told(*rate_hz, row, OURSELVES) else {
                    panic!("{case}, {what} at {rate_hz} Hz: no reading of the file; {REMEDY}")
                };
                let ours = row.read.unwrap_or(f64::NAN);
                assert!(
                    (ours - theirs).abs() < SAME_DB,
                    "{case}, {what} at {rate_hz} Hz: {ours} is read of our signal, {theirs} was of the peers' file; {REMEDY}"
                );
            }
        }
        let count: usize = known().map(|(_, rows)| rows.len()).sum();
        assert_eq!(count, self.rows.len(), "rows kept of cases that are no more; {REMEDY}");
    }
}

/// At which rates the peers have not been asked.
fn unasked(peers: &Peers) -> String {
    let rates: Vec<String> = RATES_HZ.into_iter().filter(|hz| !peers.knows(*hz)).map(khz).collect();
    if rates.is_empty() {
        String::new()
    } else {
        format!(" They have not been asked at {} kHz.", rates.join(", "))
    }
}

/// What to do when the kept figures are of other signals or of older meters.
const REMEDY: &str = "run `python3 benches/peers/meters.py` with a new release build";

/// What is in a cell, and whether it passes; `None` where nothing is read.
fn cell(rate_hz: u32, row: &Row, peers: &Peers, name: &str) -> (String, Option<bool>) {
    let told = if name == OURSELVES {
        row.read.map_or(Told::Nothing, Told::Figure)
    } else {
        peers.told(rate_hz, row, name)
    };
    match told {
        Told::Nothing => ("-".into(), None),
        Told::Refused => ("**refused**".into(), Some(false)),
        Told::Figure(figure) => {
            let passes = row.passes(figure);
            let text = plain(figure);
            (if passes { text } else { format!("**{text}**") }, Some(passes))
        }
    }
}

/// Two decimals, and no minus before a zero.
fn plain(value: f64) -> String {
    let text = format!("{value:.2}");
    if text == "-0.00" { "0.00".into() } else { text }
}

fn khz(rate_hz: u32) -> String {
    format!("{}", f64::from(rate_hz) / 1000.0)
}

/// How many cases each meter passes at each rate.
fn passed(rates: &[(u32, Vec<Row>)], peers: &Peers, names: &[&str]) -> String {
    let head: Vec<&str> = std::iter::once("").chain(names.iter().copied()).collect();
    let lines = rates.iter().map(|(rate_hz, rows)| {
        let count = |name: &&str| {
            let verdicts: Vec<bool> =
                rows.iter().filter_map(|row| cell(*rate_hz, row, peers, name).1).collect();
            let of = format!("{} of {}", verdicts.iter().filter(|passes| **passes).count(), verdicts.len());
            let missing = rows.len() - verdicts.len();
            if verdicts.is_empty() {
                return "-".to_string();
            }
            if missing == 0 { of } else { format!("{of} ({missing} not read)") }
        };
        std::iter::once(format!("{} kHz", khz(*rate_hz))).chain(names.iter().map(count)).collect()
    });
    table(&head, lines)
}

/// Which cases each meter fails, and where.
fn failed(rates: &[(u32, Vec<Row>)], peers: &Peers, names: &[&str]) -> String {
    let mut text = String::new();
    for name in names {
        let mut cases: Vec<(String, Vec<String>)> = Vec::new();
        for (rate_hz, rows) in rates {
            for row in rows.iter().filter(|row| cell(*rate_hz, row, peers, name).1 == Some(false)) {
                // What the rates differ in does not name a case.
                let what = row.what.split(" of ").next().and_then(|what| what.split(", up to").next());
                let case = format!("{} ({})", row.case, what.unwrap_or_default());
                match cases.iter_mut().find(|(known, _)| *known == case) {
                    Some((_, at)) => at.push(khz(*rate_hz)),
                    None => cases.push((case, vec![khz(*rate_hz)])),
                }
            }
        }
        let all: Vec<String> =
            cases.iter().map(|(case, at)| format!("{case} at {} kHz", at.join(", "))).collect();
        let all = if all.is_empty() { "nothing".to_string() } else { all.join("; ") };
        text += &format!("- {name}: {all}.\n");
    }
    text
}

/// What the least meter that the standard allows reads of our worst cases.
fn least(rates: &[(u32, Vec<Row>)]) -> String {
    let is_ours = |row: &&Row| row.case.starts_with("peak: ");
    let names: Vec<&str> = rates[0].1.iter().filter(is_ours).map(|row| &row.case[6..]).collect();
    let head: Vec<&str> = std::iter::once("").chain(names).collect();
    let lines = rates.iter().map(|(rate_hz, rows)| {
        let figures = rows.iter().filter(is_ours).map(|row| row.minimum.map_or("-".into(), plain));
        std::iter::once(format!("{} kHz", khz(*rate_hz))).chain(figures).collect()
    });
    format!(
        "\n## What the least meter would read\n\nThe least meter that BS.1770-5 allows (Annex 2: four times oversampling at 44.1 \
         and 48 kHz with the 48 taps that it prints, two times at 88.2 and 96 kHz, none from 176.4 kHz on) of our own worst \
         cases, in dBTP; right is 0.00. `measure` shows both figures.\n\n{}",
        table(&head, lines)
    )
}

fn section(rate_hz: u32, rows: &[Row], peers: &Peers, names: &[&str]) -> String {
    let head: Vec<&str> =
        ["case", "what", "expected", "tolerance"].into_iter().chain(names.iter().copied()).collect();
    let lines = rows.iter().map(|row| {
        let tolerance = if row.low == -row.high {
            format!("±{}", row.high)
        } else {
            format!("+{} / −{}", row.high, -row.low)
        };
        let fixed = [row.case.clone(), row.what.clone(), format!("{}", row.expected), tolerance];
        fixed.into_iter().chain(names.iter().map(|name| cell(rate_hz, row, peers, name).0)).collect()
    });
    format!("\n## {} kHz\n\n{}", khz(rate_hz), table(&head, lines))
}
