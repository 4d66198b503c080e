"""tipg, pygeoapi and Martin on the same PostGIS data, each with two workers, as their own documentation has them."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request

from postgres import free_port

BIN = os.path.dirname(sys.executable)


@contextlib.contextmanager
def started(name, command, env, url, folder):
    with open(os.path.join(folder, f"{name}.log"), "w") as log:
        process = subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    answer.read()
                break
            except OSError as e:
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit(f"{name}: {e}; see {folder}/{name}.log")
                time.sleep(0.3)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def tipg(cluster, folder):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    env = {
        "DATABASE_URL": cluster.url.replace("postgres://", "postgresql://"),
        "TIPG_DB_SCHEMAS": '["lianhu"]',
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
    }
    command = [os.path.join(BIN, "uvicorn"), "tipg.main:app", "--port", str(port), "--workers", "2", "--no-access-log"]
    with started("tipg", command, env, f"{base}/collections/lianhu.households", folder) as pid:
        yield base, pid


@contextlib.contextmanager
def pygeoapi(cluster, folder):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config, document = os.path.join(folder, "pygeoapi.yml"), os.path.join(folder, "pygeoapi-openapi.yml")
    text = {"en": "bench"}
    households = {
        "type": "collection",
        "title": text,
        "description": text,
        "keywords": {"en": ["bench"]},
        "links": [],
        "extents": {"spatial": {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [
            {
                "type": "feature",
                "name": "PostgreSQL",
                "data": {
                    "host": "127.0.0.1",
                    "port": cluster.port,
                    "dbname": "lianhu",
                    "user": "postgres",
                    "password": "none",
                    "search_path": ["lianhu", "public"],
                },
                "id_field": "id",
                "table": "households",
                "geom_field": "geom",
            }
        ],
    }
    whole = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": base,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "languages": ["en-US"],
            "limits": {"default_items": 100, "max_items": 10000},
            "map": {"url": "http://localhost/{z}/{x}/{y}", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": text,
                "description": text,
                "keywords": {"en": ["bench"]},
                "keywords_type": "theme",
                "terms_of_service": "none",
                "url": base,
            },
            "license": {"name": "none", "url": base},
            "provider": {"name": "none", "url": base},
            "contact": {"name": "none"},
        },
        "resources": {"households": households},
    }
    with open(config, "w") as f:
        # JSON is YAML
        json.dump(whole, f)
    env = {"PYGEOAPI_CONFIG": config, "PYGEOAPI_OPENAPI": document}
    generate = [os.path.join(BIN, "pygeoapi"), "openapi", "generate", config, "--output-file", document]
    subprocess.run(generate, env=os.environ | env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = [os.path.join(BIN, "gunicorn"), "-w", "2", "-k", "gthread", "--threads", "2", "-b", f"127.0.0.1:{port}", "pygeoapi.flask_app:APP"]
    with started("pygeoapi", command, env, f"{base}/collections/households/items?limit=1&f=json", folder) as pid:
        yield base, pid


@contextlib.contextmanager
def martin(program, cluster, folder, fields, cache_mb):
    """Tiles of households and grids with the given fields; the grids of plans in force, as the register shows them."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    of = {"households": ("lianhu", "households", "GEOMETRY"), "grids": ("bench", "grids_in_force", "GEOMETRY")}
    tables = {
        name: {"schema": schema, "table": table, "srid": 4326, "geometry_column": "geom", "geometry_type": kind, "properties": {f: "text" for f in fields[name]}}
        for name, (schema, table, kind) in of.items()
    }
    whole = {
        "listen_addresses": f"127.0.0.1:{port}",
        "worker_processes": 2,
        "cache": {"size_mb": cache_mb},
        "postgres": {"connection_string": cluster.url, "pool_size": 4, "auto_bounds": "skip", "tables": tables},
    }
    config = os.path.join(folder, f"martin-{cache_mb}.yml")
    with open(config, "w") as f:
        json.dump(whole, f)
    with started(f"martin-{cache_mb}", [program, "--config", config], {"RUST_LOG": "warn"}, f"{base}/catalog", folder) as pid:
        yield base, pid
