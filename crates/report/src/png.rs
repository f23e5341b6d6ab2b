//! Pictures as PNG, drawn from their SVG.

/// Why there is no PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PngError {
    /// This program was built without it.
    NotBuilt,
    /// The picture could not be drawn.
    Failed(String),
}

impl std::fmt::Display for PngError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PngError::NotBuilt => f.write_str("this tonmeister was built without PNG; ask for SVG"),
            PngError::Failed(why) => write!(f, "the picture cannot be drawn as PNG: {why}; ask for SVG"),
        }
    }
}

impl std::error::Error for PngError {}

/// Whether this program was built to draw PNG.
pub const HAS_PNG: bool = cfg!(feature = "png");

/// Pixels for each unit of the picture: sharp on screens with two for one.
#[cfg(feature = "png")]
const SCALE: f32 = 2.0;

/// Draws an SVG of [`to_svg`](crate::to_svg) as PNG. Its letters are our own (Inter, SIL Open Font License 1.1), so that
/// it looks the same on every machine; those of other scripts come from the machine's fonts, where it has any.
///
/// # Errors
/// [`PngError::NotBuilt`] without the feature `png`.
#[cfg(feature = "png")]
pub fn to_png(svg: &str) -> Result<Vec<u8>, PngError> {
    use resvg::{tiny_skia, usvg};
    let mut options = usvg::Options { font_family: "Inter".into(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(include_bytes!("../fonts/Inter-Regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("../fonts/Inter-SemiBold.ttf").to_vec());
    fonts.set_sans_serif_family("Inter");
    if svg.chars().any(|c| !is_ours(c)) {
        fonts.load_system_fonts();
    }
    let failed = |why: &dyn std::fmt::Display| PngError::Failed(why.to_string());
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| failed(&e))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed(&"it has no size"))?;
    let mut pixels =
        tiny_skia::Pixmap::new(size.width(), size.height()).ok_or_else(|| failed(&"it is too large"))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| failed(&e))
}

/// Draws nothing: the feature `png` is not there.
///
/// # Errors
/// Always [`PngError::NotBuilt`].
#[cfg(not(feature = "png"))]
pub fn to_png(_svg: &str) -> Result<Vec<u8>, PngError> {
    Err(PngError::NotBuilt)
}

/// Whether our own fonts have a letter: Latin, Greek and Cyrillic, and what stands in text besides.
#[cfg(feature = "png")]
fn is_ours(c: char) -> bool {
    matches!(u32::from(c), 0..=0x24f | 0x386..=0x3ce | 0x400..=0x45f | 0x1e00..=0x1eff | 0x2013..=0x2026 | 0x202f | 0x2212)
}

#[cfg(all(test, feature = "png"))]
mod tests {
    use super::*;

    /// Letters leave ink on a machine without fonts: the same picture with and without its text differs.
    #[test]
    fn text_shows_without_any_font_of_the_machine() {
        let picture = |words: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 80 20\" width=\"80\" height=\"20\">\
                 <style>text {{ font: 12px Inter, Arial, sans-serif; fill: #000; }}</style>\
                 <text x=\"2\" y=\"14\">{words}</text></svg>"
            )
        };
        let dark = |words: &str| {
            let png = to_png(&picture(words)).expect("a picture");
            let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).expect("what was encoded");
            assert_eq!((pixels.width(), pixels.height()), (160, 40));
            pixels.pixels().iter().filter(|p| p.alpha() > 128).count()
        };
        assert_eq!(dark(""), 0);
        // A stroke of 12 px letters is over a pixel wide and some pixels high, drawn twice as large: no box for
        // missing letters is as narrow as an i and as wide as a W.
        let (narrow, wide) = (dark("iiii"), dark("WWWW"));
        assert!(narrow > 50 && wide > 2 * narrow, "{narrow} {wide}");
        assert!(dark("\u{3a9}\u{416}\u{2212}") > 50, "Greek, Cyrillic and the minus");
    }

    #[test]
    fn what_is_no_picture_is_told() {
        assert!(matches!(to_png("nothing"), Err(PngError::Failed(_))));
    }
}
