//! What hum is told as: lines at multiples of the mains.

use audio::power_to_db;
use serde::{Deserialize, Serialize};

/// Hum of the mains.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hum {
    /// 50 or 60 Hz.
    pub mains_hz: f64,
    /// The lines that stand out, the lowest first.
    pub lines: Vec<HumLine>,
}

/// One line of hum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HumLine {
    /// Its nominal frequency in hertz.
    pub hz: f64,
    /// Its level in dBFS RMS.
    pub dbfs: f64,
    /// Its level against noise in the same bandwidth beside it, in dB.
    pub above_floor_db: f64,
}

impl Hum {
    /// Level of all lines together, in dBFS RMS.
    pub fn dbfs(&self) -> f64 {
        power_to_db(self.lines.iter().map(|line| audio::db_to_power(line.dbfs)).sum())
    }
}
