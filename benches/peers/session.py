#!/usr/bin/env python3
"""Renders the session of `benches song MINUTES FOLDER` with one peer.

    session.py PEER FOLDER OUT.wav

Per track a high-pass of 24 dB per octave, a low shelf, two bells, a high shelf, a compressor with the gain after it, a
fader and a place; two buses with compressors; a plate and an echo that every track is sent to. What a peer does not have
is left out, which is said in LACKS: it then does less work than Tonmeister.
"""

import math
import subprocess
import sys
import tempfile
from pathlib import Path

TRACKS = 16
RATE = 48000
# What each does not do of the session; the rides are left out by all of them.
LACKS = {
    "FFmpeg": "no plate",
    "SoX": "places by balance",
    "ecasound": "plate and echo of its own, without cuts; no compressors on the buses",
    "pedalboard": "32 bit; high-pass of 6 dB per octave, four times; echo without cuts",
    "DawDreamer": "32 bit; echo without cuts; no shelf slopes",
    "libsonare": "32 bit",
}


def db(value):
    return 10 ** (value / 20)


def recording(folder, track):
    return folder / f"recording_{track % 4 + 1}.wav"


def high_pass_hz(track):
    return 30 + 5 * track


def sides(track):
    """Gains of left and right for the place of a track, at equal power, with the fader."""
    angle = (max(-75, min(75, 10 * track - 75)) / 100 + 1) * math.pi / 4
    return db(-9) * math.cos(angle), db(-9) * math.sin(angle)


def ffmpeg(folder, out):
    inputs, graph, buses = [], [], {"drums": [], "band": []}
    for t in range(TRACKS):
        inputs += ["-i", recording(folder, t)]
        left, right = sides(t)
        second = "c1" if t % 4 >= 2 else "c0"
        chain = (
            f"volume=-6dB:precision=double,highpass=f={high_pass_hz(t)}:t=q:w=0.541:precision=f64,"
            f"highpass=f={high_pass_hz(t)}:t=q:w=1.307:precision=f64,bass=f=120:g=2:t=q:w=0.7:precision=f64,"
            "equalizer=f=310:t=q:w=1.4:g=-3:precision=f64,equalizer=f=3200:t=q:w=1:g=2.5:precision=f64,"
            "treble=f=9000:g=1.5:t=q:w=0.7:precision=f64,"
            f"acompressor=threshold={db(-24):.6f}:ratio=3:attack=10:release=120:makeup={db(3):.4f},"
            f"pan=stereo|c0={left:.5f}*c0|c1={right:.5f}*{second},asplit=2[d{t}][s{t}]"
        )
        graph.append(f"[{t}:a]{chain}")
        buses["drums" if t < 8 else "band"].append(f"[d{t}]")
    for bus, members in buses.items():
        graph.append(f"{''.join(members)}amix={len(members)}:normalize=0,"
                     f"acompressor=threshold={db(-20):.6f}:ratio=2:attack=30:release=200[{bus}]")
    graph.append("".join(f"[s{t}]" for t in range(TRACKS)) + f"amix={TRACKS}:normalize=0,volume=-24dB,"
                 "highpass=f=200,lowpass=f=5000,aecho=1:1:375:0.35[echo]")
    graph.append("[drums][band][echo]amix=3:normalize=0[mix]")
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *inputs, "-filter_complex", ";".join(graph), "-map", "[mix]",
                    "-c:a", "pcm_f32le", out], check=True)


def sox(folder, out):
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        scratch = Path(scratch)
        to_float = ["-e", "float", "-b", "32"]
        tracks = []
        for t in range(TRACKS):
            left, right = sides(t)
            tracks.append(scratch / f"{t}.wav")
            subprocess.run([
                "sox", "-D", recording(folder, t), *to_float, tracks[-1], "gain", "-6",
                "highpass", "-2", str(high_pass_hz(t)), "0.541q", "highpass", "-2", str(high_pass_hz(t)), "1.307q",
                "bass", "2", "120", "0.7q", "equalizer", "310", "1.4q", "-3", "equalizer", "3200", "1q", "2.5",
                "treble", "1.5", "9000", "0.7q", "compand", "0.01,0.12", "-24,-24,0,-16", "3",
                "remix", f"1v{left:.5f}", f"{2 if t % 4 >= 2 else 1}v{right:.5f}"], check=True, stderr=subprocess.DEVNULL)
        parts = []
        for bus, members in (("drums", tracks[:8]), ("band", tracks[8:])):
            parts.append(scratch / f"{bus}.wav")
            ones = [word for member in members for word in ("-v", "1", member)]
            subprocess.run(["sox", "-D", "-m", *ones, *to_float, parts[-1], "compand", "0.03,0.2", "-20,-20,0,-10"], check=True, stderr=subprocess.DEVNULL)
        ones = [word for member in tracks for word in ("-v", "1", member)]
        for name, level, effects in (
            ("plate", "-18", ["highpass", "200", "reverb", "-w", "60", "50", "100", "100", "20"]),
            ("echo", "-24", ["highpass", "200", "lowpass", "5000", "echos", "1", "1", "375", "0.35", "750", "0.12"]),
        ):
            parts.append(scratch / f"{name}.wav")
            subprocess.run(["sox", "-D", "-m", *ones, *to_float, parts[-1], "gain", level, *effects], check=True, stderr=subprocess.DEVNULL)
        ones = [word for part in parts for word in ("-v", "1", part)]
        subprocess.run(["sox", "-D", "-m", *ones, *to_float, out], check=True, stderr=subprocess.DEVNULL)


