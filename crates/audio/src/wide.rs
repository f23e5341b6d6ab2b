//! Inner loops for the vector width that the machine has.
//!
//! A program built for every 64-bit x86 uses vectors of two `f64`; nearly all of these machines have AVX, with
//! four. [`wide!`](crate::wide) compiles a function for both and picks at run time. The bits are the same: the
//! same additions and multiplications in the same order, only more of them at a time. Fused multiplication and
//! addition, which rounds otherwise, stays off.
//!
//! This is the only place of the workspace with `unsafe`: calling a function for instructions that were just
//! found to be there.

/// Defines a function that runs on the widest vectors of the machine: `wide! { /// Docs. pub fn f(...) { ... } }`.
///
/// For loops of arithmetic over slices and arrays. The function stands alone (no `self`), its arguments are
/// plain names, and it may have constant parameters. What it calls must be `#[inline]` to be widened with it.
#[macro_export]
macro_rules! wide {
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

                if $crate::has_wide_vectors() {
                    // SAFETY: the machine has the instructions that the function is compiled for.
                    #[allow(unsafe_code)]
                    return unsafe { wider $(::<$($constant),+>)? ($($arg),*) };
                }
            }
            plain $(::<$($constant),+>)? ($($arg),*)
        }
    };
}

/// True where the machine has vectors of four `f64` (AVX2).
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn has_wide_vectors() -> bool {
    std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    fn sum_plain(values: &[f64], scale: f64) -> [f64; 8] {
        let mut sums = [0.0; 8];
        for chunk in values.chunks_exact(8) {
            for lane in 0..8 {
                sums[lane] = sums[lane] * 0.9 + scale * chunk[lane] / 3.0;
            }
        }
        sums
    }

    wide! {
        fn sum_wide<const N: usize>(values: &[f64], scale: f64) -> [f64; N] {
            let mut sums = [0.0; N];
            for chunk in values.chunks_exact(N) {
                for lane in 0..N {
                    sums[lane] = sums[lane] * 0.9 + scale * chunk[lane] / 3.0;
                }
            }
            sums
        }
    }

    /// A fused multiplication and addition anywhere would differ in the last bit within a few of these sums.
    #[test]
    fn wide_and_plain_are_the_same_bits() {
        let values: Vec<f64> = (0..8_000).map(|n| (f64::from(n) * 0.37).sin()).collect();
        let plain = sum_plain(black_box(&values), black_box(0.7));
        let wide = sum_wide::<8>(black_box(&values), black_box(0.7));
        assert_eq!(plain.map(f64::to_bits), wide.map(f64::to_bits));
    }
}
