// Reads tables of an SQLite file piece by piece, by their indexes and never as a whole: enough for maps in one file (MBTiles). The format is
// the published one (sqlite.org/fileformat2.html). Nothing is written; what is not understood is an error.

import { LONGEST, type Read } from "./tile-file";

export type Value = number | string | Uint8Array | null;

interface Table { root: number; columns: string[]; isView: boolean; sql: string }
interface Index { root: number; table: string; columns: string[] }
interface Page { bytes: Uint8Array; view: DataView; kind: number; cells: number; first: number; right: number }

const MAGIC = "SQLite format 3\0";
const INDEX_INNER = 2, TABLE_INNER = 5, INDEX_LEAF = 10, TABLE_LEAF = 13;
/** Pages kept; the upper ones of a tree are asked for again and again. */
const KEPT = 600;
/** Deeper no tree of a sound file is. */
const DEEPEST = 24;

const isSqlite = (head: Uint8Array): boolean => [...MAGIC].every((c, i) => head[i] === c.charCodeAt(0));

/** Names in the outer brackets of a statement, in lower case, as far as they are plain columns; constraints apart. */
function listed(sql: string): { columns: string[]; unique: string[][] } {
  const body = sql.slice(sql.indexOf("(") + 1, sql.lastIndexOf(")")), parts: string[] = [];
  let depth = 0, part = "";
  for (const c of body) {
    if (c === "," && depth === 0) { parts.push(part); part = ""; continue; }
    depth += c === "(" ? 1 : c === ")" ? -1 : 0;
    part += c;
  }
  parts.push(part);
  const bare = (word: string): string => word.trim().replace(/^["'`[]|["'`\]]$/g, "").toLowerCase();
  const columns: string[] = [], unique: string[][] = [];
  for (const text of parts.map(p => p.trim())) {
    const constraint = /^(?:constraint\s+\S+\s+)?(primary\s+key|unique)\s*\(([^)]*)\)/i.exec(text);
    if (constraint !== null) { unique.push(constraint[2]!.split(",").map(w => bare(w.trim().split(/\s+/)[0] ?? ""))); continue; }
    if (/^(constraint|check|foreign)\b/i.test(text)) continue;
    const name = bare(/^("[^"]*"|'[^']*'|`[^`]*`|\[[^\]]*\]|\S+)/.exec(text)?.[1] ?? "");
    columns.push(name);
    if (/\b(unique|primary\s+key)\b/i.test(text) && !/^\S+\s+integer\s+primary\s+key/i.test(text)) unique.push([name]);
  }
  return { columns, unique };
}

/** Smaller, equal or larger, as the file orders whole numbers and texts. */
function order(a: Value, b: Value): number {
  const rank = (v: Value): number => v === null ? 0 : typeof v === "number" ? 1 : typeof v === "string" ? 2 : 3;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1;
}

export class SqliteFile {
  private readonly tables = new Map<string, Table>();
  private readonly indexes: Index[] = [];
  private readonly pages = new Map<number, Page>();

  private constructor(private readonly read: Read, private readonly size: number, private readonly usable: number) {}

  static async open(read: Read): Promise<SqliteFile> {
    const head = await read(0, 100), view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    if (head.length < 100 || !isSqlite(head)) throw new Error("not an SQLite file");
    const said = view.getUint16(16), size = said === 1 ? 65_536 : said, encoding = view.getUint32(56);
    if (size < 512 || (size & (size - 1)) !== 0 || encoding > 1) throw new Error("an SQLite file of a kind that is not read here");
    const file = new SqliteFile(read, size, size - head[20]!);
    await file.schema();
    return file;
  }

  has(table: string): boolean { return this.tables.get(table)?.isView === false; }

  private async schema(): Promise<void> {
    const auto = new Map<string, number>();
    for await (const [type, name, of, root, sql] of this.scan(1)) {
      if (typeof name !== "string" || typeof of !== "string") continue;
      const text = typeof sql === "string" ? sql : "", at = typeof root === "number" ? root : 0;
      if (type === "table" || type === "view") {
        if (/without\s+rowid\s*$/i.test(text)) continue;
        this.tables.set(name.toLowerCase(), { root: at, columns: type === "table" ? listed(text).columns : [], isView: type === "view", sql: text });
      } else if (type === "index") {
        const table = of.toLowerCase(), nth = auto.get(table) ?? 0;
        if (text !== "") { if (!/\)\s*where\b/i.test(text)) this.indexes.push({ root: at, table, columns: listed(text).columns.map(c => c.split(/\s/)[0]!) }); continue; }
        // an index that a constraint made: they come in the order of the constraints
        auto.set(table, nth + 1);
        const columns = listed(this.tables.get(table)?.sql ?? "").unique[nth];
        if (columns !== undefined) this.indexes.push({ root: at, table, columns });
      }
    }
  }

  /** The row of a table that has these values; its columns by name, or null. An index must know them. */
  async find(table: string, key: Readonly<Record<string, Value>>): Promise<Record<string, Value> | null> {
    const of = this.tables.get(table), names = Object.keys(key);
    const index = this.indexes.find(i => i.table === table && names.length <= i.columns.length && i.columns.slice(0, names.length).every(c => names.includes(c)));
    if (of === undefined || of.isView || index === undefined) throw new Error(`no table ${table} with an index on ${names.join(", ")}`);
    const row = await this.seek(index.root, index.columns.slice(0, names.length).map(c => key[c] ?? null));
    return row === null ? null : this.row(of, row);
  }

  /** All rows of a small table. */
  async all(table: string): Promise<Record<string, Value>[]> {
    const of = this.tables.get(table), rows: Record<string, Value>[] = [];
    if (of === undefined || of.isView) return rows;
    for await (const values of this.scan(of.root)) rows.push(Object.fromEntries(of.columns.map((c, i) => [c, values[i] ?? null])));
    return rows;
  }

  private async page(at: number): Promise<Page> {
    const known = this.pages.get(at);
    if (known !== undefined) { this.pages.delete(at); this.pages.set(at, known); return known; }
    const bytes = await this.bytes(at), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), from = at === 1 ? 100 : 0;
    const kind = bytes[from] ?? 0, isInner = kind === INDEX_INNER || kind === TABLE_INNER;
    if (!isInner && kind !== INDEX_LEAF && kind !== TABLE_LEAF) throw new Error(`page ${at} is none of a tree`);
    const page: Page = { bytes, view, kind, cells: view.getUint16(from + 3), first: from + (isInner ? 12 : 8), right: isInner ? view.getUint32(from + 8) : 0 };
    this.pages.set(at, page);
    for (const old of this.pages.keys()) { if (this.pages.size <= KEPT) break; this.pages.delete(old); }
    return page;
  }

  private async bytes(at: number): Promise<Uint8Array> {
    const bytes = at < 1 ? new Uint8Array() : await this.read((at - 1) * this.size, this.size);
    if (bytes.length < this.size) throw new Error(`page ${at} is not in the file`);
    return bytes;
  }

  /** A number of one to nine bytes, and where it ends. */
  private varint({ bytes }: Pick<Page, "bytes">, at: number): [number, number] {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const b = bytes[at + i] ?? 0;
      value = value * 128 + (b & 127);
      if (b < 128) return [value, at + i + 1];
    }
    return [value * 256 + (bytes[at + 8] ?? 0), at + 9];
  }

  private cell(page: Page, i: number): number { return page.view.getUint16(page.first + 2 * i); }

  /** What a cell holds, with what overflows into other pages. */
  private async payload(page: Page, at: number, length: number): Promise<Uint8Array> {
    const { usable } = this, isTable = page.kind === TABLE_LEAF;
    if (length > LONGEST) throw new Error("a row that is too long");
    const most = isTable ? usable - 35 : Math.floor((usable - 12) * 64 / 255) - 23;
    if (length <= most) return page.bytes.subarray(at, at + length);
    const least = Math.floor((usable - 12) * 32 / 255) - 23, wanted = least + (length - least) % (usable - 4), local = wanted <= most ? wanted : least;
    const whole = new Uint8Array(length);
    whole.set(page.bytes.subarray(at, at + local));
    for (let done = local, next = page.view.getUint32(at + local); done < length;) {
      const bytes = await this.bytes(next), piece = bytes.subarray(4, Math.min(4 + length - done, usable));
      whole.set(piece, done);
      done += piece.length;
      next = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    }
    return whole;
  }

  private values(bytes: Uint8Array): Value[] {
    const page = { bytes }, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), list: Value[] = [];
    let [end, at] = this.varint(page, 0), from = end;
    end = Math.min(end, bytes.length);
    while (at < end) {
      let type: number;
      [type, at] = this.varint(page, at);
      const wide = type >= 12 ? Math.floor((type - 12) / 2) : [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0;
      if (from + wide > bytes.length) throw new Error("a row that is cut off");
      if (type >= 12) { const piece = bytes.subarray(from, from + wide); list.push(type % 2 === 0 ? piece : new TextDecoder().decode(piece)); }
      else if (type === 7) list.push(view.getFloat64(from));
      else if (type === 8 || type === 9) list.push(type - 8);
      else if (type === 0) list.push(null);
      else {
        let value = view.getInt8(from);
        for (let i = 1; i < wide; i++) value = value * 256 + bytes[from + i]!;
        list.push(value);
      }
      from += wide;
    }
    return list;
  }

  /** Every row of a table. */
  private async *scan(root: number, passed = new Set<number>()): AsyncGenerator<Value[]> {
    if (passed.has(root)) throw new Error("a tree without an end");
    passed.add(root);
    const page = await this.page(root);
    for (let i = 0; i < page.cells; i++) {
      const at = this.cell(page, i);
      if (page.kind === TABLE_INNER) { yield* this.scan(page.view.getUint32(at), passed); continue; }
      const [length, after] = this.varint(page, at), [, from] = this.varint(page, after);
      yield this.values(await this.payload(page, from, length));
    }
    if (page.kind === TABLE_INNER) yield* this.scan(page.right, passed);
  }

  /** The first row number an index has for a key, or null. */
  private async seek(root: number, key: readonly Value[]): Promise<number | null> {
    let at = root, found: number | null = null;
    for (let deep = 0; deep <= DEEPEST; deep++) {
      const page = await this.page(at), isInner = page.kind === INDEX_INNER;
      if (!isInner && page.kind !== INDEX_LEAF) throw new Error("not an index");
      let low = 0, high = page.cells;
      while (low < high) {
        const i = (low + high) >> 1, values = await this.entry(page, i);
        const side = key.reduce<number>((so, v, k) => so !== 0 ? so : order(values[k] ?? null, v), 0);
        if (side === 0) found = Number(values.at(-1));
        if (side < 0) low = i + 1; else high = i;
      }
      if (!isInner) return found;
      at = low < page.cells ? page.view.getUint32(this.cell(page, low)) : page.right;
    }
    throw new Error("a tree without an end");
  }

  private async entry(page: Page, i: number): Promise<Value[]> {
    const [length, from] = this.varint(page, this.cell(page, i) + (page.kind === INDEX_INNER ? 4 : 0));
    return this.values(await this.payload(page, from, length));
  }

  private async row({ root, columns }: Table, id: number): Promise<Record<string, Value> | null> {
    let at = root;
    for (let deep = 0; deep <= DEEPEST; deep++) {
      const page = await this.page(at), isInner = page.kind === TABLE_INNER;
      let low = 0, high = page.cells;
      const numberOf = (i: number): number => {
        const cell = this.cell(page, i);
        return this.varint(page, isInner ? cell + 4 : this.varint(page, cell)[1])[0];
      };
      while (low < high) { const i = (low + high) >> 1; if (numberOf(i) < id) low = i + 1; else high = i; }
      if (isInner) { at = low < page.cells ? page.view.getUint32(this.cell(page, low)) : page.right; continue; }
      if (low >= page.cells || numberOf(low) !== id) return null;
      const [length, after] = this.varint(page, this.cell(page, low)), [, from] = this.varint(page, after);
      const values = this.values(await this.payload(page, from, length));
      return Object.fromEntries(columns.map((c, i) => [c, values[i] ?? null]));
    }
    throw new Error("a tree without an end");
  }
}
