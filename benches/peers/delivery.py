#!/usr/bin/env python3
"""Loudness and true peak of masters in every format, beside other programs that master to a loudness.

Every song is brought to -14, -11 and -9 LUFS under -1 dBTP by `tonmeister master` and `tonmeister deliver`, by FFmpeg's
`loudnorm` in two passes, by gain and the limiter of matchering, and by the loudness stage of libsonare. Each result is
stored as WAV, FLAC, MP3 (320 kbit/s), AAC (256), Vorbis and Opus (160): Tonmeister's by itself, the others' by FFmpeg, as
their users would. What is read back is the decoded sound (by FFmpeg): loudness by pyloudnorm with its filters of De Man, which are
those of BS.1770 at every rate (its usual ones read 0.03 LU too low at 44.1 kHz); true peak by this script,
which interpolates 16 times in the frequency domain.

    pip install numpy scipy soundfile pyloudnorm matchering libsonare
    python3 benches/peers/delivery.py FOLDER_OF_SONGS [PROGRAM [WORK_FOLDER [SONGS_OF_PEERS]]]

prints the tables of docs/reference/mastering-delivery.md. PROGRAM is one built with `--features mp3,aac`; without them its MP3
and AAC are left out. What stands in WORK_FOLDER from an earlier run is not made again. The others get the first SONGS_OF_PEERS of
the folder, all without it.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyloudnorm
import scipy.fft
import soundfile as sf

GOALS = (-14.0, -11.0, -9.0)
CEILING = -1.0
FORMATS = {
    "wav": ("wav", ["-c:a", "pcm_s24le"]),
    "flac": ("flac", ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"]),
    "mp3": ("mp3", ["-c:a", "libmp3lame", "-b:a", "320k"]),
    "aac": ("m4a", ["-c:a", "aac", "-b:a", "256k"]),
    "vorbis": ("ogg", ["-c:a", "libvorbis", "-b:a", "160k"]),
    "opus": ("opus", ["-c:a", "libopus", "-b:a", "160k"]),
}
# A peak this far above the ceiling is one, in dB: the rounding of what is shown.
OVER = 0.0005


def quiet(command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def between(part, factor, guard):
    """Highest value between the samples of a stretch, its guards left out: zeros behind the spectrum."""
    window = np.ones(len(part))
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(guard // 2) / (guard // 2))
    window[: guard // 2], window[-(guard // 2) :] = ramp, ramp[::-1]
    spectrum = scipy.fft.rfft(part * window)
    wide = np.zeros(factor * len(part) // 2 + 1, complex)
    wide[: len(spectrum)] = spectrum
    wide[len(spectrum) - 1] *= 0.5
    wave = scipy.fft.irfft(wide, factor * len(part)) * factor
    return np.abs(wave[guard * factor : -guard * factor]).max()


def true_peak(samples, block=1 << 14, guard=1 << 10):
    """Highest value between the samples at 16 times the rate, in dBTP. At 4 times no peak reads more than 0.69 dB too low
    (BS.1770-5, Annex 2), so that only stretches within that of the highest are read at 16."""
    parts = []
    for plane in samples.T:
        padded = np.concatenate([np.zeros(guard), plane, np.zeros(guard + block)])
        parts += [padded[start : start + block + 2 * guard] for start in range(0, len(plane), block)]
    coarse = [between(part, 4, guard) for part in parts]
    near = max(coarse) * 10 ** (-0.69 / 20)
    highest = max(between(part, 16, guard) for part, peak in zip(parts, coarse) if peak >= near)
    return 20 * np.log10(max(highest, 1e-9))


def decoded(path):
    """Every sample of a file as FFmpeg decodes it, and its rate."""
    rate = int(quiet(["ffprobe", "-v", "error", "-show_entries", "stream=sample_rate", "-of", "csv=p=0", path]).stdout.split()[0].strip(","))
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "f32le", "-ac", "2", "-c:a", "pcm_f32le", "-"],
        capture_output=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, 2).astype(float), rate


def read(path):
    samples, rate = decoded(path)
    return dict(lufs=pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(samples), dbtp=true_peak(samples))


def tonmeister(program, song, goal, home):
    """All formats, by itself. Gives the files, and why it stopped short where it did."""
    said = home / "said.json"
    if not said.exists():
        ran = quiet([program, "master", song, "--loudness", goal, "-o", home, "--json", "-q"])
        formats = list(FORMATS)
        while formats:
            made = quiet([program, "deliver", song, "-o", home, "--to", "listening", "--format", ",".join(formats), "-q"])
            missing = [name for name in ("mp3", "aac") if f"--features {name}" in made.stderr]
            if not missing:
                break
            formats = [name for name in formats if name not in missing]
        said.write_text(ran.stdout)
    stopped = json.loads(said.read_text())["files"][0]["notes"]
    files = {}
    for name, (extension, _) in FORMATS.items():
        found = sorted((home / "out" / "deliver" / "listening" / name).glob(f"*.{extension}"))
        if found:
            files[name] = found[0]
    # The master itself is the WAV that is handed over.
    files["wav"] = next(home.glob("*-master.wav"))
    return files, stopped


def by_ffmpeg(song, goal, out):
    """Two passes of loudnorm; linear where its ceiling lets it."""
    ask = f"loudnorm=I={goal}:TP={CEILING}:LRA=20"
    told = quiet(["ffmpeg", "-hide_banner", "-nostdin", "-i", song, "-af", ask + ":print_format=json", "-f", "null", "-"]).stderr
    m = json.loads(told[told.rindex("{") :])
    ask += (f":measured_I={m['input_i']}:measured_TP={m['input_tp']}:measured_LRA={m['input_lra']}"
            f":measured_thresh={m['input_thresh']}:offset={m['target_offset']}:linear=true")
    rate = sf.info(song).samplerate
    quiet(["ffmpeg", "-y", "-v", "error", "-nostdin", "-i", song, "-af", ask, "-ar", rate, "-c:a", "pcm_s24le", out])


def by_matchering(song, goal, out):
    """Its limiter, with the gain in front of it that brings the loudness."""
    from matchering import Config
    from matchering.limiter import limit

    samples, rate = sf.read(song, always_2d=True)
    samples = samples if samples.shape[1] == 2 else np.repeat(samples, 2, axis=1)
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    config = Config(internal_sample_rate=rate, threshold=10 ** (CEILING / 20))
    gain = goal - meter.integrated_loudness(samples)
    for _ in range(4):
        limited = limit(samples * 10 ** (gain / 20), config)
        gain += goal - meter.integrated_loudness(limited)
    sf.write(out, limited, rate, "PCM_24")


def by_libsonare(song, goal, out):
    """Its chain with the loudness stage alone."""
    import libsonare

    samples, rate = sf.read(song, always_2d=True)
    samples = samples if samples.shape[1] == 2 else np.repeat(samples, 2, axis=1)
    config = {"loudness.enabled": True, "loudness.targetLufs": goal, "loudness.ceilingDb": CEILING}
    made = libsonare.mastering_chain_stereo(samples[:, 0].tolist(), samples[:, 1].tolist(), rate, config)
    sf.write(out, np.stack([made.left, made.right], 1), rate, "PCM_24")


PEERS = {"FFmpeg loudnorm": by_ffmpeg, "matchering limiter": by_matchering, "libsonare": by_libsonare}


def coded(wav, home):
    """A peer's WAV in every format, by FFmpeg."""
    files = {"wav": wav}
    for name, (extension, how) in FORMATS.items():
        if name == "wav":
            continue
        files[name] = home / f"song.{extension}"
        if not files[name].exists():
            quiet(["ffmpeg", "-y", "-v", "error", "-nostdin", "-i", wav, *how, files[name]])
    return files


