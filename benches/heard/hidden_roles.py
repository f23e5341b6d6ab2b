"""How well roles are found from sound alone: folders of tracks are offered under names that say nothing.

    python3 benches/heard/hidden_roles.py PROGRAM FOLDER...

Each folder holds the tracks of one song under their own names. They are copied into a scratch folder as
`Audio 01` and so on, `PROGRAM plan --dry-run --json` is asked, and what it says is held against the role that
`PROGRAM roles` finds in the true name. Prints a table in Markdown. Nothing is written beside the tracks.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOUNDS = {".wav", ".flac", ".aif", ".aiff", ".mp3", ".ogg"}
STRUCK = {"drums", "percussion"}


def asked(program, *words):
    return json.loads(subprocess.run([program, *words, "--json"], capture_output=True, check=True).stdout)


def families():
    page = pathlib.Path(__file__).resolve().parents[2] / "docs/reference/roles.md"
    cells = [line.split("|") for line in page.read_text().splitlines() if line.startswith("| `")]
    return {row[1].strip(" `"): row[2].strip() for row in cells}


def true_roles(program, names):
    return {row["name"]: row["role"] or "unknown" for row in asked(program, "roles", *names)["names"]}


def heard_roles(program, files):
    with tempfile.TemporaryDirectory() as folder:
        hidden = {}
        for number, file in enumerate(files, 1):
            name = f"Audio {number:02}{file.suffix}"
            shutil.copy(file, pathlib.Path(folder) / name)
            hidden[name] = file
        decisions = asked(program, "plan", folder, "--dry-run")["decisions"]
    heard = {}
    for decision in decisions:
        path = decision["path"].split(".")
        if path[0] == "track" and path[-1] == "role":
            number = int("".join(c for c in path[1] if c.isdigit()))
            heard[files[number - 1]] = decision["value"]
    return heard


def main(program, folders):
    print("| song | track | what its name says | heard as |\n|---|---|---|---|")
    family_of = families()
    counts = {"right": 0, "wrong": 0, "left unknown": 0}
    for folder in map(pathlib.Path, folders):
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SOUNDS)
        truth = true_roles(program, [file.stem for file in files])
        heard = heard_roles(program, files)
        song = folder.parent.name if folder.name == "tracks" else folder.name
        for file in files:
            role = truth[file.stem]
            family = family_of.get(role, "other")
            found = heard.get(file)
            right = (family in STRUCK) if found in ("drum_kit", "percussion") else family == "bass"
            counts["left unknown" if found is None else "right" if right else "wrong"] += 1
            print(f"| {song} | {file.stem} | {role} | {found or 'unknown'}{'' if found is None or right else ' (wrong)'} |")
    print("\n" + ", ".join(f"{count} {word}" for word, count in counts.items()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
