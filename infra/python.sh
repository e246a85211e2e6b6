# shellcheck shell=bash
# Sourced by what needs a Python before .venv is there: bin/setup and infra/rehearsal/entrance.sh.

distributions=/usr/bin/python3
made=$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/python3

# Prints the Python to begin with: the one named in PYTHON, else the one that .venv was made with, else PATH's. Where PATH's was compiled without Python's own
# optimisations, as version managers do it, the distribution's takes 0.8 of the time, and is taken if it will do.
chosen_python() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
    elif "$made" -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null; then
        :
    elif ! optimised python3 && new_enough "$distributions" && makes_environments "$distributions"; then
        echo "$distributions"
    else
        echo python3
    fi
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

optimised() {
    "$1" -c 'import sysconfig as s; exit("--enable-optimizations" not in (s.get_config_var("CONFIG_ARGS") or ""))' 2>/dev/null
}

# Root installs what is missing for it.
makes_environments() { [ "$(id -u)" -eq 0 ] || "$1" -c 'import ensurepip, venv' 2>/dev/null; }
