//! The meters themselves, each in its own area.

use super::app::{View, clock};
use super::look::Role;
use super::marks::{Cells, share};
use ratatui::layout::Rect;

/// Where names stand, how much room numbers with their unit have, and where the maxima stand at the right.
const NAMES: u16 = 12;
const NUMBERS: u16 = 11;
const MAXIMA: u16 = 12;
/// The scale of peaks, in dBTP.
const PEAK_ENDS_DBTP: (f64, f64) = (-60.0, 3.0);
const PEAK_TICKS_DBTP: [f64; 9] = [-60.0, -50.0, -40.0, -30.0, -20.0, -10.0, -6.0, -3.0, 0.0];
/// The permitted maximum of EBU R 128, and where it comes near, in dBTP.
const PERMITTED_DBTP: f64 = -1.0;
const NEAR_DBTP: f64 = -6.0;
/// The scale of third octaves, in dBFS.
const BAND_ENDS_DB: (f64, f64) = (-84.0, -12.0);
/// EBU R 128: what 0 LU is.
const ZERO_LU_LUFS: f64 = -23.0;

/// A number with one decimal, or a dash.
fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or("-".into(), |v| format!("{v:.1}"))
}

impl View<'_> {
    /// A loudness as it is to be shown, with its unit.
    fn loudness(&self, lufs: Option<f64>) -> String {
        match self.relative {
            true => {
                let lu = lufs.map(|lufs| lufs - ZERO_LU_LUFS);
                let sign = if lu.is_some_and(|lu| lu > 0.0) { "+" } else { "" };
                format!("{sign}{} LU", number(lu))
            }
            false => format!("{} LUFS", number(lufs)),
        }
    }
}

/// Three numbers, for screens where nothing else fits.
pub(super) fn smallest(cells: &mut Cells, area: Rect, view: &View) {
    let now = &view.snapshot;
    let lines = [
        format!("I {}", view.loudness(now.integrated_lufs)),
        format!("M {}", view.loudness(now.momentary_lufs)),
        format!("S {}", view.loudness(now.short_term_lufs)),
        format!("TP {} dBTP", number(now.true_peak_dbtp)),
        format!("{} q quits", clock(view.position_s)),
    ];
    for (row, line) in lines.iter().enumerate() {
        cells.text(area, 0, row as u16, line, if row == 0 { Role::Strong } else { Role::Plain });
    }
}

/// What is played, and where the play head is.
pub(super) fn title(cells: &mut Cells, area: Rect, view: &View) {
    let state = match (view.ended, view.paused) {
        (true, _) => " end",
        (_, true) => " paused",
        _ => "",
    };
    let speed = if view.speed == 1.0 { String::new() } else { format!(" x{}", view.speed) };
    let time = format!("{} / {}{speed}{state}", clock(view.position_s), clock(view.duration_s));
    let files = match view.place {
        (_, 1) => String::new(),
        (file, files) => format!("{file}/{files}  "),
    };
    let room = usize::from(area.width).saturating_sub(time.chars().count() + 2);
    let name: String = format!("{files}{}", view.name).chars().take(room).collect();
    let end = cells.text(area, 0, 0, &name, Role::Strong);
    let about = area.width.saturating_sub(time.chars().count() as u16 + 2);
    if usize::from(about.saturating_sub(end)) > view.about.chars().count() + 2 {
        cells.text(area, end + 2, 0, &view.about, Role::Dim);
    }
    cells.text_to(area, area.width, 0, &time, Role::Plain);
    let played = share(view.position_s, (0.0, view.duration_s));
    let head = (played * f64::from(area.width)).round() as u16;
    for column in 0..area.width {
        let (sign, role) = match column < head {
            true => (cells.look.pick('━', '='), Role::Accent),
            false => (cells.look.pick('─', '-'), Role::Dim),
        };
        cells.sign(area, column, 1, sign, role);
    }
}

/// The part of a row in which a bar stands, where there is room for one.
fn bar_of(area: Rect, row: u16) -> Option<Rect> {
    let left = NAMES + NUMBERS + 1;
    let width = area.width.checked_sub(left + MAXIMA + 1).filter(|width| *width >= 8)?;
    (row < area.height).then_some(Rect { x: area.x + left, y: area.y + row, width, height: 1 })
}