def ecasound(folder, out):
    from render import LSP, control_ports, gain

    def plugin(name, **ports):
        known = dict(control_ports(LSP + name))
        missing = set(ports) - set(known)
        if missing:
            raise ValueError(f"{name} has no {missing}")
        return f"-elv2:{LSP}{name}," + ",".join(f"{ports.get(symbol, default):.9g}" for symbol, default in known.items())

    words = []
    compressor = plugin("compressor_stereo", scm=0, al=gain(-24), at=10, rt=120, cr=3, kn=gain(-3), mk=gain(3))
    for t in range(TRACKS):
        left, right = sides(t)
        # Filter mode 6, "APO (DR)", is the one whose Q follows the cookbook; types: 2 high-pass, 5 low shelf, 1 bell, 3 high shelf.
        equaliser = plugin(
            "para_equalizer_x16_stereo", ft_0=2, fm_0=6, s_0=1, f_0=high_pass_hz(t), q_0=0.7, ft_1=5, fm_1=6, f_1=120, g_1=gain(2),
            q_1=0.7, ft_2=1, fm_2=6, f_2=310, g_2=gain(-3), q_2=1.4, ft_3=1, fm_3=6, f_3=3200, g_3=gain(2.5), q_3=1, ft_4=3, fm_4=6,
            f_4=9000, g_4=gain(1.5), q_4=0.7)
        mono = [] if t % 4 >= 2 else ["-chcopy:1,2"]
        words += [f"-a:{t}", f"-i:{recording(folder, t)}", *mono, "-ea:50", equaliser, compressor,
                  f"-eac:{100 * left:.3f},1", f"-eac:{100 * right:.3f},2"]
    words += ["-a:" + ",".join(map(str, range(TRACKS))), "-o:loop,1"]
    words += ["-a:dry,plate,echo", "-i:loop,1", f"-o:{out}", "-a:plate", "-ea:12.6", "-efh:200", "-etr:60,0,100",
              "-a:echo", "-ea:6.3", "-efh:200", "-efl:5000", "-ete:100,375,35"]
    subprocess.run(["ecasound", "-q", "-b:1024", "-z:nointbuf", f"-f:f32_le,2,{RATE}", *words], check=True)


def tracks_of(folder):
    import numpy as np
    import soundfile as sf

    for t in range(TRACKS):
        samples, _ = sf.read(recording(folder, t), dtype="float32", always_2d=True)
        yield t, np.ascontiguousarray(samples.T if samples.shape[1] == 2 else samples[:, [0, 0]].T)


def written(mix, out):
    import soundfile as sf

    sf.write(out, mix.T, RATE, "FLOAT")


