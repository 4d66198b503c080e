// The stream of what changed, read by hand: a browser's own EventSource hides the signs of life, and with them how old the data is.

import { Unreachable } from "./api";
import { skewOf } from "./room/time";

export interface Told { id: string | null; kind: string; data: string }

/** Takes a stream of server-sent events apart, in whatever pieces it comes. */
export class Parser {
  private rest = "";
  private data: string[] = [];
  private kind = "";
  private waitsForFeed = false;
  private named: string | null = null;
  /** The id of the last piece that came whole, also of one without an event: one that was cut must be told again. */
  lastId: string | null = null;

  push(chunk: string): Told[] {
    const told: Told[] = [];
    let text = this.rest + (this.waitsForFeed && chunk.startsWith("\n") ? chunk.slice(1) : chunk);
    if (chunk !== "") this.waitsForFeed = chunk.endsWith("\r");
    for (let cut = /\r\n|\r|\n/.exec(text); cut !== null; cut = /\r\n|\r|\n/.exec(text)) {
      this.line(text.slice(0, cut.index), told);
      text = text.slice(cut.index + cut[0].length);
    }
    this.rest = text;
    return told;
  }

  private line(line: string, told: Told[]): void {
    if (line === "") {
      this.lastId = this.named;
      if (this.data.length > 0) told.push({ id: this.lastId, kind: this.kind === "" ? "message" : this.kind, data: this.data.join("\n") });
      this.data = [];
      this.kind = "";
      return;
    }
    const colon = line.indexOf(":"), name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.data.push(value);
    else if (name === "event") this.kind = value;
    else if (name === "id" && !value.includes("\0")) this.named = value;
  }
}

/** Events are told at least once, numbered in order: each is let through once. */
export class Once {
  private last = -1;
  /** Whether this number is news. */
  isNews(id: string | null): boolean {
    const n = id === null || id === "" ? Number.NaN : Number(id);
    if (!Number.isInteger(n)) return true;
    if (n <= this.last) return false;
    this.last = n;
    return true;
  }
  /** The log began anew at a number. */
  startAt(id: string | null): void { this.last = id !== null && Number.isInteger(Number(id)) ? Number(id) : -1; }
}

export interface Hearer {
  told(event: Told): void;
  /** Connected, again or for the first time: what is shown may have holes. */
  connected(again: boolean): void;
  /** The service's log began anew, or too much was missed. */
  reset(): void;
  lost(): void;
  signIn(): void;
  skew(ms: number): void;
}

/** The service gives a sign of life every 15 s; after three it did not give, the line is dead. */
const SILENCE_MS = 47_000;
const PATIENCE_MS = [500, 1_000, 2_000, 3_000, 5_000] as const;

export class Feed {
  /** When anything last came, ms of this machine. */
  heard = 0;
  isConnected = false;
  private readonly once = new Once();
  private lastId: string | null = null;
  private tries = 0;
  private was = false;
  private stop: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly hearer: Hearer, private readonly url = "/api/events") {}

  /** Starts, or tries at once where it waits. */
  start(): void {
    clearTimeout(this.timer);
    if (this.stop === null) void this.run();
  }

  end(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
  }

  private async run(): Promise<void> {
    const stop = this.stop = new AbortController();
    let quiet: ReturnType<typeof setTimeout> | undefined;
    const alive = (): void => {
      this.heard = Date.now();
      clearTimeout(quiet);
      quiet = setTimeout(() => stop.abort(), SILENCE_MS);
    };
    let patient = true;
    try {
      quiet = setTimeout(() => stop.abort(), SILENCE_MS);
      const asked = Date.now();
      const answer = await fetch(this.url, {
        headers: { accept: "text/event-stream", ...(this.lastId === null ? {} : { "last-event-id": this.lastId }) }, credentials: "same-origin", cache: "no-store", signal: stop.signal,
      });
      if (answer.status === 401) { patient = false; this.hearer.signIn(); }
      if (!answer.ok || answer.body === null) throw new Unreachable(String(answer.status));
      const skew = skewOf(answer.headers.get("date"), asked, Date.now());
      if (skew !== null) this.hearer.skew(skew);
      alive();
      this.isConnected = true;
      this.tries = 0;
      this.hearer.connected(this.was);
      this.was = true;
      await this.read(answer.body, alive);
    } catch { /* whatever it was, it is tried again */ }
    clearTimeout(quiet);
    this.stop = null;
    const wasConnected = this.isConnected;
    this.isConnected = false;
    if (wasConnected || this.tries === 0) this.hearer.lost();
    if (patient) this.timer = setTimeout(() => this.start(), PATIENCE_MS[Math.min(this.tries++, PATIENCE_MS.length - 1)]);
  }

  private async read(body: ReadableStream<Uint8Array>, alive: () => void): Promise<void> {
    const parser = new Parser(), words = new TextDecoder(), reader = body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      alive();
      for (const event of parser.push(words.decode(piece.value, { stream: true }))) {
        if (event.kind === "reset") { this.once.startAt(event.id); this.hearer.reset(); }
        else if (this.once.isNews(event.id)) this.hearer.told(event);
      }
      this.lastId = parser.lastId ?? this.lastId;
    }
  }
}
