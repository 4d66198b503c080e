#!/usr/bin/env python3
"""The README's table: our program beside its peers on the same points, in the same run.

usage: table.py PROGRAM FOLDER [--quick] [--only units,grids,county] [--also NAME=FILE.csv:BUDGET]...
PROGRAM is the release binary; points, graphs and results stand in FOLDER. Prints Markdown. METIS is shown at its best: border
lengths as weights, ufactor 10 and 30, seeds 1-5, with the time to build its graph counted as ours is; its best run is the most
compact of those within 3 % of the mean (of the best balanced ones where none is). --also adds points of one's own (id,x,y,building) to
the units, the first of which is certified, too."""

import csv
import json
import math
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


def ours(script, path, command, seeds, figures, extra=()):
    """Median of each figure of our program over seeds; the command's {seed} is filled in."""
    rows = []
    for seed in seeds:
        told = command.replace("{seed}", str(seed))
        rows += call(script, path, "--peers", "", "--seed", str(seed), "--external", f"lianhu={told}", *extra)[0]
    return summary(rows, figures), rows


def units(program, folder, quick, also):
    print("\n| households | method | SSE m² | seconds | sizes outside 10–15 | SSE by seed |\n|---|---|---|---|---|---|")
    asked = [(name, path, [float(budget)], ["kmc", "kmc10"], 0) for name, path, budget in also]
    asked.append(("2000", points(folder, 2_000), [2], ["hilbert", "mdav", "kmc", "kmc10"], 167))
    if not quick:
        asked.append(("10000", points(folder, 10_000), [0, 10], ["hilbert", "mdav", "kmc"], 0))
        asked.append(("50000", points(folder, 50_000), [0, 30, 58.5], ["hilbert"], 0))
    for name, path, budgets, peers, count in asked:
        for peer in peers:
            rows, _ = call("units.py", path, "--peers", peer, "--limit", "180")
            sse, seconds, outside = summary(rows, ["sse", "time_s", "size_violations"])
            print(f"| {name} | {peer} | {shown(sse)} | {shown(seconds)} | {shown(outside)} | |", flush=True)
        for budget, k in [(b, 0) for b in budgets] + ([(budgets[-1], count)] if count else []):
            fixed = f" --count {k}" if k else ""
            command = f"{program} units {{in}} --min {{L}} --max {{U}} --seed {{seed}} --budget {budget}{fixed} --labels {{out}}"
            (sse, seconds, outside), rows = ours("units.py", path, command, (1, 2, 3), ["sse", "time_s", "size_violations"])
            by_seed = " ".join(shown(number(r, "sse")) for r in rows)
            cells = " | ".join([shown(sse), shown(seconds), shown(outside), by_seed])
            print(f"| {name} | **lianhu --budget {budget}{fixed}** | {cells} |", flush=True)
    for name, path, _ in also[:1]:
        report = os.path.join(folder, "certified.json")
        started = os.times()
        command = [program, "units", path, "--min", "10", "--max", "15", "--budget", "10", "--certify", "--report", report]
        subprocess.run(command, check=True, capture_output=True)
        ended = os.times()
        cpu = ended.children_user + ended.children_system - started.children_user - started.children_system
        soft = json.load(open(report))["soft"]
        figures = ", ".join(f"{key} {soft[key]}" for key in ("sse_m2", "lower_bound_m2", "certified_gap"))
        print(f"\ncertified {name}: {figures}; {cpu:.0f} s of CPU", flush=True)


# The county of households that are planned in a minute, and every so-manieth village of it by itself for ten seconds.
HOUSEHOLDS, VILLAGES, TOGETHER, SAMPLES = 900_000, 1_500, 17, 3


def spread(rows, labels):
    """Sum of squared metres to the units' means, on a plane at each unit: rows of (village, lon, lat)."""
    members = {}
    for (village, lon, lat), label in zip(rows, labels):
        members.setdefault((village, label), []).append((lon, lat))
    total = 0.0
    for at in members.values():
        east = sum(p[0] for p in at) / len(at)
        north = sum(p[1] for p in at) / len(at)
        wide = 111_320 * math.cos(math.radians(north))
        total += sum(((p[0] - east) * wide) ** 2 + ((p[1] - north) * 110_900) ** 2 for p in at)
    return total


