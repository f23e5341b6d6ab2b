"""The page docs/reference/performance.md and its plots, from what speed.py has measured and kept."""

import json
from pathlib import Path

from session import LACKS

PLOTS = "images/performance"
HEAD = """# Performance

What work costs, beside the open peers doing the same. Written by `benches/peers/speed.py`, which says how to run it; each
table stands on one machine, peers in turns, and on medians of as many runs as it says. CPU seconds count all threads, user
and system; times, and figures in brackets, are how often the first row's. Memory is the largest of a command and its
children, in MiB. Load is how many programs wanted the processors: more of them make all times of a table longer, and change
their ratios little.
"""


def loaded(kept):
    return {file.stem: json.loads(file.read_text()) for file in sorted(Path(kept).glob("*.json"))}


def made(part):
    """One line on where and when, with the load of the machine: 1 for each processor would be a machine that is busy."""
    note = f" {part['note']}" if part.get("note") else ""
    return f"{part['when']}, {part['machine']}, load {part['load']:.0f}.{note}"


def verdict(asked, reached, figure):
    return f"**{'Reached' if reached else 'NOT reached'}**: {asked}; measured {figure}."


def table(found, first, extra=None):
    lines = ["| | CPU | times | peak MiB | runs |" + (" what it does not do |" if extra else ""),
             "|---|---:|---:|---:|---:|" + ("---|" if extra else "")]
    for name, cost in found.items():
        times = "" if name == first else f"{cost['cpu_s'] / found[first]['cpu_s']:.1f}"
        row = f"| {name} | {cost['cpu_s']:.2f} s | {times} | {cost['peak_mib']:.0f} | {cost['runs']} |"
        lines.append(row + (f" {extra.get(name, '')} |" if extra else ""))
    return lines


def session_part(part):
    found = part["found"]
    peers = {name: cost for name, cost in found.items() if name != "Tonmeister"}
    out = ["## A session of sixteen tracks", "",
           "One minute at 48 kHz, 24 bit, half of the tracks stereo: per track a high-pass of 24 dB per octave, four more bands, a "
           "compressor, a fader and a place; two buses with compressors; a plate and an echo that every track is sent to; a file "
           "of 32-bit float. Tonmeister does it in 64 bit and with two rides, and hashes the recordings; `benches/peers/session.py` "
           "has what each peer was told. " + made(part), "", *table(found, "Tonmeister", LACKS), ""]
    if peers:
        fastest = min(peers, key=lambda name: peers[name]["cpu_s"])
        ratio = peers[fastest]["cpu_s"] / found["Tonmeister"]["cpu_s"]
        least = min(cost["peak_mib"] for cost in peers.values())
        out += [verdict("a third of the CPU of the fastest peer at most", ratio >= 3, f"1 / {ratio:.1f} of {fastest}'s"),
                verdict("less memory than each peer", found["Tonmeister"]["peak_mib"] < least,
                        f"{found['Tonmeister']['peak_mib']:.0f} MiB, the least of a peer {least:.0f} MiB")
                + " About half of it are pages of the program and of the C library.",
                ""]
    return out


def master_part(part):
    found = part["found"]
    first = "Tonmeister, `master`"
    out = ["## Mastering four minutes", "",
           "From a finished mix of 44.1 kHz to a master of 24 bit. matchering matches a reference; libsonare runs its chain for pop. "
           "Tonmeister listens, decides, solves the loudness through its true-peak limiter, verifies and repairs the peaks at 16 times "
           "oversampling, reads its file back and writes a report; with a reference it also matches, in several rounds. " + made(part),
           "", *table(found, first), ""]
    for peer, asked in (("matchering", 5), ("libsonare", 10)):
        if peer in found:
            for ours in found:
                if ours.startswith("Tonmeister"):
                    ratio = found[peer]["cpu_s"] / found[ours]["cpu_s"]
                    out.append(verdict(f"{ours[12:]} in 1 / {asked} of {peer}'s CPU at most", ratio >= asked,
                                       f"1 / {ratio:.1f}" if ratio >= 1 else f"{1 / ratio:.1f} times as much"))
    return [*out, "", "A match hears two songs and the chain in up to four rounds. Drawn over excerpts of the song instead (22 November "
            "2026, a build without link-time optimisation, in turns) it took 3.5 s for 7.1, and its masters came 0.03 dB of tone and up "
            "to 0.3 LU of loudness range less near to what was asked for, so the whole is heard.", ""]


