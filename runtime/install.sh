#!/usr/bin/env bash
# Make or update .venv from the hash-locked requirements.txt; does nothing when nothing changed. Everything it says goes
# to stderr. Set PYTHON to choose the interpreter; mirrors and proxies come from pip's and uv's own settings.
set -euo pipefail
cd "$(dirname "$0")/.."
# The Makefile puts .venv first on the PATH; an environment must not be made from itself.
PATH=${PATH//"$PWD/.venv/bin:"/}

say() { echo "install: $*" >&2; }
fail() { say "$*"; exit 1; }
is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

python=""
for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && is_supported "$candidate"; then python=$candidate; break; fi
    [ "$candidate" != "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13."
done
[ -n "$python" ] || fail "Python 3.11, 3.12 or 3.13 is needed and none was found. Install one, or set PYTHON to its path."
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make environments. On Debian and Ubuntu: apt-get install python3-venv (as root)."

# The scripts in .venv/bin name the folder they were made in, so a moved checkout installs anew.
stamp=$({ cat requirements.txt bootstrap-requirements.txt; "$python" -VV; pwd; } | sha256sum | cut -d' ' -f1)
if [ -x .venv/bin/python ] && [ "$(cat .venv/.installed 2>/dev/null)" = "$stamp" ]; then exit 0; fi

started=$SECONDS
say "installing into .venv with $("$python" -V): this takes half a minute with a warm cache, a few minutes without"
rm -f .venv/.installed
if [ "$(.venv/bin/python -VV 2>/dev/null)" = "$("$python" -VV)" ] && grep -qsF "$PWD/.venv/bin/python" .venv/bin/pip; then
    say "updating the existing .venv"
else
    "$python" -m venv --clear .venv
fi

install_with_uv() {
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r bootstrap-requirements.txt || return 1
    # uv does not read pip's settings: hand over the index and the certificate that pip would use.
    index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX=$index; fi
    if [ -n "${PIP_CERT:-}" ] && [ -z "${SSL_CERT_FILE:-}" ]; then export SSL_CERT_FILE=$PIP_CERT; fi
    .venv/bin/python -m uv pip install --python .venv/bin/python --no-deps --require-hashes -r requirements.txt -q
}

if ! install_with_uv >&2; then
    say "uv could not install; trying pip, which takes a few minutes"
    .venv/bin/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.txt -q >&2
fi
echo "$stamp" >.venv/.installed
say "done in $((SECONDS - started)) s"
