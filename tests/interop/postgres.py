"""A private PostgreSQL cluster with PostGIS on a free port, gone at the end."""

import glob
import os
import shutil
import socket
import subprocess


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise SystemExit("no PostgreSQL: install postgresql and postgresql-postgis")
        self.bin, self.folder, self.port = found[-1], folder, free_port()
        # the server refuses to be root's
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(self, program, *arguments, **more):
        return subprocess.run([*self.user, os.path.join(self.bin, program), *arguments], cwd="/", check=True, **more)

    def __enter__(self):
        os.makedirs(self.folder)
        if self.user:
            shutil.chown(self.folder, "postgres")
        quiet = {"stdout": subprocess.DEVNULL}
        data = os.path.join(self.folder, "data")
        self.run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", **quiet)
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_connections=100"
        self.run("pg_ctl", "-D", data, "-l", os.path.join(self.folder, "log"), "-o", options, "-w", "start", **quiet)
        self.sql("CREATE DATABASE lianhu", "postgres")
        self.sql("CREATE EXTENSION postgis")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/lianhu"
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", os.path.join(self.folder, "data"), "-m", "fast", "stop", stdout=subprocess.DEVNULL)

    def sql(self, statement, database="lianhu"):
        at = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(
            [os.path.join(self.bin, "psql"), *at, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=statement, stdout=subprocess.PIPE, text=True, check=True,
        )
        return done.stdout.strip()

    def rate(self, script, seconds):
        """Statements a second of four clients, prepared."""
        command = [os.path.join(self.bin, "pgbench"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-n", "-c4", "-j2"]
        done = subprocess.run(
            [*command, "-M", "prepared", "-T", str(seconds), "-f", script, "lianhu"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return float(next(line for line in done.stdout.splitlines() if line.startswith("tps = ")).split()[2])
