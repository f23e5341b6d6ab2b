use super::*;
use crate::blocks::acoustics::noise;

/// The negacyclic convolution of two blocks by products of their transforms.
fn convolved(a: &[f64], b: &[f64]) -> Vec<f64> {
    let size = a.len() / 2;
    let transform = Negacyclic::new(size);
    let mut room = transform.room();
    let mut forward = |block: &[f64]| {
        let (mut re, mut im) = (block[..size].to_vec(), block[size..].to_vec());
        transform.forward(&mut re, &mut im, &mut room);
        (re, im)
    };
    let ((a_re, a_im), (b_re, b_im)) = (forward(a), forward(b));
    let (mut re, mut im): (Vec<f64>, Vec<f64>) = (0..size)
        .map(|k| {
            let product = Complex64::new(a_re[k], a_im[k]) * Complex64::new(b_re[k], b_im[k]);
            (product.re, product.im)
        })
        .unzip();
    transform.inverse(&mut re, &mut im, &mut room);
    re.iter().chain(&im).map(|x| x / size as f64).collect()
}

/// Every size against the definition: what passes the end comes back with the other sign.
#[test]
fn products_are_the_negacyclic_convolution() {
    for size in (0..=15).map(|power| 1usize << power).chain([3, 96, 441]) {
        let length = 2 * size;
        let (a, b) = (noise(length, 3), noise(length, size as u64));
        let seen = convolved(&a, &b);
        for at in (0..length).step_by((length / 61).max(1)).chain([size - 1, size, length - 1]) {
            let near: Vec<f64> = (0..=at).map(|j| a[j] * b[at - j]).collect();
            let wrapped: Vec<f64> = (at + 1..length).map(|j| a[j] * b[length + at - j]).collect();
            // Sums of sums round less than one long one.
            let [near, wrapped] = [near, wrapped]
                .map(|products| products.chunks(256).map(|some| some.iter().sum::<f64>()).sum::<f64>());
            // Sums of `length` products of the size 1/3 grow with the root of their number, and each of at most 15
            // steps rounds them by some 1e-16 three times.
            let error = (seen[at] - (near - wrapped)).abs();
            assert!(error < 1e-14 * (length as f64).sqrt(), "{size}, {at}: {error:e}");
        }
    }
}

#[test]
fn there_and_back_is_the_block_as_often_as_it_is_long() {
    for size in [1, 32, 64, 128, 256, 512, 1_024, 2_048, 16_384] {
        let transform = Negacyclic::new(size);
        let mut room = transform.room();
        let (re, im) = (noise(size, 5), noise(size, 6));
        let (mut there_re, mut there_im) = (re.clone(), im.clone());
        transform.forward(&mut there_re, &mut there_im, &mut room);
        transform.inverse(&mut there_re, &mut there_im, &mut room);
        let pairs = re.iter().zip(&there_re).chain(im.iter().zip(&there_im));
        for (before, after) in pairs {
            // A few roundings for each of at most 14 steps.
            assert!((after / size as f64 - before).abs() < 1e-14, "{size}: {before} {after}");
        }
    }
}
