#!/usr/bin/env python3
"""Reference matching beside matchering, on pairs made from finished songs.

Each mix is a song that was degraded by a tilt, another level, a narrower image and a ride that flattens or stretches
its loudness; its reference is another song. Both programs get the same two files. What comes out is read by meters of
neither: the third octaves and the image by this script, loudness and range by pyloudnorm, peaks by FFmpeg.

    pip install numpy scipy soundfile pyloudnorm matchering
    python3 benches/peers/mastering.py FOLDER_OF_SONGS [PROGRAM]

prints the table of docs/reference/mastering-match.md.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import pyloudnorm
import scipy.signal as ss
import soundfile as sf

# Third octaves that the distance is read from, in hertz: what lossy sources still hold.
LOW_HZ, HIGH_HZ = 63.0, 10000.0
# Song, reference (places in the sorted folder), tilt dB/octave, level dB, width factor, ride factor.
PAIRS = [
    (0, 3, 0.9, -6.0, 0.5, -0.5),
    (1, 5, -0.8, -9.0, 0.6, 0.6),
    (2, 6, 0.7, -5.0, 0.7, -0.4),
    (3, 4, -1.0, -8.0, 0.5, 0.8),
    (4, 7, 0.8, -10.0, 0.6, 0.5),
    (5, 0, -0.7, -6.0, 0.7, 1.0),
    (6, 2, 1.0, -12.0, 0.5, 0.5),
    (7, 3, -0.9, -7.0, 0.6, -0.5),
    (8, 1, 0.6, -5.0, 0.6, -0.4),
    (5, 6, -0.6, -9.0, 0.5, 0.7),
]


def read(path):
    samples, rate = sf.read(path, always_2d=True)
    return (samples if samples.shape[1] == 2 else np.repeat(samples[:, :1], 2, axis=1)), rate


def degraded(samples, rate, tilt, level, width, ride):
    """Tilt by a linear-phase filter, width, and a gain that follows the level over 3 s."""
    hz = np.fft.rfftfreq(8192, 1 / rate)
    gain = 10 ** (tilt * np.log2(np.clip(hz, 30, 16000) / 800) / 20)
    taps = np.fft.fftshift(np.fft.irfft(gain)) * np.hanning(8192)
    out = ss.fftconvolve(samples, taps[:, None], axes=0)[4096 : 4096 + len(samples)]
    mid, side = out.mean(1), width * (out[:, 0] - out[:, 1]) / 2
    out = np.stack([mid + side, mid - side], 1)
    window = np.hanning(3 * rate)
    power = ss.fftconvolve((out**2).mean(1), window / window.sum(), mode="same")
    loud = 10 * np.log10(np.maximum(power, 1e-7))
    gain_db = np.clip(ride * (loud - np.median(loud)), -6, 6) + level
    out = out * 10 ** (gain_db / 20)[:, None]
    return out * min(1.0, 0.9 / np.abs(out).max())


def thirds(samples, rate):
    """Third octaves of left and right together in dB, and side against middle of the whole in dB."""
    size = 1 << 15
    _, _, spec = ss.stft(samples.T, rate, "hann", size, size // 2)
    hz = np.fft.rfftfreq(size, 1 / rate)
    power = (np.abs(spec) ** 2).sum((0, 2))
    centres = 1000 * 10 ** (np.arange(-16, 14) / 10)
    levels = [power[(hz >= c / 10**0.05) & (hz < c * 10**0.05)].sum() for c in centres]
    mid, side = samples.mean(1), (samples[:, 0] - samples[:, 1]) / 2
    return centres, 10 * np.log10(np.array(levels) + 1e-12), 10 * np.log10((side**2).sum() / (mid**2).sum() + 1e-12)


def true_peak(path):
    """True peak by FFmpeg, in dBTP."""
    said = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"],
        capture_output=True, text=True).stderr
    said = said[said.rindex("Summary:"):]
    return float(re.search(r"Peak:\s+(-?[\d.]+)", said).group(1))


def portrait(path):
    samples, rate = read(path)
    centres, levels, width = thirds(samples, rate)
    meter = pyloudnorm.Meter(rate)
    return dict(levels=levels, centres=centres, width=width, lufs=meter.integrated_loudness(samples),
                lra=meter.loudness_range(samples), peak=true_peak(path))


def distance(a, b):
    """RMS of the third octaves at equal loudness, dB; differences of width, loudness and range."""
    use = (a["centres"] >= LOW_HZ * 0.98) & (a["centres"] <= HIGH_HZ * 1.02)
    diff = (a["levels"] - a["lufs"]) - (b["levels"] - b["lufs"])
    diff = diff[use]
    return dict(tone=float(np.sqrt(np.mean((diff - diff.mean()) ** 2))), width=abs(a["width"] - b["width"]),
                lufs=abs(a["lufs"] - b["lufs"]), lra=abs(a["lra"] - b["lra"]))


def main():
    folder = pathlib.Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "tonmeister"
    songs = sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".wav"))
    import matchering
    print("| pair | by | tone, dB RMS | side/mid, dB | LUFS off | LRA off, LU | dBTP |")
    print("|---|---|---:|---:|---:|---:|---:|")
    sums = {}
    beyond = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for number, (song, other, tilt, level, width, ride) in enumerate(PAIRS, 1):
            samples, rate = read(songs[song])
            mix, reference = scratch / f"mix{number}.wav", scratch / f"reference{number}.wav"
            sf.write(mix, degraded(samples, rate, tilt, level, width, ride), rate, "PCM_24")
            theirs, their_rate = read(songs[other])
            sf.write(reference, theirs, their_rate, "PCM_24")
            goal = portrait(str(reference))
            rows = [("as it came", portrait(str(mix)))]
            home = scratch / f"ours{number}"
            home.mkdir()
            told = subprocess.run(
                [program, "master", str(mix), "--reference", str(reference), "--match", "1", "-o", str(home), "--json", "-q"],
                capture_output=True, text=True)
            result = json.loads(told.stdout)["files"][0]
            for band in result["matched"]["bands"]:
                beyond += abs(band["moved_db"]) > band["limit_db"] + 0.006
                beyond += abs(band["side_moved_db"]) > band["side_limit_db"] + 0.006
            for note in result["notes"]:
                print(f"pair {number}: {note}", file=sys.stderr)
            rows.append(("Tonmeister", portrait(str(home / f"mix{number}-master.wav"))))
            peer = scratch / f"peer{number}.wav"
            matchering.process(target=str(mix), reference=str(reference), results=[matchering.pcm24(str(peer))])
            rows.append(("matchering", portrait(str(peer))))
            for by, got in rows:
                d = distance(got, goal)
                sums.setdefault(by, []).append(d)
                print(f"| {number} | {by} | {d['tone']:.2f} | {d['width']:.2f} | {d['lufs']:.2f} | {d['lra']:.2f} | {got['peak']:.1f} |")
    for by, all_of in sums.items():
        for word, of in (("mean", np.mean), ("worst", np.max)):
            value = {key: of([d[key] for d in all_of]) for key in all_of[0]}
            print(f"| {word} | {by} | {value['tone']:.2f} | {value['width']:.2f} | {value['lufs']:.2f} | {value['lra']:.2f} | |")
    print(f"\nbands moved beyond their limit: {beyond}")


if __name__ == "__main__":
    main()