/// Momentary, short-term and integrated loudness on one of the two EBU scales.
pub(super) fn loudness(cells: &mut Cells, area: Rect, view: &View) {
    let now = &view.snapshot;
    let ends = view.scale.ends_lufs();
    let rows = [
        ("Momentary", now.momentary_lufs, now.max_momentary_lufs),
        ("Short-term", now.short_term_lufs, now.max_short_term_lufs),
        ("Integrated", now.integrated_lufs, None),
    ];
    for (row, (name, lufs, max)) in rows.into_iter().enumerate() {
        let (row, main) = (row as u16, row == 2);
        cells.text(area, 0, row, name, if main { Role::Strong } else { Role::Plain });
        let role = if main { Role::Strong } else { Role::Plain };
        cells.text_to(area, NAMES + NUMBERS, row, &view.loudness(lufs), role);
        let Some(bar) = bar_of(area, row) else { continue };
        let filled = lufs.map_or(0.0, |lufs| share(lufs, ends));
        cells.bar(bar, filled, |_| if main { Role::Strong } else { Role::Accent });
        if let Some(max) = max {
            cells.mark(bar, share(max, ends), Role::Strong);
            let unit = if view.relative { 3 } else { 5 };
            let value = view.loudness(Some(max));
            let value = &value[..value.len() - unit];
            cells.text_to(area, area.width, row, &format!("max {value:>6}"), Role::Dim);
        }
    }
    let Some(bar) = bar_of(area, 3) else { return };
    let step = view.scale.step_lu();
    let ticks = ((ends.1 - ends.0) / step).round() as usize;
    let values = (0..=ticks).map(|n| ends.0 + step * n as f64);
    let label = |lufs: f64| match view.relative {
        true if lufs == ZERO_LU_LUFS => "0".to_string(),
        true => format!("{:+.0}", lufs - ZERO_LU_LUFS),
        false => format!("{lufs:.0}"),
    };
    scale(cells, bar, values.map(|v| (share(v, ends), label(v))));
    cells.text_to(area, area.width, 3, view.scale.name(), Role::Dim);
}

/// Labels below a bar, each in the middle of its place; those that would touch another are left out.
fn scale(cells: &mut Cells, bar: Rect, ticks: impl Iterator<Item = (f64, String)>) {
    let mut free = 0;
    for (place, label) in ticks {
        let width = label.chars().count() as u16;
        let middle = (place * f64::from(bar.width)) as u16;
        let column = middle.saturating_sub(width / 2).min(bar.width.saturating_sub(width));
        if column >= free {
            free = cells.text(bar, column, 0, &label, Role::Dim) + 1;
        }
    }
}

/// What has one number and no bar.
pub(super) fn figures(cells: &mut Cells, area: Rect, view: &View) {
    let now = &view.snapshot;
    let all = [
        ("Range", now.loudness_range_lu, "LU"),
        ("True peak", now.true_peak_dbtp, "dBTP"),
        ("PSR", now.psr_lu, "LU"),
        ("PLR", now.plr_lu, "LU"),
        ("Mono loss", now.mono_loss_db, "dB"),
    ];
    // The last one is of two channels only.
    let shown = if now.channels.len() == 2 { all.len() } else { all.len() - 1 };
    let mut column = 0;
    for (name, value, unit) in all.into_iter().take(shown) {
        let value = format!("{:>5} {unit}", number(value));
        let width = (name.len() + 1 + value.len()) as u16;
        if column + width > area.width {
            break;
        }
        let end = cells.text(area, column, 0, name, Role::Plain);
        let over = unit == "dBTP" && now.true_peak_dbtp.is_some_and(|db| db > PERMITTED_DBTP);
        cells.text(area, end + 1, 0, &value, if over { Role::Over } else { Role::Strong });
        column += width + 3;
    }
}

/// The true peak of each channel with its mark, its maximum, and a lamp for what is above -1 dBTP.
pub(super) fn peaks(cells: &mut Cells, area: Rect, view: &View) {
    let channels = &view.snapshot.channels;
    let names: &[&str] = match channels.len() {
        1 => &["Mono"],
        2 => &["Left", "Right"],
        5 => &["Left", "Right", "Centre", "Left s.", "Right s."],
        6 => &["Left", "Right", "Centre", "LFE", "Left s.", "Right s."],
        _ => &[],
    };
    let rows = area.height.saturating_sub(1);
    for (row, channel) in channels.iter().enumerate().take(usize::from(rows)) {
        let name = names.get(row).map_or_else(|| format!("Channel {}", row + 1), |name| name.to_string());
        let row = row as u16;
        cells.text(area, 0, row, &name, Role::Plain);
        let value = format!("{} dBTP", number(channel.hold_dbtp));
        cells.text_to(area, NAMES + NUMBERS, row, &value, peak_role(channel.hold_dbtp));
        let Some(bar) = bar_of(area, row) else { continue };
        let (low, high) = PEAK_ENDS_DBTP;
        let filled = channel.bar_dbtp.map_or(0.0, |db| share(db, PEAK_ENDS_DBTP));
        cells.bar(bar, filled, |place| peak_role(Some(low + (high - low) * place)));
        if let Some(hold) = channel.hold_dbtp.filter(|db| *db > low) {
            cells.mark(bar, share(hold, PEAK_ENDS_DBTP), peak_role(Some(hold)));
        }
        match channel.over {
            true => cells.text_to(
                area,
                area.width,
                row,
                &format!("OVER {:>6}", number(channel.max_dbtp)),
                Role::Over,
            ),
            false => {
                cells.text_to(
                    area,
                    area.width,
                    row,
                    &format!("max {:>6}", number(channel.max_dbtp)),
                    Role::Dim,
                );
            }
        }
    }
    if let Some(bar) = bar_of(area, rows) {
        let ticks = PEAK_TICKS_DBTP.iter().map(|db| (share(*db, PEAK_ENDS_DBTP), format!("{db:.0}")));
        scale(cells, bar, ticks);
        cells.text_to(area, area.width, rows, "dBTP", Role::Dim);
    }
}

