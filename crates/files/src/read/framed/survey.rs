//! Where the frames of a stream lie and what time each of them has.

use std::fs::File;
use std::io;

use super::super::sniff::id3_length;
use super::{Framing, Head, LONGEST_FRAME, Window, mpeg};

/// Frames that follow each other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The byte of the first.
    pub(super) start: u64,
    /// One past the last byte of the last.
    pub(super) end: u64,
    /// The time of the first.
    pub(super) time: i64,
    packets: u64,
}

/// A place to begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) run: usize,
    pub(super) byte: u64,
    pub(super) time: i64,
    /// Packets of its run before it.
    packets: u64,
}

/// What lies between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    bytes: u64,
    /// A frame surely began in it, though it is not whole.
    begun: bool,
    /// A tag, which takes no time.
    tag: bool,
    lost: u64,
    /// The number of frames lost follows from the number of bytes.
    sure: bool,
}

/// A stream, frame by frame.
#[derive(Debug)]
pub(in super::super) struct Survey {
    pub(super) framing: Framing,
    pub(super) runs: Vec<Run>,
    marks: Vec<Mark>,
    gaps: Vec<Gap>,
    /// Frames of sound in a packet.
    packet_frames: u32,
    tag: mpeg::Tag,
    /// Whether frames have check words that are right as a rule: some encoders write wrong ones throughout.
    checked: bool,
    /// Bytes from the first frame or tag to the end of the last frame.
    bytes: u64,
    clean_end: bool,
}

/// A place to begin at every this many packets.
const MARK_EVERY: u64 = 64;

/// With more gaps than this there is no music between them.
const MOST_GAPS: usize = 1 << 16;

/// The first frame is searched for this far: longer junk in front is another kind of file.
const FURTHEST_START: u64 = 1 << 22;

struct Walk {
    window: Window,
    framing: Framing,
    end: u64,
}

impl Survey {
    /// Surveys bytes `start..end` of a file. The time of the first frame is `first`. `None` when there are no
    /// frames, or hardly any between what is none.
    pub(in super::super) fn of(
        file: File,
        start: u64,
        end: u64,
        adts: bool,
        first: i64,
    ) -> io::Result<Option<Survey>> {
        let mut window = Window::new(file);
        let Some((framing, at)) = begin(&mut window, start, end, adts)? else { return Ok(None) };
        let mut walk = Walk { window, framing, end };
        let Some(mut survey) = walk.run(at)? else { return Ok(None) };
        survey.settle();
        survey.stamp(first);
        Ok((!survey.runs.is_empty()).then_some(survey))
    }

    /// The last place to begin at that is not behind `time`.
    pub(super) fn mark_before(&self, time: i64) -> Option<Mark> {
        let after = self.marks.partition_point(|m| m.time <= time);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    /// One past the last frame of sound, what is lost at the end included.
    pub(in super::super) fn end(&self) -> i64 {
        let frames = i64::from(self.packet_frames);
        let lost = self.gaps.last().filter(|_| self.gaps.len() == self.runs.len()).map_or(0, |g| g.lost);
        self.runs.last().map_or(0, |run| run.time + (run.packets + lost) as i64 * frames)
    }

    /// Places whose length could only be estimated.
    pub(in super::super) fn estimated(&self) -> usize {
        self.gaps.iter().filter(|g| !g.sure && g.lost > 0).count()
    }

    /// Bytes between frames that took no time; tags are none of them.
    pub(in super::super) fn junk_bytes(&self) -> u64 {
        let inside = self.gaps.iter().take(self.runs.len().saturating_sub(1));
        inside.filter(|g| !g.tag && g.lost == 0).map(|g| g.bytes).sum()
    }

    /// Whether a wrong check word means a damaged frame.
    pub(in super::super) fn is_checked(&self) -> bool {
        self.checked
    }

    /// Decides how many packets each gap held.
    fn settle(&mut self) {
        for n in 0..self.gaps.len() {
            let around = [self.runs.get(n), self.runs.get(n + 1)].into_iter().flatten();
            let (bytes, packets) = around.fold((0, 0), |(b, p), r| (b + r.end - r.start, p + r.packets));
            let at_end = n + 1 == self.runs.len();
            let gap = &mut self.gaps[n];
            if gap.tag {
                continue;
            }
            let mean = bytes as f64 / packets.max(1) as f64;
            let guess = (gap.bytes as f64 / mean).round();
            let constant = (guess * mean - gap.bytes as f64).abs() < guess.max(1.0);
            let single = matches!(self.framing, Framing::Mpeg(header) if header.may_have(gap.bytes));
            // What is behind the last frame may be anything.
            gap.lost = match (at_end, single && !constant) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => (guess as u64).max(u64::from(gap.begun)),
            };
            gap.sure = gap.lost == 0 || single && gap.lost == 1 || constant && guess as u64 == gap.lost;
        }
        let Some(stated) = self.tag.packets.map(u64::from) else { return };
        // A file that was cut short lacks its end, and the tag does not tell where else packets are missing.
        let whole = self.tag.bytes.is_none_or(|bytes| u64::from(bytes) <= self.bytes) || self.clean_end;
        let found: u64 = self.runs.iter().map(|r| r.packets).sum();
        let missing = stated.saturating_sub(found);
        let lost: u64 = self.gaps.iter().map(|g| g.lost).sum();
        if !whole || missing == lost || self.gaps.iter().all(|g| g.tag) {
            return;
        }
        // One gap takes all that is missing; of several, the longest that is not sure takes what is left over.
        let open = self.gaps.iter().filter(|g| !g.tag).count();
        let longest =
            self.gaps.iter_mut().filter(|g| !g.tag && (open == 1 || !g.sure)).max_by_key(|g| g.bytes);
        if let Some(gap) = longest {
            gap.lost = (gap.lost + missing).saturating_sub(lost);
            gap.sure = open == 1;
        }
    }

