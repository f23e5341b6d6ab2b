#!/bin/sh
# Installs the open peers: Python's into a folder of their own, which is printed; the rest by the system's packages.
# usage: install.sh [FOLDER]      (default: target/peers)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../target/peers}
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    apt-get install -y ffmpeg sox ecasound lsp-plugins-lv2 lilv-utils loudgain libebur128-dev libsndfile1-dev
else
    echo "not installed here: ffmpeg sox ecasound lsp-plugins-lv2 lilv-utils loudgain libebur128-dev libsndfile1-dev" >&2
fi
python3 -m venv "$folder"
"$folder/bin/pip" install -r "$here/requirements.txt"
echo "$folder/bin/python"
