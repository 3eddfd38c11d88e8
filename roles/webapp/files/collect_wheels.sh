#!/usr/bin/env bash
# Make one archive of everything that a release consists of: wheels/ for the node's Python, and app/ where the
# application is no package. The release's files arrive on standard input, a line each; none for a wheel.
# usage: collect_wheels.sh ARCHIVE SOURCE REQUIREMENTS CONTROL_PYTHON NODE_PYTHON_VERSION NODE_ARCHITECTURE
set -euo pipefail
umask 022
archive=$1 source=$2 requirements=$3 python=$4 version=$5 architecture=$6
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }

mkdir -p "${archive%/*}"
work=$(mktemp -d -p "${archive%/*}")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/source" "$work/release/wheels" "$work/release/app"
if [ -f "$source" ]; then
  cp "$source" "$work/release/wheels/"
else
  # built from a copy of the very files that name the release: a build leaves more beside them
  tar --create --directory "$source" --dereference --no-recursion --verbatim-files-from --files-from=- |
    tar --extract --directory "$work/source"
  if [ -f "$work/source/pyproject.toml" ] || [ -f "$work/source/setup.py" ]; then
    pip wheel --no-deps --wheel-dir "$work/release/wheels" "$work/source"
  else
    cp -r "$work/source/." "$work/release/app/"
  fi
fi

# the application's own wheel is among what is asked for, so a pin that its needs rule out is found here and not on a node
wanted=()
for wheel in "$work"/release/wheels/*.whl; do
  [ ! -f "$wheel" ] || wanted+=("$wheel")
done
[ ! -f "$requirements" ] || wanted+=(--requirement "$requirements")
pip download --only-binary=:all: --python-version "$version" --implementation cp \
  --platform "manylinux_2_28_$architecture" --platform "manylinux2014_$architecture" \
  --dest "$work/release/wheels" "${wanted[@]}"
tar --create --owner=0 --group=0 --directory "$work/release" --file "$work/release.tar" .
mv "$work/release.tar" "$archive"
