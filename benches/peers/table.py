#!/usr/bin/env python3
"""The README's table: our program beside its peers on the same points, in the same run.

usage: table.py PROGRAM FOLDER [--quick]
PROGRAM is the release binary; points, graphs and results stand in FOLDER. Prints Markdown. METIS is shown at its best: border
lengths as weights, ufactor 10 and 30, seeds 1-5, with the time to build its graph counted as ours is."""

import csv
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def call(script, *arguments):
    """Rows of a script's CSV output."""
    out = subprocess.run([sys.executable, os.path.join(HERE, script), *arguments], stdout=subprocess.PIPE, text=True, check=True)
    lines = [line for line in out.stdout.splitlines() if not line.startswith("#")]
    built = [line for line in out.stdout.splitlines() if line.startswith("# graph built in")]
    return list(csv.DictReader(lines)), float(built[0].split()[4].rstrip("s,")) if built else 0.0


def points(folder, n, seed=7):
    path = os.path.join(folder, f"points_{n}.csv")
    if not os.path.exists(path):
        subprocess.run([sys.executable, os.path.join(HERE, "points.py"), str(n), str(seed), path], check=True)
    return path


def number(row, name):
    try:
        return float(row[name])
    except (KeyError, TypeError, ValueError):
        return None


def summary(rows, names):
    """Median of each figure, or the first word of a failed row."""
    good = [r for r in rows if number(r, names[0]) is not None]
    if not good:
        return [rows[0].get("time_s") or "failed"] + ["-"] * (len(names) - 1)
    return [statistics.median(number(r, n) for r in good) for n in names]


def units(program, folder, quick):
    print("\n| households | method | SSE m² | seconds | sizes outside 10–15 |\n|---|---|---|---|---|")
    for n, budgets, peers in [
        (2_000, [2], ["hilbert", "mdav", "kmc", "kmc10"]),
        (10_000, [0, 10], ["hilbert", "mdav", "kmc"]),
        (50_000, [0, 30, 60], ["hilbert"]),
    ]:
        if quick and n > 2_000:
            break
        path = points(folder, n)
        for peer in peers:
            rows, _ = call("units.py", path, "--peers", peer, "--limit", "180")
            sse, seconds, outside = summary(rows, ["sse", "time_s", "size_violations"])
            print(f"| {n} | {peer} | {shown(sse)} | {shown(seconds)} | {shown(outside)} |", flush=True)
        for budget in budgets:
            rows = []
            for seed in (1, 2, 3):
                command = f"{program} units {{in}} --min {{L}} --max {{U}} --seed {{seed}} --budget {budget} --labels {{out}}"
                rows += call("units.py", path, "--peers", "", "--seed", str(seed), "--external", f"lianhu={command}")[0]
            sse, seconds, outside = summary(rows, ["sse", "time_s", "size_violations"])
            print(f"| {n} | **lianhu --budget {budget}** | {shown(sse)} | {shown(seconds)} | {shown(outside)} |", flush=True)


def shown(value):
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


FIGURES = ["max_dev_pct", "extra_parts", "mean_pp", "min_pp", "time_s"]


def grids(program, folder, quick):
    print("\n| households | method | deviation % | stray pieces | Polsby–Popper mean | worst | seconds |\n|---|---|---|---|---|---|---|")
    for n, budgets, peers, seeds in [
        (10_000, [0, 5, 20], ["rcb", "metis_len", "metis_len10", "kahip_strong_len", "tree_part"], 5),
        (50_000, [0, 10], ["rcb", "metis_len", "metis_len10"], 5),
    ]:
        if quick and n > 10_000:
            break
        path = points(folder, n)
        cache = path + ".graph.pkl"
        if os.path.exists(cache):
            os.unlink(cache)
        _, built = call("grids.py", path, "--peers", "hilbert")
        for peer in peers:
            rows = []
            for seed in range(1, seeds + 1 if peer.startswith("metis") else 2):
                rows += call("grids.py", path, "--peers", peer, "--seed", str(seed), "--limit", "180")[0]
            for name, chosen in variants(peer, rows):
                dev, extra, mean, least, seconds = summary(chosen, FIGURES)
                total = seconds + built if not isinstance(dev, str) else seconds
                print(
                    f"| {n} | {name} | {shown(dev)} | {shown(extra)} | {shown(mean)} | {shown(least)} | {shown(total)} |", flush=True
                )
        for budget in budgets:
            rows = []
            for seed in (1, 2, 3):
                command = f"{program} grids {{in}} --count {{k}} --seed {{seed}} --budget {budget} --labels {{out}}"
                rows += call("grids.py", path, "--peers", "", "--seed", str(seed), "--external", f"lianhu={command}")[0]
            dev, extra, mean, least, seconds = summary(rows, FIGURES)
            cells = " | ".join(shown(v) for v in (dev, extra, mean, least, seconds))
            print(f"| {n} | **lianhu --budget {budget}** | {cells} |", flush=True)


def variants(peer, rows):
    if not peer.startswith("metis"):
        return [(peer, rows)]
    best = [r for r in rows if number(r, "mean_pp") is not None]
    best = sorted(best, key=lambda r: -number(r, "mean_pp"))[:1]
    return [(f"{peer}, median of 5", rows), (f"{peer}, best of 5", best or rows)]


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    quick = "--quick" in sys.argv
    print(time.strftime("Measured %Y-%m-%d; medians of seeds 1–3 (METIS 1–5); graph building is counted for graph methods."))
    units(program, folder, quick)
    grids(program, folder, quick)


if __name__ == "__main__":
    main()
