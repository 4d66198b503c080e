// News of the service: what others changed appears here.

import { api } from "../api";
import type { App } from "../app";

/** Listens as long as the page is open. */
export class News {
  private events: EventSource | null = null;

  constructor(private readonly app: App) {}

  listen(): void {
    this.events?.close();
    const events = this.events = new EventSource("/api/events");
    const changed = (): void => this.app.store.set({ changes: this.app.state.changes + 1 });
    let soon = 0;
    events.addEventListener("plan", event => {
      const told = JSON.parse((event as MessageEvent<string>).data) as { plan?: string; operation?: string };
      if (told.operation === "publish") changed();
      const { plan } = this.app.state;
      if (plan === null || told.plan !== plan.id) return;
      window.clearTimeout(soon);
      soon = window.setTimeout(() => void this.catchUp(plan.id), 400);
    });
    events.addEventListener("register", changed);
    events.addEventListener("reset", () => { changed(); void this.app.atlas.reload(); });
    events.addEventListener("open", () => this.app.edits.flush());
  }

  /** Somebody else may have changed the plan: if so and no hand is on it, the new state is shown. */
  private async catchUp(id: string): Promise<void> {
    await this.app.guard(async () => {
      const { plan } = await api.plan(id);
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