def pedalboard(folder, out):
    import numpy as np
    import pedalboard as p

    buses, sent = [0, 0], 0
    for t, samples in tracks_of(folder):
        board = p.Pedalboard([
            p.Gain(-6), *[p.HighpassFilter(high_pass_hz(t)) for _ in range(4)], p.LowShelfFilter(120, 2, 0.7), p.PeakFilter(310, -3, 1.4),
            p.PeakFilter(3200, 2.5, 1.0), p.HighShelfFilter(9000, 1.5, 0.7), p.Compressor(-24, 3, 10, 120), p.Gain(3)])
        done = board(samples, RATE) * np.array(sides(t), dtype=np.float32)[:, None]
        buses[t // 8] = buses[t // 8] + done
        sent = sent + done
    buses = [p.Pedalboard([p.Compressor(-20, 2, 30, 200)])(bus, RATE) for bus in buses]
    plate = p.Pedalboard([p.Gain(-18), p.HighpassFilter(200), p.Delay(0.02, 0, 1), p.Reverb(0.6, wet_level=1, dry_level=0)])(sent, RATE)
    echo = p.Pedalboard([p.Gain(-24), p.HighpassFilter(200), p.LowpassFilter(5000), p.Delay(0.375, 0.35, 1)])(sent, RATE)
    written(buses[0] + buses[1] + plate + echo, out)


def dawdreamer(folder, out):
    import dawdreamer as d
    import numpy as np

    engine = d.RenderEngine(RATE, 1024)
    graph, buses, length = [], [[], []], 0
    for t, samples in tracks_of(folder):
        length = max(length, samples.shape[1] / RATE)
        left, right = sides(t)
        source, strip = engine.make_playback_processor(f"in{t}", samples), engine.make_faust_processor(f"strip{t}")
        strip.set_dsp_string(
            'import("stdfaust.lib");'
            f"eq = *(ba.db2linear(-6)) : fi.highpass(4,{high_pass_hz(t)}) : fi.low_shelf(2,120) : fi.peak_eq_cq(-3,310,1.4)"
            " : fi.peak_eq_cq(2.5,3200,1) : fi.high_shelf(1.5,9000);"
            f"process = eq,eq : co.compressor_stereo(3,-24,0.01,0.12) : *(ba.db2linear(3)*{left}),*(ba.db2linear(3)*{right});")
        graph += [(source, []), (strip, [f"in{t}"])]
        buses[t // 8].append(f"strip{t}")
    for number, members in enumerate(buses):
        total, bus = engine.make_add_processor(f"sum{number}", [1.0] * 8), engine.make_faust_processor(f"bus{number}")
        bus.set_dsp_string('import("stdfaust.lib"); process = co.compressor_stereo(2,-20,0.03,0.2);')
        graph += [(total, members), (bus, [f"sum{number}"])]
    sends = engine.make_add_processor("sends", [1.0] * TRACKS)
    plate, echo = engine.make_faust_processor("plate"), engine.make_faust_processor("echo")
    cut = "fi.highpass(2,200)"
    plate.set_dsp_string(f'import("stdfaust.lib"); c = *(ba.db2linear(-18)) : {cut}; process = c,c : re.zita_rev1_stereo(20,200,6000,1.8,1.8,48000);')
    echo.set_dsp_string(f'import("stdfaust.lib"); e = *(ba.db2linear(-24)) : {cut} : fi.lowpass(2,5000) : ef.echo(0.5,0.375,0.35); process = e,e;')
    graph += [(sends, buses[0] + buses[1]), (plate, ["sends"]), (echo, ["sends"]),
              (engine.make_add_processor("mix", [1.0] * 4), ["bus0", "bus1", "plate", "echo"])]
    engine.load_graph(graph)
    engine.render(length)
    written(np.asarray(engine.get_audio()), out)


def libsonare(folder, out):
    import libsonare as l
    import numpy as np

    def through(name, sound, **params):
        done = l.mastering_process_stereo(name, np.ascontiguousarray(sound[0]), np.ascontiguousarray(sound[1]), RATE, params)
        return np.stack([np.asarray(done.left, dtype=np.float32), np.asarray(done.right, dtype=np.float32)])

    bands = [("highPass", None, 0, 0.7), ("lowShelf", 120, 2, 0.7), ("peak", 310, -3, 1.4), ("peak", 3200, 2.5, 1.0),
             ("highShelf", 9000, 1.5, 0.7)]
    buses, sent = [0, 0], 0
    for t, samples in tracks_of(folder):
        params = {"band0.slopeDbOct": 24}
        for n, (kind, hz, gain_db, q) in enumerate(bands):
            params.update({f"band{n}.enabled": True, f"band{n}.type": kind, f"band{n}.frequencyHz": hz or high_pass_hz(t),
                           f"band{n}.gainDb": gain_db, f"band{n}.q": q})
        done = through("eq.parametric", samples * db(-6), **params)
        done = through("dynamics.compressor", done, thresholdDb=-24, ratio=3, attackMs=10, releaseMs=120, makeupGainDb=3)
        done = done * np.array(sides(t), dtype=np.float32)[:, None]
        buses[t // 8] = buses[t // 8] + done
        sent = sent + done
    buses = [through("dynamics.compressor", bus, thresholdDb=-20, ratio=2, attackMs=30, releaseMs=200) for bus in buses]
    plate = through("effects.reverb.plate", sent * db(-18), dryWet=1.0) if "effects.reverb.plate" in l.mastering_processor_names() else 0
    echo = through("effects.delay.stereo", sent * db(-24))
    written(buses[0] + buses[1] + plate + echo, out)


PEERS = {"FFmpeg": ffmpeg, "SoX": sox, "ecasound": ecasound, "pedalboard": pedalboard, "DawDreamer": dawdreamer, "libsonare": libsonare}

if __name__ == "__main__":
    PEERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
