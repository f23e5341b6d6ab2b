//! Decoders of others may panic on a damaged file; that must reach nobody.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static IN_DECODER: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder. A panic inside comes back as its message.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IN_DECODER.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    IN_DECODER.set(outer);
    result.map_err(|payload| {
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        message.unwrap_or("no message").to_owned()
    })
}

/// Keeps the message of a panic inside a decoder from being printed. The panic is caught anyway and becomes a
/// [`FileError::Damaged`](crate::FileError::Damaged); a program calls this once, at its start, because the
/// panic hook is the program's, not a library's.
pub fn silence_decoder_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IN_DECODER.get() {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        silence_decoder_panics();
        assert_eq!(guarded(|| 7), Ok(7));
        let frame = 3;
        assert_eq!(guarded(|| -> u8 { panic!("frame {frame} broken") }), Err("frame 3 broken".to_owned()));
        assert_eq!(guarded(|| -> u8 { panic!("broken") }), Err("broken".to_owned()));
        assert!(!IN_DECODER.get());
    }
}
