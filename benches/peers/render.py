#!/usr/bin/env python3
"""Sends the test signals through the peers and measures the CPU time they take.

usage: render.py FOLDER

FOLDER/signals holds the signals. Each run of a peer writes FOLDER/NAME/SIGNAL.wav for every signal, and
FOLDER/peers.json tells who did what in which time. A peer that is not installed is left out, and said so.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROGRAMME_S = 60.0
LSP = "http://lsp-plug.in/plugins/lv2/"
CALF = "http://calf.sourceforge.net/plugins/"


def gain(db):
    return 10.0 ** (db / 20.0)


def ffmpeg(filters):
    return lambda source, target: [
        "ffmpeg", "-nostdin", "-y", "-v", "error", "-i", source, "-af", filters, "-c:a", "pcm_f32le", target,
    ]


def sox(*effects):
    return lambda source, target: ["sox", source, "-e", "float", "-b", "32", target, *effects]


def control_ports(plugin):
    """All control ports of an LV2 plug-in in order, with their defaults: ecasound takes values by place."""
    told = subprocess.run(["lv2info", plugin], capture_output=True, text=True).stdout
    for port in re.split(r"\n\tPort ", told)[1:]:
        if "ControlPort" in port:
            default = re.search(r"Default:\s+(\S+)", port)
            yield re.search(r"Symbol:\s+(\S+)", port).group(1), float(default.group(1)) if default else 0.0


def lv2(plugin, **ports):
    def command(source, target):
        defaults = dict(control_ports(plugin))
        unknown = set(ports) - set(defaults)
        if unknown:
            raise ValueError(f"{plugin} has no {unknown}")
        values = ",".join(f"{ports.get(symbol, default):.9g}" for symbol, default in defaults.items())
        return ecasound(source, target, f"-elv2:{plugin},{values}")
    return command


def ecasound(source, target, *effects):
    return ["ecasound", "-q", "-b:1024", "-f:f32_le,2,48000", "-i", source, "-o", target, *effects]


def lv2_text(plugin, **ports):
    name = plugin.rsplit("/", 1)[-1]
    return f"{name} " + " ".join(f"{port}={value:.4g}" for port, value in ports.items())


# task, program, how it is shown, the command
RUNS = []


def run(task, program, shown, command):
    RUNS.append((task, program, shown, command))


def ffmpeg_run(task, filters):
    run(task, "FFmpeg", filters, ffmpeg(filters))


def sox_run(task, *effects):
    run(task, "SoX", " ".join(effects), sox(*effects))


def lv2_run(task, program, plugin, **ports):
    run(task, program, lv2_text(plugin, **ports), lv2(plugin, **ports))


def pedalboard_run(task, shown):
    run(task, "pedalboard", shown, None)


ffmpeg_run("bell", "equalizer=f=12000:t=q:w=0.7:g=6:precision=f64")
sox_run("bell", "equalizer", "12000", "0.7q", "6")
pedalboard_run("bell", "PeakFilter(12000, 6, 0.7)")
# Filter mode 6, "APO (DR)", is the one whose Q follows the cookbook.
lv2_run("bell", "LSP", LSP + "para_equalizer_x16_stereo", ft_0=1, fm_0=6, f_0=12000, g_0=gain(6), q_0=0.7)

ffmpeg_run("compressor", f"acompressor=threshold={gain(-14):.6f}:ratio=4:attack=10:release=100:knee=1:detection=peak")
ffmpeg_run("compressor", f"acompressor=threshold={gain(-17):.6f}:ratio=4:attack=10:release=100:knee=1:detection=rms")
sox_run("compressor", "compand", "0.01,0.1", "-14,-14,0,-10.5")
pedalboard_run("compressor", "Compressor(-14, 4, 10, 100)")
lv2_run("compressor", "LSP", LSP + "compressor_stereo", scm=0, al=gain(-14), at=10, rt=100, cr=4, kn=gain(-0.01))
lv2_run(
    "compressor", "LSP", LSP + "compressor_stereo", scm=1, scr=50, al=gain(-17), at=10, rt=100, cr=4, kn=gain(-0.01)
)
lv2_run(
    "compressor", "Calf", CALF + "Compressor",
    threshold=gain(-14), ratio=4, attack=10, release=100, knee=1, detection=1, makeup=1,
)

ffmpeg_run("limiter", f"volume=6dB:precision=double,alimiter=limit={gain(-1):.6f}:attack=5:release=50:level=disabled")
pedalboard_run("limiter", "Gain(6), Limiter(-1, 100)")
lv2_run(
    "limiter", "LSP", LSP + "limiter_stereo",
    g_in=gain(6), th=gain(-1), ovs=19, mode=0, lk=5, at=5, rt=20, boost=0, knee=1, alr=0,
)
lv2_run(
    "limiter", "Calf", CALF + "Limiter", level_in=gain(6), limit=gain(-1), attack=5, release=50, asc=0, oversampling=4,
    auto_level=0,
)

ffmpeg_run("soft_clip", "volume=12dB:precision=double,asoftclip=type=tanh")
ffmpeg_run("soft_clip", "volume=12dB:precision=double,asoftclip=type=tanh:oversample=16")
sox_run("soft_clip", "overdrive", "12", "0")
pedalboard_run("soft_clip", "Distortion(12)")
lv2_run("soft_clip", "Calf", CALF + "Saturator", level_in=gain(12), drive=1, blend=0, level_out=1)

ffmpeg_run("hard_clip", "volume=12dB:precision=double,asoftclip=type=hard")
ffmpeg_run("hard_clip", "volume=12dB:precision=double,asoftclip=type=hard:oversample=16")
pedalboard_run("hard_clip", "Gain(12), Clipping(0)")

ffmpeg_run(
    "multiband",
    "mcompand=0.01\\,0.1 6 -6/-6\\,0/-4 120 | 0.01\\,0.1 6 -6/-6\\,0/-4 1000 | "
    "0.01\\,0.1 6 -6/-6\\,0/-4 6000 | 0.01\\,0.1 6 -6/-6\\,0/-4 22000",
)
band = "0.01,0.1 -6,-6,0,-4"
sox_run("multiband", "mcompand", band, "120", band, "1000", band, "6000", band)
lv2_run(
    "multiband", "Calf", CALF + "MultibandCompressor", mode=0, freq0=120, freq1=1000, freq2=6000,
    **{f"threshold{n}": gain(-6) for n in range(4)}, **{f"bypass{n}": 0 for n in range(4)},
)
lv2_run(
    "multiband", "LSP", LSP + "mb_compressor_stereo", mode=1,
    cbe_1=1, cbe_2=1, cbe_3=1, sf_1=120, sf_2=1000, sf_3=6000,
)


def installed(program):
    return {
        "FFmpeg": lambda: shutil.which("ffmpeg"),
        "SoX": lambda: shutil.which("sox"),
        "pedalboard": pedalboard_version,
    }.get(program, lambda: shutil.which("ecasound") and shutil.which("lv2info"))()


def pedalboard_version():
    try:
        import pedalboard
    except ImportError:
        return None
    return pedalboard.__version__


def debian_version(package):
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return told.stdout.strip() or "of unknown version"


def versions():
    found = []
    if shutil.which("ffmpeg"):
        first = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True).stdout.split()
        found.append(f"FFmpeg {first[2]}")
    if shutil.which("sox"):
        found.append(subprocess.run(["sox", "--version"], capture_output=True, text=True).stdout.split()[-1])
        found[-1] = f"SoX {found[-1].lstrip('v')}"
    if pedalboard_version():
        found.append(f"pedalboard {pedalboard_version()}")
    if shutil.which("ecasound"):
        for name, package in (("LSP", "lsp-plugins-lv2"), ("Calf", "calf-plugins"), ("ecasound", "ecasound")):
            found.append(f"{name} {debian_version(package)}")
    return found


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def execute(command):
    subprocess.run(command, check=True, capture_output=True)


def cpu_of(command, target):
    """The least CPU time of three runs, each to a new file: only the machine can make it longer."""
    least = float("inf")
    for _ in range(3):
        Path(target).unlink(missing_ok=True)
        before = children_cpu_s()
        execute(command)
        least = min(least, children_cpu_s() - before)
    return least


def idle(program, source, target):
    """The same program reading and writing the same file and doing nothing to it."""
    if program == "FFmpeg":
        return ffmpeg("anull")(source, target)
    if program == "SoX":
        return sox()(source, target)
    return ecasound(source, target)


def through_pedalboard(shown, folder, signals):
    import numpy
    import pedalboard
    from pedalboard.io import AudioFile
    from scipy.io import wavfile

    for signal in signals:
        rate, sound = wavfile.read(signal)
        board = pedalboard.Pedalboard(eval(f"[{shown}]", vars(pedalboard)))
        before = time.process_time()
        out = board(sound.T.astype(numpy.float32), rate)
        took = time.process_time() - before
        wavfile.write(folder / signal.name, rate, out.T.astype(numpy.float32))
        if signal.stem == "programme":
            cpu = took
    return cpu


def main():
    home = Path(sys.argv[1])
    signals = sorted((home / "signals").glob("*.wav"))
    programme = str(home / "signals" / "programme.wav")
    scratch = str(home / "scratch.wav")
    idle_s, runs = {}, []
    for number, (task, program, shown, command) in enumerate(RUNS):
        if not installed(program):
            print(f"{program} is not installed: left out", file=sys.stderr)
            continue
        folder = home / f"{number:02}_{task}_{program.replace(' ', '_')}"
        folder.mkdir(exist_ok=True)
        try:
            if command is None:
                cpu = through_pedalboard(shown, folder, signals)
            else:
                for signal in signals:
                    execute(command(str(signal), str(folder / signal.name)))
                kind = program if program in ("FFmpeg", "SoX") else "LV2"
                if kind not in idle_s:
                    idle_s[kind] = cpu_of(idle(kind, programme, scratch), scratch)
                cpu = max(0.0, cpu_of(command(programme, scratch), scratch) - idle_s[kind])
        except subprocess.CalledProcessError as error:
            told = (error.stdout + error.stderr).decode(errors="replace")[-300:]
            print(f"{program} {shown} failed with {error.returncode}: {told}", file=sys.stderr)
            continue
        runs.append({
            "task": task, "program": program, "settings": shown, "folder": folder.name,
            "cpu_ms_per_s": 1000.0 * cpu / PROGRAMME_S,
        })
        print(f"{task}: {program} {shown}", file=sys.stderr)
    (home / "peers.json").write_text(json.dumps({"versions": versions(), "runs": runs}))


if __name__ == "__main__":
    main()
