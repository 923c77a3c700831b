#!/bin/sh
# Print the images of compose.yaml, and the one that ours is built on, by digest: `deploy/pin-images.sh > deploy/images.env`.
# Then `docker compose --env-file deploy/images.env …` and `docker build --build-arg BASE=…` take these and no others.
set -eu
here=$(dirname "$0")

digest() {
    docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"
}

sed -n 's/.*image: ${\([A-Z_]*\):-\(.*\)}$/\1 \2/p' "$here/compose.yaml" | while read -r name image; do
    found=$(digest "$image")
    echo "$name=$image@$found"
done
base=$(sed -n 's/^ARG BASE=//p' "$here/Containerfile")
found=$(digest "$base")
echo "BASE=$base@$found"
