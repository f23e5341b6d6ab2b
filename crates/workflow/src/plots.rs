//! Pictures of what was measured: `measure --plot`.

use crate::live::PeakHistory;
use crate::measure_files::{measure_each, read_through};
use crate::measured::{Measured, MeasuredFile};
use crate::written::shown;
use crate::{Context, WorkflowError};
use delivery::Service;
use measure::{BandMeter, Options};
use report::{Plot, PlotPart, SectionPart, Theme};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where pictures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlotPlace {
    /// Beside each file.
    Beside,
    /// Into a folder, which is made where it is missing.
    Folder(PathBuf),
    /// Only the sheet, as this file.
    Sheet(PathBuf),
}

/// Which pictures are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlotRequest {
    /// Where they go.
    pub place: PlotPlace,
    /// PNG instead of SVG.
    pub png: bool,
    /// Light on dark.
    pub dark: bool,
    /// Measure and tell what would be written, but write nothing.
    pub dry_run: bool,
}

/// Measures files and draws them, several at a time. Pictures of the same name are replaced; each is whole or absent.
///
/// # Errors
/// When none of the files can be read, or a picture cannot be drawn or written.
pub fn measure_and_plot(
    paths: &[PathBuf],
    series: bool,
    services: Option<&Path>,
    request: &PlotRequest,
    context: &Context,
) -> Result<Measured, WorkflowError> {
    let services = crate::services::services(services, Path::new(""), context)?;
    if matches!(request.place, PlotPlace::Sheet(_)) && paths.len() > 1 {
        return Err(WorkflowError::Usage(
            "one picture cannot be that of several files; give a folder: --plot=FOLDER".into(),
        ));
    }
    if request.png && !report::HAS_PNG {
        return Err(report::PngError::NotBuilt.into());
    }
    let targets = targets(paths, request);
    for (_, target) in targets.iter().flatten() {
        if paths.iter().any(|path| is_same(path, target)) {
            return Err(WorkflowError::Protected { path: target.clone() });
        }
    }
    if let (PlotPlace::Folder(folder), false) = (&request.place, request.dry_run) {
        std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    }
    measure_each(paths, context, |place, path| {
        plot_file(path, series, &services, request, &targets[place], context)
    })
}

