//! The page: its frame, and the order of its parts.

mod ab;
mod change;
mod files;
mod reference;
mod sound;
mod steps;
mod tracks;
mod translation;
mod verdict;

use crate::markup::Markup;
use crate::model::Report;
use crate::plot::Size;

/// Nothing is loaded and nothing runs, whatever a text of the report may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// The same for a page with sounds beside it, which it may play.
const POLICY_WITH_SOUND: &str = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:";

/// A part of the page: its place in the links, its name there, and how it is written.
struct Part {
    id: &'static str,
    name: &'static str,
    write: fn(&mut Markup, &Report),
    /// Whether there is anything to write.
    wanted: fn(&Report) -> bool,
}

/// Every part of the page, in the order in which people read them: what came out, how it sounds, why, what to do,
/// and what was written.
static PARTS: &[Part] = &[
    Part { id: "target", name: "Target", write: verdict::target, wanted: |r| r.target.is_some() },
    Part { id: "loudness", name: "Loudness", write: sound::loudness, wanted: sound::has_signal },
    Part { id: "spectrum", name: "Spectrum", write: sound::spectrum, wanted: sound::has_signal },
    Part { id: "stereo", name: "Stereo", write: sound::stereo, wanted: sound::has_signal },
    Part { id: "dynamics", name: "Dynamics", write: sound::dynamics, wanted: sound::has_signal },
    Part {
        id: "references",
        name: "References",
        write: reference::references,
        wanted: |r| r.matched.is_some(),
    },
    Part { id: "ab", name: "A/B", write: ab::comparison, wanted: |r| !r.ab.is_empty() },
    Part {
        id: "translation",
        name: "Translation",
        write: translation::translation,
        wanted: |r| !r.translation.is_empty(),
    },
    Part { id: "decisions", name: "Decisions", write: steps::decisions, wanted: |_| true },
    Part { id: "mix", name: "Back to the mix", write: tracks::back_to_mix, wanted: |_| true },
    Part { id: "tracks", name: "Tracks", write: tracks::tracks, wanted: |r| !r.tracks.is_empty() },
    Part { id: "services", name: "Services", write: files::services, wanted: |r| !r.services.is_empty() },
    Part { id: "files", name: "Files", write: files::files, wanted: |r| !r.files.is_empty() },
    Part { id: "again", name: "Make it again", write: files::reproduce, wanted: |r| !r.reproduce.is_empty() },
];

/// The report as one HTML page that needs nothing but itself: no network, no script, no font.
pub fn to_html(report: &Report) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| write_head(head, report));
        html.element("body", &[], |body| {
            write_theme_choice(body);
            body.block("div", "page", |page| {
                write_contents(page, report);
                page.element("main", &[], |main| {
                    verdict::opening(main, report);
                    for part in PARTS.iter().filter(|p| (p.wanted)(report)) {
                        main.element("section", &[("id", part.id)], |section| {
                            section.leaf("h2", &[], part.name);
                            (part.write)(section, report);
                        });
                    }
                });
            });
        });
    });
    page.raw("\n");
    page.into_text()
}

fn write_head(head: &mut Markup, report: &Report) {
    head.void("meta", &[("charset", "utf-8")]);
    let policy = if report.ab.is_empty() { POLICY } else { POLICY_WITH_SOUND };
    head.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
    head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    head.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    let title = if report.title.is_empty() { "Report" } else { &report.title };
    head.leaf("title", &[], &format!("{title} \u{2013} Tonmeister report"));
    head.element("style", &[], |style| style.raw(include_str!("style.css")));
}

/// Three buttons that the style sheet alone obeys.
fn write_theme_choice(body: &mut Markup) {
    body.element("form", &[("class", "theme"), ("aria-label", "Colours")], |form| {
        for (place, (id, name)) in [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")].iter().enumerate()
        {
            let id = format!("theme-{id}");
            let mut attributes = vec![("type", "radio"), ("name", "theme"), ("id", id.as_str())];
            if place == 0 {
                attributes.push(("checked", "checked"));
            }
            form.void("input", &attributes);
            form.leaf("label", &[("for", &id)], name);
        }
    });
}

fn write_contents(page: &mut Markup, report: &Report) {
    page.element("nav", &[("aria-label", "Contents")], |nav| {
        nav.leaf("a", &[("href", "#top")], "Verdict");
        for part in PARTS.iter().filter(|p| (p.wanted)(report)) {
            nav.leaf("a", &[("href", &format!("#{}", part.id))], part.name);
        }
    });
}

/// A picture, drawn for screens and anew for phones; the style sheet shows one of the two.
fn figure(out: &mut Markup, id: &str, draw: impl Fn(Size, &str) -> Markup, legend: &[(&str, &str)]) {
    out.element("figure", &[], |figure| {
        write_legend(figure, legend);
        for (size, class) in [(Size::Wide, "wide"), (Size::Narrow, "narrow")] {
            figure.block("div", class, |div| div.append(draw(size, &format!("{id}-{class}"))));
        }
    });
}

/// What the marks of a picture mean: a class of swatch, and its words.
fn write_legend(figure: &mut Markup, legend: &[(&str, &str)]) {
    if legend.is_empty() {
        return;
    }
    figure.block("p", "legend", |p| {
        for (class, words) in legend {
            p.element("span", &[], |entry| {
                entry.words("i", &format!("swatch {class}"), "");
                entry.text(words);
            });
        }
    });
}

/// A table whose cells know their column, so that a phone can show each row as a card.
fn table(out: &mut Markup, class: &str, columns: &[&str], rows: impl FnOnce(&mut Markup)) {
    out.block("table", class, |table| {
        table.element("thead", &[], |head| {
            head.element("tr", &[], |row| {
                for column in columns {
                    row.leaf("th", &[("scope", "col")], column);
                }
            });
        });
        table.element("tbody", &[], rows);
    });
}

/// A cell under a column.
fn cell(row: &mut Markup, column: &str, inside: impl FnOnce(&mut Markup)) {
    // On a phone the label stands beside its cell: what is in it has to stay together.
    row.element("td", &[("data-label", column)], |td| td.element("div", &[], inside));
}

/// The first cell of a row, which names it.
fn row_head(row: &mut Markup, inside: impl FnOnce(&mut Markup)) {
    row.element("th", &[("scope", "row")], inside);
}
