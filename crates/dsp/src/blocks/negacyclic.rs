//! A transform of real blocks that turns negacyclic convolution into products, made for vectors.
//!
//! Overlap-save drops what is wrapped around, so that it may as well be wrapped around with the other sign: the blocks are
//! polynomials modulo `t^2N + 1 = (t^N - i)(t^N + i)`, and of real ones the remainder modulo `t^N - i` tells all. That is
//! `x[n] + i x[n + N]`: the first half of a block as real parts, the second half as imaginary ones, and nothing needs to be
//! packed or unpacked (the right-angle convolution of H. J. Nussbaumer, *Fast Fourier Transform and Convolution Algorithms*
//! (1982), section 3; R. Crandall, B. Fagin, *Discrete weighted transforms and large-integer arithmetic*, Math. Comp. 62
//! (1994)). `N` complex products of the transforms are a convolution of `2N` real numbers.
//!
//! The modulus is split by roots, `t^n - c` into `t^(n/8) - c_m` with the eighth roots of `c`, down to single numbers. Every
//! step multiplies whole stretches by three or seven constants; real and imaginary parts stand apart. The last steps would work
//! within a vector: before them the rows of the leaves are turned, so that eight parts of a leaf stand side by side. The order
//! that the numbers come out in is no one's concern: products need none, and the way back undoes it.
//!
//! Plain additions and multiplications in one order: the same bits, however many numbers the vectors of a machine hold.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Numbers side by side.
const LANES: usize = 8;

/// The smallest block that is split in vectors.
const LEAST: usize = 64;

/// Blocks from here on are split into leaves of this size, which stay in the nearest cache.
const LEAF: usize = 512;

/// Numbers that a transform works in besides its block.
pub const ROOM: usize = 2 * LEAF;

/// A complex number of one lane.
type Pair = (f64, f64);

/// Eight rows of [`LANES`].
type Rows = [[f64; LANES]; 8];

/// Constants of a step that splits in eight, real and imaginary: for `t^j` with `j` from 1 on.
type Scalars = [f64; 14];
/// The same for each lane.
type Lanes = [[[f64; LANES]; 2]; 7];

/// The transform of blocks of `2N` real numbers, as `N` complex ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Negacyclic {
    size: usize,
    /// The constants of all steps in the order of the work.
    constants: Vec<f64>,
}

impl Negacyclic {
    /// For blocks of `2 size` real numbers.
    ///
    /// # Panics
    /// When `size` is no power of two.
    pub fn new(size: usize) -> Negacyclic {
        assert!(size.is_power_of_two(), "blocks of a power of two");
        let mut constants = Vec::new();
        // i is a quarter of a turn from 1.
        constants_of(size, 0.25, &mut constants);
        Negacyclic { size, constants }
    }

    /// Half the length of a block.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Transforms a block in place, its first half in `re` and its second half in `im`.
    ///
    /// # Panics
    /// When they are not [`Negacyclic::size`] long, or `room` is not [`ROOM`].
    pub fn forward(&self, re: &mut [f64], im: &mut [f64], room: &mut [f64]) {
        assert!(re.len() == self.size && im.len() == self.size && room.len() == ROOM, "a block's halves");
        forward(re, im, &self.constants, room);
    }

    /// Transforms products back in place, `size` times as high.
    ///
    /// # Panics
    /// As [`Negacyclic::forward`].
    pub fn inverse(&self, re: &mut [f64], im: &mut [f64], room: &mut [f64]) {
        assert!(re.len() == self.size && im.len() == self.size && room.len() == ROOM, "a block's halves");
        inverse(re, im, &self.constants, room);
    }
}

audio::wide! {
    /// Multiplies a transform by another: the product is that of the convolution of both blocks.
    pub fn multiply(re: &mut [f64], im: &mut [f64], by_re: &[f64], by_im: &[f64]) {
        let size = re.len();
        let (im, by_re, by_im) = (&mut im[..size], &by_re[..size], &by_im[..size]);
        for n in 0..size {
            let x = (re[n], im[n]);
            re[n] = x.0 * by_re[n] - x.1 * by_im[n];
            im[n] = x.0 * by_im[n] + x.1 * by_re[n];
        }
    }
}

