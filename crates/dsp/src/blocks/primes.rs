//! Prime numbers of frames: paths of prime lengths never fall together.

/// `count` different primes whose ratios are as equal as primes allow, from about `shortest` to about
/// `longest`: paths of prime lengths never fall together.
pub fn prime_lengths(shortest: f64, longest: f64, count: usize) -> impl Iterator<Item = usize> {
    let mut last = 1;
    (0..count).map(move |n| {
        let wished = shortest * (longest / shortest).powf(n as f64 / (count - 1) as f64);
        last = next_prime((wished as usize).max(last + 1));
        last
    })
}

/// The smallest prime that is not below `from`.
pub fn next_prime(from: usize) -> usize {
    let is_prime = |n: usize| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    (from..).find(|&n| is_prime(n)).expect("there is always a larger prime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_different_primes_in_equal_ratios() {
        let lengths: Vec<usize> = prime_lengths(600.0, 2_500.0, 16).collect();
        for (n, &length) in lengths.iter().enumerate() {
            assert!((2..length).all(|d| length % d != 0), "{length} is a prime");
            let wished = 600.0 * (2_500f64 / 600.0).powf(n as f64 / 15.0);
            // Gaps between primes below 3000 are at most 34.
            assert!((length as f64 - wished).abs() <= 34.0);
        }
        assert!(lengths.windows(2).all(|w| w[0] < w[1]));
        assert!(prime_lengths(1.0, 2.0, 16).collect::<Vec<_>>().windows(2).all(|w| w[0] < w[1]));
    }
}