def measure_part(part):
    found = part["found"]
    kinds, names = list(found), list(next(iter(found.values())))
    first, everything, decoding = names[0], "Tonmeister, `measure` (everything)", "FFmpeg, decoding alone"
    runs = lambda kind: f"{kind}, {found[kind][first]['runs']} run" + "s" * (found[kind][first]["runs"] > 1)
    out = ["## Measuring four minutes", "",
           "Integrated loudness, range, momentary and short-term maxima and true peak of finished music at 44.1 kHz, stereo, decoding "
           "included. Tonmeister oversamples 16 times behind a filter of 8192 taps, FFmpeg and libebur128 4 times. " + made(part), "",
           "| | " + " | ".join(runs(kind) for kind in kinds) + " |",
           "|---|" + "---:|" * len(kinds)]
    for name in names:
        cells = []
        for kind in kinds:
            s = found[kind][name]["cpu_s"] if name in found[kind] else None
            ratio = f" ({s / found[kind][first]['cpu_s']:.1f})" if s and name not in (first, decoding) else ""
            cells.append("-" if s is None else f"{s:.3f} s{ratio}")
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    out.append("")
    peers = [n for n in names if n not in (first, everything, decoding)]
    for kind in kinds:
        ratio = min(found[kind][n]["cpu_s"] for n in peers if n in found[kind]) / found[kind][first]["cpu_s"]
        out.append("- " + verdict(f"{kind}: a fifth of the fastest peer's CPU at most", ratio >= 5, f"1 / {ratio:.1f}"))
    return [*out, "", "What decoding alone costs bounds what is possible: of FLAC, more than half of what Tonmeister takes is the "
            "decoder (symphonia), which takes less than FFmpeg's. claxon 0.4.3 took 1.5 times as long as symphonia 0.6.1 to decode four "
            "minutes (22 November 2026, five and four runs in turns: 0.94 and 0.66 s), so symphonia stays.", ""]


def start_part(part):
    found = part["found"]
    out = ["## Starting", "", made(part), "", "| | CPU | peak MiB |", "|---|---:|---:|"]
    out += [f"| {name} | {1000 * cost['cpu_s']:.0f} ms | {cost['peak_mib']:.0f} |" for name, cost in found.items()]
    limits = dict(zip(found, (20, 50)))
    out.append("")
    out += ["- " + verdict(f"{name} in {limits[name]} ms at most", 1000 * c["cpu_s"] <= limits[name], f"{1000 * c['cpu_s']:.0f} ms")
            for name, c in found.items()]
    return [*out, ""]


def produce_part(part):
    found = part["found"]
    out = ["## Producing a song", "",
           "Sixteen stereo recordings of three minutes, 44.1 kHz, 24 bit: everything, from files to mix, master and report; and what it "
           "costs to do it again. " + made(part), "", "| | CPU | peak MiB |", "|---|---:|---:|"]
    out += [f"| {name} | {cost['cpu_s']:.1f} s | {cost['peak_mib']:.0f} |" for name, cost in found.items()]
    first = next(iter(found.values()))["cpu_s"]
    return [*out, "", verdict("60 s of CPU at most", first <= 60, f"{first:.0f} s"), "",
            "What is done again reads the recordings to see that they are the same, and nothing else where nothing has changed; a "
            "render takes strips that did not change from the cache, and measures what it writes.", "",
            "Shares of a first `produce`, one minute of such recordings, by `perf record` on 22 November 2026: listening to the "
            "recordings 28 %, to the tracks at each step 22 %, to the mix and rendering it 34 %, mastering with its read-backs 12 %, "
            "decisions 3 %, the report 0.6 %. By work: transforms of the meters 21 %, processors 19 %, copies 12 %, sums and faders 7 %, "
            "true peak 6 %, loudness 4 %. Listening, rendering and solving keep both cores busy; what verifies the peaks, writes "
            "and reads back the master runs on one, 3 % together.", ""]


