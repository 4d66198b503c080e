// Edits on their way: one after the other, each with a key that makes it count once, kept while the service is away and while the planner decides about one
// that was refused.

import { Refused, Unreachable, type Answer as AnswerTo, type EditRequest } from "./api";

export interface Parcel { plan: string; request: EditRequest; key: string; what: string; revert: () => void }
export type Answer = AnswerTo<"/api/plans/{id}/edits", "post">;
export interface Carrier {
  send(parcel: Parcel): Promise<Answer>;
  done(parcel: Parcel, answer: Answer): void;
  /** Answers whether those behind it wait until they are let go: they may stand on it. */
  refused(parcel: Parcel, problem: Refused): boolean;
  changed(waiting: number, offline: boolean): void;
  signIn(): void;
}

/** Nobody has judged the edit: who it is was not known, there were too many at once, or whatever stands before the service did not reach it. */
const AGAIN: readonly number[] = [401, 429, 502, 503, 504];
/** How long to wait before asking again, ms. */
const PATIENCE_MS = 3_000;

export class Outbox {
  private readonly queue: Parcel[] = [];
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private held = false;

  constructor(private readonly carrier: Carrier) {}

  /** Whether what waits does so for the planner's word about an edit that was refused. */
  get isHeld(): boolean { return this.held; }

  post(parcel: Parcel): void {
    this.queue.push(parcel);
    this.flush();
  }

  /** The planner has decided about the edit that was refused: what is to be done in its place goes first, then those behind it. */
  letGo(instead: Parcel | null = null): void {
    if (instead !== null) this.queue.unshift(instead);
    this.held = false;
    this.flush();
  }

  /** Sends what waits, unless it is being sent. */
  flush(): void {
    clearTimeout(this.timer);
    if (!this.sending) void this.run();
  }

  private async run(): Promise<void> {
    this.sending = true;
    let offline = false;
    for (let parcel = this.queue[0]; parcel !== undefined && !offline && !this.held; parcel = this.queue[0]) {
      this.carrier.changed(this.queue.length, false);
      try {
        const answer = await this.carrier.send(parcel);
        this.queue.shift();
        this.rebase(parcel, answer);
        this.carrier.done(parcel, answer);
      } catch (e) {
        const again = e instanceof Unreachable || (e instanceof Refused && (AGAIN.includes(e.status) || e.body.code === "idempotency_key_in_flight"));
        if (e instanceof Refused && e.status === 401) this.carrier.signIn();
        if (again) { offline = !(e instanceof Refused && e.status === 401); break; }
        if (this.queue[0] === parcel) this.queue.shift();
        const problem = e instanceof Refused ? e : new Refused(0, { code: "page", detail: String(e) });
        this.held = this.carrier.refused(parcel, problem);
      }
    }
    this.sending = false;
    this.carrier.changed(this.queue.length, offline);
    if (offline) this.timer = setTimeout(() => this.flush(), PATIENCE_MS);
  }

  /** Later edits of the same planner stand on the ones before; what others did meanwhile they have not seen, and are asked about. */
  private rebase(sent: Parcel, { committed }: Answer): void {
    const own = committed.grids.map((g): [string, number] => [g, committed.version]);
    for (const p of this.queue) if (p.plan === sent.plan) {
      p.request = { ...p.request, grid_versions: [...(p.request.grid_versions ?? []).filter(([g]) => !committed.grids.includes(g)), ...own] };
    }
  }
}
