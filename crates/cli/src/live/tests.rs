//! The view on every screen, and its keys.

use super::app::{App, Scale, View};
use super::draw::draw;
use super::look::Look;
use super::marks::share;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use std::path::{Path, PathBuf};
use workflow::{LiveChannel, LiveSnapshot};

const COLOURFUL: Look = Look { colour: true, signs: true };
const LOOKS: [Look; 3] =
    [COLOURFUL, Look { colour: false, signs: true }, Look { colour: false, signs: false }];

fn channel(bar_dbtp: f64, max_dbtp: f64) -> LiveChannel {
    LiveChannel {
        bar_dbtp: Some(bar_dbtp),
        hold_dbtp: Some(max_dbtp),
        max_dbtp: Some(max_dbtp),
        over: max_dbtp > -1.0,
    }
}

fn playing() -> LiveSnapshot {
    LiveSnapshot {
        measured_s: 41.0,
        momentary_lufs: Some(-23.0),
        short_term_lufs: Some(-20.4),
        max_momentary_lufs: Some(-9.8),
        max_short_term_lufs: Some(-11.2),
        integrated_lufs: Some(-14.0),
        loudness_range_lu: Some(5.1),
        true_peak_dbtp: Some(0.4),
        plr_lu: Some(14.4),
        psr_lu: Some(9.9),
        channels: vec![channel(-28.5, -3.2), channel(-6.0, 0.4)],
        correlation: Some(0.5),
        balance_db: Some(-0.7),
        side_mid_db: Some(-8.0),
        mono_loss_db: Some(0.9),
        bands: Vec::new(),
        history_lufs: (0..300).map(|n| (Some(-30.0 + f64::from(n % 20)), Some(-25.0))).collect(),
        scope: (0..400).map(|n| ((f64::from(n) * 0.1).sin(), (f64::from(n) * 0.13).sin())).collect(),
    }
}

/// What no meter gives and no screen may break at.
fn broken() -> LiveSnapshot {
    let odd = [Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(1e300), None];
    let mut now = playing();
    (now.momentary_lufs, now.short_term_lufs, now.integrated_lufs) = (odd[0], odd[1], odd[2]);
    (now.true_peak_dbtp, now.correlation, now.balance_db) = (odd[3], odd[0], odd[1]);
    now.history_lufs = odd.iter().map(|v| (*v, *v)).collect();
    now.scope = vec![(f64::NAN, 1.0), (f64::INFINITY, -1.0), (0.5, 0.5)];
    now.channels = odd
        .iter()
        .map(|v| LiveChannel { bar_dbtp: *v, hold_dbtp: *v, max_dbtp: *v, over: true })
        .chain((0..9).map(|_| LiveChannel::default()))
        .collect();
    now
}

fn view(snapshot: LiveSnapshot, look: Look) -> View<'static> {
    View {
        name: "Rye and Rain.wav".into(),
        about: "WAV, 24-bit, 48 kHz, stereo".into(),
        place: (2, 3),
        position_s: 41.0,
        duration_s: 192.0,
        speed: 1.0,
        paused: false,
        ended: false,
        scale: Scale::Plus18,
        relative: false,
        short_history: false,
        help: false,
        trouble: None,
        snapshot,
        look,
    }
}

fn screen(view: &View, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen in memory");
    terminal.draw(|frame| draw(frame.area(), frame.buffer_mut(), view)).expect("drawn");
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    symbols.chunks(width).map(|row| row.concat()).collect()
}

fn line_of<'a>(lines: &'a [String], word: &str) -> &'a str {
    lines.iter().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {lines:#?}"))
}

#[test]
fn every_size_of_screen_is_drawn_whatever_the_numbers_are() {
    for look in LOOKS {
        for snapshot in [playing(), broken(), LiveSnapshot::default()] {
            let mut view = view(snapshot, look);
            for (width, height) in
                (1..230u16).step_by(11).flat_map(|w| (1..75u16).step_by(4).map(move |h| (w, h)))
            {
                screen(&view, width, height);
            }
            view.help = true;
            view.trouble = Some("cannot be read");
            for (width, height) in [(34, 8), (80, 24), (200, 60)] {
                screen(&view, width, height);
            }
        }
    }
}