def county(program, folder, seeds):
    data = os.path.join(folder, "county")
    if not os.path.exists(data):
        told = ["--households", str(HOUSEHOLDS), "--villages", str(VILLAGES), "--incidents", "10", "--seed", "1"]
        subprocess.run([program, "synth", *told, "--out", data], check=True, capture_output=True)
    path = os.path.join(data, "households.csv")
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    head, lines = lines[0], lines[1:]
    at = [head.index(name) for name in ("村编码", "经度", "纬度")]
    rows = [(r[at[0]], float(r[at[1]]), float(r[at[2]])) for r in lines]
    villages = sorted({r[0] for r in rows})
    step = len(villages) // (TOGETHER * SAMPLES)
    samples = [{villages[(i * SAMPLES + s) * step] for i in range(TOGETHER)} for s in range(SAMPLES)]

    def run(source, budget, seed):
        report, labels = os.path.join(folder, "county.json"), os.path.join(folder, "county.labels")
        asked = ["--min", "10", "--max", "15", "--seed", str(seed), "--budget", str(budget), "--labels", labels, "--report", report]
        started = time.time()
        out = subprocess.run(
            [sys.executable, "-c", MEASURED, program, "units", source, *asked], check=True, capture_output=True, text=True
        )
        seconds = time.time() - started
        figures = json.load(open(report))
        grouped = [int(value) for value in open(labels)]
        return figures["soft"]["sse_m2_per_household"], figures["hard"]["H7"], seconds, float(out.stdout), grouped

    alone = []
    for s, chosen in enumerate(samples):
        source = os.path.join(folder, f"county_sample_{s}.csv")
        with open(source, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *(line for line, row in zip(lines, rows) if row[0] in chosen)])
        labels = run(source, 10, 1)[4]
        kept = [row for row in rows if row[0] in chosen]
        alone.append(spread(kept, labels) / len(kept))
    names = ["households", "seed", "SSE m² a household", "sizes outside", "seconds", "MiB", "the samples inside", "and alone, 10 s"]
    print("\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for seed in seeds:
        sse, outside, seconds, memory, labels = run(path, 58.5, seed)
        inside = []
        for chosen in samples:
            kept = [(row, label) for row, label in zip(rows, labels) if row[0] in chosen]
            inside.append(spread([r for r, _ in kept], [l for _, l in kept]) / len(kept))
        told = [", ".join(f"{v:,.0f}" for v in values) for values in (inside, alone)]
        print(f"| {len(rows)} | {seed} | {sse:,.0f} | {outside} | {seconds:.1f} | {memory:.0f} | {told[0]} | {told[1]} |", flush=True)


# A program with the most memory it held, MiB, as the last word.
MEASURED = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
if ended not in (0, 1):  # 1: a breach, which the table shows
    sys.exit(ended)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def shown(value):
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


FIGURES = ["max_dev_pct", "extra_parts", "mean_pp", "min_pp", "time_s"]


def grids(program, folder, quick):
    print("\n| households | method | deviation % | stray pieces | Polsby–Popper mean | worst | seconds |\n|---|---|---|---|---|---|---|")
    for n, budgets, peers, seeds in [
        (10_000, [0, 5, 20], ["rcb", "metis_len", "metis_len10", "kahip_strong_len", "tree_part"], 5),
        (50_000, [0, 10], ["rcb", "metis_len", "metis_len10", "kahip_strong_len", "tree_part"], 5),
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
            command = f"{program} grids {{in}} --count {{k}} --seed {{seed}} --budget {budget} --labels {{out}}"
            (dev, extra, mean, least, seconds), _ = ours("grids.py", path, command, (1, 2, 3), FIGURES)
            cells = " | ".join(shown(v) for v in (dev, extra, mean, least, seconds))
            print(f"| {n} | **lianhu --budget {budget}** | {cells} |", flush=True)


def variants(peer, rows):
    if not peer.startswith("metis"):
        return [(peer, rows)]
    good = [r for r in rows if number(r, "mean_pp") is not None]
    level = max(3.0, min((number(r, "max_dev_pct") for r in good), default=0.0))
    best = [r for r in good if number(r, "max_dev_pct") <= level]
    best = sorted(best, key=lambda r: -number(r, "mean_pp"))[:1]
    return [(f"{peer}, median of 5", rows), (f"{peer}, best of 5", best or rows)]


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    quick = "--quick" in sys.argv
    also = []
    for name, value in zip(sys.argv, sys.argv[1:]):
        if name == "--also":
            title, _, rest = value.partition("=")
            file, _, budget = rest.rpartition(":")
            also.append((title, file, budget))
    only = sys.argv[sys.argv.index("--only") + 1].split(",") if "--only" in sys.argv else ["units", "grids", "county"]
    print(time.strftime("Measured %Y-%m-%d; medians of seeds 1–3 (METIS 1–5); graph building is counted for graph methods."))
    if "units" in only:
        units(program, folder, quick, also)
    if "grids" in only:
        grids(program, folder, quick)
    if "county" in only and not quick:
        county(program, folder, (1, 2, 3))


if __name__ == "__main__":
    main()
