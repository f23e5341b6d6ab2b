/* Reads a file with libsndfile and prints what libebur128 measures, as JSON. Built by meters.py and speed.py:
 * cc -O2 libebur128.c -lebur128 -lsndfile -lm
 * Momentary and short-term loudness are asked for every 10 ms where a third argument is given, every 100 ms otherwise:
 * the library has no maxima of its own. */
#include <ebur128.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>

static void number(const char *name, double value) {
    if (isfinite(value)) printf(", \"%s\": %.6f", name, value);
    else printf(", \"%s\": null", name);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    SF_INFO info = {0};
    SNDFILE *file = sf_open(argv[1], SFM_READ, &info);
    if (!file) return 1;
    ebur128_state *state = ebur128_init(info.channels, info.samplerate,
        EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_M | EBUR128_MODE_S | EBUR128_MODE_SAMPLE_PEAK | EBUR128_MODE_TRUE_PEAK);
    sf_count_t step = info.samplerate / (argc > 2 ? 100 : 10), frames;
    double *buffer = malloc(sizeof(double) * info.channels * step);
    double momentary = -HUGE_VAL, short_term = -HUGE_VAL, value, peak = 0, time = 0;
    /* The steady cases ask for the least and the greatest after 1 s and after 3 s. */
    double momentary_least = HUGE_VAL, short_term_least = HUGE_VAL;
    while ((frames = sf_readf_double(file, buffer, step)) > 0) {
        ebur128_add_frames_double(state, buffer, frames);
        if (frames < step) break;
        time += (double)step / info.samplerate;
        ebur128_loudness_momentary(state, &value);
        if (value > momentary) momentary = value;
        if (time > 0.999 && value < momentary_least) momentary_least = value;
        ebur128_loudness_shortterm(state, &value);
        if (value > short_term) short_term = value;
        if (time > 2.999 && value < short_term_least) short_term_least = value;
    }
    printf("{\"version\": \"libebur128 ");
    int a, b, c;
    ebur128_get_version(&a, &b, &c);
    printf("%d.%d.%d\"", a, b, c);
    ebur128_loudness_global(state, &value);
    number("I", value);
    ebur128_loudness_range(state, &value);
    number("LRA", value);
    number("M", momentary);
    number("S", short_term);
    number("M_least", momentary_least);
    number("S_least", short_term_least);
    for (int channel = 0; channel < info.channels; channel++) {
        ebur128_true_peak(state, channel, &value);
        if (value > peak) peak = value;
    }
    number("TP", 20 * log10(peak));
    printf("}\n");
    return 0;
}