#[test]
fn a_usual_screen_shows_every_number_with_its_unit() {
    let lines = lines(&screen(&view(playing(), COLOURFUL), 80, 24));
    for (row, says) in [
        ("Rye and Rain.wav", "0:41 / 3:12"),
        ("Momentary", "-23.0 LUFS"),
        ("Momentary", "max   -9.8"),
        ("Short-term", "-20.4 LUFS"),
        ("Integrated", "-14.0 LUFS"),
        ("Range", "5.1 LU"),
        ("Range", "0.4 dBTP"),
        ("Range", "9.9 LU"),
        ("Left", "-3.2 dBTP"),
        ("Left", "max   -3.2"),
        ("Right", "OVER    0.4"),
        ("Correlation", "+0.50"),
        ("Correlation", "L 0.7 dB"),
        ("q quit", "n/p file"),
    ] {
        assert!(line_of(&lines, row).contains(says), "{row}, {says}: {lines:#?}");
    }
    // Three numbers survive on the smallest screen.
    let small = super::tests::lines(&screen(&view(playing(), COLOURFUL), 16, 4));
    assert!(small[0].contains("I -14.0 LUFS") && small[3].contains("TP 0.4 dBTP"), "{small:#?}");
}

/// EBU +18 runs from -59 to -5 LUFS: -23 is two thirds of it; on EBU +9 (-41 to -14) as well.
#[test]
fn a_bar_is_as_long_as_its_value_on_both_scales() {
    for scale in [Scale::Plus18, Scale::Plus9] {
        for width in [60u16, 80, 131, 162] {
            let view = View { scale, ..view(playing(), COLOURFUL) };
            let lines = lines(&screen(&view, width, 30));
            let row = line_of(&lines, "Momentary");
            let full = row.chars().filter(|c| *c == '\u{2588}').count() as f64;
            let empty = row.chars().filter(|c| *c == '\u{b7}').count() as f64;
            let part = f64::from(row.chars().any(|c| ('\u{2589}'..='\u{258f}').contains(&c)));
            // One cell is the mark of the maximum, on the empty part; another may be a part of one.
            let cells = full + part + empty + 1.0;
            assert!((full + part / 2.0 - cells * 2.0 / 3.0).abs() <= 0.5, "{scale:?} {width}: {row}");
        }
    }
    assert_eq!((share(-5.0, (-59.0, -5.0)), share(f64::NAN, (-59.0, -5.0))), (1.0, 0.0));
}

#[test]
fn relative_numbers_are_against_23_below() {
    let view = View { relative: true, ..view(playing(), COLOURFUL) };
    let lines = lines(&screen(&view, 80, 24));
    assert!(line_of(&lines, "Momentary").contains(" 0.0 LU "), "{lines:#?}");
    assert!(line_of(&lines, "Integrated").contains("+9.0 LU"), "{lines:#?}");
    assert!(line_of(&lines, "EBU +18").contains("+18"), "{lines:#?}");
}

#[test]
fn no_colour_and_no_signs_where_they_are_not_wanted() {
    for look in LOOKS {
        let buffer = screen(&view(playing(), look), 120, 40);
        let coloured = buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(coloured, look.colour, "{look:?}");
        let ascii = buffer.content.iter().all(|cell| cell.symbol().is_ascii());
        assert_eq!(ascii, !look.signs, "{look:?}: {:#?}", lines(&buffer));
    }
}

