//! Planar audio in one allocation, and views of it.
//!
//! Channel `c` of a view stands at `data[c * stride + start ..][..frames]`, so that a range of frames of a
//! view is again a view, without copying and without allocating.

use crate::Frames;

/// An owned planar buffer: channels x frames of `f64`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Buffer {
    data: Vec<f64>,
    channels: usize,
    frames: Frames,
}

impl Buffer {
    /// Silence of `channels` x `frames`.
    pub fn new(channels: usize, frames: Frames) -> Buffer {
        Buffer { data: vec![0.0; channels * frames], channels, frames }
    }

    /// Takes one vector per channel.
    ///
    /// # Panics
    /// When the channels differ in length.
    pub fn from_channels(channels: &[Vec<f64>]) -> Buffer {
        let frames = channels.first().map_or(0, Vec::len);
        assert!(channels.iter().all(|c| c.len() == frames), "channels of one buffer have one length");
        Buffer { data: channels.concat(), channels: channels.len(), frames }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Length in frames.
    pub fn frames(&self) -> Frames {
        self.frames
    }

    /// The samples of one channel.
    pub fn channel(&self, channel: usize) -> &[f64] {
        &self.data[channel * self.frames..][..self.frames]
    }

    /// The samples of one channel, to change.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f64] {
        &mut self.data[channel * self.frames..][..self.frames]
    }

    /// The whole buffer as a view.
    pub fn as_block(&self) -> BlockRef<'_> {
        BlockRef {
            data: &self.data,
            stride: self.frames,
            start: 0,
            channels: self.channels,
            frames: self.frames,
        }
    }

    /// The whole buffer as a view to change.
    pub fn as_block_mut(&mut self) -> Block<'_> {
        Block {
            data: &mut self.data,
            stride: self.frames,
            start: 0,
            channels: self.channels,
            frames: self.frames,
        }
    }

    /// Frames `start .. start + frames` as a view.
    pub fn range(&self, start: Frames, frames: Frames) -> BlockRef<'_> {
        self.as_block().range(start, frames)
    }

    /// Frames `start .. start + frames` as a view to change.
    pub fn range_mut(&mut self, start: Frames, frames: Frames) -> Block<'_> {
        assert!(start + frames <= self.frames, "a range inside the buffer");
        Block { data: &mut self.data, stride: self.frames, start, channels: self.channels, frames }
    }

    /// Sets every sample to zero.
    pub fn clear(&mut self) {
        self.data.fill(0.0);
    }
}

/// A view of equal-length channels that may be read.
#[derive(Debug, Clone, Copy)]
pub struct BlockRef<'a> {
    data: &'a [f64],
    stride: usize,
    start: usize,
    channels: usize,
    frames: Frames,
}

impl<'a> BlockRef<'a> {
    /// One channel as a view.
    pub fn from_mono(samples: &'a [f64]) -> BlockRef<'a> {
        BlockRef { data: samples, stride: samples.len(), start: 0, channels: 1, frames: samples.len() }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Length in frames.
    pub fn frames(&self) -> Frames {
        self.frames
    }

    /// The samples of one channel.
    pub fn channel(&self, channel: usize) -> &'a [f64] {
        assert!(channel < self.channels, "a channel of the block");
        &self.data[channel * self.stride + self.start..][..self.frames]
    }

    /// All channels in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        let view = *self;
        (0..view.channels).map(move |c| view.channel(c))
    }

    /// Frames `start .. start + frames` of this view.
    pub fn range(&self, start: Frames, frames: Frames) -> BlockRef<'a> {
        assert!(start + frames <= self.frames, "a range inside the block");
        BlockRef { start: self.start + start, frames, ..*self }
    }

    /// A copy of what the view shows.
    pub fn to_buffer(&self) -> Buffer {
        let mut data = Vec::with_capacity(self.channels * self.frames);
        self.iter().for_each(|c| data.extend_from_slice(c));
        Buffer { data, channels: self.channels, frames: self.frames }
    }
}

/// A view of equal-length channels that may be changed: the only thing a processor sees.
#[derive(Debug)]
pub struct Block<'a> {
    data: &'a mut [f64],
    stride: usize,
    start: usize,
    channels: usize,
    frames: Frames,
}