fn peak_role(dbtp: Option<f64>) -> Role {
    match dbtp {
        Some(db) if db > PERMITTED_DBTP => Role::Over,
        Some(db) if db > NEAR_DBTP => Role::Near,
        _ => Role::Good,
    }
}

/// Correlation, and which side is louder.
pub(super) fn image(cells: &mut Cells, area: Rect, view: &View) {
    let now = &view.snapshot;
    cells.text(area, 0, 0, "Correlation", Role::Plain);
    let role = if now.correlation.is_some_and(|c| c < 0.0) { Role::Over } else { Role::Plain };
    let value = now.correlation.map_or("-".into(), |c| format!("{c:+.2}"));
    cells.text_to(area, NAMES + NUMBERS, 0, &value, role);
    let Some(bar) = bar_of(area, 0) else { return };
    for column in 0..bar.width {
        let sign =
            if column == bar.width / 2 { cells.look.pick('┼', '+') } else { cells.look.pick('─', '-') };
        cells.sign(bar, column, 0, sign, Role::Dim);
    }
    cells.text(bar, 0, 0, "-1", Role::Dim);
    cells.text_to(bar, bar.width, 0, "+1", Role::Dim);
    if let Some(correlation) = now.correlation {
        let place = share(correlation, (-1.0, 1.0)) * f64::from(bar.width - 1);
        let role = if correlation < 0.0 { Role::Over } else { Role::Accent };
        cells.sign(bar, place.round() as u16, 0, cells.look.pick('●', 'O'), role);
    }
    if let Some(balance) = now.balance_db.filter(|db| db.abs() < 100.0) {
        let side = if balance > 0.0 { "R" } else { "L" };
        let text = match balance.abs() < 0.05 {
            true => "centre".to_string(),
            false => format!("{side} {:.1} dB", balance.abs()),
        };
        cells.text_to(area, area.width, 0, &text, Role::Dim);
    }
}

/// Third octaves.
pub(super) fn spectrum(cells: &mut Cells, area: Rect, view: &View) {
    let bands = &view.snapshot.bands;
    if area.height < 3 || area.width < 40 {
        return;
    }
    // The lowest row has the frequencies; the levels stand to the left.
    let field = Rect { x: area.x + 5, width: area.width - 5, height: area.height - 1, ..area };
    let (low, high) = BAND_ENDS_DB;
    cells.text_to(area, 4, 0, &format!("{high:.0}"), Role::Dim);
    if field.height >= 5 {
        cells.text_to(area, 4, field.height / 2, &format!("{:.0}", (low + high) / 2.0), Role::Dim);
    }
    cells.text_to(area, 4, field.height - 1, &format!("{low:.0}"), Role::Dim);
    cells.text_to(area, 4, field.height, "dBFS", Role::Dim);
    let each = field.width / 30;
    let solid = each.saturating_sub(1).max(1);
    for (place, band) in bands.iter().enumerate() {
        let left = place as u16 * each;
        let filled = band.db.map_or(0.0, |db| share(db, BAND_ENDS_DB));
        for column in left..left + solid {
            cells.pillar(field, column, filled, Role::Accent);
        }
    }
    let mut free = 0;
    for (place, band) in bands.iter().enumerate() {
        let label = match band.hz {
            hz if hz >= 1000.0 => format!("{}k", hz / 1000.0),
            hz => format!("{hz:.0}"),
        };
        let octave = [25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3150.0, 6300.0, 12_500.0];
        let column = place as u16 * each;
        if octave.contains(&band.hz) && column >= free {
            free = cells.text(
                Rect { height: area.height, ..Rect { y: area.y, ..field } },
                column,
                field.height,
                &label,
                Role::Dim,
            ) + 1;
        }
    }
    if bands.is_empty() {
        cells.text(field, 0, field.height / 2, "third octaves after 0.4 s", Role::Dim);
    }
}

