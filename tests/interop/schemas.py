"""Schemathesis against the running service: both definitions, thousands of requests good and bad. Fails on an error of the server, a status
or media type that is not documented, an answer that breaks its schema, a fault of ours in what the definitions promise to refuse.

Usage: schemas.py LIANHU [MAX_EXAMPLES [SEED]]. On a GeoPackage and on PostGIS; both are thrown away: the requests write."""

import json
import os
import re
import subprocess
import sys
import tempfile

from postgres import Cluster
from running import Running, run

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
TOWNSHIP = "520423102"
FEWEST = 400


def settled(program, store):
    """The example township with a plan in force and a draft."""
    fixtures = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "township")
    for layer, name in (("regions", "regions.geojson"), ("households", "households.csv"), ("incidents", "incidents.csv")):
        run(program, "import", "--store", store, "--layer", layer, os.path.join(fixtures, name))
    draft = ["draft", "--store", store, "--profile", "huangguoshu", "--budget", "0"]
    run(program, *draft, "--region", TOWNSHIP, "--publish", "2026-01-01")
    run(program, *draft, "--region", f"{TOWNSHIP}001", "--name", "draft")


def configuration(service, application):
    """Values that exist, so that a good part of the requests gets past the first question."""
    plans = [p["id"] for p in service.get("/api/plans")["plans"]]
    features = service.get("/ogc/collections/households/items?limit=5")["features"]
    grids = service.get("/ogc/collections/grids/items?limit=5")["features"]
    known = {
        "ids": plans,
        "villages": [f"{TOWNSHIP}{n:03}" for n in range(1, 13)],
        "regions": [TOWNSHIP, "520423", f"{TOWNSHIP}001", f"{TOWNSHIP}002"],
        "profiles": ["huangguoshu", "xixiu"],
        "features": [f["id"] for f in features + grids],
        "filters": ["persons = 4", "households > 3 AND name LIKE '%村%'", "S_INTERSECTS(geometry, POINT(105.6 25.9))"],
        "sorts": ["id", "-id", "code", "-code"],
        "days": ["2026-01-01", "../2026-01-01", "2025-01-01T00:00:00Z/.."],
    }
    if application:
        bound = {
            "path.id": "ids",
            "path.other": "ids",
            "path.village": "villages",
            "query.region": "regions",
            "query.parent": "regions",
            "body.region": "regions",
            "body.village": "villages",
            "body.profile": "profiles",
        }
    else:
        bound = {
            "path.featureId": "features",
            "query.filter": "filters",
            "query.sortby": "sorts",
            "query.datetime": "days",
        }
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values, ensure_ascii=False)}" for name, values in known.items()]
    lines += ["[parameters]"] + [f'"{where}" = {{ dictionary = "{name}", probability = 0.6 }}' for where, name in bound.items()]
    return "\n".join(lines) + "\n"


def faults(program, store, folder, examples, seed):
    """What a store's service does that its definitions do not say."""
    settled(program, store)
    log, failed = os.path.join(folder, "log"), []
    with Running(program, store, log=log) as service:
        for definition, prefix, more in (
            ("/api/openapi.json", "/api", ["--exclude-path", "/events", "--exclude-operation-id", "revokeToken"]),
            ("/ogc/api", "/ogc", []),
            # last, as it learns whose token it asks with
            ("/api/openapi.json", "/api", ["--include-operation-id", "revokeToken"]),
        ):
            config = os.path.join(folder, "schemathesis.toml")
            with open(config, "w") as f:
                f.write(configuration(service, prefix == "/api"))
            print(f"== Schemathesis {store.partition(':')[0]} {definition}", flush=True)
            command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", config, "--no-color"]
            command += ["run", service.base + definition, "--url", service.base + prefix]
            command += ["--header", f"Authorization: Bearer {service.token}", "--checks", CHECKS, "--seed", seed]
            command += ["--max-examples", examples, "--generation-database", "none", "--request-timeout", "60"]
            # events never end
            command += [*more, "--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            print(done.stdout, flush=True)
            cases = re.search(r"(\d[\d,]*) generated", done.stdout)
            few = cases is None or int(cases[1].replace(",", "")) < (FEWEST if "revokeToken" not in more[:2] else 1)
            if done.returncode != 0 or few:
                failed.append(f"{store.partition(':')[0]} {definition}")
    with open(log) as f:
        errors = [line for line in f if '"level":"ERROR"' in line]
    if errors:
        print("".join(errors[:20]))
        failed.append("errors in the log")
    return failed


def main():
    program = os.path.abspath(sys.argv[1])
    examples, seed = (sys.argv[2:] + ["40", "1"][len(sys.argv[2:]) :])[:2]
    os.environ.setdefault("LIANHU_LOG", "warn")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        failed = faults(program, f"sqlite:{folder}/register.gpkg", folder, examples, seed)
        with Cluster(os.path.join(folder, "pg")) as cluster:
            failed += faults(program, cluster.url, folder, examples, seed)
    if failed:
        raise SystemExit(f"not as documented: {', '.join(failed)}")
    print("== 接口与文档一致 / the service is as documented")


main()
