#!/usr/bin/env python3
"""Writes benches/peers/meter-cases.json: what other meters read of every published case that can be generated, at six
sample rates. Each signal is made here from its published description, written as a file, and read by every meter and by
Tonmeister. The page docs/reference/meter-cases.md sets these figures beside what Tonmeister's meters read of the
same signals made in Rust (crates/dev/src/meter_cases), and a test holds both makings of a signal to one reading.

    cargo build --release -p tonmeister
    python3 benches/peers/meters.py [RATE ...]

With rates, only those are measured again; the others are kept. Peers that are not installed are left out. To have all
of them on Debian: apt-get install ffmpeg libebur128-dev libsndfile1-dev && pip install numpy pyloudnorm
"""

import concurrent.futures
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STORE = HERE / "meter-cases.json"
RATES = [44100, 48000, 88200, 96000, 176400, 192000]
TONMEISTER = ROOT / "target/release/tonmeister"
SILENT = -np.inf
# What the signals of true peak reach up to, as a part of the rate: 20 kHz at 44.1 kHz.
TOP = 0.4535


# ---- signals, each from its published description ----

def tone(rate, parts, hz=1000.0):
    """A sine in phase from (seconds, peak dBFS)."""
    ends = np.round(np.cumsum([s for s, _ in parts]) * rate).astype(int)
    gains = np.repeat([10 ** (db / 20) for _, db in parts], np.diff(np.concatenate([[0], ends])))
    return gains * np.sin(2 * np.pi * hz * np.arange(ends[-1]) / rate)


def both(rate, parts):
    mono = tone(rate, parts)
    return np.stack([mono, mono])


def faded(rate, cycles, degrees, level):
    """Cases 15 to 19: a fifth of a second with ends that fade over 10 ms."""
    frames, fade = rate // 5, rate // 100
    n = np.arange(frames)
    edge = np.minimum(np.minimum(n, frames - 1 - n) / fade, 1)
    return level * edge * np.sin(2 * np.pi * cycles * n + np.radians(degrees))


def thinned(rate, offset):
    """Cases 20 to 23: one period of fs/4 at 1 amid fs/6 at 0.5, made at four times the rate, low-passed and thinned."""
    sine = lambda period, count, level: level * np.sin(2 * np.pi * np.arange(count) / period)
    repeats = rate // 100
    dense = np.concatenate([sine(24, 24 * repeats, 0.5), sine(16, 16, 1.0), sine(24, 24 * repeats, 0.5)])
    k = np.arange(-64, 65)
    kernel = np.sinc(k / 4) * (0.5 + 0.5 * np.cos(np.pi * k / 64)) / 4
    mono = np.convolve(dense, kernel, "same")[offset::4]
    n = np.arange(len(mono))
    return mono * np.minimum(np.minimum(n, len(n) - 1 - n) / (rate / 100), 1)


def ideal_dbtp(mono):
    """The peak of the band-limited curve: the spectrum extended with zeros, 64 points per frame."""
    spectrum = np.fft.rfft(np.concatenate([mono, np.zeros(len(mono))]))
    points = 64 * 2 * len(mono)
    return 20 * np.log10(np.abs(np.fft.irfft(spectrum, points)).max() * 64)


def noise(count, state=1770):
    """Numbers from -1 to 1: xorshift (Marsaglia 2003), so that any language makes the same ones."""
    values = []
    for _ in range(count):
        state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
        values.append((state >> 11) / 2 ** 52 - 1)
    return values


