//! Names of other strips: do they exist, and does nothing feed itself?

use super::reader::{Entries, Reader, Scope, instead};
use crate::node::{Data, Node};
use crate::{Path, Session, Strip, StripClass};
use indexmap::IndexMap;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkKind {
    Bus,
    Send,
    Key,
}

/// A strip's mention of another strip.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    kind: LinkKind,
    owner: String,
    other: String,
    who: String,
    path: Path,
    span: Range<usize>,
}

impl Link {
    pub(crate) fn new(
        kind: LinkKind,
        strip: &Strip,
        other: &str,
        scope: &Scope,
        id: &str,
        node: &Node,
    ) -> Link {
        Link::at(kind, strip, other, scope, id, node.span.clone())
    }

    pub(crate) fn at(
        kind: LinkKind,
        strip: &Strip,
        other: &str,
        scope: &Scope,
        id: &str,
        span: Range<usize>,
    ) -> Link {
        Link {
            kind,
            owner: strip.id.clone(),
            other: other.to_string(),
            who: scope.who.clone(),
            path: scope.path.child(id),
            span,
        }
    }

    /// Who feeds whom.
    fn direction(&self) -> (&str, &str) {
        match self.kind {
            LinkKind::Bus | LinkKind::Send => (&self.owner, &self.other),
            LinkKind::Key => (&self.other, &self.owner),
        }
    }
}

/// Notes ids used twice, links to nowhere, and circles.
pub(crate) fn check(reader: &mut Reader<'_>, session: &Session, root: &Entries, links: &[Link]) {
    check_unique(reader, root);
    for link in links {
        check_target(reader, session, link);
    }
    check_circles(reader, session, links);
}

/// Tracks, buses and returns share one set of ids, so that a key can name any of them.
fn check_unique(reader: &mut Reader<'_>, root: &Entries) {
    let mut owners: IndexMap<&str, &str> = IndexMap::new();
    for table in ["track", "bus", "return"] {
        let Some(Data::Table(strips)) = root.get(table).map(|entry| &entry.node.data) else {
            continue;
        };
        for (id, entry) in strips {
            if let Some(owner) = owners.get(id.as_str()) {
                let path = Path::new([table, id]);
                let message = format!("{path}: {} has the same name", Path::new([owner, id.as_str()]));
                let hint = Some("tracks, buses and returns share their names: change one".to_string());
                reader.error("duplicate_id", path, &entry.key_span, message, hint);
            } else {
                owners.insert(id, table);
            }
        }
    }
}

fn check_target(reader: &mut Reader<'_>, session: &Session, link: &Link) {
    let ids = |strips: &'_ IndexMap<String, Strip>| strips.keys().cloned().collect::<Vec<_>>();
    let (what, known) = match link.kind {
        LinkKind::Bus => ("bus", ids(&session.buses)),
        LinkKind::Send => ("return", ids(&session.returns)),
        LinkKind::Key => ("track, bus or return", session.channels().map(|strip| strip.id.clone()).collect()),
    };
    if known.contains(&link.other) {
        return;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = format!("{}: there is no {what} `{}`", link.who, link.other);
    let hint = match session.channels().find(|strip| strip.id == link.other) {
        Some(strip) => {
            format!("`{}` is a {}; {}", link.other, strip.class.table(), instead(&link.other, &known))
        }
        None => instead(&link.other, &known),
    };
    reader.error("unknown_strip", link.path.clone(), &link.span, message, Some(hint));
}

/// Depth-first search in the file's order; a link back to a strip that is still being followed closes a circle.
fn check_circles(reader: &mut Reader<'_>, session: &Session, links: &[Link]) {
    let mut done: Vec<&str> = Vec::new();
    for strip in session.channels() {
        follow(reader, session, links, &mut vec![strip.id.as_str()], &mut done);
    }
}

fn follow<'s>(
    reader: &mut Reader<'_>,
    session: &'s Session,
    links: &'s [Link],
    trail: &mut Vec<&'s str>,
    done: &mut Vec<&'s str>,
) {
    let here = trail[trail.len() - 1];
    if done.contains(&here) {
        return;
    }
    for link in links.iter().filter(|link| link.direction().0 == here) {
        let next = link.direction().1;
        if let Some(start) = trail.iter().position(|&id| id == next) {
            let circle = trail[start..].iter().chain([&next]).map(|id| full_name(session, id));
            let circle = circle.collect::<Vec<_>>().join(" -> ");
            let message = format!("{}: sound would go in a circle: {circle}", link.who);
            let hint = Some("take one of these connections away".to_string());
            reader.error("circle", link.path.clone(), &link.span, message, hint);
        } else if session.strip(next).is_some_and(is_channel) {
            trail.push(next);
            follow(reader, session, links, trail, done);
            trail.pop();
        }
    }
    done.push(here);
}

fn is_channel(strip: &Strip) -> bool {
    matches!(strip.class, StripClass::Track | StripClass::Bus | StripClass::Return)
}

fn full_name(session: &Session, id: &str) -> String {
    session.strip(id).map_or_else(|| id.to_string(), |strip| strip.path().to_string())
}
