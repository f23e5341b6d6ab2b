//! What finished records have beside their tone: how far each wide band goes up and down, how wide it is, and how far quiet
//! and loud lie apart.
//!
//! Measured by ourselves over 100 s of each of the freely licensed music of six Debian packages (asc-music, hyperrogue-music,
//! nexuiz-music, singularity-music, ufoai-music, wesnoth-1.16-music): lossy files, mastered by many hands. The middle value,
//! and half the distance from the 16th to the 84th percentile, which is the standard deviation of a normal distribution and
//! is not drawn by single tracks. *Spread* is the 95th percentile less the median of the level of windows of 0.34 s, where
//! the whole is within 20 dB of its loudest window; *width* is side `(L - R)/2` against middle `(L + R)/2`. The loudness range
//! is that which nine in ten of the 45 tracks of [`TARGET`](crate::TARGET) stay under.

/// What records of one kind have in common, band by band of [`measure::WIDE_EDGES_HZ`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Records {
    /// How far the loud windows of a band stand above the middle one, and how much records vary in that, in dB.
    pub spread_db: [(f64, f64); 4],
    /// Side against middle, and how much records vary in that, in dB.
    pub width_db: [(f64, f64); 4],
    /// The loudness range that nine in ten stay under, in LU; `None` where quiet passages are meant to be quiet.
    pub range_lu: Option<f64>,
}

/// All 132 tracks.
pub static RECORDS: Records = Records {
    spread_db: [(6.6, 4.4), (4.3, 1.8), (5.6, 2.8), (8.0, 4.4)],
    width_db: [(-7.8, 7.7), (-3.9, 4.2), (-3.4, 3.3), (-5.5, 5.1)],
    range_lu: Some(9.8),
};

/// 17 tracks of rock and electronic music.
pub static ROCK_RECORDS: Records = Records {
    spread_db: [(6.5, 2.9), (3.8, 1.6), (4.7, 2.7), (5.6, 2.6)],
    width_db: [(-12.7, 6.8), (-8.0, 3.4), (-5.9, 2.4), (-8.9, 3.6)],
    range_lu: Some(9.8),
};

/// 20 tracks of ambient and ambient electronic music, whose quiet passages are meant to be quiet.
pub static AMBIENT_RECORDS: Records = Records {
    spread_db: [(8.8, 6.7), (4.6, 1.0), (7.0, 3.0), (7.6, 3.8)],
    width_db: [(-7.6, 7.4), (-3.9, 1.9), (-2.1, 2.2), (-0.4, 4.4)],
    range_lu: None,
};

/// 34 orchestral tracks, whose quiet passages are meant to be quiet.
pub static ORCHESTRAL_RECORDS: Records = Records {
    spread_db: [(8.4, 4.2), (4.7, 1.5), (6.2, 2.0), (10.4, 3.6)],
    width_db: [(-3.3, 3.0), (-1.2, 1.9), (-1.2, 2.0), (-2.5, 2.8)],
    range_lu: None,
};
