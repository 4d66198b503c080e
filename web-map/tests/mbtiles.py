"""Writes an MBTiles file as other programs do: FILE FORM PAGE_SIZE LEVELS, one of the forms of `forms`; in place of LEVELS one tile, as z/x/y.

Tile z/x/y holds `length` times the byte `z * 31 + x * 7 + y * 3`; a PNG given on standard input takes the place of all of them.
"""

import sqlite3
import sys


def length(z: int, x: int, y: int) -> int:
    return (z * 977 + x * 131 + y * 17) % 3000 + (40_000 if (x, y) == (1, 1) else 0)


def tile(z: int, x: int, y: int) -> bytes:
    return bytes([(z * 31 + x * 7 + y * 3) % 256]) * length(z, x, y)


forms = {
    "index": ["CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)",
              "CREATE UNIQUE INDEX tile_index on tiles (zoom_level, tile_column, tile_row)"],
    "key": ['CREATE TABLE "tiles" ("zoom_level" INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL, tile_data BLOB, '
            "CONSTRAINT one PRIMARY KEY (zoom_level, tile_column, tile_row))"],
    "view": ["CREATE TABLE map (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_id TEXT)",
             "CREATE TABLE images (tile_data blob, tile_id text UNIQUE)",
             "CREATE UNIQUE INDEX map_index ON map (tile_column, zoom_level, tile_row)",
             "CREATE VIEW tiles AS SELECT map.zoom_level AS zoom_level, map.tile_column AS tile_column, map.tile_row AS tile_row, "
             "images.tile_data AS tile_data FROM map JOIN images ON images.tile_id = map.tile_id"],
    "none": ["CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"],
}

file, form, page_size, which = sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(n) for n in sys.argv[4].split("/")]
places = [tuple(which)] if len(which) == 3 else [(z, x, y) for z in range(which[0]) for x in range(2**z) for y in range(2**z)]
given = sys.stdin.buffer.read()
db = sqlite3.connect(file)
db.execute(f"PRAGMA page_size = {page_size}")
db.execute("CREATE TABLE metadata (name text, value text)")
db.executemany("INSERT INTO metadata VALUES (?, ?)", [("name", "试验"), ("format", "png"), ("minzoom", str(places[0][0])), ("maxzoom", str(places[-1][0]))])
for statement in forms[form]:
    db.execute(statement)
for z, x, y in places:
    data, row = given or tile(z, x, y), 2**z - 1 - y
    if form == "view":
        db.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (data, f"{z}-{x}-{y}"))
        db.execute("INSERT INTO map VALUES (?, ?, ?, ?)", (z, x, row, f"{z}-{x}-{y}"))
    else:
        db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (z, x, row, data))
db.commit()
db.close()
