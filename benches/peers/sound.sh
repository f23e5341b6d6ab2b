#!/usr/bin/env bash
# Writes docs/reference/sound.md: test signals, the peers' outputs of them, the table of all figures.
#
# Peers that are not installed are left out. To have all of them on Debian:
#   apt-get install ffmpeg sox ecasound lilv-utils lsp-plugins-lv2 calf-plugins && pip install pedalboard
set -euo pipefail
cd "$(dirname "$0")/../.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet -p tonmeister-benches
bench=target/release/tonmeister-benches
"$bench" sound signals "$work"
python3 benches/peers/render.py "$work"
"$bench" sound table "$work" > "$work/sound.md"
mv "$work/sound.md" docs/reference/sound.md
echo "wrote docs/reference/sound.md"
