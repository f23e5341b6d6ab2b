//! Text that becomes HTML or SVG: every tag is closed and every text escaped, whoever wrote it.

/// Markup under construction. What goes through [`Markup::text`] and into attributes is escaped; tags close
/// themselves, so that the page is well-formed XML but for its first line.
#[derive(Debug, Default)]
pub(crate) struct Markup(String);

impl Markup {
    /// An element and what `inside` puts into it.
    pub(crate) fn element(
        &mut self,
        tag: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Markup),
    ) {
        self.open(tag, attributes);
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element that holds nothing but text.
    pub(crate) fn leaf(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) {
        self.element(tag, attributes, |inside| inside.text(text));
    }

    /// An element that holds nothing.
    pub(crate) fn void(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.open(tag, attributes);
        self.0.push_str("/>");
    }

    /// An element of a class and what `inside` puts into it.
    pub(crate) fn block(&mut self, tag: &str, class: &str, inside: impl FnOnce(&mut Markup)) {
        self.element(tag, &[("class", class)], inside);
    }

    /// An element of a class that holds nothing but text.
    pub(crate) fn words(&mut self, tag: &str, class: &str, text: &str) {
        self.leaf(tag, &[("class", class)], text);
    }

    /// Text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    /// Markup of our own, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Markup that was made apart.
    pub(crate) fn append(&mut self, other: Markup) {
        self.0.push_str(&other.0);
    }

    /// What has been written.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
    }
}

/// The five characters that mean something in markup; control characters, which XML does not allow, become the
/// replacement character.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            control if control.is_control() => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_cannot_become_markup() {
        let mut markup = Markup::default();
        let evil = "\"><img src=x onerror='alert(1)'>&\u{0}";
        markup.element("p", &[("title", evil)], |p| p.text(evil));
        let escaped = "&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;\u{FFFD}";
        assert_eq!(markup.into_text(), format!("<p title=\"{escaped}\">{escaped}</p>"));
    }
}
