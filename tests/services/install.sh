#!/usr/bin/env bash
# Installs what the tests start for themselves, where it is not there yet. Mail and SMS servers are only unpacked into
# .services: their packages would start daemons of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing() { ! command -v "$1" >/dev/null 2>&1; }

packages=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || ! missing initdb || packages+=(postgresql)
missing node && packages+=(nodejs)
missing npm && packages+=(npm)
missing java && packages+=(default-jre-headless)
missing mvn && packages+=(maven)
missing chromium && packages+=(chromium fonts-noto-core)
missing chromium-headless-shell && packages+=(chromium-headless-shell)
if ((${#packages[@]})); then
  apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"
fi

if [[ ! -e .services/unpacked ]]; then
  rm -rf .services && mkdir -p .services/packages
  apt-get update
  needed=(postfix kannel kannel-extras)
  all() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
      "${needed[@]}" | grep '^[a-z]' | LC_ALL=C sort -u
  }
  available() { apt-cache dumpavail | sed -n 's/^Package: //p' | LC_ALL=C sort -u; } # a name of `all` may be virtual
  installed() { dpkg-query --show --showformat '${Package}\n' | LC_ALL=C sort -u; }
  mapfile -t absent < <(LC_ALL=C comm -23 <(LC_ALL=C comm -12 <(all) <(available)) <(installed))
  (cd .services/packages && apt-get download "${absent[@]}")
  for package in .services/packages/*.deb; do dpkg-deb -x "$package" .services; done
  touch .services/unpacked
fi

# promtool, which plays the alert rules; without the daemon that its package would start.
[[ -x .services/prometheus/promtool ]] || {
  mkdir -p .services/prometheus
  (cd .services/prometheus && apt-get update && apt-get download prometheus)
  dpkg-deb --fsys-tarfile .services/prometheus/*.deb | tar -xO ./usr/bin/promtool >.services/prometheus/promtool
  chmod +x .services/prometheus/promtool && rm .services/prometheus/*.deb
}

[[ tests/peers/node_modules -nt tests/peers/package.json ]] || {
  npm install --prefix tests/peers --no-audit --no-fund --no-package-lock --ignore-scripts --silent
  touch tests/peers/node_modules
}

# Kafka's jars; Maven resolves what belongs together. Should that fail, its words say why, and no other broker is taken.
[[ .services/kafka/fetched -nt tests/services/kafka.pom.xml ]] || {
  rm -rf .services/kafka
  mvn --batch-mode --no-transfer-progress --quiet --file tests/services/kafka.pom.xml \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/.services/kafka"
  touch .services/kafka/fetched
}
[[ .services/kafka/classes.jsa -nt .services/kafka/fetched ]] || python3 -m tests.services.kafka

# A venv of its own: it works with older versions of what we use than we do.
[[ .services/schemathesis -nt tests/services/schemathesis.txt ]] || {
  python3 -m venv --clear .services/schemathesis
  .services/schemathesis/bin/pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement tests/services/schemathesis.txt
  touch .services/schemathesis
}
