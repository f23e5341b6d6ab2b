#!/usr/bin/env python3
"""Writes docs/reference/performance.md: what work costs beside the open peers, on one machine, in turns in one run.

    cargo build --release -p tonmeister -p tonmeister-benches
    benches/peers/install.sh
    target/peers/bin/python benches/peers/speed.py --song FILE [--tracks FOLDER] [--kept FOLDER] [--runs 5] [PART ...]

FILE is four minutes of finished music, stereo, 44.1 kHz, 16 bit; FOLDER holds sixteen recordings of three minutes. Parts:
session, master, measure, start, produce, scale, roofline, processors; all of them where none is named. What was measured is
kept in a folder (target/performance), and the page is written from all that is there. Peers that are not installed are
left out, and said so. Nothing here is timed by the clock on the wall: CPU seconds count all threads, user and system.
"""

import argparse
import importlib.metadata
import json
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

sys.path.insert(0, str(Path(__file__).resolve().parent))
import page  # noqa: E402
import session  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIME = "/usr/bin/time"
OURS = BENCHES = Path()
PYTHON = {"pedalboard": "pedalboard", "DawDreamer": "dawdreamer", "libsonare": "libsonare", "matchering": "matchering"}
# So slow that one run in five is enough to tell by how much.
SELDOM = {"libsonare"}

MATCHERING = """
import sys, matchering
matchering.process(target=sys.argv[1], reference=sys.argv[2], results=[matchering.pcm24(sys.argv[3])])
"""
LIBSONARE = """
import sys, numpy as np, soundfile as sf, libsonare as l
x, rate = sf.read(sys.argv[1], dtype="float32", always_2d=True)
done = l.master_audio_stereo(np.ascontiguousarray(x[:, 0]), np.ascontiguousarray(x[:, 1]), rate)
sf.write(sys.argv[2], np.stack([done.left, done.right], 1), rate, "PCM_24")
"""


def cost(command):
    """CPU seconds and peak MiB of a command: of its threads and children, the memory of the largest of them."""
    words = [str(word) for word in command]
    # A child begins as a copy of this script, whose memory would count as its own; one of `time`'s begins with next to none.
    shim = [TIME, "-f", "%M", "-o", "/dev/stderr", "-q"] if Path(TIME).exists() else []
    child = subprocess.Popen([*shim, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(words)}: {child.returncode}: {told.decode(errors='replace')[-400:]}")
    peak_kib = int(told.split()[-1]) if shim else used.ru_maxrss
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_mib": peak_kib / 1024}


def in_turns(commands, runs):
    """Each command in turn, so many times: medians, and how many runs they stand on."""
    found = {name: [] for name in commands}
    for number in range(runs):
        for name, command in list(commands.items()):
            if name in SELDOM and number % 5:
                continue
            try:
                found[name].append(cost(command))
                print(f"{name}: {found[name][-1]}", file=sys.stderr, flush=True)
            except RuntimeError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                del commands[name], found[name]
    middle = lambda costs, key: statistics.median(c[key] for c in costs)
    return {name: {key: middle(costs, key) for key in costs[0]} | {"runs": len(costs)} for name, costs in found.items()}


def has(peer):
    if peer in PYTHON:
        return importlib.util.find_spec(PYTHON[peer]) is not None
    return shutil.which(peer.lower()) is not None


def versions():
    told = {}
    first = lambda *words: subprocess.run(words, capture_output=True, text=True).stdout.split("\n")[0]
    if has("ffmpeg"):
        told["FFmpeg"] = first("ffmpeg", "-version").split()[2]
    if has("sox"):
        told["SoX"] = first("sox", "--version").split()[-1].lstrip("v")
    if has("ecasound"):
        told["ecasound"] = first("ecasound", "--version").split()[-1].lstrip("v")
        told["LSP plug-ins"] = first("dpkg-query", "-W", "-f", "${Version}", "lsp-plugins-lv2")
    if has("loudgain"):
        told["loudgain"] = first("loudgain", "--version").split()[1].strip("v")
    told["libebur128"] = first("pkg-config", "--modversion", "libebur128")
    for peer, package in PYTHON.items():
        if has(peer):
            told[peer] = importlib.metadata.version(package)
    return {name: version for name, version in told.items() if version}


def run_session(scratch, args):
    song = scratch / "song"
    subprocess.run([BENCHES, "song", "1", song], check=True)
    commands = {"Tonmeister": [BENCHES, "session", song, scratch / "ours.wav"]}
    for peer in session.PEERS:
        if has(peer):
            commands[peer] = [sys.executable, HERE / "session.py", peer, song, scratch / f"{peer}.wav"]
    return in_turns(commands, args.runs)


def run_master(scratch, args):
    reference = scratch / "reference.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", args.song, "-af", "volume=-3dB,treble=g=2", "-t", "120", reference], check=True)
    commands = {
        "Tonmeister, `master`": [OURS, "master", args.song, "-o", scratch / "ours"],
        "Tonmeister, `master --reference`": [OURS, "master", args.song, "--reference", reference, "-o", scratch / "matched"],
    }
    if has("matchering"):
        commands["matchering"] = [sys.executable, "-c", MATCHERING, args.song, reference, scratch / "matchering.wav"]
    if has("libsonare"):
        commands["libsonare"] = [sys.executable, "-c", LIBSONARE, args.song, scratch / "libsonare.wav"]
    return in_turns(commands, args.runs)


