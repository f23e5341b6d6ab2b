//! Adaptive Golomb codes with runs of zeros, as Apple Lossless has them: the parameter follows a running mean of what
//! was coded, and where the mean is near nothing the length of the next run of zeros is coded at once.

use super::bits::Bits;

/// First mean, pace of the mean in 1/512, and largest parameter: bytes of the cookie.
pub(super) const PARAMETERS: [u8; 3] = [10, 40, 14];

/// Means have this many bits behind the point.
const POINT: u32 = 9;
/// Ones in front of a number that is written out.
const LONGEST_PREFIX: u32 = 9;
/// A number beyond this sets the mean to it.
const LARGEST: u32 = 0xffff;

/// Appends the residuals, none of which needs more than `width` bits and a sign.
pub(super) fn encode(residuals: &[i32], width: u32, out: &mut Bits) {
    let [first_mean, pace, limit] = PARAMETERS.map(u32::from);
    let mut mean = first_mean;
    // Behind a run that ended before its longest there is no zero.
    let mut not_zero = 0;
    let mut n = 0;
    while n < residuals.len() {
        let parameter = (31 - ((mean >> POINT) + 3).leading_zeros()).min(limit);
        let folded = fold(residuals[n]);
        let number = folded - not_zero;
        push(number, parameter, width, out);
        n += 1;
        mean = pace.wrapping_mul(folded).wrapping_add(mean).wrapping_sub(pace.wrapping_mul(mean) >> POINT);
        if number > LARGEST {
            mean = LARGEST;
        }
        not_zero = 0;
        if mean << 2 < 1 << POINT && n < residuals.len() {
            let run = residuals[n..].iter().take(LARGEST as usize).take_while(|r| **r == 0).count();
            n += run;
            let parameter = (mean.leading_zeros() - 24) + ((mean + 16) >> 6);
            push(run as u32, parameter, 16, out);
            not_zero = u32::from(run < LARGEST as usize);
            mean = 0;
        }
    }
}

/// 0, -1, 1, -2, 2 and so on become 0, 1, 2, 3, 4.
fn fold(residual: i32) -> u32 {
    (residual.unsigned_abs() << 1) - u32::from(residual < 0)
}

/// A number as ones, a zero and its rest; a large one in `width` bits behind nine ones.
fn push(number: u32, parameter: u32, width: u32, out: &mut Bits) {
    let divisor = (1 << parameter) - 1;
    let (ones, rest) = (number / divisor, number % divisor);
    if ones >= LONGEST_PREFIX {
        out.push((1 << LONGEST_PREFIX) - 1, LONGEST_PREFIX);
        out.push(number, width);
        return;
    }
    out.push((1 << (ones + 1)) - 2, ones + 1);
    if rest == 0 {
        out.push(0, parameter - 1);
    } else {
        out.push(rest + 1, parameter);
    }
}
