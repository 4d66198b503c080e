// News of the service: what others changed appears here.

import { api } from "../api";
import type { App } from "../app";

/** Listens as long as the page is open. */
export class News {
  constructor(private readonly app: App) {}

  listen(): void {
    const events = new EventSource("/api/events");
    let soon = 0;
    events.addEventListener("plan", event => {
      const told = JSON.parse((event as MessageEvent<string>).data) as { plan?: string };
      const { plan } = this.app.state;
      if (plan === null || told.plan !== plan.id) return;
      window.clearTimeout(soon);
      soon = window.setTimeout(() => void this.catchUp(plan.id), 400);
    });
    events.addEventListener("reset", () => void this.app.atlas.reload());
    events.addEventListener("open", () => this.app.edits.flush());
  }

  /** Somebody else may have changed the plan: if so and no hand is on it, the new state is shown. */
  private async catchUp(id: string): Promise<void> {
    await this.app.guard(async () => {
      const { plan } = await api.plan(id);
      const now = this.app.state;
      const ours = now.plan?.id === id && now.plan.version >= plan.version;
      if (ours || now.plan?.id !== id || now.model === null || this.app.hand.isBusy || now.waiting > 0) return;
      await this.app.atlas.reload();
      await this.app.edits.loadHistory();
      this.app.say("info", "updated", { v: plan.version });
    });
  }
}
