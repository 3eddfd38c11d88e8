#!/usr/bin/env bash
# Make one archive of everything that a release consists of: wheels/ for the node's Python, and app/ where the
# application is no package. The release's files arrive on standard input, a line each; none for a wheel.
# REQUIREMENTS may be empty; SERVER is what serves it where it asks for no gunicorn itself.
# usage: collect_wheels.sh ARCHIVE SOURCE REQUIREMENTS SERVER CONTROL_PYTHON NODE_PYTHON_VERSION NODE_ARCHITECTURE
set -euo pipefail
umask 022
archive=$1 source=$2 requirements=$3 server=$4 python=$5 version=$6 architecture=$7
# pip asks the Python that runs it what the environment markers of a requirement say, and not the one that --python-version names
node_pip() {
  "$python" -c '
import sys
from pip._internal.cli.main import main
from pip._vendor.packaging import markers

version, machine, *arguments = sys.argv[1:]
of_this_machine = markers.default_environment
of_the_node = {"python_version": version, "python_full_version": f"{version}.0", "platform_machine": machine}
markers.default_environment = lambda: {**of_this_machine(), **of_the_node}
sys.exit(main(arguments))
' "$version" "$architecture" --quiet --disable-pip-version-check "$@"
}
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }

mkdir -p "${archive%/*}"
work=$(mktemp -d -p "${archive%/*}")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/source" "$work/own" "$work/release/app"
if [ -f "$source" ]; then
  cp "$source" "$work/own/"
else
  # built from a copy of the very files that name the release: a build leaves more beside them
  tar --create --directory "$source" --dereference --no-recursion --verbatim-files-from --files-from=- |
    tar --extract --directory "$work/source"
  if [ -f "$work/source/pyproject.toml" ] || [ -f "$work/source/setup.py" ]; then
    pip wheel --no-deps --wheel-dir "$work/own" "$work/source"
  else
    cp -r "$work/source/." "$work/release/app/"
  fi
fi

# the application's own wheel is among what is asked for, so a pin that its needs rule out is found here and not on a node
wanted=()
for wheel in "$work"/own/*.whl; do
  [ ! -f "$wheel" ] || wanted+=("$wheel")
done
[ -z "$requirements" ] || wanted+=(--requirement "$requirements")
# all of it anew each time: two answers of the resolver don't mix
download() {
  rm -rf "$work/release/wheels"
  mkdir "$work/release/wheels"
  [ $# = 0 ] || node_pip download --only-binary=:all: --python-version "$version" --implementation cp \
    --platform "manylinux_2_28_$architecture" --platform "manylinux2014_$architecture" \
    --dest "$work/release/wheels" "$@"
}
download "${wanted[@]}"
compgen -G "$work/release/wheels/gunicorn-*.whl" >/dev/null || download "${wanted[@]}" "$server"
tar --create --owner=0 --group=0 --directory "$work/release" --file "$work/release.tar" .
mv "$work/release.tar" "$archive"