def run_measure(scratch, args):
    files = {}
    for name, words in {
        "WAV, 16 bit": ["a.wav", "-c:a", "pcm_s16le"], "WAV, 24 bit": ["b.wav", "-c:a", "pcm_s24le"],
        "FLAC, 16 bit": ["c.flac", "-sample_fmt", "s16"],
        "FLAC, 24 bit": ["d.flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
    }.items():
        files[name] = scratch / words[0]
        # Half a step of 16 bits of gain, so that 24 bits are really used.
        gain = ["-af", "volume=-0.01dB"] if "24" in name else []
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", args.song, *gain, *words[1:], files[name]], check=True)
    driver = scratch / "libebur128"
    built = subprocess.run(["cc", "-O2", HERE / "libebur128.c", "-o", driver, "-lebur128", "-lsndfile", "-lm"])
    found = {}
    for name, file in files.items():
        ffmpeg = lambda *words: ["ffmpeg", "-v", "error", "-nostats", "-i", file, *words, "-f", "null", "-"]
        commands = {"Tonmeister, `measure --loudness`": [OURS, "measure", "--loudness", file],
                    "Tonmeister, `measure` (everything)": [OURS, "measure", file],
                    "FFmpeg, `ebur128=peak=true`": ffmpeg("-af", "ebur128=peak=true"),
                    "FFmpeg, decoding alone": ffmpeg()}
        if has("loudgain"):
            commands["loudgain (libebur128, no maxima)"] = ["loudgain", "-q", file]
        if built.returncode == 0:
            commands["libebur128, all modes, libsndfile"] = [driver, file]
        found[name] = in_turns(commands, args.runs)
    return found


def run_start(scratch, args):
    second = scratch / "second.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", "30", "-i", args.song, "-t", "1", "-c:a", "pcm_s16le", second], check=True)
    return in_turns({"`--help`": [OURS, "--help"], "`measure` of one second": [OURS, "measure", second]}, args.runs)


def run_produce(scratch, args):
    """The first run, one with nothing changed, one with a fader moved and one with a band of an equaliser moved."""
    if not args.tracks:
        raise RuntimeError("produce needs --tracks")
    home = scratch / "tracks"
    shutil.copytree(args.tracks, home)
    produce = [OURS, "produce", home]
    found = {"`produce`, the first time": cost(produce) | {"runs": 1}}
    found["`produce` again, nothing changed"] = cost(produce) | {"runs": 1}
    told = json.loads(subprocess.run([OURS, "scan", home, "--json"], capture_output=True, text=True).stdout or "{}")
    track = args.moved or next(iter(t["id"] for t in told.get("tracks", [])), None)
    if track:
        render = [OURS, "render", home]
        cost(render)
        for name, change in {
            "`render`, nothing changed": [],
            "`render`, a fader moved": [f"track.{track}.fader_db=-13"],
            "`render`, the trim of a track moved": [f"track.{track}.trim_db=-3.3"],
        }.items():
            if change:
                subprocess.run([OURS, "set", *change, "-C", home], check=True, stdout=subprocess.DEVNULL)
            found[name] = cost(render) | {"runs": 1}
    return found


def run_scale(scratch, args):
    wanted = {"tracks": [(tracks, 1) for tracks in (8, 16, 32, 64, 128)], "length": [(8, minutes) for minutes in args.minutes],
              "audio": [(8, minutes, "without-rides") for minutes in args.minutes]}
    found = {name: [] for name in wanted}
    for name, sizes in wanted.items():
        for words in sizes:
            told = subprocess.run([BENCHES, "scale", *map(str, words)], capture_output=True, text=True, check=True,
                                  env=os.environ | {"TMPDIR": str(scratch)})
            found[name].append(json.loads(told.stdout))
            print(found[name][-1], file=sys.stderr, flush=True)
    return found


def run_words(*words):
    return lambda scratch, args: subprocess.run([BENCHES, *words], capture_output=True, text=True, check=True).stdout


PARTS = {"session": run_session, "master": run_master, "measure": run_measure, "start": run_start, "produce": run_produce,
         "scale": run_scale, "roofline": run_words("roofline"), "processors": run_words("kinds")}


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("parts", nargs="*")
    reader.add_argument("--song", type=Path)
    reader.add_argument("--tracks", type=Path)
    reader.add_argument("--moved", help="the track whose fader is moved")
    reader.add_argument("--kept", type=Path, default=ROOT / "target/performance")
    reader.add_argument("--runs", type=int, default=5)
    reader.add_argument("--minutes", type=int, nargs="*", default=[1, 3, 10, 30, 60])
    reader.add_argument("--programs", type=Path, default=ROOT / "target/release", help="where both programs are")
    args = reader.parse_args()
    global OURS, BENCHES
    OURS, BENCHES = args.programs / "tonmeister", args.programs / "tonmeister-benches"
    args.kept.mkdir(parents=True, exist_ok=True)
    for part in args.parts or PARTS:
        if part == "page":
            continue
        with tempfile.TemporaryDirectory(dir=args.kept) as scratch:
            try:
                found = PARTS[part](Path(scratch), args)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(f"{part} is left out: {error}", file=sys.stderr)
                continue
        model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
        # The load of others while it ran: CPU times of a busy machine are longer, ratios hardly.
        kept = {"found": found, "when": f"{date.today():%d %B %Y}", "machine": f"{model}, {os.cpu_count()} processors",
                "load": os.getloadavg()[2], "versions": versions()}
        (args.kept / f"{part}.json").write_text(json.dumps(kept, indent=1))
    page.write(args.kept, ROOT / "docs/reference")


if __name__ == "__main__":
    main()