impl<'a> Block<'a> {
    /// One channel as a view.
    pub fn from_mono(samples: &'a mut [f64]) -> Block<'a> {
        let frames = samples.len();
        Block { data: samples, stride: frames, start: 0, channels: 1, frames }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Length in frames.
    pub fn frames(&self) -> Frames {
        self.frames
    }

    /// The samples of one channel.
    pub fn channel(&self, channel: usize) -> &[f64] {
        assert!(channel < self.channels, "a channel of the block");
        &self.data[channel * self.stride + self.start..][..self.frames]
    }

    /// The samples of one channel, to change.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f64] {
        assert!(channel < self.channels, "a channel of the block");
        &mut self.data[channel * self.stride + self.start..][..self.frames]
    }

    /// All channels in order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        let (start, frames) = (self.start, self.frames);
        // `chunks_mut` refuses a stride of zero, which an empty block has.
        self.data
            .chunks_mut(self.stride.max(1))
            .take(self.channels)
            .map(move |chunk| &mut chunk[start..start + frames])
    }

    /// The first two channels together, to change.
    ///
    /// # Panics
    /// When the block has fewer than two channels.
    pub fn stereo_mut(&mut self) -> (&mut [f64], &mut [f64]) {
        assert!(self.channels >= 2, "a block of two channels");
        let (left, right) = self.data.split_at_mut(self.stride);
        (&mut left[self.start..][..self.frames], &mut right[self.start..][..self.frames])
    }

    /// This view, to read.
    pub fn as_ref(&self) -> BlockRef<'_> {
        BlockRef {
            data: self.data,
            stride: self.stride,
            start: self.start,
            channels: self.channels,
            frames: self.frames,
        }
    }

    /// Frames `start .. start + frames` of this view, to change.
    pub fn range_mut(&mut self, start: Frames, frames: Frames) -> Block<'_> {
        assert!(start + frames <= self.frames, "a range inside the block");
        Block {
            data: self.data,
            stride: self.stride,
            start: self.start + start,
            channels: self.channels,
            frames,
        }
    }

    /// Sets every sample to zero.
    pub fn clear(&mut self) {
        self.iter_mut().for_each(|c| c.fill(0.0));
    }

    /// Copies `source` over this view.
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn copy_from(&mut self, source: &BlockRef) {
        assert_eq!((self.channels, self.frames), (source.channels, source.frames), "blocks of one shape");
        for (to, from) in self.iter_mut().zip(source.iter()) {
            to.copy_from_slice(from);
        }
    }

    /// Adds `source` to this view, sample by sample.
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn add(&mut self, source: &BlockRef) {
        assert_eq!((self.channels, self.frames), (source.channels, source.frames), "blocks of one shape");
        for (to, from) in self.iter_mut().zip(source.iter()) {
            add(to, from);
        }
    }
}

crate::wide! {
    fn add(sum: &mut [f64], source: &[f64]) {
        sum.iter_mut().zip(source).for_each(|(s, f)| *s += f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(channels: usize, frames: usize) -> Buffer {
        let planes: Vec<Vec<f64>> =
            (0..channels).map(|c| (0..frames).map(|n| (c * 1000 + n) as f64).collect()).collect();
        Buffer::from_channels(&planes)
    }

    #[test]
    fn an_empty_buffer_has_empty_channels() {
        let mut buffer = Buffer::new(2, 0);
        assert_eq!(buffer.channel(1), &[] as &[f64]);
        assert_eq!(buffer.as_block_mut().iter_mut().count(), 0);
        assert!(buffer.as_block_mut().stereo_mut().0.is_empty());
    }

    proptest! {
        #[test]
        fn a_range_of_a_range_is_where_it_says(
            channels in 1usize..5, frames in 1usize..50, cut in 0usize..50, again in 0usize..50,
        ) {
            let mut buffer = numbered(channels, frames);
            let cut = cut.min(frames);
            let again = again.min(frames - cut);
            for c in 0..channels {
                let expected: Vec<f64> =
                    (cut + again..frames).map(|n| (c * 1000 + n) as f64).collect();
                let left = frames - cut;
                let read = buffer.range(cut, left).range(again, left - again);
                prop_assert_eq!(read.channel(c), &expected[..]);
                let mut outer = buffer.range_mut(cut, left);
                let mut inner = outer.range_mut(again, left - again);
                prop_assert_eq!(inner.channel_mut(c), &expected[..]);
                prop_assert_eq!(inner.iter_mut().nth(c).map(|s| s.to_vec()), Some(expected));
            }
        }

        #[test]
        fn writing_a_range_leaves_the_rest(start in 0usize..20, frames in 0usize..20) {
            let mut buffer = numbered(2, 40);
            buffer.range_mut(start, frames).clear();
            for n in 0..40 {
                let inside = n >= start && n < start + frames;
                prop_assert_eq!(buffer.channel(1)[n], if inside { 0.0 } else { (1000 + n) as f64 });
            }
        }
    }
}
