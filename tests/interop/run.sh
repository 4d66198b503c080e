#!/bin/sh
# What other programs make of our files: headless QGIS opens the store and every export, edits a building and saves layers that we
# import, LibreOffice takes our workbooks round. Usage: run.sh LIANHU (the program). Wants python3-qgis, qgis-providers and libreoffice-calc.
set -eu
lianhu=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
township="$here/../../fixtures/township"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
store=sqlite:register.gpkg
village=520423102003

"$lianhu" import --store $store --layer regions "$township/regions.geojson"
"$lianhu" import --store $store --layer barriers --region 520423 "$township/barriers.geojson"
"$lianhu" import --store $store --layer households "$township/households.csv"
"$lianhu" draft --store $store --region $village --profile jingkai --budget 0 --publish 2026-12-01
mkdir exports
for layer in regions buildings households barriers grids units leaders; do
  for ending in geojson geojsonl gpkg fgb kml csv xlsx zip; do
    "$lianhu" export --store $store --layer $layer "exports/$layer.$ending" >/dev/null
  done
done

echo "== QGIS"
QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR="$work" /usr/bin/python3 "$here/qgis_opens.py" register.gpkg exports
# The building it moved is a foreign edit for us.
if "$lianhu" check $store >found.txt; then
  echo "the edit of QGIS was not seen" >&2
  exit 1
fi
grep -q foreign found.txt
cat found.txt

echo "== QGIS saves, we import"
# A store that QGIS does not write to; what it saves of it comes into an empty one with the same codes, names and Chinese texts.
"$lianhu" import --store sqlite:source.gpkg --layer regions "$township/regions.geojson" >/dev/null 2>&1
"$lianhu" import --store sqlite:source.gpkg --layer households "$township/households.csv" >/dev/null 2>&1
mkdir saved
QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR="$work" /usr/bin/python3 "$here/qgis_saves.py" source.gpkg saved
for file in saved/*; do
  layer=$(basename "$file"); layer=${layer%%.*}
  rm -f empty.gpkg*
  if [ $layer = households ]; then
    "$lianhu" import --store sqlite:empty.gpkg --layer regions "$township/regions.geojson" >/dev/null 2>&1
  fi
  said=$("$lianhu" import --store sqlite:empty.gpkg --layer $layer "$file" 2>&1) || { echo "$file: $said" >&2; exit 1; }
  for store_of in source empty; do
    "$lianhu" export --store sqlite:$store_of.gpkg --layer $layer --format csv - 2>/dev/null | cut -d, -f1-6 >$store_of.csv
  done
  cmp source.csv empty.csv || { echo "$file came in otherwise" >&2; diff source.csv empty.csv | head -4 >&2; exit 1; }
  echo "$file: $(echo "$said" | grep "$layer：新增")"
done

echo "== LibreOffice"
# UTF-8, and numbers with all their digits rather than as shown.
csv="csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false"
office() {
  soffice --headless -env:UserInstallation="file://$work/profile" ${4:+"--infilter=$4"} --convert-to "$1" --outdir "$2" "$3" \
    >office.txt 2>&1 || { cat office.txt >&2; exit 1; }
}
# A store that QGIS did not touch.
"$lianhu" import --store sqlite:clean.gpkg --layer regions "$township/regions.geojson" >/dev/null 2>&1
"$lianhu" import --store sqlite:clean.gpkg --layer households "$township/households.csv" >/dev/null 2>&1
"$lianhu" draft --store sqlite:clean.gpkg --region $village --profile jingkai --budget 0 --publish 2026-12-01 >/dev/null
unchanged() {
  said=$("$lianhu" import --store sqlite:clean.gpkg --layer "$1" "$2" 2>&1) || { echo "$2: $said" >&2; exit 1; }
  echo "$said" | grep -q '更新 0，' || { echo "$2: $said" >&2; exit 1; }
  echo "$2: $(echo "$said" | grep '更新 0，')"
}
mkdir ods round csv
for layer in buildings households ledger-grids ledger-units; do
  "$lianhu" export --store sqlite:clean.gpkg --layer $layer "$layer.xlsx" >/dev/null
  office "$csv" csv "$layer.xlsx"
  unchanged $layer "csv/$layer.csv"
  office ods ods "$layer.xlsx"
  office xlsx round "ods/$layer.ods"
  unchanged $layer "round/$layer.xlsx"
done
# What is edited in LibreOffice and saved there changes that row and no other. Every column comes in as text.
mkdir edited
sed '2s/^\([^,]*,[^,]*\),[^,]*,/\1,老祠堂,/' csv/buildings.csv >edited/buildings.csv
office xlsx edited edited/buildings.csv "CSV:44,34,76,1,$(seq -s/ 1 20 | sed 's:[0-9]*:&/2:g')"
said=$("$lianhu" import --store sqlite:clean.gpkg --layer buildings edited/buildings.xlsx 2>&1) || { echo "$said" >&2; exit 1; }
echo "$said" | grep -q '新增 0，更新 1，' || { echo "$said" >&2; exit 1; }
"$lianhu" export --store sqlite:clean.gpkg --layer buildings - --format csv 2>/dev/null | grep -q 老祠堂 || {
  echo "the edit did not arrive" >&2; exit 1; }
echo "edited/buildings.xlsx: $(echo "$said" | grep '更新 1，')"
# A spreadsheet that guesses turns codes into numbers: those are refused, by row, never taken for codes.
mkdir guessed
office xlsx guessed csv/ledger-units.csv CSV:44,34,76,1
if said=$("$lianhu" import --store sqlite:clean.gpkg --layer ledger-units guessed/ledger-units.xlsx 2>&1); then
  echo "numbers were taken for codes: $said" >&2
  exit 1
fi
echo "$said" | grep -q code_not_text
echo "== 互操作检查通过 / interoperates"

echo "== QGIS and the service"
"$lianhu" serve --demo --store sqlite:demo.gpkg --bind 127.0.0.1:0 --admin-bind 127.0.0.1:0 >service.txt 2>service.log &
service=$!
trap 'kill $service 2>/dev/null; rm -rf "$work"' EXIT
base=
for _ in $(seq 300); do
  base=$(sed -n 's/.*\(http:\/\/[0-9.:]*\)\/ .*OGC.*/\1/p' service.txt)
  [ -n "$base" ] && break
  sleep 0.5
done
QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR="$work" /usr/bin/python3 "$here/qgis_project.py" "$base"