/// The same file, whichever way it is named.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// For each file its pictures and their names.
fn targets(paths: &[PathBuf], request: &PlotRequest) -> Vec<Vec<(Plot, PathBuf)>> {
    let extension = if request.png { ".png" } else { ".svg" };
    let folder = |path: &Path| match &request.place {
        PlotPlace::Folder(folder) => folder.clone(),
        _ => path.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let stem = |path: &Path| folder(path).join(path.file_stem().unwrap_or(path.as_os_str()));
    let whole = |path: &Path| folder(path).join(path.file_name().unwrap_or(path.as_os_str()));
    let of = |(place, path): (usize, &PathBuf)| {
        if let PlotPlace::Sheet(target) = &request.place {
            return vec![(Plot::Sheet, target.clone())];
        }
        // song.wav and song.flac, or take/1.wav and mix/1.wav in one folder, must not take each other's names.
        let alone = |name: &dyn Fn(&Path) -> PathBuf| {
            !paths.iter().any(|other| other != path && name(other) == name(path))
        };
        let base = if alone(&stem) {
            stem(path).into_os_string()
        } else if alone(&whole) {
            whole(path).into_os_string()
        } else {
            joined(whole(path).as_os_str(), &format!("-{}", place + 1))
        };
        let name = |plot: Plot| PathBuf::from(joined(&base, &format!("-{}{extension}", plot.id())));
        Plot::ALL.into_iter().map(|plot| (plot, name(plot))).collect()
    };
    paths.iter().enumerate().map(of).collect()
}

/// Names that are no text keep what they are.
fn joined(name: &OsStr, end: &str) -> OsString {
    let mut name = name.to_os_string();
    name.push(end);
    name
}

fn plot_file(
    path: &Path,
    series: bool,
    services: &[Service],
    request: &PlotRequest,
    targets: &[(Plot, PathBuf)],
    context: &Context,
) -> Result<MeasuredFile, WorkflowError> {
    let mut meters = None;
    let options = Options::default();
    let (info, analysis) = read_through(path, options, context, &mut |info, block| {
        let rate_hz = f64::from(info.sample_rate_hz);
        let (peaks, image) = match &mut meters {
            Some(meters) => meters,
            None => meters
                .insert((PeakHistory::new(rate_hz, info.channels)?, BandMeter::new(rate_hz, info.channels))),
        };
        peaks.push(block);
        image.push(block);
        Ok(())
    })?;
    let (peaks, image) = meters.unzip();
    let (peak_step_s, peaks_dbtp) = peaks.map(PeakHistory::finish).unwrap_or_default();
    let part = PlotPart {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        about: about(&info),
        facts: analysis.facts.clone(),
        loudness: analysis.loudness.clone(),
        range_lufs: analysis.range_edges_lufs,
        peak_step_s,
        peaks_dbtp,
        portrait: image.map(BandMeter::finish).unwrap_or_default(),
        sections: analysis.music.iter().flat_map(|music| &music.sections).map(section).collect(),
    };
    if !request.dry_run {
        let theme = if request.dark { Theme::Dark } else { Theme::Light };
        for (plot, target) in targets {
            context.check()?;
            let svg = report::to_svg(&part, *plot, theme);
            let bytes = if request.png { report::to_png(&svg)? } else { svg.into_bytes() };
            files::atomic_write(target, &bytes)?;
        }
    }
    let mut measured = MeasuredFile::new(path, &info, analysis, options, series, services);
    measured.plots = targets.iter().map(|(_, target)| shown(target)).collect();
    Ok(measured)
}

fn section(section: &measure::Section) -> SectionPart {
    SectionPart { name: section.label.clone(), start_s: section.start_s }
}

/// A file in a line, for people.
fn about(info: &files::Info) -> String {
    let channels = match info.channels {
        1 => "mono".to_string(),
        2 => "stereo".to_string(),
        n => format!("{n} channels"),
    };
    let seconds = info.duration_s();
    let length = match seconds {
        short if short < 10.0 => format!("{short:.2} s"),
        _ => {
            let whole = seconds.round() as u64;
            match whole / 3600 {
                0 => format!("{}:{:02}", whole / 60, whole % 60),
                hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
            }
        }
    };
    let rate = f64::from(info.sample_rate_hz) / 1000.0;
    format!("{} \u{b7} {rate} kHz \u{b7} {channels} \u{b7} {length}", described(info))
}

/// Container and encoding, without saying the same twice.
pub(crate) fn described(info: &files::Info) -> String {
    let (format, encoding) = (info.format.name(), info.encoding.describe());
    if encoding.starts_with(format) { encoding } else { format!("{format}, {encoding}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str], place: PlotPlace) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let request = PlotRequest { place, png: false, dark: false, dry_run: false };
        targets(&paths, &request).iter().map(|plots| shown(&plots[0].1)).collect()
    }

    #[test]
    fn no_picture_takes_the_name_of_another() {
        assert_eq!(names(&["a/song.wav"], PlotPlace::Beside), ["a/song-sheet.svg"]);
        assert_eq!(
            names(&["a/song.wav", "a/song.flac", "b/song.wav"], PlotPlace::Beside),
            ["a/song.wav-sheet.svg", "a/song.flac-sheet.svg", "b/song-sheet.svg"]
        );
        let together = names(&["a/1.wav", "b/1.wav", "b/2.wav"], PlotPlace::Folder("out".into()));
        assert_eq!(together, ["out/1.wav-1-sheet.svg", "out/1.wav-2-sheet.svg", "out/2-sheet.svg"]);
        assert_eq!(names(&["a/song.wav"], PlotPlace::Sheet("x.png".into())), ["x.png"]);
    }
}