def scale_part(part, folder):
    found = part["found"]
    tracks = [(f["tracks"], f["cpu_s"]) for f in found["tracks"]]
    length = [(f["minutes"], f["cpu_s"]) for f in found["length"]]
    memory = [(f["minutes"], f["peak_mb"]) for f in found["length"]]
    plots = folder / PLOTS
    plots.mkdir(parents=True, exist_ok=True)
    out = ["## Growth", "", "The session above rendered to nowhere. " + made(part), ""]
    for name, points, x, y in (("tracks", tracks, "tracks, one minute", "CPU, s"), ("length", length, "minutes, 8 tracks", "CPU, s"),
                               ("memory", memory, "minutes, 8 tracks", "peak memory, MB")):
        if points:
            (plots / f"{name}.svg").write_text(plot(points, x, y))
            told = ", ".join(f"{n}: {value:.1f}" for n, value in points)
            out += [f"![{y} against {x}]({PLOTS}/{name}.svg)", "", f"{y} against {x}: {told}.", ""]
    if found.get("audio"):
        told = ", ".join(f"{f['minutes']}: {f['peak_mb']:.1f}" for f in found["audio"])
        out += [f"The session has two rides with a point every two seconds, and what its text takes grows with them. Without them, "
                f"peak memory, MB against minutes: {told}.", ""]
    return out


def plot(points, x_label, y_label):
    """Points and their lines on straight axes from zero."""
    width, height, left, bottom, top, right = 560, 260, 56, 44, 14, 16
    most_x, most_y = max(p[0] for p in points), 1.1 * max(p[1] for p in points)
    px = lambda x: left + (width - left - right) * x / most_x
    py = lambda y: height - bottom - (height - bottom - top) * y / most_y
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
             'fill="#808080" stroke-width="1">']
    for part in range(5):
        y = most_y * part / 4
        lines.append(f'<path d="M{left} {py(y):.1f}H{width - right}" stroke="#808080" stroke-opacity="0.3"/>'
                     f'<text x="{left - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>')
    for x, _ in points:
        lines.append(f'<text x="{px(x):.1f}" y="{height - bottom + 16}" text-anchor="middle">{x}</text>')
    path = " ".join(f"{'ML'[n > 0]}{px(x):.1f} {py(y):.1f}" for n, (x, y) in enumerate(points))
    lines.append(f'<path d="{path}" fill="none" stroke="#0072b2" stroke-width="2"/>')
    lines += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="#0072b2"/>' for x, y in points]
    lines.append(f'<text x="{(left + width) / 2}" y="{height - 8}" text-anchor="middle">{x_label}</text>'
                 f'<text x="14" y="{(height - bottom + top) / 2}" text-anchor="middle" transform="rotate(-90 14 '
                 f'{(height - bottom + top) / 2})">{y_label}</text></svg>\n')
    return "\n".join(lines)


def roofline_part(part):
    return ["## Rooflines", "",
            "What one core does at most, and how near the hot paths come: nanoseconds for a sample of one channel. The operations are "
            "counted by hand from the algorithm as it is, additions and multiplications alone; loads, comparisons and divisions are "
            "on top. A recursion cannot reach the arithmetic limit in one strip, since each sample waits for the one before: *waiting* is what the "
            "operations take that wait for one another, counted in the recursions as they are and at the time measured for such a "
            "one, without anything else; where none is written none was counted. "
            + made(part), "", part["found"].strip(), "",
            "Where the last figure is above 2 the gap is open. The equaliser fills its vectors with the channels of neighbouring sections; "
            "the compressor's detector and times run four frames at a time, and its times, logarithm and power each take a good part "
            "of what is left. The convolution's products of transforms read 736 bytes a sample, mostly from behind the nearest cache. "
            "A transform of our own, with each part of the filter read once for two blocks, took 21.8 ns for 34.7 with vectors of eight (22 "
            "November 2026, least times in turns) and no less with vectors of four, so the library's (rustfft) stays. The others hold divisions, maxima, shuffles and reads from many places, which the "
            "count leaves out.", ""]


def processors_part(part):
    return ["## Processors", "", "Nanoseconds of one core for a frame, at work as in a mix; what building a stereo one allocates, and what a second of work does. " + made(part), "", "```text",
            part["found"].strip(), "```", ""]


def write(kept, folder):
    found = loaded(kept)
    out = [HEAD]
    versions = {}
    for part in found.values():
        versions |= part["versions"]
    if versions:
        out += ["Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".", ""]
    for name, shown in (("session", session_part), ("master", master_part), ("measure", measure_part), ("start", start_part),
                        ("produce", produce_part), ("scale", lambda part: scale_part(part, folder)), ("roofline", roofline_part),
                        ("processors", processors_part)):
        if name in found:
            out += shown(found[name])
    (folder / "performance.md").write_text("\n".join(out).rstrip() + "\n")
