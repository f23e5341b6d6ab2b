//! The few filters the instruments are made of.

use std::f64::consts::PI;

/// A one-pole low-pass.
#[derive(Debug, Clone)]
pub(crate) struct OnePole {
    a: f64,
    y: f64,
}

impl OnePole {
    /// -3 dB near `cutoff_hz`.
    pub(crate) fn low_pass(cutoff_hz: f64, rate_hz: f64) -> OnePole {
        OnePole { a: 1.0 - (-2.0 * PI * cutoff_hz / rate_hz).exp(), y: 0.0 }
    }

    /// Moves the cut-off; what it remembers stays.
    pub(crate) fn tune(&mut self, cutoff_hz: f64, rate_hz: f64) {
        self.a = OnePole::low_pass(cutoff_hz, rate_hz).a;
    }

    pub(crate) fn process(&mut self, x: f64) -> f64 {
        self.y += self.a * (x - self.y);
        self.y
    }
}

/// A second-order section, transposed direct form II. Coefficients after R. Bristow-Johnson, *Cookbook
/// formulae for audio EQ biquad filter coefficients*.
#[derive(Debug, Clone)]
pub(crate) struct Biquad {
    b0: f64,
    b1: f64,
    b2: f64,
    a1: f64,
    a2: f64,
    s1: f64,
    s2: f64,
}

impl Biquad {
    fn new(b: [f64; 3], a: [f64; 3]) -> Biquad {
        let [b0, b1, b2] = b.map(|b| b / a[0]);
        Biquad { b0, b1, b2, a1: a[1] / a[0], a2: a[2] / a[0], s1: 0.0, s2: 0.0 }
    }

    /// Cosine of the centre's angle, and the cookbook's alpha.
    fn angle(hz: f64, q: f64, rate_hz: f64) -> (f64, f64) {
        let w = 2.0 * PI * hz.min(0.49 * rate_hz) / rate_hz;
        (w.cos(), w.sin() / (2.0 * q))
    }

    pub(crate) fn low_pass(hz: f64, q: f64, rate_hz: f64) -> Biquad {
        let (c, alpha) = Biquad::angle(hz, q, rate_hz);
        let side = (1.0 - c) / 2.0;
        Biquad::new([side, 1.0 - c, side], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    pub(crate) fn high_pass(hz: f64, q: f64, rate_hz: f64) -> Biquad {
        let (c, alpha) = Biquad::angle(hz, q, rate_hz);
        let side = (1.0 + c) / 2.0;
        Biquad::new([side, -1.0 - c, side], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    /// Unity gain at the centre.
    pub(crate) fn band_pass(hz: f64, q: f64, rate_hz: f64) -> Biquad {
        let (c, alpha) = Biquad::angle(hz, q, rate_hz);
        Biquad::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    pub(crate) fn bell(hz: f64, gain_db: f64, q: f64, rate_hz: f64) -> Biquad {
        let (c, alpha) = Biquad::angle(hz, q, rate_hz);
        let a = 10f64.powf(gain_db / 40.0);
        Biquad::new(
            [1.0 + alpha * a, -2.0 * c, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * c, 1.0 - alpha / a],
        )
    }

    pub(crate) fn high_shelf(hz: f64, gain_db: f64, rate_hz: f64) -> Biquad {
        let (c, alpha) = Biquad::angle(hz, std::f64::consts::FRAC_1_SQRT_2, rate_hz);
        let a = 10f64.powf(gain_db / 40.0);
        let root = 2.0 * a.sqrt() * alpha;
        Biquad::new(
            [
                a * ((a + 1.0) + (a - 1.0) * c + root),
                -2.0 * a * ((a - 1.0) + (a + 1.0) * c),
                a * ((a + 1.0) + (a - 1.0) * c - root),
            ],
            [
                (a + 1.0) - (a - 1.0) * c + root,
                2.0 * ((a - 1.0) - (a + 1.0) * c),
                (a + 1.0) - (a - 1.0) * c - root,
            ],
        )
    }

    pub(crate) fn process(&mut self, x: f64) -> f64 {
        let y = self.b0 * x + self.s1;
        self.s1 = self.b1 * x - self.a1 * y + self.s2;
        self.s2 = self.b2 * x - self.a2 * y;
        y
    }

    /// Takes over another filter's coefficients; what it remembers stays.
    pub(crate) fn tune(&mut self, to: Biquad) {
        *self = Biquad { s1: self.s1, s2: self.s2, ..to };
    }

    /// Filters a whole signal in place.
    pub(crate) fn run(mut self, samples: &mut [f64]) {
        samples.iter_mut().for_each(|x| *x = self.process(*x));
    }
}

/// A formant: two poles with unity gain at 0 Hz. D. Klatt, *Software for a cascade/parallel formant
/// synthesizer*, JASA 67(3), 1980, equation (1) and (2).
#[derive(Debug, Clone, Default)]
pub(crate) struct Formant {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Formant {
    /// Moves the formant; what it remembers stays.
    pub(crate) fn tune(&mut self, hz: f64, bandwidth_hz: f64, rate_hz: f64) {
        self.c = -(-2.0 * PI * bandwidth_hz / rate_hz).exp();
        self.b = 2.0 * (-PI * bandwidth_hz / rate_hz).exp() * (2.0 * PI * hz / rate_hz).cos();
        self.a = 1.0 - self.b - self.c;
    }

    pub(crate) fn process(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}
