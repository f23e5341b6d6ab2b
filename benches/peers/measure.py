#!/usr/bin/env python3
"""Writes docs/reference/measure-speed.md: the CPU time of loudness, range, maxima and true peak together, decoding
included, beside FFmpeg and two programs on libebur128, in turns in one run.

    cargo build --release -p tonmeister
    python3 benches/peers/measure.py FILE

FILE is four minutes of finished music at 44.1 kHz, stereo, 16 bit; other kinds are made of it with FFmpeg. Peers that are
not installed are left out: apt-get install ffmpeg loudgain libebur128-dev libsndfile1-dev
"""

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs/reference/measure-speed.md"
RUNS = 5
DECODING = "FFmpeg, decoding alone"


def cpu_s(command):
    """User and system seconds of a command and its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    source = Path(sys.argv[1]).resolve()
    folder = Path(tempfile.mkdtemp())
    driver = folder / "libebur128"
    tonmeister = ROOT / "target/release/tonmeister"
    commands = {
        "Tonmeister, `measure --loudness`": lambda f: [tonmeister, "measure", "--loudness", f],
        "Tonmeister, `measure` (everything)": lambda f: [tonmeister, "measure", f],
    }
    versions = []
    if shutil.which("ffmpeg"):
        commands["FFmpeg, `ebur128=peak=true`"] = lambda f: [
            "ffmpeg", "-v", "error", "-nostats", "-i", f, "-af", "ebur128=peak=true", "-f", "null", "-"]
        commands[DECODING] = lambda f: ["ffmpeg", "-v", "error", "-nostats", "-i", f, "-f", "null", "-"]
        versions.append(subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True).stdout.split(" Copyright")[0])
    if shutil.which("loudgain"):
        commands["loudgain (libebur128, no maxima)"] = lambda f: ["loudgain", "-q", f]
        told = subprocess.run(["loudgain", "--version"], capture_output=True, text=True).stdout
        versions.append("loudgain " + told.split()[1].strip("v"))
    built = subprocess.run(["cc", "-O2", HERE / "libebur128.c", "-o", driver, "-lebur128", "-lsndfile", "-lm"])
    if built.returncode == 0:
        commands["libebur128, all modes, libsndfile"] = lambda f: [driver, f]
        told = subprocess.run(["pkg-config", "--modversion", "libebur128"], capture_output=True, text=True).stdout
        versions.append("libebur128 " + told.strip())
    files = {}
    for name, words in {
        "WAV, 16 bit": ["a.wav", "-c:a", "pcm_s16le"], "WAV, 24 bit": ["b.wav", "-c:a", "pcm_s24le"],
        "FLAC, 16 bit": ["c.flac", "-sample_fmt", "s16"],
        "FLAC, 24 bit": ["d.flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
    }.items():
        files[name] = folder / words[0]
        # Half a step of 16 bits of gain, so that 24 bits are really used.
        gain = ["-af", "volume=-0.01dB"] if "24" in name else []
        subprocess.run(["ffmpeg", "-v", "error", "-i", source, *gain, *words[1:], files[name]], check=True)
    times = {name: {kind: [] for kind in files} for name in commands}
    for kind, file in files.items():
        for name, command in commands.items():
            cpu_s(command(file))
        for _ in range(RUNS):
            for name, command in commands.items():
                times[name][kind].append(cpu_s(command(file)))
    median = {name: {kind: statistics.median(t) for kind, t in kinds.items()} for name, kinds in times.items()}
    ours = next(iter(commands))
    short = folder / "second.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-i", files["WAV, 16 bit"], "-t", "1", short], check=True)
    second = {name: statistics.median(cpu_s(command(short)) for _ in range(RUNS)) for name, command in commands.items()}
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    out = ["# How fast loudness is measured", "",
           "Written by `benches/peers/measure.py FILE`: integrated loudness, range, momentary and short-term maxima and true peak "
           "of four minutes of finished music at 44.1 kHz, stereo, decoding included. CPU seconds (user and system, all "
           f"threads), medians of {RUNS} runs in turns; in brackets how many times as long as "
           "`tonmeister measure --loudness` takes, median against median.", "",
           f"{date.today():%B %Y}, {model}, {os.cpu_count()} processors; {'; '.join(versions)}. Tonmeister oversamples 16 times "
           "behind a filter of 8192 taps, FFmpeg and libebur128 4 times.", "",
           "What decoding alone costs bounds what is possible: of FLAC, two thirds of what Tonmeister takes are the decoder.", "",
           "| | " + " | ".join(files) + " | WAV of one second |", "|---|" + "---|" * (len(files) + 1)]
    for name in commands:
        ratio = lambda kind: f" ({median[name][kind] / median[ours][kind]:.1f})" if name not in (ours, DECODING) else ""
        out.append(f"| {name} | " + " | ".join(f"{median[name][kind]:.3f} s{ratio(kind)}" for kind in files)
                   + f" | {second[name]:.3f} s |")
    text = "\n".join(out) + "\n"
    print(text)
    PAGE.write_text(text)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
