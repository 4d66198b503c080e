// Reports on their way: kept in the browser until the service has them, each with a key that makes it count once.

import { freshKey, Refused, Unreachable } from "../api";
import type { Incident, NewIncident } from "../room/api";
import type { Album } from "./album";

/** With a photo it has two ways to go: first the report, then, under the id it got, the photo. */
export interface Waiting { key: string; wish: NewIncident; made_at: string; refused?: string; photo?: boolean; sent?: string }
export interface Keeper { getItem(key: string): string | null; setItem(key: string, value: string): void }
export interface Carrier {
  send(wish: NewIncident, key: string): Promise<Incident>;
  sendPhoto(incident: string, photo: Blob): Promise<unknown>;
  sent(report: Waiting, incident: Incident): void;
  changed(list: readonly Waiting[], offline: boolean): void;
  signIn(): void;
}

const here = new Map<string, string>();
/** The browser's own store; where it is full or shut, as in some private windows, what it does not take lives as long as the page. */
export const keeper: Keeper = {
  getItem: key => { try { return here.get(key) ?? localStorage.getItem(key); } catch { return null; } },
  setItem: (key, value) => { try { here.delete(key); localStorage.setItem(key, value); } catch { here.set(key, value); } },
};

const PLACE = "lianhu.reports";
const PATIENCE_MS = 10_000;

export class Reports {
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly keeper: Keeper, private readonly carrier: Carrier, private readonly album: Album) {}

  /** Read anew each time: another page of the same browser may have sent one. */
  list(): Waiting[] {
    try {
      const kept: unknown = JSON.parse(this.keeper.getItem(PLACE) ?? "[]");
      return Array.isArray(kept) ? kept.filter((w): w is Waiting => typeof w === "object" && w !== null && "key" in w && "wish" in w) : [];
    } catch {
      return [];
    }
  }

  private keep(list: readonly Waiting[]): void { this.keeper.setItem(PLACE, JSON.stringify(list)); }

  /** Takes a report in. It is kept before it is sent, its photo first. */
  async add(wish: NewIncident, now: Date, photo?: Blob): Promise<void> {
    const key = freshKey();
    if (photo !== undefined) await this.album.put(key, photo);
    this.keep([...this.list(), { key, wish, made_at: now.toISOString(), ...(photo === undefined ? {} : { photo: true }) }]);
    this.flush();
  }

  forget(key: string): void {
    this.leave(key);
    this.carrier.changed(this.list(), false);
  }

  private leave(key: string): void {
    const photo = this.list().some(w => w.key === key && w.photo === true);
    this.keep(this.list().filter(w => w.key !== key));
    if (photo) void this.album.drop(key).catch(() => undefined);
  }

  private change(key: string, change: Partial<Waiting>): void { this.keep(this.list().map(w => w.key === key ? { ...w, ...change } : w)); }

  flush(): void {
    clearTimeout(this.timer);
    if (!this.sending) void this.run();
  }

  private async run(): Promise<void> {
    this.sending = true;
    let offline = false;
    for (let next = this.next(); next !== undefined && !offline; next = this.next()) {
      this.carrier.changed(this.list(), false);
      const { key } = next;
      try {
        let id = next.sent;
        if (id === undefined) {
          const incident = await this.carrier.send(next.wish, key);
          id = incident.id;
          if (next.photo === true) this.change(key, { sent: id }); else this.leave(key);
          this.carrier.sent(next, incident);
        }
        if (next.photo !== true) continue;
        this.carrier.changed(this.list(), false);
        const photo = await this.album.get(key);
        if (photo !== undefined) await this.carrier.sendPhoto(id, photo);
        this.leave(key);
      } catch (e) {
        if (e instanceof Refused && e.status === 401) { this.carrier.signIn(); break; }
        if (e instanceof Unreachable || (e instanceof Refused && (e.status === 429 || e.status >= 500 || e.body.code === "idempotency_key_in_flight"))) { offline = true; break; }
        const why = e instanceof Refused ? e.body.detail : String(e);
        this.change(key, { refused: why });
      }
    }
    this.sending = false;
    this.carrier.changed(this.list(), offline);
    if (offline) this.timer = setTimeout(() => this.flush(), PATIENCE_MS);
  }

  /** The oldest that nobody refused. */
  private next(): Waiting | undefined { return this.list().find(w => w.refused === undefined); }
}
