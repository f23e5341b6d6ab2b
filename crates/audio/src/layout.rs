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
    /// Channels whose places are not known; each counts as a front channel.
    Discrete(usize),
}

impl Layout {
    /// The usual layout for a number of channels.
    pub fn from_channels(channels: usize) -> Layout {
        match channels {
            1 => Layout::Mono,
            2 => Layout::Stereo,
            5 => Layout::Surround50,
            6 => Layout::Surround51,
            n => Layout::Discrete(n),
        }
    }

    /// Number of channels.
    pub fn channels(self) -> usize {
        match self {
            Layout::Mono => 1,
            Layout::Stereo => 2,
            Layout::Surround50 => 5,
            Layout::Surround51 => 6,
            Layout::Discrete(n) => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_has_the_channels_it_was_made_from() {
        for channels in 0..12 {
            assert_eq!(Layout::from_channels(channels).channels(), channels);
        }
    }
}