    /// Gives every run and mark its time.
    fn stamp(&mut self, first: i64) {
        let frames = i64::from(self.packet_frames);
        let mut time = first;
        for (n, run) in self.runs.iter_mut().enumerate() {
            run.time = time;
            let lost = self.gaps.get(n).map_or(0, |g| g.lost);
            time = time.saturating_add((run.packets.saturating_add(lost) as i64).saturating_mul(frames));
        }
        for mark in &mut self.marks {
            mark.time = self.runs[mark.run].time + mark.packets as i64 * frames;
        }
    }
}

/// The first frame that another one follows.
fn begin(window: &mut Window, start: u64, end: u64, adts: bool) -> io::Result<Option<(Framing, u64)>> {
    for at in start..end.min(start.saturating_add(FURTHEST_START)) {
        let bytes = window.at(at, LONGEST_FRAME)?;
        let framing = Framing::of(bytes, adts).and_then(|f| Some((f, f.head(bytes)?)));
        let Some((framing, head)) = framing else { continue };
        let next = at + head.bytes as u64;
        if next == end || next < end && framing.head(window.at(next, 16)?).is_some() {
            return Ok(Some((framing, at)));
        }
    }
    Ok(None)
}

impl Walk {
    fn head(&mut self, at: u64) -> io::Result<Option<Head>> {
        if at >= self.end {
            return Ok(None);
        }
        let head = self.framing.head(self.window.at(at, 16)?);
        Ok(head.filter(|head| at + head.bytes as u64 <= self.end))
    }

    /// Whether a frame that ends at `at` is followed by one, or by what may end a file.
    fn may_end(&mut self, at: u64) -> io::Result<bool> {
        if at == self.end || self.framing.head(&self.window.peek(at)?[..16]).is_some() {
            return Ok(true);
        }
        Ok(self.tag_bytes(at)?.is_some())
    }

    /// The length of a tag (ID3, APE) that begins here.
    fn tag_bytes(&mut self, at: u64) -> io::Result<Option<u64>> {
        let bytes = self.window.peek(at)?;
        let length = if bytes.starts_with(b"TAG") {
            Some(128)
        } else if bytes.starts_with(b"APETAGEX") {
            let size = bytes.get(12..16).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
            Some(u64::from(size) + 32)
        } else {
            id3_length(&bytes)
        };
        // In the middle of damage three letters prove nothing.
        let Some(end) = length.and_then(|length| at.checked_add(length)) else { return Ok(None) };
        let proved = end == self.end || end < self.end && self.begins(end)?;
        Ok(length.filter(|_| proved))
    }

    fn begins(&mut self, at: u64) -> io::Result<bool> {
        let bytes = self.window.peek(at)?;
        let tag = [b"TAG".as_slice(), b"APETAGEX", b"ID3"].iter().any(|id| bytes.starts_with(id));
        Ok(tag || self.framing.head(&bytes[..16]).is_some())
    }