def pathological(rate, kind):
    """Signals without anything above 0.4535 of the rate (20 kHz at 44.1 kHz) that are highest far from any sample, their
    ideal peak at 0 dBTP."""
    frames, middle = 1 << 13, 1 << 12
    n = np.arange(-256, 256)
    pattern = {
        "reversal": np.where(np.arange(512) % 2 == 0, 1.0, -1.0) * np.where(n < 0, 1, -1),
        "pairs": np.where(np.arange(512) // 2 % 2 == 0, 1.0, -1.0),
        "sinc": np.sign(np.sinc(n + 0.5)),
        "impulses": np.where(np.isin(np.arange(512), [100, 101, 230, 361]), 1.0, 0.0),
        "noise": np.array(noise(512)),
    }[kind]
    mono = np.zeros(frames)
    mono[middle - 256:middle + 256] = pattern
    spectrum = np.fft.rfft(mono)
    cycles = np.arange(len(spectrum)) / frames
    # Falls over the last fiftieth of the rate, so that it does not ring to the ends.
    top = TOP
    spectrum *= 0.5 + 0.5 * np.cos(np.pi * np.clip((cycles - top + 0.02) / 0.02, 0, 1))
    mono = np.fft.irfft(spectrum, frames)
    mono *= np.minimum(np.minimum(np.arange(frames), frames - 1 - np.arange(frames)) / 500, 1)
    return mono / 10 ** (ideal_dbtp(mono) / 20)


class Case:
    """A published case: its files, the reading that is asked for, what is expected, how far off it may be."""

    def __init__(self, name, what, reading, expected, low, high, signals):
        self.name, self.what, self.reading = name, what, reading
        self.expected, self.low, self.high, self.signals = expected, low, high, signals


def cases(rate):
    d = 0.1
    yield Case("BS.1770-5", "997 Hz at 0 dBFS, left only", "I", [-3.01], -d, d,
               [np.stack([tone(rate, [(10, 0)], 997), np.zeros(10 * rate)])])
    yield Case("BS.1770-5, mono", "997 Hz at 0 dBFS, one channel", "I", [-3.01], -d, d,
               [tone(rate, [(10, 0)], 997)[None]])
    programmes = {
        "1": [(20, -23)], "2": [(20, -33)], "3": [(10, -36), (60, -23), (10, -36)],
        "4": [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
        "5": [(20, -26), (20.1, -20), (20, -26)],
    }
    for name, parts in programmes.items():
        expected = -33 if name == "2" else -23
        signal = both(rate, parts)
        yield Case(f"3341-{name}", "integrated", "I", [expected], -d, d, [signal])
        if name in "12":
            yield Case(f"3341-{name}", "momentary", "M", [expected], -d, d, [signal])
            yield Case(f"3341-{name}", "short-term", "S", [expected], -d, d, [signal])
    of = lambda db: tone(rate, [(20, db)])
    yield Case("3341-6", "5.0 surround", "I", [-23], -d, d,
               [np.stack([of(-28), of(-28), of(-24), of(-30), of(-30)])])
    yield Case("3341-6, 5.1", "with a loud low-frequency channel", "I", [-23], -d, d,
               [np.stack([of(-28), of(-28), of(-24), of(-6), of(-30), of(-30)])])
    yield Case("3341-9", "short-term, constant after 3 s", "S_steady", [-23], -d, d,
               [both(rate, [(1.34, -20), (1.66, -30)] * 5)])
    yield Case("3341-10", "loudest 3 s, 20 files", "S", [-23] * 20, -d, d,
               (both(rate, [(0.15 * i, SILENT), (3, -23), (1, SILENT)]) for i in range(20)))
    live = lambda unit, length, rest: [
        p for i in range(20) for p in [(unit * i, SILENT), (length, -38 + i), (rest - unit * i, SILENT)]]
    yield Case("3341-11", "loudest 3 s, live, at the end", "S", [-19], -d, d, [both(rate, live(0.15, 3, 3))])
    yield Case("3341-12", "momentary, constant after 1 s", "M_steady", [-23], -d, d,
               [both(rate, [(0.18, -20), (0.22, -30)] * 25)])
    yield Case("3341-13", "loudest 400 ms, 20 files", "M", [-23] * 20, -d, d,
               (both(rate, [(0.02 * i, SILENT), (0.4, -23), (1, SILENT)]) for i in range(20)))
    yield Case("3341-14", "loudest 400 ms, live, at the end", "M", [-19], -d, d,
               [both(rate, live(0.02, 0.4, 0.4))])
    for name, cycles, degrees, level, expected in [
            ("15", 1 / 4, 0, 0.5, -6), ("16", 1 / 4, 45, 0.5, -6), ("17", 1 / 6, 60, 0.5, -6),
            ("18", 1 / 8, 67.5, 0.5, -6), ("19", 1 / 4, 45, 1.41, 3)]:
        mono = faded(rate, cycles, degrees, level)
        yield Case(f"3341-{name}", "true peak", "TP", [expected], -0.4, 0.2, [np.stack([mono, mono])])
    for offset in range(4):
        mono = thinned(rate, offset)
        yield Case(f"3341-{20 + offset}", "true peak, a burst", "TP", [0], -0.4, 0.2, [np.stack([mono, mono])])
    for number, (levels, expected) in enumerate([
            ([-20, -30], 10), ([-20, -15], 5), ([-40, -20], 20), ([-50, -35, -20, -35, -50], 15)], 1):
        yield Case(f"3342-{number}", "loudness range", "LRA", [expected], -1, 1,
                   [both(rate, [(20, db) for db in levels])])
    top = f"{TOP * rate / 1000:.1f} kHz"
    mono = faded(rate, TOP, 17, 1)
    yield Case("peak: tone", f"a tone of {top}", "TP", [0], -0.1, 0.1, [np.stack([mono, mono])])
    for kind, what in [("impulses", "isolated impulses"), ("pairs", "+1 +1 -1 -1 ..."),
                       ("reversal", "+1 -1 ... with a turn of phase"),
                       ("sinc", "signs that make all sincs add up"), ("noise", "a burst of noise")]:
        mono = pathological(rate, kind)
        yield Case(f"peak: {kind}", f"{what}, up to {top}", "TP", [0], -0.1, 0.1, [np.stack([mono, mono])])


def write_wav(path, rate, planes):
    """32-bit float, so that no rounding is part of a case; the layout is stated for 5.0 and 5.1."""
    channels = len(planes)
    mask = {1: 0x4, 2: 0x3, 5: 0x37, 6: 0x3F}[channels]
    data = np.ascontiguousarray(planes.T, dtype="<f4").tobytes()
    guid = struct.pack("<H", 3) + bytes.fromhex("000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, channels, rate, rate * channels * 4, channels * 4, 32, 22, 32, mask) + guid
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 20 + len(fmt) + len(data)) + b"WAVE")
        file.write(b"fmt " + struct.pack("<I", len(fmt)) + fmt)
        file.write(b"data" + struct.pack("<I", len(data)) + data)


# ---- meters: each gives {reading: value}, "M_steady" and "S_steady" being (least, greatest) ----

def steady(pairs, after):
    values = [v for t, v in pairs if t > after - 0.001 and v is not None]
    return (min(values), max(values)) if values else None


def tonmeister(path, planes, rate):
    told = subprocess.run([TONMEISTER, "measure", "--loudness", "--series", "--json", path],
                          capture_output=True, check=True).stdout
    facts = json.loads(told)["files"][0]
    series = facts["series"]
    return {
        "I": facts["integrated_lufs"], "M": facts["max_momentary_lufs"], "S": facts["max_short_term_lufs"],
        "LRA": facts["loudness_range_lu"], "TP": facts["true_peak_dbtp"],
        "M_steady": steady(zip(series["time_s"], series["momentary_lufs"]), 1),
        "S_steady": steady(zip(series["time_s"], series["short_term_lufs"]), 3),
    }


def ffmpeg(path, planes, rate):
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostats", "-i", path, "-af", "ebur128=peak=true:framelog=info", "-f", "null", "-"],
        capture_output=True, check=True, text=True).stderr
    number = r"\s*(-?[\d.]+|-inf|nan)"
    frames = re.findall(rf"t:{number}\s+TARGET.*?M:{number}\s+S:{number}", told)
    frames = [tuple(map(float, frame)) for frame in frames]
    summary = told[told.rindex("Summary:"):]
    last = lambda name: float(re.search(rf"{name}:{number}", summary).group(1))
    window = lambda column, after: [f[column] for f in frames if f[0] > after - 0.001]
    return {
        "I": last("I"), "LRA": last("LRA"), "TP": last("Peak"),
        "M": max(window(1, 0.4), default=None), "S": max(window(2, 3), default=None),
        "M_steady": steady([(f[0], f[1]) for f in frames], 1),
        "S_steady": steady([(f[0], f[2]) for f in frames], 3),
    }


