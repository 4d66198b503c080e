"""A private PostgreSQL cluster with PostGIS on a free port, stopped at the end."""

import glob
import os
import shutil
import socket
import subprocess


QUIET = {"stdout": subprocess.DEVNULL}


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
        self.data = os.path.join(self.folder, "data")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/lianhu"
        if os.path.exists(self.data):
            self.start()
            return self
        os.makedirs(self.folder)
        if self.user:
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", **QUIET)
        self.start()
        self.sql("CREATE DATABASE lianhu", "postgres")
        self.sql("CREATE EXTENSION postgis")
        return self

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_connections=100"
        self.run("pg_ctl", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-o", options, "-t", "300", "-w", "start", **QUIET)
        with open(os.path.join(self.data, "postmaster.pid")) as f:
            self.pid = int(f.readline())

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", self.data, "-m", "fast", "stop", **QUIET)

    def sql(self, statement, database="lianhu"):
        at = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(
            [os.path.join(self.bin, "psql"), *at, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=statement, stdout=subprocess.PIPE, text=True, check=True,
        )
        return done.stdout.strip()

    def rate(self, script, seconds):
        """Statements of four clients, prepared: how many, and how many a second."""
        command = [os.path.join(self.bin, "pgbench"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-n", "-c4", "-j2"]
        done = subprocess.run(
            [*command, "-M", "prepared", "-T", str(seconds), "-f", script, "lianhu"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        said = done.stdout.splitlines()
        rate = float(next(line for line in said if line.startswith("tps = ")).split()[2])
        count = next(line for line in said if line.startswith("number of transactions actually processed: "))
        return {"rate": rate, "requests": int(count.split(": ")[1].split("/")[0])}
