//! An album as it leaves the house: without a seam, on whole sectors, with a sheet that others read.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use workflow::{AlbumRequest, AlbumResult, Context, DeliverRequest, Failure, Quiet, WorkflowError, album};

const RATE: u32 = 44_100;
/// Of 16 bits.
const STEP: f64 = 1.0 / 32_768.0;

fn context(cancel: &AtomicBool) -> Context<'_> {
    Context { listener: &Quiet, cancel, threads: 2 }
}

/// A wave that never stops, on the grid of 16 bits: whatever is cut out of it, a seam would show.
fn wave(from: usize, frames: usize) -> Vec<f64> {
    let at = |n: usize| 0.4 * (n as f64 * 0.031).sin() + 0.2 * (n as f64 * 0.0007).sin();
    (from..from + frames).map(|n| (at(n) / STEP).round() * STEP).collect()
}

fn write(folder: &Path, name: &str, rate: u32, left: Vec<f64>) {
    let right: Vec<f64> = left.iter().map(|s| (s / STEP / 2.0).round() * STEP).collect();
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Int16,
        sample_rate_hz: rate,
        channels: 2,
    };
    let mut writer = Writer::create(folder.join(name), spec).unwrap();
    writer.write_f64(&Buffer::from_channels(&[left, right]).as_block()).unwrap();
    writer.finish().unwrap();
}

/// Two parts of one wave joined on the frame, one behind a gap, and one that comes up while that goes down.
fn masters(folder: &Path) -> PathBuf {
    write(folder, "a.wav", RATE, wave(0, 220_501));
    write(folder, "b.wav", RATE, wave(220_501, 230_000));
    write(folder, "c.wav", RATE, wave(7, 240_000));
    write(folder, "d.wav", RATE, wave(99, 250_000));
    let file = folder.join("album.toml");
    std::fs::write(
        &file,
        "title = \"Füße & Hände\"\nartist = \"Ňovák\"\nbarcode = \"4006381333931\"\ndate = \"2026-11-21\"\n\n\
         [[track]]\nfile = \"a.wav\"\ntitle = \"One\"\nisrc = \"DE-A12-34-00001\"\n\n\
         [[track]]\nfile = \"b.wav\"\ntitle = \"Two\"\ngap_s = 0\n\n\
         [[track]]\nfile = \"c.wav\"\ntitle = \"Three\"\ngap_s = 1.5\ncomposer = \"Ünlü\"\n\n\
         [[track]]\nfile = \"d.wav\"\ntitle = \"Four\"\ncrossfade_s = 1\n",
    )
    .unwrap();
    file
}

fn run(file: &Path, targets: &[&str], formats: &[&str]) -> AlbumResult {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect();
    let deliver =
        DeliverRequest { targets: own(targets), formats: own(formats), ..DeliverRequest::default() };
    album(file, &AlbumRequest { deliver, output: None }, &context(&AtomicBool::new(false))).unwrap()
}

fn read(path: &Path) -> Buffer {
    files::open(path).unwrap().read_to_end().unwrap()
}

// Finds a seam of a single frame, a file that begins a sector too early, an end that is lost, and a join that was faded.
#[test]
fn files_played_one_after_the_other_are_the_album() {
    let folder = tempfile::tempdir().unwrap();
    let file = masters(folder.path());
    let done = run(&file, &["cd"], &[]);
    let out = folder.path().join("out/deliver/cd");
    let names = ["01 One", "02 Two", "03 Three", "04 Four"];
    let parts: Vec<Buffer> = names.iter().map(|name| read(&out.join(format!("{name}.wav")))).collect();
    let whole: Vec<f64> = parts.iter().flat_map(|part| part.channel(0).to_vec()).collect();
    // The first two are one wave, bit for bit; then comes silence up to a whole sector.
    assert!(whole[..450_501] == wave(0, 450_501));
    let third = (450_501usize + 66_150).next_multiple_of(588);
    assert_eq!(parts[0].frames(), 220_501);
    assert_eq!(parts[0].frames() + parts[1].frames(), third);
    assert!(whole[450_501..third].iter().all(|s| *s == 0.0));
    // A second before its end the third begins to go down and the fourth comes up.
    let fourth = third + 240_000 - RATE as usize;
    assert_eq!(parts[2].frames(), fourth - third);
    assert!(whole[third..fourth] == wave(7, 240_000 - RATE as usize));
    assert_eq!(whole.len(), fourth + 250_000);
    let fade = |n: usize| {
        let turn = std::f64::consts::FRAC_PI_2 * (n as f64 + 0.5) / f64::from(RATE);
        wave(7 + 240_000 - RATE as usize + n, 1)[0] * turn.cos() + wave(99 + n, 1)[0] * turn.sin()
    };
    for n in (0..RATE as usize).step_by(501) {
        // Half a step of rounding, and dither of up to one and a half.
        let apart = (whole[fourth + n] - fade(n)).abs();
        assert!(apart <= 2.0 * STEP, "{n}: {apart}");
    }
    // Where they join, sound at the end of a file is no fault; where they do not, it is.
    let abrupt: Vec<(usize, &str)> = (1..=4)
        .flat_map(|n| {
            let named =
                |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("0{n} "));
            let one = done.details.iter().find(|file| named(&file.path)).unwrap();
            one.findings.iter().map(move |finding| (n, finding.id)).filter(|(_, id)| id.starts_with("abrupt"))
        })
        .collect();
    assert_eq!(abrupt, [(3, "abrupt_start"), (4, "abrupt_end")], "wave(0) begins at zero");
    let tags = files::read_tags(out.join("03 Three.wav")).unwrap();
    assert_eq!((tags.track, tags.tracks, tags.composer.as_deref()), (Some(3), Some(4), Some("Ünlü")));
    assert!((tags.loudness.album_lufs.unwrap() - done.integrated_lufs.unwrap()).abs() < 0.006);
    assert_eq!(done.transitions.len(), 3);
    assert!(done.transitions.iter().all(|path| files::probe(path).is_ok()));
}

