//! What can be wrong with the request for a measurement.

/// Why a meter cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The sample rate lies outside what the K-weighting is defined for here.
    #[error(
        "cannot measure at {sample_rate_hz} Hz: meters work from 8000 to 768000 Hz; convert the sample rate first"
    )]
    SampleRate {
        /// The rate that was asked for, in hertz.
        sample_rate_hz: f64,
    },
    /// The oversampling factor is none that the true-peak meter can work at.
    #[error("cannot oversample by {factor}: use 4, 8, 16 or 32 (2 and 64 work as well)")]
    Factor {
        /// The factor that was asked for.
        factor: usize,
    },
}

/// Checks that a rate is one the meters are built for.
pub(crate) fn check_rate(sample_rate_hz: f64) -> Result<(), Error> {
    // Written so that a rate that is not a number fails as well.
    if (8_000.0..=768_000.0).contains(&sample_rate_hz) {
        Ok(())
    } else {
        Err(Error::SampleRate { sample_rate_hz })
    }
}
