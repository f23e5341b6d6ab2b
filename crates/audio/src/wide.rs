//! Inner loops for the vector width that the machine has.
//!
//! A program built for every 64-bit x86 uses vectors of two `f64`; nearly all of these machines have AVX2, with four, and
//! the newer ones AVX-512, with eight. [`wide!`](crate::wide) compiles a function for each and picks at run time. The bits
//! are the same: the same additions and multiplications in the same order, only more of them at a time. Fused
//! multiplication and addition, which rounds otherwise, stays off.
//!
//! This is the only place of the workspace with `unsafe`: calling a function for instructions that were just
//! found to be there.

#[cfg(target_arch = "x86_64")]
pub use x86::{Vectors, narrow_to, vectors};

/// Defines a function that runs on the widest vectors of the machine: `wide! { /// Docs. pub fn f(...) { ... } }`.
///
/// For loops of arithmetic over slices and arrays. The function stands alone (no `self`), its arguments are
/// plain names, and it may have constant parameters. What it calls must be `#[inline]` to be widened with it.
///
/// `wide! { by four: fn f(...) { ... } }` leaves out the vectors of eight: for loops whose arrays hold four numbers, which
/// would have to be put together and taken apart.
#[macro_export]
macro_rules! wide {
    (
        by four:
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$(const $constant:ident: $of:ty),+>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx,avx2")]
                fn wider $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? {
                    plain $(::<$($constant),+>)? ($($arg),*)
                }

                if $crate::vectors() >= $crate::Vectors::Four {
                    return $crate::on_vectors_found!(wider $(::<$($constant),+>)? ($($arg),*));
                }
            }
            plain $(::<$($constant),+>)? ($($arg),*)
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$(const $constant:ident: $of:ty),+>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx,avx2")]
                fn wider $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? {
                    plain $(::<$($constant),+>)? ($($arg),*)
                }

                #[target_feature(enable = "avx,avx2,avx512f,avx512dq,avx512bw,avx512vl")]
                fn widest $(<$(const $constant: $of),+>)? ($($arg: $type),*) $(-> $result)? {
                    plain $(::<$($constant),+>)? ($($arg),*)
                }

                match $crate::vectors() {
                    $crate::Vectors::Eight => {
                        return $crate::on_vectors_found!(widest $(::<$($constant),+>)? ($($arg),*));
                    }
                    $crate::Vectors::Four => {
                        return $crate::on_vectors_found!(wider $(::<$($constant),+>)? ($($arg),*));
                    }
                    $crate::Vectors::Two => {}
                }
            }
            plain $(::<$($constant),+>)? ($($arg),*)
        }
    };
}

/// Calls a function that is compiled for vectors which [`vectors`] has found.
#[doc(hidden)]
#[macro_export]
macro_rules! on_vectors_found {
    ($call:expr) => {{
        // SAFETY: the machine has the instructions that the function is compiled for.
        #[allow(unsafe_code)]
        unsafe {
            $call
        }
    }};
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::sync::atomic::{AtomicU8, Ordering};

    /// How many `f64` a vector holds that functions are compiled for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    #[doc(hidden)]
    pub enum Vectors {
        /// SSE2, which every 64-bit x86 has.
        Two,
        /// AVX2.
        Four,
        /// AVX-512 with its parts F, DQ, BW and VL.
        Eight,
    }

    /// What is used, as its place in [`Vectors`]; nothing has been looked for yet where it is none of them.
    static USED: AtomicU8 = AtomicU8::new(u8::MAX);

    /// The vectors that functions use.
    ///
    /// One number that is read: asking the machine's features one by one would cost as much as a short loop.
    #[doc(hidden)]
    #[inline(always)]
    pub fn vectors() -> Vectors {
        match USED.load(Ordering::Relaxed) {
            0 => Vectors::Two,
            1 => Vectors::Four,
            2 => Vectors::Eight,
            _ => narrow_to(Vectors::Eight),
        }
    }

    /// Uses vectors of so many numbers from now on, or of as many as the machine has; gives what it came to. It changes no
    /// bit: this is for tests that show it, and for counting what does not depend on the machine.
    #[doc(hidden)]
    #[cold]
    #[inline(never)]
    pub fn narrow_to(most: Vectors) -> Vectors {
        let used = most.min(widest());
        USED.store(used as u8, Ordering::Relaxed);
        used
    }

    fn widest() -> Vectors {
        use std::arch::is_x86_feature_detected as has;
        if !(has!("avx") && has!("avx2")) {
            return Vectors::Two;
        }
        let eight = has!("avx512f") && has!("avx512dq") && has!("avx512bw") && has!("avx512vl");
        // The first machines with AVX-512 (Skylake, Cascade Lake) lower their clock for it, and with that everything else;
        // those that do not have VBMI2 as well.
        if eight && has!("avx512vbmi2") { Vectors::Eight } else { Vectors::Four }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    #[inline(always)]
    fn sum_any<const N: usize>(values: &[f64], scale: f64) -> [f64; N] {
        let mut sums = [0.0; N];
        for chunk in values.chunks_exact(N) {
            for lane in 0..N {
                sums[lane] = sums[lane] * 0.9 + scale * chunk[lane] / 3.0;
            }
        }
        sums
    }

    fn sum_plain<const N: usize>(values: &[f64], scale: f64) -> [f64; N] {
        sum_any(values, scale)
    }

    wide! {
        fn sum_wide<const N: usize>(values: &[f64], scale: f64) -> [f64; N] {
            sum_any(values, scale)
        }
    }

    wide! {
        by four:
        fn sum_by_four<const N: usize>(values: &[f64], scale: f64) -> [f64; N] {
            sum_any(values, scale)
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn each_width(mut run: impl FnMut()) {
        use super::{Vectors, narrow_to};
        for width in [Vectors::Two, Vectors::Four, Vectors::Eight] {
            narrow_to(width);
            run();
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn each_width(mut run: impl FnMut()) {
        run();
    }

    /// A fused multiplication and addition anywhere would differ in the last bit within a few of these sums.
    #[test]
    fn all_widths_are_the_same_bits() {
        let values: Vec<f64> = (0..8_000).map(|n| (f64::from(n) * 0.37).sin()).collect();
        let plain = sum_plain::<8>(black_box(&values), black_box(0.7)).map(f64::to_bits);
        each_width(|| {
            assert_eq!(plain, sum_wide::<8>(black_box(&values), black_box(0.7)).map(f64::to_bits));
            assert_eq!(plain, sum_by_four::<8>(black_box(&values), black_box(0.7)).map(f64::to_bits));
        });
    }

    /// What the machine does not have is never used, whatever is asked for.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn no_more_is_used_than_the_machine_has() {
        use super::Vectors;
        let all = super::narrow_to(Vectors::Eight);
        assert!(all < Vectors::Four || std::arch::is_x86_feature_detected!("avx2"));
        assert!(all < Vectors::Eight || std::arch::is_x86_feature_detected!("avx512dq"));
        assert_eq!(super::narrow_to(Vectors::Two), Vectors::Two);
        assert_eq!(super::narrow_to(Vectors::Eight), all);
    }
}
