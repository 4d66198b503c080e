#!/bin/sh
# Small files of every format out of the example township, then the stable harness on each. Usage: run.sh LIANHU MUTATE FOLDER SECONDS SEED
set -eu
lianhu=$(realpath "$1") mutate=$(realpath "$2") seconds=$4 seed=$5
here=$(dirname "$(realpath "$0")")
township="$here/../fixtures/township"
mkdir -p "$3"
folder=$(realpath "$3")
rm -rf "$folder/inputs" "$folder/register.gpkg"*
mkdir "$folder/inputs"
store="sqlite:$folder/register.gpkg"
head -41 "$township/households.csv" >"$folder/households.csv"
head -21 "$township/incidents.csv" >"$folder/incidents.csv"
"$lianhu" import --store "$store" --layer regions "$township/regions.geojson" >/dev/null 2>&1
"$lianhu" import --store "$store" --layer barriers --region 520423 "$township/barriers.geojson" >/dev/null 2>&1
"$lianhu" import --store "$store" --layer households "$folder/households.csv" >/dev/null 2>&1
"$lianhu" import --store "$store" --layer incidents "$folder/incidents.csv" >/dev/null 2>&1
# a parser that asks for more than this is at fault
ulimit -v 4000000
for ending in csv xlsx geojson geojsonl gpkg zip fgb kml; do
  mkdir "$folder/inputs/$ending"
  for layer in regions buildings households barriers incidents; do
    "$lianhu" export --store "$store" --layer $layer "$folder/inputs/$ending/$layer.$ending" >/dev/null
  done
  cp "$here/../fixtures/hostile/"*".$ending" "$here/corpus/import_$ending/"* "$folder/inputs/$ending/" 2>/dev/null || :
  "$mutate" $ending "$seconds" "$seed" "$folder" "$folder/inputs/$ending" 2>"$folder/$ending.txt" || {
    cp "$folder/last.$ending" "$folder/found/ended_$seed.$ending"
    echo "$ending: the process ended, see $folder/$ending.txt and $folder/found" >&2
  }
done
test -z "$(ls "$folder/found")"
