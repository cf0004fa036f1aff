#!/bin/sh
# The pictures of a report in the README: docs/images/make.sh runs/demo/report.html
# Needs chromium. A window cannot be as narrow as a phone, so the phone's picture is taken of a frame of that width.
set -eu
report=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shoot() {
    chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/profile" \
        --screenshot="$here/$1" --window-size="$2" "file://$3" >/dev/null 2>&1
    test -s "$here/$1"
}
cat >"$work/phone.html" <<EOF
<!DOCTYPE html><body style="margin:0;background:#d9d6ce"><center><iframe src="file://$report" style="width:390px;height:1800px;border:0"></iframe></center>
EOF
shoot report.png 1280,1800 "$report"
shoot report-phone.png 500,1800 "$work/phone.html"
