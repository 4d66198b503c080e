// What offices send: text in GBK, a basemap in one file.

import { inflateRawSync } from "node:zlib";

const bytes = new Map<string, readonly [number, number]>();

/** Text in GBK, by asking the decoder what each pair of bytes means. */
export function gbk(text: string): Buffer {
  if (bytes.size === 0) {
    const decoder = new TextDecoder("gbk", { fatal: true });
    for (let a = 0x81; a <= 0xfe; a++) for (let b = 0x40; b <= 0xfe; b++) {
      try {
        const c = decoder.decode(Uint8Array.of(a, b));
        if ([...c].length === 1 && !bytes.has(c)) bytes.set(c, [a, b]);
      } catch { /* no character has these bytes */ }
    }
  }
  return Buffer.from([...text].flatMap(c => {
    if (c.charCodeAt(0) < 0x80) return [c.charCodeAt(0)];
    const pair = bytes.get(c);
    if (pair === undefined) throw new Error(`not in GBK: ${c}`);
    return [...pair];
  }));
}

/** A PMTiles file (version 3) with one picture for the whole world. */
export function pmtiles(picture: Buffer): Buffer {
  // one entry: tile 0, run length 1, its length, offset 0 (+1); varints
  const varint = (n: number): number[] => n < 128 ? [n] : [n % 128 + 128, ...varint(Math.floor(n / 128))];
  const root = Buffer.from([1, 0, 1, ...varint(picture.length), 1]), meta = Buffer.from("{}"), head = Buffer.alloc(127);
  head.write("PMTiles");
  head[7] = 3;
  const sections = [[127, root.length], [127 + root.length, meta.length], [127 + root.length + meta.length, 0], [127 + root.length + meta.length, picture.length]];
  sections.flat().forEach((n, i) => head.writeBigUInt64LE(BigInt(n), 8 + 8 * i));
  [1, 1, 1].forEach((n, i) => head.writeBigUInt64LE(BigInt(n), 72 + 8 * i));
  // clustered; nothing compressed; PNG; zoom 0 to 0
  head.set([1, 1, 1, 2, 0, 0], 96);
  head.writeInt32LE(-1_800_000_000, 102);
  head.writeInt32LE(-850_000_000, 106);
  head.writeInt32LE(1_800_000_000, 110);
  head.writeInt32LE(850_000_000, 114);
  return Buffer.concat([head, root, meta, picture]);
}

/** The files of a ZIP archive, by name. */
export function unzip(archive: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>(), end = archive.lastIndexOf("PK\x05\x06", undefined, "latin1");
  if (end < 0) throw new Error("no ZIP archive");
  for (let k = 0, at = archive.readUInt32LE(end + 16); k < archive.readUInt16LE(end + 10); k++) {
    const [method, size, name, extra, comment, local] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20), archive.readUInt16LE(at + 28), archive.readUInt16LE(at + 30), archive.readUInt16LE(at + 32), archive.readUInt32LE(at + 42)];
    const begin = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28), packed = archive.subarray(begin, begin + size);
    found.set(archive.toString("utf8", at + 46, at + 46 + name), method === 0 ? packed : inflateRawSync(packed));
    at += 46 + name + extra + comment;
  }
  return found;
}

/** Rows of a CSV file by the names in its first line. */
export function rowsOfCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.replace(/^\ufeff/, "").matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replace(/""/g, '"') ?? plain ?? "");
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  const [head = [], ...lines] = rows.filter(r => r.length > 1);
  return lines.map(line => Object.fromEntries(head.map((name, i) => [name, line[i] ?? ""])));
}