/// In how many a block is split next; leaves are split in eight.
fn parts(size: usize) -> usize {
    match size {
        ..LEAST => 2,
        LEAST | LEAF => 8,
        _ => {
            let leaf = if size < LEAF { LEAST } else { LEAF };
            match (size / leaf).trailing_zeros() % 3 {
                0 => 8,
                1 => 2,
                _ => 4,
            }
        }
    }
}

/// Root `m` of the `parts`-th roots, as turns around the circle: a fraction of powers of two, hence exact.
fn root(turns: f64, m: usize, parts: usize) -> f64 {
    (turns + m as f64) / parts as f64
}

/// The number on the unit circle, to the last bit: the angle is taken from the nearest quarter.
fn unit(turns: f64) -> [f64; 2] {
    let quarter = (4.0 * turns).round();
    let (sin, cos) = (TAU * (turns - quarter / 4.0)).sin_cos();
    match quarter.rem_euclid(4.0) as usize {
        0 => [cos, sin],
        1 => [-sin, cos],
        2 => [-cos, -sin],
        _ => [sin, -cos],
    }
}

/// Puts the constants for a block modulo `t^size - c` behind those that are there; `c` stands so many turns around the circle.
fn constants_of(size: usize, turns: f64, constants: &mut Vec<f64>) {
    if size == 1 {
        return;
    }
    let parts = parts(size);
    for j in 1..parts {
        constants.extend(unit(root(turns, 0, parts) * j as f64));
    }
    let roots: Vec<f64> = (0..parts).map(|m| root(turns, m, parts)).collect();
    match size {
        LEAST => lane_constants(&roots, constants),
        LEAF => {
            lane_constants(&roots, constants);
            for m in 0..8 {
                let below: Vec<f64> = roots.iter().map(|turns| root(*turns, m, 8)).collect();
                lane_constants(&below, constants);
            }
        }
        _ => roots.iter().for_each(|turns| constants_of(size / parts, *turns, constants)),
    }
}

/// The constants of a step in eight where each lane has a root of its own.
fn lane_constants(roots: &[f64], constants: &mut Vec<f64>) {
    for j in 1..8 {
        for part in 0..2 {
            constants.extend(roots.iter().map(|turns| unit(root(*turns, 0, 8) * j as f64)[part]));
        }
    }
}

fn forward(re: &mut [f64], im: &mut [f64], constants: &[f64], room: &mut [f64]) {
    let (size, parts) = (re.len(), parts(re.len()));
    if size == 1 {
        return;
    }
    let (here, below) = constants.split_at(2 * (parts - 1));
    match parts {
        2 => split_in_two(re, im, here[0], here[1]),
        4 => split_in_four(re, im, here.first_chunk().expect("three constants")),
        _ => split_in_eight(re, im, here.first_chunk().expect("seven constants")),
    }
    if size == LEAST || size == LEAF {
        return leaf(re, im, below, room);
    }
    let each = below.len() / parts;
    let halves = re.chunks_exact_mut(size / parts).zip(im.chunks_exact_mut(size / parts));
    for (part, (re, im)) in halves.enumerate() {
        forward(re, im, &below[part * each..][..each], room);
    }
}

fn inverse(re: &mut [f64], im: &mut [f64], constants: &[f64], room: &mut [f64]) {
    let (size, parts) = (re.len(), parts(re.len()));
    if size == 1 {
        return;
    }
    let (here, below) = constants.split_at(2 * (parts - 1));
    if size == LEAST || size == LEAF {
        leaf_back(re, im, below, room);
    } else {
        let each = below.len() / parts;
        let halves = re.chunks_exact_mut(size / parts).zip(im.chunks_exact_mut(size / parts));
        for (part, (re, im)) in halves.enumerate() {
            inverse(re, im, &below[part * each..][..each], room);
        }
    }
    match parts {
        2 => join_two(re, im, here[0], here[1]),
        4 => join_four(re, im, here.first_chunk().expect("three constants")),
        _ => join_eight(re, im, here.first_chunk().expect("seven constants")),
    }
}

/// The rest of a leaf that was split in eight: its parts side by side, every one of them split at once.
fn leaf(re: &mut [f64], im: &mut [f64], constants: &[f64], room: &mut [f64]) {
    let (room_re, room_im) = room.split_at_mut(ROOM / 2);
    turn(re, &mut room_re[..re.len()]);
    turn(im, &mut room_im[..im.len()]);
    let (first, last) = lanes(constants);
    split_turned(&mut room_re[..re.len()], &mut room_im[..im.len()], first, re, im);
    split_rows(re, im, last);
}

