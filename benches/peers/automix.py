#!/usr/bin/env python3
"""Writes docs/reference/automix.md: how near automatic mixes come to a professional one, beside trivial mixers and
libsonare, on songs whose tracks sum to the professional mix.

    cargo build --release -p tonmeister
    pip install numpy scipy soundfile pyloudnorm libsonare
    python3 benches/peers/automix.py --score automix_score.py --kept FOLDER NAME=STEMS ...

The score damages the stems of each song into raw recordings (gains, slopes, images, hum, hiss, rumble, offset, a turned
track, an uneven take, a late inverted microphone) and compares a mix with the professional one on six axes: 0 is the
sum of the raw tracks, 100 the professional mix, below 0 is harm. What was measured is kept in FOLDER and not measured
again; delete it to begin anew. Without libsonare its row is left out.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs/reference/automix.md"
MIXES = ["raw sum", "equal loudness", "equal loudness + 30 Hz high-pass", "libsonare", "Tonmeister"]
HEAD = """
How near automatic mixes come to a professional one, on songs whose tracks sum to the professional mix. A program damages
these tracks into raw recordings: gains within 12 dB, slopes within 1.5 dB per octave, images made mono or narrow, hum,
hiss, rumble, an offset, one track turned, an uneven take, and a second, late, duller and inverted microphone. Then it
compares a mix of them with the professional one on six axes. 0 is the sum of the raw tracks, 100 the professional mix,
below 0 is harm. The balance error is the mean distance of the tracks' loudness from where the professional has them.

