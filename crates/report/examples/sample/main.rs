//! Writes a report about a song that does not exist, to look at: `cargo run --example sample -- report.html`.

mod song;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "report.html".into());
    std::fs::write(path, report::to_html(&song::sample()))
}
