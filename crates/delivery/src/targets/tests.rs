use super::*;
use std::collections::BTreeSet;

#[test]
fn rows_are_whole_and_told_apart() {
    let ids: BTreeSet<&str> = TARGETS.iter().map(|t| &*t.id).collect();
    assert_eq!(ids.len(), TARGETS.len(), "every id once");
    for target in TARGETS.iter() {
        let id = &target.id;
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{id}");
        assert!(!target.label.is_empty() && target.about.ends_with('.'), "{id}");
        assert!(!target.source.is_empty() && target.as_of.len() == 7, "{id}: a source and its month");
        assert!(target.ceiling_dbtp <= 0.0 && target.tolerance_lu > 0.0, "{id}");
        assert!(!target.depths.is_empty() && !target.containers.is_empty(), "{id}");
        for rate in target.sample_rates_hz.iter().chain(&target.preferred_rate_hz) {
            assert!(target.takes_rate(*rate) && (8_000..=768_000).contains(rate), "{id}");
        }
        // FLAC has neither floating point nor, here, 32 bits: the preferred pair must be one that is written.
        if target.preferred_container() == Container::Flac {
            assert!(matches!(target.preferred_depth(), Depth::Int16 | Depth::Int24), "{id}");
        }
    }
}

#[test]
fn the_figures_of_the_published_rows_stand() {
    let row = |id| find_target(id).unwrap();
    // EBU R 128: -23.0 LUFS, -1 dBTP; s1: short-term at most -18.0 LUFS (+5 LU) in less than 60 s.
    assert_eq!((row("ebu_r128").integrated_lufs, row("ebu_r128").ceiling_dbtp), (Some(-23.0), -1.0));
    assert_eq!(row("ebu_r128_s1").max_short_term_lufs, Some(-18.0));
    assert_eq!(row("ebu_r128_s1").duration_s, Some([0.0, 60.0]));
    // IEC 60908: 44.1 kHz, 16 bit, two channels.
    assert_eq!(row("cd").rate_for(96_000), 44_100);
    assert_eq!((row("cd").preferred_depth(), &row("cd").channels[..]), (Depth::Int16, &[2usize][..]));
    assert_eq!(row(DEFAULT_TARGET).integrated_lufs, Some(-14.0));
}

#[test]
fn a_target_is_found_however_it_is_typed() {
    assert_eq!(find_target("EBU-R128").unwrap().id, "ebu_r128");
    assert_eq!(find_target(" streaming ").unwrap().id, "streaming");
    let error = find_target("spotfy").unwrap_err().to_string();
    assert!(error.contains("did you mean \"spotify\"?") && error.contains("ebu_r128_s1"), "{error}");
    let error = find_target("").unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
}

#[test]
fn the_rate_stays_where_it_is_taken_and_falls_evenly_where_not() {
    let streaming = find_target("streaming").unwrap();
    assert_eq!(streaming.rate_for(48_000), 48_000);
    assert_eq!(streaming.rate_for(384_000), 192_000);
    assert_eq!(streaming.rate_for(352_800), 176_400);
    assert_eq!(streaming.rate_for(32_000), 44_100);
    let podcast = find_target("podcast").unwrap();
    assert_eq!((podcast.rate_for(96_000), podcast.rate_for(88_200)), (48_000, 44_100));
    let any = Target { sample_rates_hz: Cow::Borrowed(&[]), preferred_rate_hz: None, ..streaming.clone() };
    assert_eq!(any.rate_for(12_345), 12_345);
}

#[test]
fn one_channel_has_its_own_loudness_only_where_the_row_says() {
    assert_eq!(find_target("podcast").unwrap().integrated_lufs_for(1), Some(-19.0));
    assert_eq!(find_target("podcast").unwrap().integrated_lufs_for(2), Some(-16.0));
    assert_eq!(find_target("ebu_r128").unwrap().integrated_lufs_for(1), Some(-23.0));
}

#[test]
fn a_row_can_be_written_down_and_overridden() {
    for target in TARGETS.iter() {
        let json = serde_json::to_string(target).unwrap();
        assert_eq!(&serde_json::from_str::<Target>(&json).unwrap(), target);
    }
    let mut row = serde_json::to_value(find_target("spotify").unwrap()).unwrap();
    row["integrated_lufs"] = (-13.0).into();
    row["depths"] = serde_json::json!(["32f", "16"]);
    let own: Target = serde_json::from_value(row).unwrap();
    assert_eq!((own.integrated_lufs, own.preferred_depth()), (Some(-13.0), Depth::Float32));
}
