#!/bin/sh
# Makes .venv from the hashed lock. Does nothing, quickly, when it is there and up to date.
set -eu
cd "$(dirname "$0")/../.."

STAMP=.venv/.kitchen-table
# The path counts too: an environment does not survive being moved.
WANTED="$(cat requirements-dev.txt requirements-uv.txt pyproject.toml | cksum) $PWD"

is_313() {
    test "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.13
}

# A program on PATH may still be only a pyenv shim that has nothing behind it here, so each one is tried.
find_python() {
    for candidate in python3.13 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python; do
        if is_313 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

find_uv() {
    for candidate in .uv/bin/uv uv "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
        if "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

give_up() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Django reads the compiled catalogs, which are not kept in git (ADR 26).
compile_catalogs() {
    for catalog in locale/*/LC_MESSAGES/django.po; do
        if test ! -e "${catalog%.po}.mo" || test -n "$(find "$catalog" -newer "${catalog%.po}.mo")"; then
            .venv/bin/pybabel --quiet compile -i "$catalog" -o "${catalog%.po}.mo"
        fi
    done
}

if test "$(cat "$STAMP" 2>/dev/null)" = "$WANTED" && is_313 .venv/bin/python; then
    compile_catalogs
    exit 0
fi

BEGAN=$(date +%s)
echo "Making the environment in .venv (the first time this takes a minute or two)"
UV=$(find_uv)
PYTHON=$(find_python)
if test -z "$UV" && test -z "$PYTHON"; then
    give_up "Kitchen Table needs Python 3.13, and none was found. Any one of these brings it:" \
        "  pyenv install 3.13" \
        "  uv python install 3.13" \
        "  your system's package of Python 3.13, or the installer from the Python site"
fi

if test -z "$UV"; then
    echo "  uv, from its hashed pin"
    rm -rf .uv
    "$PYTHON" -m venv .uv || give_up "This Python has no venv module. On Debian and Ubuntu: apt install python3.13-venv"
    .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
    UV=.uv/bin/uv
fi

export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"
if ! is_313 .venv/bin/python; then
    "$UV" venv --quiet --clear --no-project --python "${PYTHON:-3.13}" .venv ||
        give_up "uv could not find or fetch Python 3.13. \`pyenv install 3.13\` or \`uv python install 3.13\` brings it."
fi
echo "  packages, from the hashed lock"
# Compiled now: where PYTHONDONTWRITEBYTECODE is set, every process of the site would compile them anew.
"$UV" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements-dev.txt
"$UV" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
compile_catalogs
echo "$WANTED" >"$STAMP"
echo "  ready after $(($(date +%s) - BEGAN)) s"