    /// The first frame at or behind `at` that another one or the end follows.
    fn search(&mut self, at: u64) -> io::Result<Option<u64>> {
        let mut at = at;
        while at < self.end {
            let bytes = self.window.at(at, LONGEST_FRAME)?;
            let Some(sync) = bytes.iter().position(|b| *b == 0xff) else {
                at += bytes.len().max(1) as u64;
                continue;
            };
            at += sync as u64;
            if let Some(head) = self.head(at)?
                && self.may_end(at + head.bytes as u64)?
            {
                return Ok(Some(at));
            }
            at += 1;
        }
        Ok(None)
    }

    fn run(&mut self, first: u64) -> io::Result<Option<Survey>> {
        let mut found = Found { varies: matches!(self.framing, Framing::Adts(_)), ..Found::default() };
        let mut survey_tag = mpeg::Tag::default();
        let mut at = first;
        let mut packet_frames = 0;
        while at < self.end {
            if found.gaps.len() > MOST_GAPS {
                return Ok(None);
            }
            if let Some(length) = self.tag_bytes(at)? {
                at += length;
                found.break_off(Gap { bytes: length, begun: false, tag: true, lost: 0, sure: true });
                continue;
            }
            let head = self.head(at)?;
            if let Some(head) = head
                && self.may_end(at + head.bytes as u64)?
            {
                packet_frames = head.frames;
                let frame = self.window.at(at, head.bytes)?;
                if let (Framing::Mpeg(_), Some(tag)) = (self.framing, mpeg::tag(frame)) {
                    if at == first {
                        survey_tag = tag;
                    }
                    let bytes = head.bytes as u64;
                    found.break_off(Gap { bytes, begun: false, tag: true, lost: 0, sure: true });
                } else {
                    found.check(frame);
                    found.add(at, head);
                }
                at += head.bytes as u64;
                continue;
            }
            at = self.cross_gap(at, head, &mut found)?;
        }
        let clean_end = found.open;
        Ok(Some(Survey {
            framing: self.framing,
            bytes: found.runs.last().map_or(0, |r| r.end - first),
            checked: found.right > 8 * found.wrong,
            runs: found.runs,
            marks: found.marks,
            gaps: found.gaps,
            packet_frames,
            tag: survey_tag,
            clean_end,
        }))
    }

    /// From a place where no frame is known to be sound to the next one that is.
    fn cross_gap(&mut self, at: u64, head: Option<Head>, found: &mut Found) -> io::Result<u64> {
        let next = self.search(at + 1)?;
        let to = next.unwrap_or(self.end);
        // A frame behind a sound one whose follower is damaged: it is sound when the bit rate does not speak
        // against it, and nothing that is sound begins inside it.
        let sound = head.filter(|head| {
            found.open && at + head.bytes as u64 <= to && (found.varies || found.class == Some(head.class))
        });
        let mut from = at;
        if let Some(head) = sound {
            found.add(at, head);
            from += head.bytes as u64;
        }
        if from < to {
            let begun = found.open && head.is_some() && sound.is_none();
            found.break_off(Gap { bytes: to - from, begun, tag: false, lost: 0, sure: false });
        }
        Ok(to)
    }
}

/// What the walk has found so far.
#[derive(Default)]
struct Found {
    runs: Vec<Run>,
    marks: Vec<Mark>,
    gaps: Vec<Gap>,
    /// Whether the last run may go on.
    open: bool,
    class: Option<usize>,
    varies: bool,
    right: u64,
    wrong: u64,
}

impl Found {
    fn check(&mut self, frame: &[u8]) {
        match mpeg::check(frame) {
            Some(true) => self.right += 1,
            Some(false) => self.wrong += 1,
            None => {}
        }
    }

    fn add(&mut self, at: u64, head: Head) {
        self.varies |= self.class.is_some_and(|class| class != head.class);
        self.class = Some(head.class);
        if !self.open {
            self.runs.push(Run { start: at, end: at, time: 0, packets: 0 });
            self.open = true;
        }
        let run = self.runs.len() - 1;
        let last = &mut self.runs[run];
        if last.packets.is_multiple_of(MARK_EVERY) {
            self.marks.push(Mark { run, byte: at, time: 0, packets: last.packets });
        }
        last.packets += 1;
        last.end = at + head.bytes as u64;
    }

    /// A gap behind the last run. What lies before the first run takes no time; tags and junk in a row are one gap.
    fn break_off(&mut self, gap: Gap) {
        self.open = false;
        if self.gaps.len() < self.runs.len() {
            self.gaps.push(gap);
        } else if let Some(last) = self.gaps.last_mut() {
            if last.tag && !gap.tag {
                *last = gap;
            } else if !gap.tag {
                last.bytes += gap.bytes;
                last.begun |= gap.begun;
            }
        }
    }
}