// Finds an image with half a sector, a mark beside its track, and a sheet that nobody else can read.
#[test]
#[allow(clippy::print_stdout)]
fn a_cd_has_whole_sectors_and_a_sheet_that_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(&masters(folder.path()), &["cd"], &[]);
    let sheet = PathBuf::from(&done.sheets[0]);
    let image = read(&sheet.with_extension("wav"));
    assert_eq!(image.frames() % 588, 0);
    let text = std::fs::read_to_string(&sheet).unwrap();
    for line in [
        "CATALOG 4006381333931",
        "PERFORMER \"Ňovák\"",
        "TITLE \"Füße & Hände\"",
        "FILE \"Füße & Hände.wav\" WAVE",
        "    ISRC DEA123400001",
        "    SONGWRITER \"Ünlü\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
    let third = (450_501usize + 66_150).next_multiple_of(588);
    let marks = [0, 220_501 / 588, third / 588, (third + 240_000 - RATE as usize) / 588];
    for (track, sector) in done.tracks.iter().zip(marks) {
        assert_eq!(track.mark, delivery::mark(sector));
        assert!(text.contains(&format!("INDEX 01 {}", track.mark)), "{text}");
    }
    // The pause begins with the first whole sector of silence.
    assert!(text.contains(&format!("INDEX 00 {}", delivery::mark(450_501usize.div_ceil(588)))), "{text}");
    let sheet = sheet.to_str().unwrap();
    let independent = |program: &str, arguments: &[&str]| {
        let output = crate::programs::independent(program, arguments)?;
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if let Some(told) = independent("cueprint", &["-d", "%N|%P|%T\n", "-t", "%n|%t|%i|%s\n", sheet]) {
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "4|Ňovák|Füße & Hände");
        assert_eq!(lines[1], "1|One|DEA123400001|");
        assert_eq!(lines[3], "3|Three||Ünlü");
    }
    if let Some(told) = independent("cuebreakpoints", &[sheet]) {
        let told: Vec<String> = told.lines().map(str::to_owned).collect();
        let expected: Vec<String> = done.tracks[1..].iter().map(|t| t.mark.clone()).collect();
        // cuetools writes minutes without a leading zero, and sectors behind a point.
        let plain = |mark: &String| {
            let parts: Vec<&str> = mark.split([':', '.']).collect();
            parts.iter().map(|part| part.parse::<u32>().unwrap()).collect::<Vec<u32>>()
        };
        assert_eq!(
            told.iter().map(plain).collect::<Vec<_>>(),
            expected.iter().map(plain).collect::<Vec<_>>()
        );
    }
}