fn leaf_back(re: &mut [f64], im: &mut [f64], constants: &[f64], room: &mut [f64]) {
    let (room_re, room_im) = room.split_at_mut(ROOM / 2);
    let (first, last) = lanes(constants);
    join_rows(re, im, last);
    join_turned(re, im, first, &mut room_re[..re.len()], &mut room_im[..im.len()]);
    turn_back(&room_re[..re.len()], re);
    turn_back(&room_im[..im.len()], im);
}

/// The constants of a leaf's second step, and of its third.
fn lanes(constants: &[f64]) -> (&Lanes, &[Lanes]) {
    let (steps, _) = constants.as_chunks().0.as_chunks().0.as_chunks();
    steps.split_first().expect("a leaf has two steps at least")
}

#[inline(always)]
fn sum(a: Pair, b: Pair) -> Pair {
    (a.0 + b.0, a.1 + b.1)
}

#[inline(always)]
fn difference(a: Pair, b: Pair) -> Pair {
    (a.0 - b.0, a.1 - b.1)
}

/// `a + i b`.
#[inline(always)]
fn sum_turned(a: Pair, b: Pair) -> Pair {
    (a.0 - b.1, a.1 + b.0)
}

/// `a - i b`.
#[inline(always)]
fn difference_turned(a: Pair, b: Pair) -> Pair {
    (a.0 + b.1, a.1 - b.0)
}

#[inline(always)]
fn product(a: Pair, w: Pair) -> Pair {
    (a.0 * w.0 - a.1 * w.1, a.0 * w.1 + a.1 * w.0)
}

/// The product with the conjugate of `w`.
#[inline(always)]
fn product_back(a: Pair, w: Pair) -> Pair {
    (a.0 * w.0 + a.1 * w.1, a.1 * w.0 - a.0 * w.1)
}

#[inline(always)]
fn swapped(a: Pair) -> Pair {
    (a.1, a.0)
}

/// The sums of `a_j i^(j m)`, for `m` from 0 to 3.
#[inline(always)]
fn four(a: [Pair; 4]) -> [Pair; 4] {
    let (even, odd) = (sum(a[0], a[2]), difference(a[0], a[2]));
    let (pairs, turned) = (sum(a[1], a[3]), difference(a[1], a[3]));
    [sum(even, pairs), sum_turned(odd, turned), difference(even, pairs), difference_turned(odd, turned)]
}

