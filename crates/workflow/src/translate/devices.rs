//! What a master is played on: models, as data.
//!
//! No two telephones or cars are alike: each row is a stated model of a class of devices, not a measurement of one. Their
//! lower ends follow theory: a driver in a closed box falls with 12 dB per octave below its resonance and is shaped there
//! by its Q (R. H. Small, *Closed-Box Loudspeaker Systems*, Journal of the Audio Engineering Society 20, 1972), and a
//! cabin lifts what is longer than itself. Where measurements are published the rounded figures agree with them: the
//! loudspeaker of a tablet began at 630 Hz (J. R. Chang & C. N. Wang, *Bass Extension of Microspeaker System on Mobile
//! Device*, Journal of Mechanics, 2018), here 650 Hz for a telephone; in a car listeners set 13 dB more bass and 2 dB less
//! treble than flat (P. Dennis, *In-Vehicle Audio System Sound Quality Preference Study*, AES 139th convention 2015, paper
//! 9393), here the 8 and 3 dB of a car as it is sold. The other corners and ridges are assumptions about such devices: they
//! tell what gets lost, not by how many tenths of a decibel.

use dsp::Values;
use session::{Insert, Session};

/// One band of a device's curve: kind of filter, hertz, gain in dB, Q, and the slope of a pass in dB per octave.
pub(super) type Band = (&'static str, f64, f64, f64, f64);

/// A class of devices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    /// Behind the name of its files.
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// The model in a sentence.
    pub(super) model: &'static str,
    pub(super) bands: &'static [Band],
    /// What is left of the side signal, in percent: 0 is mono.
    pub(super) width_percent: f64,
    /// What is softer than this against the whole is drowned by the noise around, in LU.
    pub(super) drowned_below_lu: Option<f64>,
}

/// Every device, in the order in which people see them.
pub(super) const DEVICES: [Device; 5] = [
    Device {
        id: "phone",
        label: "telephone",
        model: "one driver of a centimetre: closed box at 650 Hz with Q 1.1, a ridge at 2.5 kHz, nothing above 13 kHz, mono",
        bands: &[
            ("high_pass", 650.0, 0.0, 1.1, 12.0),
            ("high_pass", 300.0, 0.0, 0.707, 12.0),
            ("bell", 2_500.0, 3.0, 1.0, 12.0),
            ("low_pass", 13_000.0, 0.0, 0.707, 12.0),
        ],
        width_percent: 0.0,
        drowned_below_lu: Some(14.0),
    },
    Device {
        id: "laptop",
        label: "laptop",
        model: "two small drivers side by side: closed box at 220 Hz with Q 1.0, a dip at 1 kHz from the table, nothing above \
                15 kHz, half the width",
        bands: &[
            ("high_pass", 220.0, 0.0, 1.0, 12.0),
            ("bell", 1_000.0, -2.5, 1.2, 12.0),
            ("bell", 4_000.0, 2.0, 1.0, 12.0),
            ("low_pass", 15_000.0, 0.0, 0.707, 12.0),
        ],
        width_percent: 50.0,
        drowned_below_lu: None,
    },
    Device {
        id: "earbuds",
        label: "open earbuds",
        model: "a driver that leaks into the open ear: first-order loss below 150 Hz, ridges at 3 and 7 kHz, full width",
        bands: &[
            ("high_pass", 150.0, 0.0, 0.707, 6.0),
            ("bell", 3_000.0, 2.5, 1.2, 12.0),
            ("bell", 7_000.0, 3.0, 2.0, 12.0),
        ],
        width_percent: 100.0,
        drowned_below_lu: None,
    },
    Device {
        id: "car",
        label: "car",
        model: "doors in a small cabin: 8 dB more below 70 Hz, a hole at 180 Hz, less above 10 kHz; on the road the noise \
                covers what is 12 LU softer than the whole",
        bands: &[
            ("low_shelf", 70.0, 8.0, 0.707, 12.0),
            ("bell", 180.0, -3.0, 1.0, 12.0),
            ("high_shelf", 10_000.0, -3.0, 0.707, 12.0),
        ],
        width_percent: 80.0,
        drowned_below_lu: Some(12.0),
    },
    Device {
        id: "club",
        label: "club",
        model: "a system that sums both channels: 6 dB more below 90 Hz, nothing below 30 Hz, less above 12 kHz over the floor",
        bands: &[
            ("low_shelf", 90.0, 6.0, 0.707, 12.0),
            ("high_pass", 30.0, 0.0, 0.707, 24.0),
            ("high_shelf", 12_000.0, -3.0, 0.707, 12.0),
        ],
        width_percent: 0.0,
        drowned_below_lu: None,
    },
];

/// The device as a mastering chain: every part of it is linear.
pub(super) fn session_of(device: &Device) -> Session {
    let mut session = Session::new();
    if let Some(kind) = dsp::kind("eq") {
        let mut insert = Insert::new("curve", kind);
        for &(form, hz, gain_db, q, slope) in device.bands {
            band(&mut insert.values, kind, form, [hz, gain_db, q, slope]);
        }
        session.master.strip.inserts.push(insert);
    }
    if let Some(kind) = dsp::kind("width").filter(|_| device.width_percent != 100.0) {
        let mut insert = Insert::new("width", kind);
        insert.values.set(kind, "width_percent", device.width_percent).expect("a setting of the width");
        session.master.strip.inserts.push(insert);
    }
    session
}

fn band(values: &mut Values, kind: &'static dsp::Kind, form: &str, [hz, gain_db, q, slope]: [f64; 4]) {
    let item = values.push(kind, "bands").expect("the equaliser has bands");
    let name = |field: &str| format!("bands.{item}.{field}");
    values.set_choice(kind, &name("type"), form).expect("a type of band");
    for (field, value) in [("freq_hz", hz), ("gain_db", gain_db), ("q", q), ("slope_db_per_oct", slope)] {
        values.set(kind, &name(field), value).expect("a setting of a band");
    }
}
