//! The page: its frame, and the order of its parts.

mod markup;

use crate::model::Report;
use markup::Markup;

/// The report as one HTML page that needs nothing but itself.
pub fn to_html(report: &Report) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| {
            head.void("meta", &[("charset", "utf-8")]);
            head.leaf("title", &[], &report.title);
        });
        html.element("body", &[], |body| {
            body.leaf("h1", &[], &report.title);
            for words in &report.verdict {
                body.leaf("p", &[], words);
            }
        });
    });
    page.into_text()
}
