// The rules that alarm, as administrators see and change them. The service judges what was written; its words stand beside the field.

import { freshKey, Refused } from "../api";
import { half } from "../strings";
import { roomApi, type AlertRule, type AlertRuleWish } from "./api";
import type { Room } from "./room";

/** What stands in a rule's form and was not sent yet: kept while others are saved. */
export type Draft = Partial<Pick<AlertRule, "region" | "escalate_after_min" | "days" | "resolution" | "enabled">>;

export class Rules {
  private readonly drafts = new Map<string, Draft>();

  constructor(private readonly room: Room) {}

  /** Who may look at rules and change them. */
  get isAllowed(): boolean { return this.room.state.who?.role === "admin"; }

  async open(): Promise<void> {
    this.drafts.clear();
    await this.read();
  }

  close(): void { this.room.store.set({ rules: null, ruleProblem: null }); }

  private async read(): Promise<void> {
    const rules = await this.room.guard(() => roomApi.alertRules());
    if (rules !== undefined) this.room.store.set({ rules });
  }

  /** A rule with what was written over it. */
  drafted(rule: AlertRule): AlertRule { return { ...rule, ...this.drafts.get(rule.id) }; }
  isChanged(rule: AlertRule): boolean { return Object.entries(this.drafts.get(rule.id) ?? {}).some(([name, value]) => rule[name as keyof AlertRule] !== value); }
  write(rule: AlertRule, change: Draft): void { this.drafts.set(rule.id, { ...this.drafts.get(rule.id), ...change }); }

  save(rule: AlertRule): Promise<void> {
    const { kind, region, escalate_after_min, days, resolution, enabled } = this.drafted(rule);
    return this.change(rule, async () => (await roomApi.putAlertRule(rule.id, rule.version, { kind, region, escalate_after_min, days, resolution, enabled })).id);
  }

  /** One of the store's own: what it is about and where; the rest is as its kind ships and can be changed in its form. */
  async make(kind: AlertRuleWish["kind"], region: string, escalate_after_min: number): Promise<void> {
    const { room } = this, id = `${kind}-${region === "" ? "all" : region}-${freshKey().slice(0, 6)}`;
    await room.guard(async () => {
      await roomApi.putAlertRule(id, 0, { kind, region, escalate_after_min, enabled: true });
      room.say("good", "ruleKept");
      await this.read();
    });
  }

  /** As it ships; one of the store's own is gone. */
  reset(rule: AlertRule): Promise<void> {
    return this.change(rule, async () => { await roomApi.dropAlertRule(rule.id, rule.version); return rule.id; });
  }

  private async change(rule: AlertRule, work: () => Promise<string>): Promise<void> {
    const { room } = this;
    await room.guard(async () => {
      try {
        this.drafts.delete(await work());
        room.store.set({ ruleProblem: null });
        room.say("good", "ruleKept");
        await this.read();
      } catch (e) {
        if (!(e instanceof Refused) || e.status === 401) throw e;
        const { detail, field } = e.body;
        room.store.set({ ruleProblem: { rule: rule.id, field: field ?? null, text: half(room.state.lang, detail) } });
        // somebody was faster: what stands now is read, what was written here is kept
        if (e.status === 412) await this.read();
      }
    });
  }
}
