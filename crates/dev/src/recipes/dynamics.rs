//! Compressors, gates and limiters.

use super::{Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe(
        "gate",
        Shown::Levels,
        &[
            (
                "gate, range 40 dB",
                "threshold_db = -36; range_db = 40; hysteresis_db = 6; hold_ms = 80; release_ms = 200",
            ),
            (
                "expander, ratio 2, knee 12 dB, range 40 dB",
                "threshold_db = -36; ratio = 2; knee_db = 12; range_db = 40",
            ),
            (
                "upward expander, ratio 1.3, range 6 dB",
                "direction = upward; threshold_db = -30; ratio = 1.3; knee_db = 12; range_db = 6",
            ),
        ],
    ),
    recipe(
        "compressor",
        Shown::Levels,
        &[
            ("ratio 4, knee 6 dB", "threshold_db = -24; ratio = 4; knee_db = 6"),
            ("ratio 2, knee 24 dB", "threshold_db = -24; ratio = 2; knee_db = 24"),
            ("ratio 100, knee 0 dB", "threshold_db = -24; ratio = 100; knee_db = 0"),
            ("ratio 4, mix 50 % (parallel)", "threshold_db = -24; ratio = 4; knee_db = 6; mix_percent = 50"),
        ],
    ),
    recipe(
        "vca_compressor",
        Shown::Levels,
        &[
            (
                "ratio 4, soft knee",
                "threshold_db = -24; ratio = 4; knee = soft; release = auto; attack_ms = 10",
            ),
            ("ratio 2, hard knee", "threshold_db = -24; ratio = 2"),
            ("ratio 10, feedback", "threshold_db = -24; ratio = 10; topology = feedback"),
        ],
    ),
    recipe(
        "fet_compressor",
        Shown::Levels,
        &[
            ("ratio 4", "ratio = 4_to_1; attack_ms = 0.2; release_ms = 250; colour_percent = 100"),
            ("ratio 20", "ratio = 20_to_1"),
            ("all buttons", "ratio = all"),
        ],
    ),
    recipe(
        "opto_compressor",
        Shown::Levels,
        &[
            ("compress", "threshold_db = -24; colour_percent = 50"),
            ("limit", "threshold_db = -24; mode = limit"),
        ],
    ),
    recipe(
        "vari_mu_compressor",
        Shown::Levels,
        &[
            ("threshold -24 dB", "threshold_db = -24; release = dual; colour_percent = 50"),
            ("threshold -36 dB", "threshold_db = -36"),
        ],
    ),
    recipe(
        "multiband",
        Shown::Tones,
        &[
            (
                "three bands with thresholds of -30, -24 and -36 dB",
                "crossover = linear_phase_24; bands.0.freq_hz = 120; bands.0.threshold_db = -30; bands.0.ratio = 2; \
                 bands.1.freq_hz = 4000; bands.1.threshold_db = -24; bands.1.ratio = 2; \
                 bands.2.threshold_db = -36; bands.2.ratio = 2",
            ),
            (
                "the same, band link 50 %",
                "crossover = linear_phase_24; band_link_percent = 50; bands.0.freq_hz = 120; \
                 bands.0.threshold_db = -30; bands.0.ratio = 2; bands.1.freq_hz = 4000; \
                 bands.1.threshold_db = -24; bands.1.ratio = 2; bands.2.threshold_db = -36; bands.2.ratio = 2",
            ),
        ],
    ),
    recipe(
        "de_esser",
        Shown::Tones,
        &[
            ("range 6 dB", "freq_hz = 6500; range_db = 6; threshold_db = -12"),
            ("range 12 dB", "freq_hz = 6500; range_db = 12; threshold_db = -12"),
        ],
    ),
    recipe(
        "transient",
        Shown::Burst,
        &[("attack +6 dB", "attack_db = 6"), ("sustain -9 dB", "sustain_db = -9")],
    ),
    recipe(
        "ducker",
        Shown::Tones,
        &[
            (
                "band, range 6 dB",
                "mode = band; range_db = 6; threshold_db = -40; low_hz = 150; high_hz = 4000; lookahead_ms = 20",
            ),
            ("wide, range 3 dB", "range_db = 3; threshold_db = -40"),
        ],
    ),
    recipe("leveller", Shown::Burst, &[("range 12 dB, target -20 LUFS", "range_db = 12; ride_s = 0.4")]),
    recipe(
        "limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP", "drive_db = 6; ceiling_dbtp = -1; release_ms = 120"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
    recipe(
        "clip_limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP, share 2 dB", "drive_db = 6; ceiling_dbtp = -1; share_db = 2"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
    recipe(
        "perceptual_limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP", "drive_db = 6; ceiling_dbtp = -1"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
];