// What is coded with loss joins as well: every decoded part has the frames of its part, so nothing moves.
#[test]
fn coded_parts_join_on_the_frame_and_a_second_run_makes_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = masters(folder.path());
    let done = run(&file, &["listening"], &["vorbis", "flac"]);
    assert_eq!(done.details.len(), 8);
    let out = folder.path().join("out/deliver/listening");
    let frames = |kind: &str, end: &str| -> Vec<usize> {
        ["01 One", "02 Two", "03 Three", "04 Four"]
            .iter()
            .map(|name| files::probe(out.join(kind).join(format!("{name}.{end}"))).unwrap().frames)
            .collect()
    };
    assert_eq!(frames("vorbis", "ogg"), frames("flac", "flac"));
    let (one, two) = (read(&out.join("vorbis/01 One.ogg")), read(&out.join("vorbis/02 Two.ogg")));
    let around: Vec<f64> =
        one.channel(0)[one.frames() - 200..].iter().chain(&two.channel(0)[..200]).copied().collect();
    let meant = wave(220_501 - 200, 400);
    // Both parts were coded by themselves; a frame too many or too few would be off by 0.4 x 0.031 at every crossing.
    let rms = (around.iter().zip(&meant).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 400.0).sqrt();
    assert!(rms < 0.02, "{rms}");
    let stamps = |folder: &Path| -> Vec<std::time::SystemTime> {
        done.files
            .iter()
            .map(|f| std::fs::metadata(folder.join(&f.path)).unwrap().modified().unwrap())
            .collect()
    };
    let before = stamps(folder.path());
    let again = run(&file, &["listening"], &["vorbis", "flac"]);
    assert!(again.details.iter().all(|d| d.kept) && done.details.iter().all(|d| !d.kept));
    assert_eq!(stamps(folder.path()), before);
    // One that is gone is made again, and only that.
    std::fs::remove_file(out.join("flac/02 Two.flac")).unwrap();
    let third = run(&file, &["listening"], &["vorbis", "flac"]);
    assert_eq!(third.details.iter().filter(|d| !d.kept).count(), 1);
}

#[test]
fn what_is_wrong_with_an_album_is_told_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = masters(folder.path());
    let told = |text: &str| -> WorkflowError {
        std::fs::write(&file, text).unwrap();
        album(&file, &AlbumRequest::default(), &context(&AtomicBool::new(false))).unwrap_err()
    };
    let error = told("title = \"A\"\n\n[[track]]\nfile = \"nowhere.wav\"\n");
    assert!(error.to_string().contains("album.toml:4:8: error:"), "{error}");
    assert!(error.to_string().contains("nowhere.wav"), "{error}");
    assert_eq!(error.failure(), Failure::InvalidSession);
    let error = told("[[track]]\nfile = \"a.wav\"\nfile_name = \"x\"\n");
    assert!(error.to_string().contains("album.toml:3:1: error:"), "{error}");
    let error = told("file_name = \"{titel}\"\n[[track]]\nfile = \"a.wav\"\n");
    assert!(error.to_string().contains("{titel} is not known"), "{error}");
    let error = told("file_name = \"same\"\n[[track]]\nfile = \"a.wav\"\n[[track]]\nfile = \"b.wav\"\n");
    assert!(error.to_string().contains("would both become `same`"), "{error}");
    assert!(!folder.path().join("out/deliver").exists());
}

/// Looks into the folder whenever a file is done.
struct Watch {
    manifest: PathBuf,
    /// The fewest and the most files that the manifest has had while the work went on.
    listed: std::sync::Mutex<Vec<usize>>,
}

impl workflow::Listener for Watch {
    fn stage(&self, _: &str, _: Option<f64>) {}
    fn progress(&self, _: f64) {
        if let Ok(text) = std::fs::read_to_string(&self.manifest) {
            self.listed.lock().unwrap().push(text.matches("\"sha256\"").count());
        }
    }
    fn note(&self, _: &str) {}
}

// Finds a run whose finished files are made again because it was killed before it could list them, and what it leaves behind.
#[test]
fn a_file_is_listed_as_soon_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = masters(folder.path());
    let out = folder.path().join("out/deliver/listening");
    std::fs::create_dir_all(&out).unwrap();
    let left = out.join(".tonmeister-AbCdEf.part");
    std::fs::create_dir(&left).unwrap();
    let cancel = AtomicBool::new(false);
    let watch = Watch { manifest: out.join("manifest.json"), listed: std::sync::Mutex::new(Vec::new()) };
    let context = Context { listener: &watch, cancel: &cancel, threads: 1 };
    let request = AlbumRequest {
        deliver: DeliverRequest { targets: vec!["listening".into()], ..DeliverRequest::default() },
        output: None,
    };
    album(&file, &request, &context).unwrap();
    let listed = watch.listed.lock().unwrap().clone();
    for files in 1..=4 {
        assert!(listed.contains(&files), "a manifest of {files} files: {listed:?}");
    }
    assert!(!left.exists(), "what a killed run left is cleared away");
    // A run that takes only some of it up keeps the list of the others until they are done.
    let mut there = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let third = there.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("03")).unwrap();
    std::fs::remove_file(third).unwrap();
    watch.listed.lock().unwrap().clear();
    album(&file, &request, &context).unwrap();
    let listed = watch.listed.lock().unwrap().clone();
    assert!(listed.iter().all(|files| *files >= 3), "{listed:?}");
}