Means over the seeds of the damage, measured by `benches/peers/automix.py`, which says how.
"""
AXES = ["balance", "tone", "image", "dynamics", "hygiene", "literature", "TOTAL"]


def loaded(path):
    spec = importlib.util.spec_from_file_location("score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def libsonare_mix(tracks, rate, _program):
    """Its suggestion, rendered as its own manual says: blocks through the mixer of the scene."""
    import libsonare

    stereo = {name: np.ascontiguousarray(two(x).astype(np.float32)) for name, x in tracks.items()}
    inputs = [
        libsonare.MixTrackInput(track_id=n, left=np.ascontiguousarray(x[:, 0]), right=np.ascontiguousarray(x[:, 1]), name=n)
        for n, x in stereo.items()
    ]
    scene = libsonare.suggest_mix_scene(inputs, sample_rate=rate)["scene"]
    block = 512
    mixer = libsonare.Mixer.from_scene_json(json.dumps(scene), sample_rate=rate, block_size=block)
    mixer.compile()
    order = [strip["id"] for strip in scene["strips"]]
    length = max(len(x) for x in stereo.values())
    out = []
    for start in range(0, length, block):
        parts = []
        for name in order:
            part = np.zeros((block, 2), np.float32)
            have = stereo.get(name, np.zeros((0, 2), np.float32))[start : start + block]
            part[: len(have)] = have
            parts.append(part)
        left = [np.ascontiguousarray(part[:, 0]) for part in parts]
        right = [np.ascontiguousarray(part[:, 1]) for part in parts]
        done = mixer.process_stereo(left, right)
        channels = (done.left, done.right) if hasattr(done, "left") else done
        out.append(np.stack([np.asarray(channels[0]), np.asarray(channels[1])], 1))
    return np.concatenate(out)[:length].astype(float)


def tonmeister_mix(tracks, rate, program):
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        raw.mkdir()
        for name, x in tracks.items():
            sf.write(raw / f"{name}.wav", x.astype(np.float32), rate, subtype="FLOAT")
        subprocess.run([program, "mix", raw, "-o", Path(folder) / "out", "-q"], check=True, stdout=subprocess.DEVNULL)
        mix, _ = sf.read(next((Path(folder) / "out").rglob("premaster.wav")), always_2d=True)
        return mix


def two(x):
    return np.repeat(x, 2, 1) if x.shape[1] == 1 else x


def mixer(name, score):
    level = lambda x, rate: -23 - score.lufs(x, rate)
    equal = lambda x, rate: x * 10 ** (level(x, rate) / 20)
    return {
        "raw sum": lambda t, rate, _: sum(two(x) for x in t.values()),
        "equal loudness": lambda t, rate, _: sum(equal(two(x), rate) for x in t.values()),
        "equal loudness + 30 Hz high-pass": lambda t, rate, _: sum(
            score.hpf(two(x), rate) * 10 ** (level(two(x), rate) / 20) for x in t.values()
        ),
        "libsonare": libsonare_mix,
        "Tonmeister": tonmeister_mix,
    }[name]


def measured(score, song, stems, seeds, mixes, program, kept):
    """Axes of every mix of a song that is not kept yet; one reference and one set of raw tracks for all of them."""
    place = lambda seed, mix: kept / f"{song}.{seed}.{''.join(c if c.isalnum() else '_' for c in mix)}.json"
    reference = None
    for seed in seeds:
        missing = [mix for mix in mixes if not place(seed, mix).exists()]
        if not missing:
            continue
        if reference is None:
            tracks, rate = score.load_stems(str(stems))
            reference = score.Ref(tracks, rate)
        raw_tracks, _ = score.scramble(tracks, rate, seed)
        raw = reference.score(sum(two(x) for x in raw_tracks.values()))
        for mix in missing:
            got = raw if mix == "raw sum" else reference.score(mixer(mix, score)(raw_tracks, rate, program))
            axes = {axis: round(float(value), 2) for axis, value in score.skill(got, raw).items()}
            axes["balance_LU"] = round(got["balance_LU"], 3)
            place(seed, mix).write_text(json.dumps(axes))
            print(song, seed, mix, axes, flush=True)
    return {
        mix: {seed: json.loads(place(seed, mix).read_text()) for seed in seeds if place(seed, mix).exists()}
        for mix in mixes
    }


def mean(values):
    values = [value for value in values if value == value]
    return sum(values) / len(values) if values else float("nan")


def shown(value):
    return "-" if value != value else f"{value:.0f}"


def tables(song, results):
    rows = [f"## {song}", "", "| mix | seeds | " + " | ".join(AXES[:-1]) + " | total | balance error |"]
    rows.append("|---|---|" + "---|" * (len(AXES) + 1))
    for mix, seeds in results.items():
        if seeds:
            cells = [shown(mean([axes[axis] for axes in seeds.values()])) for axis in AXES]
            error = mean([axes["balance_LU"] for axes in seeds.values()])
            rows.append(f"| {mix} | {len(seeds)} | " + " | ".join(cells) + f" | {error:.2f} LU |")
    rows += ["", "Tonmeister, seed by seed:", "", "| seed | " + " | ".join(AXES[:-1]) + " | total | balance error |"]
    rows.append("|---|" + "---|" * (len(AXES) + 1))
    for seed, axes in results.get("Tonmeister", {}).items():
        cells = [shown(axes[axis]) for axis in AXES]
        rows.append(f"| {seed} | " + " | ".join(cells) + f" | {axes['balance_LU']:.2f} LU |")
    return rows + [""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--score", required=True, help="the scoring program")
    parser.add_argument("--kept", type=Path, required=True, help="where measured axes are kept")
    parser.add_argument("--program", default=str(ROOT / "target/release/tonmeister"))
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--mixes", default=",".join(MIXES))
    parser.add_argument("--said", type=Path, help="text that follows the tables")
    parser.add_argument("songs", nargs="+", help="NAME=FOLDER of stems that sum to the professional mix")
    asked = parser.parse_args()
    asked.kept.mkdir(parents=True, exist_ok=True)
    score, mixes = loaded(asked.score), asked.mixes.split(",")
    if importlib.util.find_spec("libsonare") is None:
        mixes = [mix for mix in mixes if mix != "libsonare"]
        print("libsonare is not installed: its row is left out", file=sys.stderr)
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    rows = ["# Automatic mixes beside a professional one", ""]
    rows += [HEAD.strip(), ""]
    for given in asked.songs:
        song, _, stems = given.partition("=")
        rows += tables(song, measured(score, song, Path(stems), seeds, mixes, asked.program, asked.kept))
    if asked.said:
        rows += asked.said.read_text().splitlines()
    PAGE.write_text("\n".join(rows).rstrip() + "\n")


if __name__ == "__main__":
    main()