/// The sums of `a_j e^(2 pi i j m / 8)`, for `m` from 0 to 7.
#[inline(always)]
fn eight(a: [Pair; 8]) -> [Pair; 8] {
    let low = |j: usize| sum(a[j], a[j + 4]);
    let high = |j: usize| difference(a[j], a[j + 4]);
    let even = four([low(0), low(1), low(2), low(3)]);
    // Times the eighth roots of one: (1 + i) / sqrt 2, i, (-1 + i) / sqrt 2.
    let (b, d) = (high(1), high(3));
    let b = ((b.0 - b.1) * FRAC_1_SQRT_2, (b.0 + b.1) * FRAC_1_SQRT_2);
    let d = ((d.0 + d.1) * -FRAC_1_SQRT_2, (d.0 - d.1) * FRAC_1_SQRT_2);
    let c = high(2);
    let odd = four([high(0), b, (-c.1, c.0), d]);
    [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
}

/// The same with `-i`.
#[inline(always)]
fn four_back(a: [Pair; 4]) -> [Pair; 4] {
    four(a.map(swapped)).map(swapped)
}

#[inline(always)]
fn eight_back(a: [Pair; 8]) -> [Pair; 8] {
    eight(a.map(swapped)).map(swapped)
}

/// Splits rows in eight, lane by lane; `constant` gives the constants of a lane.
#[inline(always)]
fn split_lanes(re: &mut Rows, im: &mut Rows, constant: impl Fn(usize, usize) -> Pair) {
    for lane in 0..LANES {
        let mut a = [(0.0, 0.0); 8];
        for j in 0..8 {
            a[j] = (re[j][lane], im[j][lane]);
        }
        for j in 1..8 {
            a[j] = product(a[j], constant(j - 1, lane));
        }
        let a = eight(a);
        for j in 0..8 {
            (re[j][lane], im[j][lane]) = a[j];
        }
    }
}

#[inline(always)]
fn join_lanes(re: &mut Rows, im: &mut Rows, constant: impl Fn(usize, usize) -> Pair) {
    for lane in 0..LANES {
        let mut a = [(0.0, 0.0); 8];
        for j in 0..8 {
            a[j] = (re[j][lane], im[j][lane]);
        }
        let mut a = eight_back(a);
        for j in 1..8 {
            a[j] = product_back(a[j], constant(j - 1, lane));
        }
        for j in 0..8 {
            (re[j][lane], im[j][lane]) = a[j];
        }
    }
}

/// The eight parts of a block.
#[inline(always)]
fn eighths<T>(x: &mut [T]) -> [&mut [T]; 8] {
    let each = x.len() / 8;
    let (a, x) = x.split_at_mut(each);
    let (b, x) = x.split_at_mut(each);
    let (c, x) = x.split_at_mut(each);
    let (d, x) = x.split_at_mut(each);
    let (e, x) = x.split_at_mut(each);
    let (f, x) = x.split_at_mut(each);
    let (g, h) = x.split_at_mut(each);
    [a, b, c, d, e, f, g, &mut h[..each]]
}

/// A row of each part.
#[inline(always)]
fn rows(parts: &[&mut [[f64; LANES]]; 8], row: usize) -> Rows {
    let [a, b, c, d, e, f, g, h] = parts;
    [a[row], b[row], c[row], d[row], e[row], f[row], g[row], h[row]]
}

#[inline(always)]
fn put_rows(parts: &mut [&mut [[f64; LANES]]; 8], row: usize, rows: Rows) {
    let [a, b, c, d, e, f, g, h] = parts;
    [a[row], b[row], c[row], d[row], e[row], f[row], g[row], h[row]] = rows;
}

#[inline(always)]
fn scalars(constants: &Scalars) -> [Pair; 7] {
    std::array::from_fn(|j| (constants[2 * j], constants[2 * j + 1]))
}

audio::wide! {
    fn split_in_eight(re: &mut [f64], im: &mut [f64], constants: &Scalars) {
        let w = scalars(constants);
        let mut re = eighths(re.as_chunks_mut().0);
        let mut im = eighths(im.as_chunks_mut().0);
        for row in 0..re[0].len() {
            let (mut a, mut b) = (rows(&re, row), rows(&im, row));
            split_lanes(&mut a, &mut b, |j, _| w[j]);
            put_rows(&mut re, row, a);
            put_rows(&mut im, row, b);
        }
    }
}

audio::wide! {
    fn join_eight(re: &mut [f64], im: &mut [f64], constants: &Scalars) {
        let w = scalars(constants);
        let mut re = eighths(re.as_chunks_mut().0);
        let mut im = eighths(im.as_chunks_mut().0);
        for row in 0..re[0].len() {
            let (mut a, mut b) = (rows(&re, row), rows(&im, row));
            join_lanes(&mut a, &mut b, |j, _| w[j]);
            put_rows(&mut re, row, a);
            put_rows(&mut im, row, b);
        }
    }
}

/// The quarters of a block.
#[inline(always)]
fn quarters<T>(x: &mut [T]) -> [&mut [T]; 4] {
    let each = x.len() / 4;
    let (a, x) = x.split_at_mut(each);
    let (b, x) = x.split_at_mut(each);
    let (c, d) = x.split_at_mut(each);
    [a, b, c, &mut d[..each]]
}

audio::wide! {
    fn split_in_four(re: &mut [f64], im: &mut [f64], constants: &[f64; 6]) {
        let (re, im) = (quarters(re.as_chunks_mut().0), quarters(im.as_chunks_mut().0));
        let (mut a, mut b) = ([[0.0; LANES]; 4], [[0.0; LANES]; 4]);
        for row in 0..re[0].len() {
            for j in 0..4 {
                (a[j], b[j]) = (re[j][row], im[j][row]);
            }
            for lane in 0..LANES {
                let mut x = [(0.0, 0.0); 4];
                x[0] = (a[0][lane], b[0][lane]);
                for j in 1..4 {
                    x[j] = product((a[j][lane], b[j][lane]), (constants[2 * j - 2], constants[2 * j - 1]));
                }
                let x = four(x);
                for j in 0..4 {
                    (a[j][lane], b[j][lane]) = x[j];
                }
            }
            for j in 0..4 {
                (re[j][row], im[j][row]) = (a[j], b[j]);
            }
        }
    }
}

audio::wide! {
    fn join_four(re: &mut [f64], im: &mut [f64], constants: &[f64; 6]) {
        let (re, im) = (quarters(re.as_chunks_mut().0), quarters(im.as_chunks_mut().0));
        let (mut a, mut b) = ([[0.0; LANES]; 4], [[0.0; LANES]; 4]);
        for row in 0..re[0].len() {
            for j in 0..4 {
                (a[j], b[j]) = (re[j][row], im[j][row]);
            }
            for lane in 0..LANES {
                let mut x = [(0.0, 0.0); 4];
                for j in 0..4 {
                    x[j] = (a[j][lane], b[j][lane]);
                }
                let mut x = four_back(x);
                for j in 1..4 {
                    x[j] = product_back(x[j], (constants[2 * j - 2], constants[2 * j - 1]));
                }
                for j in 0..4 {
                    (a[j][lane], b[j][lane]) = x[j];
                }
            }
            for j in 0..4 {
                (re[j][row], im[j][row]) = (a[j], b[j]);
            }
        }
    }
}

audio::wide! {
    fn split_in_two(re: &mut [f64], im: &mut [f64], cos: f64, sin: f64) {
        let half = re.len() / 2;
        let ((re, re_far), (im, im_far)) = (re.split_at_mut(half), im.split_at_mut(half));
        let (im, re_far, im_far) = (&mut im[..half], &mut re_far[..half], &mut im_far[..half]);
        for n in 0..half {
            let (near, far) = ((re[n], im[n]), product((re_far[n], im_far[n]), (cos, sin)));
            (re[n], im[n]) = sum(near, far);
            (re_far[n], im_far[n]) = difference(near, far);
        }
    }
}

audio::wide! {
    fn join_two(re: &mut [f64], im: &mut [f64], cos: f64, sin: f64) {
        let half = re.len() / 2;
        let ((re, re_far), (im, im_far)) = (re.split_at_mut(half), im.split_at_mut(half));
        let (im, re_far, im_far) = (&mut im[..half], &mut re_far[..half], &mut im_far[..half]);
        for n in 0..half {
            let (near, far) = ((re[n], im[n]), (re_far[n], im_far[n]));
            (re[n], im[n]) = sum(near, far);
            (re_far[n], im_far[n]) = product_back(difference(near, far), (cos, sin));
        }
    }
}

audio::wide! {
    /// Turns the eight parts of a leaf: number `n` of all of them becomes a row, the first four parts of it in the first half of
    /// `rows`, the others in the second.
    fn turn(parts: &[f64], rows: &mut [f64]) {
        let each = parts.len() / 8;
        let (near, far) = rows.split_at_mut(4 * each);
        let (near, far) = (&mut near.as_chunks_mut::<4>().0[..each], &mut far.as_chunks_mut::<4>().0[..each]);
        let part = |m: usize| &parts[m * each..][..each];
        let (a, b, c, d) = (part(0), part(1), part(2), part(3));
        for n in 0..each {
            near[n] = [a[n], b[n], c[n], d[n]];
        }
        let (a, b, c, d) = (part(4), part(5), part(6), part(7));
        for n in 0..each {
            far[n] = [a[n], b[n], c[n], d[n]];
        }
    }
}

audio::wide! {
    fn turn_back(rows: &[f64], parts: &mut [f64]) {
        let each = parts.len() / 8;
        let (near, far) = rows.split_at(4 * each);
        let (near, far) = (&near.as_chunks::<4>().0[..each], &far.as_chunks::<4>().0[..each]);
        let (a, parts) = parts.split_at_mut(each);
        let (b, parts) = parts.split_at_mut(each);
        let (c, parts) = parts.split_at_mut(each);
        let (d, parts) = parts.split_at_mut(each);
        for n in 0..each {
            [a[n], b[n], c[n], d[n]] = near[n];
        }
        let (a, parts) = parts.split_at_mut(each);
        let (b, parts) = parts.split_at_mut(each);
        let (c, d) = parts.split_at_mut(each);
        let d = &mut d[..each];
        for n in 0..each {
            [a[n], b[n], c[n], d[n]] = far[n];
        }
    }
}

/// The eighths of each half of a turned leaf.
#[inline(always)]
fn turned(rows: &mut [f64]) -> [[&mut [[f64; 4]]; 8]; 2] {
    let (near, far) = rows.split_at_mut(rows.len() / 2);
    [eighths(near.as_chunks_mut().0), eighths(far.as_chunks_mut().0)]
}

/// A row of each eighth of a turned leaf.
#[inline(always)]
fn turned_rows([near, far]: &[[&mut [[f64; 4]]; 8]; 2], row: usize) -> Rows {
    let mut rows = [[0.0; LANES]; 8];
    for j in 0..8 {
        rows[j][..4].copy_from_slice(&near[j][row]);
        rows[j][4..].copy_from_slice(&far[j][row]);
    }
    rows
}

#[inline(always)]
fn put_turned_rows([near, far]: &mut [[&mut [[f64; 4]]; 8]; 2], row: usize, rows: &Rows) {
    for j in 0..8 {
        near[j][row].copy_from_slice(&rows[j][..4]);
        far[j][row].copy_from_slice(&rows[j][4..]);
    }
}

audio::wide! {
    /// Splits the rows of a turned leaf in eight: rows an eighth of them apart.
    fn split_turned(from_re: &mut [f64], from_im: &mut [f64], constants: &Lanes, re: &mut [f64], im: &mut [f64]) {
        let (from_re, from_im) = (turned(from_re), turned(from_im));
        let mut re = eighths(re.as_chunks_mut().0);
        let mut im = eighths(im.as_chunks_mut().0);
        for row in 0..re[0].len() {
            let (mut a, mut b) = (turned_rows(&from_re, row), turned_rows(&from_im, row));
            split_lanes(&mut a, &mut b, |j, lane| (constants[j][0][lane], constants[j][1][lane]));
            put_rows(&mut re, row, a);
            put_rows(&mut im, row, b);
        }
    }
}

audio::wide! {
    fn join_turned(re: &mut [f64], im: &mut [f64], constants: &Lanes, to_re: &mut [f64], to_im: &mut [f64]) {
        let re = eighths(re.as_chunks_mut().0);
        let im = eighths(im.as_chunks_mut().0);
        let (mut to_re, mut to_im) = (turned(to_re), turned(to_im));
        for row in 0..re[0].len() {
            let (mut a, mut b) = (rows(&re, row), rows(&im, row));
            join_lanes(&mut a, &mut b, |j, lane| (constants[j][0][lane], constants[j][1][lane]));
            put_turned_rows(&mut to_re, row, &a);
            put_turned_rows(&mut to_im, row, &b);
        }
    }
}

audio::wide! {
    /// Splits each eight rows, every time with constants of their own.
    fn split_rows(re: &mut [f64], im: &mut [f64], constants: &[Lanes]) {
        let (re, im) = (re.as_chunks_mut().0.as_chunks_mut::<8>().0, im.as_chunks_mut().0.as_chunks_mut::<8>().0);
        for ((re, im), constants) in re.iter_mut().zip(im).zip(constants) {
            let (mut a, mut b): (Rows, Rows) = (*re, *im);
            split_lanes(&mut a, &mut b, |j, lane| (constants[j][0][lane], constants[j][1][lane]));
            (*re, *im) = (a, b);
        }
    }
}

audio::wide! {
    fn join_rows(re: &mut [f64], im: &mut [f64], constants: &[Lanes]) {
        let (re, im) = (re.as_chunks_mut().0.as_chunks_mut::<8>().0, im.as_chunks_mut().0.as_chunks_mut::<8>().0);
        for ((re, im), constants) in re.iter_mut().zip(im).zip(constants) {
            let (mut a, mut b): (Rows, Rows) = (*re, *im);
            join_lanes(&mut a, &mut b, |j, lane| (constants[j][0][lane], constants[j][1][lane]));
            (*re, *im) = (a, b);
        }
    }
}

#[cfg(test)]
mod tests;