/// A tone of a level, as a WAV file of 16 bits.
fn written(folder: &Path, name: &str, seconds: usize, level: f64) -> PathBuf {
    let frames = 8000 * seconds;
    // Faded: what ends all at once has a higher peak between its samples.
    let fade = |n: usize| (n.min(frames - 1 - n) as f64 / 400.0).min(1.0);
    let sample = |n: usize| (fade(n) * level * 32767.0 * (n as f64 * 0.785).sin()) as i16;
    let data: Vec<u8> = (0..frames).flat_map(|n| sample(n).to_le_bytes()).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend([8000u32.to_le_bytes(), 16_000u32.to_le_bytes()].concat());
    file.extend(b"\x02\0\x10\0data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    let path = folder.join(name);
    std::fs::write(&path, file).expect("a file");
    path
}

fn press(app: &mut App, keys: &[KeyCode]) {
    for key in keys {
        app.key(KeyEvent::new(*key, KeyModifiers::NONE)).expect("a key");
    }
}

/// Time passes in steps as long as those between two pictures.
fn pass(app: &mut App, seconds: f64) {
    for _ in 0..(seconds / 0.05).round() as usize {
        app.play(0.05).expect("it plays");
    }
}

#[test]
fn keys_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.wav");
    std::fs::write(&bad, b"nothing").unwrap();
    let files = [written(folder.path(), "one.wav", 60, 0.5), bad, written(folder.path(), "two.wav", 2, 0.1)];
    let mut app = App::new(&files, 2.0).unwrap();
    let position = |app: &App| app.view(COLOURFUL).position_s;
    pass(&mut app, 4.0);
    // Twice as fast; to a frame for each step.
    assert!((position(&app) - 8.0).abs() < 0.02, "{}", position(&app));
    press(&mut app, &[KeyCode::Char(' ')]);
    pass(&mut app, 1.0);
    assert!((position(&app) - 8.0).abs() < 0.02 && app.view(COLOURFUL).paused);
    press(&mut app, &[KeyCode::Char(' '), KeyCode::Right, KeyCode::PageDown]);
    assert!((position(&app) - 43.0).abs() < 0.1, "{}", position(&app));
    press(&mut app, &[KeyCode::Left, KeyCode::PageUp, KeyCode::PageUp]);
    assert!(position(&app) < 0.1, "the beginning is the beginning");
    assert!(app.view(COLOURFUL).snapshot.integrated_lufs.is_some());
    press(&mut app, &[KeyCode::Char('r')]);
    assert!(app.view(COLOURFUL).snapshot.integrated_lufs.is_none());
    // What is asleep for an hour does not have to play it.
    app.play(3600.0).unwrap();
    assert!(position(&app) < 1.0);
    press(&mut app, &[KeyCode::Char('n')]);
    let trouble = app.view(COLOURFUL).trouble.expect("the second cannot be read").to_string();
    assert!(trouble.contains("bad.wav") && app.view(COLOURFUL).place == (1, 3), "{trouble}");
    press(&mut app, &[KeyCode::Char('p'), KeyCode::Char('u'), KeyCode::Char('s'), KeyCode::Char('+')]);
    let view = app.view(COLOURFUL);
    assert!(view.relative && view.scale == Scale::Plus9 && view.speed == 4.0 && view.place == (1, 3));
    assert!(!app.left() && app.summary().starts_with("one.wav ("));
    app.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)).unwrap();
    assert!(app.left() && app.interrupted());
}

#[test]
fn the_end_stays_until_the_user_goes() {
    let folder = tempfile::tempdir().unwrap();
    let files = [written(folder.path(), "short.wav", 2, 0.1)];
    let mut app = App::new(&files, 1.0).unwrap();
    pass(&mut app, 3.0);
    assert!(app.view(COLOURFUL).ended && !app.left());
    // A tone of 0.1: -20 dBTP.
    assert!(
        app.summary().starts_with("short.wav: integrated -2")
            && app.summary().contains("true peak -20.0 dBTP")
    );
    press(&mut app, &[KeyCode::Char(' ')]);
    pass(&mut app, 0.5);
    assert!(!app.view(COLOURFUL).ended, "it plays again");
    press(&mut app, &[KeyCode::Esc]);
    assert!(app.left() && !app.interrupted());
}
