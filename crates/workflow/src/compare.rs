//! Two files side by side at equal loudness: `compare`.

use crate::measure_files::measure_file;
use crate::{Context, WorkflowError};
use audio::{Buffer, db_to_gain, gain_to_db};
use measure::Options;
use serde::Serialize;
use std::path::Path;

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// A reading of both files and their difference.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// What was measured.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// In the first file.
    pub a: Option<f64>,
    /// In the second file.
    pub b: Option<f64>,
    /// Second minus first.
    pub difference: Option<f64>,
}

/// A third-octave band of both files at equal loudness.
#[derive(Debug, Clone, Serialize)]
pub struct BandDifference {
    /// Centre of the band, in hertz.
    pub hz: f64,
    /// Second minus first after both were brought to one loudness, in dB.
    pub difference_db: f64,
}

/// What `compare` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// Names the form of this object.
    pub schema: &'static str,
    /// First file.
    pub a: String,
    /// Second file.
    pub b: String,
    /// The gain that makes the second as loud as the first, in dB.
    pub match_gain_db: Option<f64>,
    /// Readings side by side.
    pub readings: Vec<Side>,
    /// Spectra at equal loudness.
    pub bands: Vec<BandDifference>,
    /// RMS of the difference of both at equal loudness against the RMS of the first, in dB: the lower, the
    /// more alike. Absent when rate, channels or loudness do not allow it; minus 300 for equal samples.
    pub null_db: Option<f64>,
    /// Why there is no null depth.
    pub note: Option<String>,
}

/// Compares two files.
pub fn compare(a: &Path, b: &Path, context: &Context) -> Result<Compared, WorkflowError> {
    context.listener.stage("comparing", None);
    let first = measure_file(a, false, Options::default(), context)?;
    let second = measure_file(b, false, Options::default(), context)?;
    let (fa, fb) = (&first.facts, &second.facts);
    let match_gain_db = fa.integrated_lufs.zip(fb.integrated_lufs).map(|(a, b)| a - b);
    let side = |what, unit, a: Option<f64>, b: Option<f64>| Side {
        what,
        unit,
        a,
        b,
        difference: a.zip(b).map(|(a, b)| b - a),
    };
    let readings = vec![
        side("integrated loudness", "LUFS", fa.integrated_lufs, fb.integrated_lufs),
        side("loudest 3 s", "LUFS", fa.max_short_term_lufs, fb.max_short_term_lufs),
        side("loudness range", "LU", fa.loudness_range_lu, fb.loudness_range_lu),
        side("true peak", "dBTP", fa.true_peak_dbtp, fb.true_peak_dbtp),
        side("peak to loudness", "LU", fa.plr_lu, fb.plr_lu),
        side("crest factor", "dB", fa.crest_db, fb.crest_db),
        side("correlation", "", fa.correlation, fb.correlation),
        side("side to middle", "dB", fa.side_mid_db, fb.side_mid_db),
        side("duration", "s", Some(fa.duration_s), Some(fb.duration_s)),
    ];
    let gain = match_gain_db.unwrap_or(0.0);
    let pairs = fa.third_octave_db.iter().zip(&fb.third_octave_db);
    let bands = pairs
        .filter_map(|(a, b)| Some(BandDifference { hz: a.hz, difference_db: b.db? + gain - a.db? }))
        .collect();
    let alike = fa.sample_rate_hz == fb.sample_rate_hz && fa.channels == fb.channels;
    let null_db = if alike { Some(null_db(a, b, db_to_gain(gain), context)?) } else { None };
    let note = (!alike).then(|| {
        format!(
            "{} Hz with {} channels and {} Hz with {} channels cannot be subtracted",
            fa.sample_rate_hz, fa.channels, fb.sample_rate_hz, fb.channels
        )
    });
    Ok(Compared {
        schema: "tonmeister.compare/1",
        a: first.path,
        b: second.path,
        match_gain_db,
        readings,
        bands,
        null_db,
        note,
    })
}

/// The shorter file is followed by silence.
fn null_db(a: &Path, b: &Path, gain: f64, context: &Context) -> Result<f64, WorkflowError> {
    let (mut a, mut b) = (files::open(a)?, files::open(b)?);
    let channels = a.info().channels;
    let (mut one, mut two) = (Buffer::new(channels, BLOCK_FRAMES), Buffer::new(channels, BLOCK_FRAMES));
    let (mut reference, mut difference) = (0.0, 0.0);
    loop {
        context.check()?;
        // A short read leaves silence behind it.
        let (read_a, read_b) = (a.read(&mut one.as_block_mut())?, b.read(&mut two.as_block_mut())?);
        if read_a == 0 && read_b == 0 {
            break;
        }
        for c in 0..channels {
            for (x, y) in one.channel(c).iter().zip(two.channel(c)) {
                reference += x * x;
                difference += (x - gain * y).powi(2);
            }
        }
    }
    Ok(gain_to_db((difference / reference).sqrt()).max(-300.0))
}
