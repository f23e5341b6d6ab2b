//! Which speaker each channel of a signal belongs to.

/// The speaker layout of a signal, in the channel order of WAV files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// One channel.
    Mono,
    /// Left, right.
    Stereo,
    /// Left, right, centre, left surround, right surround.
    Surround50,
    /// Left, right, centre, low-frequency effects, left surround, right surround.
    Surround51,
    /// Speakers by the bits of the mask that WAVE files have (`dwChannelMask` of WAVEFORMATEXTENSIBLE), in their order.
    Speakers(u32),
    /// Channels whose places are not known; each counts as a front channel.
    Discrete(usize),
}

/// The masks that files without one are taken to have: left, right, centre; quadraphonic; 6.1; 7.1.
const USUAL_MASKS: [u32; 4] = [0x7, 0x33, 0x70f, 0x63f];

impl Layout {
    /// The usual layout for a number of channels.
    pub fn from_channels(channels: usize) -> Layout {
        match channels {
            1 => Layout::Mono,
            2 => Layout::Stereo,
            5 => Layout::Surround50,
            6 => Layout::Surround51,
            n => match USUAL_MASKS.iter().find(|mask| mask.count_ones() as usize == n) {
                Some(mask) => Layout::Speakers(*mask),
                None => Layout::Discrete(n),
            },
        }
    }

    /// The layout that a file states by its mask, or the usual one for its channels.
    pub fn from_mask(channels: usize, mask: Option<u32>) -> Layout {
        match mask.filter(|mask| mask.count_ones() as usize == channels) {
            Some(mask) if channels > 2 => Layout::Speakers(mask),
            _ => Layout::from_channels(channels),
        }
    }

    /// Number of channels.
    pub fn channels(self) -> usize {
        match self {
            Layout::Mono => 1,
            Layout::Stereo => 2,
            Layout::Surround50 => 5,
            Layout::Surround51 => 6,
            Layout::Speakers(mask) => mask.count_ones() as usize,
            Layout::Discrete(n) => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_mask_counts_if_it_fits() {
        assert_eq!(Layout::from_mask(6, Some(0x60f)), Layout::Speakers(0x60f));
        assert_eq!(Layout::from_mask(6, Some(0x3)), Layout::Surround51);
        assert_eq!(Layout::from_mask(8, None), Layout::Speakers(0x63f));
        assert_eq!(Layout::from_mask(2, Some(0x3)), Layout::Stereo);
        assert_eq!(Layout::from_mask(12, None), Layout::Discrete(12));
    }

    #[test]
    fn a_layout_has_the_channels_it_was_made_from() {
        for channels in 0..12 {
            assert_eq!(Layout::from_channels(channels).channels(), channels);
        }
    }
}