def libebur128(path, planes, rate):
    told = json.loads(subprocess.run([DRIVER, path, "10"], capture_output=True, check=True).stdout)
    told["M_steady"] = (told["M_least"], told["M"])
    told["S_steady"] = (told["S_least"], told["S"])
    return told


def pyloudnorm(path, planes, rate):
    import pyloudnorm
    try:
        return {"I": float(pyloudnorm.Meter(rate).integrated_loudness(planes.T))}
    except ValueError as refused:
        return {"I": f"refused: {refused}"}


def version(command, pattern):
    told = subprocess.run(command, capture_output=True, text=True)
    return re.search(pattern, told.stdout + told.stderr).group(1)


def meters():
    global DRIVER
    found = {"Tonmeister": (tonmeister, "the program, reading the same file")}
    if shutil.which("ffmpeg"):
        found["FFmpeg"] = (ffmpeg, "FFmpeg " + version(["ffmpeg", "-version"], r"version (\S+)") + ", `ebur128=peak=true`")
    DRIVER = Path(tempfile.mkdtemp()) / "libebur128"
    built = subprocess.run(["cc", "-O2", HERE / "libebur128.c", "-o", DRIVER, "-lebur128", "-lsndfile", "-lm"])
    if built.returncode == 0:
        library = subprocess.run(["pkg-config", "--modversion", "libebur128"], capture_output=True, text=True).stdout.strip()
        found["libebur128"] = (libebur128, f"libebur128 {library}, asked every 10 ms")
    try:
        from importlib.metadata import version as package
        found["pyloudnorm"] = (pyloudnorm, "pyloudnorm " + package("pyloudnorm"))
    except ImportError:
        pass
    return found