/// Left against right, turned by an eighth so that mono stands upright.
pub(super) fn goniometer(cells: &mut Cells, area: Rect, view: &View) {
    if area.width < 8 || area.height < 4 {
        return;
    }
    let field = Rect { x: area.x + 2, width: area.width - 2, ..area };
    let axis = (0..200).map(|n| f64::from(n) / 100.0 - 1.0);
    let lines = axis.flat_map(|t| [(0.0, t), (t, 0.0)]).step_by(4);
    cells.dots(field, lines, Role::Dim);
    let scope = &view.snapshot.scope;
    let largest = scope.iter().fold(0.0f64, |most, (l, r)| most.max(l.abs()).max(r.abs()));
    if largest > 1e-4 {
        // The square's corners are reached by one channel alone at full scale.
        let turned = scope.iter().map(|(l, r)| ((r - l) / (2.0 * largest), (l + r) / (2.0 * largest)));
        cells.dots(field, turned, Role::Accent);
    }
    cells.text(field, 0, 0, "L", Role::Dim);
    cells.text_to(field, field.width, 0, "R", Role::Dim);
}

/// Loudness of the last minutes, half a second a column.
pub(super) fn history(cells: &mut Cells, area: Rect, view: &View) {
    if area.height < 2 || area.width < 24 {
        return;
    }
    let field = Rect { x: area.x + 5, width: area.width - 5, height: area.height - 1, ..area };
    let ends = view.scale.ends_lufs();
    let points = &view.snapshot.history_lufs;
    let shown = points.len().min(usize::from(field.width));
    for (column, (momentary, short)) in points[points.len() - shown..].iter().enumerate() {
        let lufs = if view.short_history { short } else { momentary };
        let filled = lufs.map_or(0.0, |lufs| share(lufs, ends));
        cells.pillar(field, column as u16, filled, Role::Accent);
    }
    let zero = if view.relative { ZERO_LU_LUFS } else { 0.0 };
    cells.text_to(area, 4, 0, &format!("{:.0}", ends.1 - zero), Role::Dim);
    if field.height >= 2 {
        cells.text_to(area, 4, field.height - 1, &format!("{:.0}", ends.0 - zero), Role::Dim);
    }
    cells.text_to(area, 4, field.height, if view.relative { "LU" } else { "LUFS" }, Role::Dim);
    let what = if view.short_history { "short-term" } else { "loudest momentary" };
    let span = clock(f64::from(field.width) / 2.0);
    cells.text(area, 5, field.height, &format!("{what} of each half second, {span} across"), Role::Dim);
}

/// The keys, as many as fit.
pub(super) fn keys(cells: &mut Cells, area: Rect, view: &View) {
    let arrows = cells.look.pick("←→", "<>");
    let file = if view.place.1 > 1 { "n/p file" } else { "" };
    let pause = if view.paused || view.ended { "space play" } else { "space pause" };
    let all =
        ["q quit", pause, &format!("{arrows} 5 s"), "r reset", file, "s scale", "u LU", "+- speed", "h help"];
    let mut column = 0;
    for words in all.iter().filter(|words| !words.is_empty()) {
        if column + words.chars().count() as u16 > area.width {
            break;
        }
        let (key, what) = words.split_once(' ').unwrap_or((words, ""));
        let end = cells.text(area, column, 0, key, Role::Strong);
        column = cells.text(area, end + 1, 0, what, Role::Dim) + 2;
    }
}

/// What every key does.
pub(super) fn help(cells: &mut Cells, area: Rect) {
    let lines = [
        ("q, Esc", "quit"),
        ("space", "pause and play on; at the end, from the beginning"),
        ("left, right", "5 s back or on; page keys 30 s; Home to the beginning"),
        ("+, -", "faster, slower"),
        ("r", "reset integrated loudness, range, maxima and lamps, together"),
        ("s", "scale: EBU +9 or EBU +18 (EBU Tech 3341)"),
        ("u", "LUFS, or LU about -23 LUFS"),
        ("m", "history of momentary or short-term loudness"),
        ("n, p", "next file, previous file"),
        ("", ""),
        ("", "Peaks are true peaks; bars fall 20 dB in 1.7 s, marks stand 2 s."),
        ("", "OVER lights above -1 dBTP and stays until the reset."),
        ("", "Image and spectrum are those of the last 400 ms."),
        ("", "Integrated loudness and range are of what was played since the reset."),
    ];
    for (row, (key, what)) in lines.iter().enumerate() {
        cells.text(area, 0, row as u16 + 1, key, Role::Strong);
        cells.text(area, if key.is_empty() { 0 } else { 14 }, row as u16 + 1, what, Role::Plain);
    }
}
