// News of the service: what others changed appears here.

import { api, Refused, type Defined } from "../api";
import type { App } from "../app";
import { Feed, type Told } from "../feed";

/** How long a change waits for those that come with it, ms. */
const SOON_MS = 400;

/** Listens as long as the page is open. */
export class News {
  private readonly feed: Feed;
  private soon: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly app: App) {
    this.feed = new Feed({
      told: event => this.told(event),
      connected: () => app.edits.flush(),
      // too much was missed to be told one by one
      reset: () => { this.changed(); void app.atlas.reload(); },
      lost: () => undefined,
      // no hand is stopped for it: the next thing that is done asks for a name, and then one listens again
      signIn: () => undefined,
      skew: () => undefined,
    });
  }

  /** Starts, or tries at once where it waits. */
  listen(): void { this.feed.start(); }

  private changed(): void { this.app.store.set({ changes: this.app.state.changes + 1 }); }

  private told({ kind, data }: Told): void {
    if (kind === "register") this.changed();
    if (kind !== "plan") return;
    let said: Defined["PlanEvent"];
    try { said = JSON.parse(data) as Defined["PlanEvent"]; } catch { return; }
    const { plan } = this.app.state;
    if (said.operation === "plan.publish") this.changed();
    if (plan === null || said.plan !== plan.id) return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => void this.catchUp(plan.id), SOON_MS);
  }

  /** Somebody else may have changed the plan: if so and no hand is on it, the new state is shown. */
  private async catchUp(id: string): Promise<void> {
    await this.app.guard(async () => {
      // no hand is stopped to ask for a name
      const now = await api.plan(id).catch((e: unknown) => { if (e instanceof Refused && e.status === 401) return null; throw e; });
      if (now === null) return;
      const { plan } = now;
      const isNews = (): boolean => {
        const { plan: ours, model, waiting, busy } = this.app.state;
        return ours?.id === id && ours.version < plan.version && model !== null && !this.app.hand.isBusy && waiting === 0 && !busy;
      };
      if (!isNews()) return;
      const village = await api.village(id, this.app.state.model!.data.village);
      // a hand may have come down meanwhile
      if (!isNews() || this.app.state.model?.data.village !== village.village) return;
      this.app.atlas.show(village);
      await this.app.edits.loadHistory();
      this.app.say("info", "updated", { v: plan.version });
    });
  }
}