# ---- what is kept ----

def off(value, expected):
    """How far a reading is from what is expected; of a steady one, where it is farthest."""
    if isinstance(value, (tuple, list)):
        return max((v - expected for v in value), key=abs)
    return value - expected


def farthest(case, values):
    """The reading of a case's files that is farthest off; None where a meter has no such reading, words where it
    refuses."""
    worst = None
    for value, expected in zip(values, case.expected):
        if value is None or isinstance(value, str):
            return value
        error = off(value, expected)
        if worst is None or abs(error) > abs(worst[0]):
            worst = (error, expected + error)
    return round(worst[1], 4)


def measure(rate, found, folder):
    rows = []
    last, told = None, {}
    for case in cases(rate):
        readings = {name: [] for name in found}
        for number, planes in enumerate(case.signals):
            # Several cases may ask for readings of one signal.
            if planes is not last:
                path = folder / f"{rate}.wav"
                write_wav(path, rate, planes)
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    runs = {name: pool.submit(meter, path, planes, rate) for name, (meter, _) in found.items()}
                last, told = planes, {name: run.result() for name, run in runs.items()}
            for name, values in told.items():
                readings[name].append(values.get(case.reading))
        rows.append({"rate_hz": rate, "case": case.name, "what": case.what,
                     "figures": {name: farthest(case, values) for name, values in readings.items()}})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main():
    rates = [int(word) for word in sys.argv[1:]] or RATES
    store = json.loads(STORE.read_text()) if STORE.exists() else {"rows": []}
    found = meters()
    kept = [row for row in store["rows"] if row["rate_hz"] not in rates]
    with tempfile.TemporaryDirectory() as folder:
        for rate in rates:
            kept += measure(rate, found, Path(folder))
    kept.sort(key=lambda row: row["rate_hz"])
    # One line a row, so that a change shows which.
    rows = ",\n".join("    " + json.dumps(row) for row in kept)
    about = json.dumps({name: text for name, (_, text) in found.items()}, indent=4)
    STORE.write_text(f'{{\n"date": "{date.today():%B %Y}",\n"meters": {about},\n"rows": [\n{rows}\n]\n}}\n')
    print("wrote", STORE.relative_to(ROOT))


if __name__ == "__main__":
    main()
