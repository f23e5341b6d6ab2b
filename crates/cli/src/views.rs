//! The words of `measure` for what people look at: plots and live meters.

use crate::live::SPEEDS;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use workflow::{Measured, PlotPlace, PlotRequest, WorkflowError};

/// How pictures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlotFormat {
    /// Sharp at every size, for pages and papers
    Svg,
    /// For everything that takes photographs
    Png,
}

/// What people look at.
#[derive(Debug, Clone, Args)]
pub(crate) struct Views {
    /// Also draw loudness, spectrum and stereo, each by itself and all on one sheet: beside the file, into a folder
    /// (--plot=FOLDER), or only the sheet as a picture (--plot=NAME.svg or --plot=NAME.png)
    #[arg(long, value_name = "PLACE", num_args = 0..=1, require_equals = true, conflicts_with = "live")]
    pub(crate) plot: Option<Option<PathBuf>>,
    /// Pictures as SVG (this unless the name says otherwise) or PNG
    #[arg(long, value_enum, value_name = "FORMAT", requires = "plot")]
    pub(crate) plot_format: Option<PlotFormat>,
    /// Light on dark
    #[arg(long, requires = "plot")]
    pub(crate) plot_dark: bool,
    /// Tell which pictures would be written, but write none
    #[arg(long, requires = "plot")]
    pub(crate) dry_run: bool,
    /// Show the meters in the terminal while the file plays, without a sound; h shows the keys
    #[arg(long, conflicts_with_all = ["series", "services"])]
    pub(crate) live: bool,
    /// How fast the live view plays, 0.25 to 16
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "live", value_parser = speed)]
    pub(crate) speed: f64,
}

impl Views {
    /// Which pictures are wanted, if any: the extension of a name says the format as well as words do.
    pub(crate) fn plots(&self) -> Result<Option<PlotRequest>, WorkflowError> {
        let Some(place) = self.plot.clone() else { return Ok(None) };
        let extension = place.as_deref().filter(|p| !p.is_dir()).and_then(Path::extension);
        let named =
            extension.and_then(|extension| match extension.to_string_lossy().to_lowercase().as_str() {
                "svg" => Some(PlotFormat::Svg),
                "png" => Some(PlotFormat::Png),
                _ => None,
            });
        if let (Some(asked), Some(named)) = (self.plot_format, named)
            && asked != named
        {
            return Err(WorkflowError::Usage("--plot names one format and --plot-format the other".into()));
        }
        let format = named.or(self.plot_format).unwrap_or(PlotFormat::Svg);
        let place = match place {
            None => PlotPlace::Beside,
            Some(path) if named.is_some() => PlotPlace::Sheet(path),
            Some(path) => PlotPlace::Folder(path),
        };
        let png = format == PlotFormat::Png;
        Ok(Some(PlotRequest { place, png, dark: self.plot_dark, dry_run: self.dry_run }))
    }
}

/// The pictures, one a line.
pub(crate) fn plotted(done: &Measured, dry_run: bool) -> String {
    let lines = done.files.iter().flat_map(|file| &file.plots).map(|plot| format!("plot: {plot}\n"));
    lines.collect::<String>() + if dry_run { "nothing was written\n" } else { "" }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse() {
        Ok(factor) if SPEEDS.contains(&factor) => Ok(factor),
        _ => Err("give a factor from 0.25 to 16, such as 4".into()),
    }
}