def results(program, songs, work, of_peers):
    """Tonmeister's files first, then each peer's, song by song."""
    pairs = [(song, goal, work / f"{song.stem}{goal:.0f}") for song in songs for goal in GOALS]
    for song, goal, home in pairs:
        home.mkdir(parents=True, exist_ok=True)
        yield song, goal, "Tonmeister", *tonmeister(program, song, goal, home)
    for song, goal, home in pairs[: of_peers * len(GOALS)]:
        for by, make in PEERS.items():
            place = home / by.replace(" ", "-")
            place.mkdir(exist_ok=True)
            wav = place / "song.wav"
            if not wav.exists():
                make(song, goal, wav)
            yield song, goal, by, coded(wav, place), []


def main():
    songs = sorted(p for p in pathlib.Path(sys.argv[1]).iterdir() if p.suffix in (".flac", ".wav"))
    program = sys.argv[2] if len(sys.argv) > 2 else "tonmeister"
    work = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else pathlib.Path(tempfile.mkdtemp())
    of_peers = int(sys.argv[4]) if len(sys.argv) > 4 else len(songs)
    rows = []
    for song, goal, by, files, stopped in results(program, songs, work, of_peers):
        for note in stopped:
            print(f"{song.stem} to {goal:.0f}: {note}", file=sys.stderr)
        for name, path in files.items():
            kept = work / "readings" / f"{song.stem}{goal:.0f} {by} {name}.json"
            kept.parent.mkdir(exist_ok=True)
            if not kept.exists():
                kept.write_text(json.dumps(read(path)))
            row = dict(song=song.stem, goal=goal, by=by, name=name, stopped=bool(stopped), **json.loads(kept.read_text()))
            rows.append(row)
            print(f"{song.stem[:24]} {goal:.0f} {by} {name} {row['lufs']:.2f} {row['dbtp']:.2f}", file=sys.stderr, flush=True)
    print(f"{len(songs)} songs to {', '.join(f'{g:.0f}' for g in GOALS)} LUFS under {CEILING} dBTP.\n")
    print("| by | WAV within 0.05 LU | farthest, LU | files over the ceiling | of | highest, dBTP |")
    print("|---|---:|---:|---:|---:|---:|")
    everybody = ["Tonmeister", *(PEERS if of_peers else [])]
    for by in everybody:
        mine = [row for row in rows if row["by"] == by]
        wavs = [abs(r["lufs"] - r["goal"]) for r in mine if r["name"] == "wav"]
        reached = [abs(r["lufs"] - r["goal"]) for r in mine if r["name"] == "wav" and not r["stopped"]]
        over = [r for r in mine if r["dbtp"] > CEILING + OVER]
        told = f" ({len(reached)} where it says it arrived: {sum(d <= 0.05 for d in reached)})" if by == "Tonmeister" else ""
        print(f"| {by} | {sum(d <= 0.05 for d in wavs)} of {len(wavs)}{told} | {max(wavs):.2f} | {len(over)} | {len(mine)} "
              f"| {max(r['dbtp'] for r in mine):+.2f} |")
    print("\nFiles over the ceiling, and the highest true peak, by format:\n")
    print("| by | " + " | ".join(name.upper() if name in ("wav", "flac", "mp3", "aac") else name.title() for name in FORMATS) + " |")
    print("|---|" + "---:|" * len(FORMATS))
    for by in everybody:
        cells = []
        for name in FORMATS:
            peaks = [r["dbtp"] for r in rows if r["by"] == by and r["name"] == name]
            cells.append(f"{sum(p > CEILING + OVER for p in peaks)} of {len(peaks)}, {max(peaks):+.2f}" if peaks else "-")
        print(f"| {by} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
