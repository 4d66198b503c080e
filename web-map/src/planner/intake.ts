// A file into the register: sent, looked at, corrected, written or forgotten.

import { api, type Job, type ProblemBody, type Reading } from "../api";
import type { App } from "../app";
import type { Intake as Step, Judged } from "../state";
import { half } from "../strings";
import type { Layer } from "./fields";
import { follow } from "../jobs";

/** A file that cannot be read as it is: only its columns are known, to be told what they are. */
const unread = (id: string, { columns }: ProblemBody): Judged => ({
  import: { id }, format: "", encoding: null, crs: null, datum_suspected: null, columns: columns ?? [], warnings: [], rows: 0,
  counts: { insert: 0, update: 0, unchanged: 0, conflict: 0, refused: 0, buildings: 0 }, errors: [], error_count: 0, sample: [], regions: [],
});

/** Imports. The file stays with the service between the steps; nothing is stored before the last. */
export class Intake {
  /** Reference system and sheet that were chosen: every look at the file says them again. Unsaid, the service guesses. */
  private said: Reading = {};

  constructor(private readonly app: App) {}

  open(layer: Layer = "households"): void {
    const { intake } = this.app.state;
    this.app.store.set({ dialog: { kind: "import" }, intake: intake ?? { step: "choose", file: "", layer } });
  }

  /** Sends a file and shows what it would do. */
  async read(layer: Layer, file: File): Promise<void> {
    this.said = {};
    const from: Step = { step: "choose", file: file.name, layer };
    let sent: string | null = null;
    await this.run(from, null, async () => {
      const { job, import: { id } } = await api.upload(layer, file);
      sent = id;
      return job;
    }, false);
    // a file that is not shown is of no use to anybody
    if (sent !== null && this.app.state.intake?.step !== "preview") await this.forget(sent);
  }

  /** Whatever comes of it: the file is gone after an hour anyway. */
  private async forget(id: string): Promise<void> { await api.forgetImport(id).catch(() => undefined); }

  /** Looks at the file anew: with other columns, or in another reference system, which is then the planner's judgement. */
  async again(wish: Reading, judged: boolean): Promise<void> {
    const { intake } = this.app.state;
    if (intake?.step !== "preview") return;
    const { map, ...said } = wish;
    this.said = { ...this.said, ...said };
    const whole = { ...this.said, ...(map === undefined ? {} : { map }) };
    await this.run(intake, intake.preview, () => api.previewImport(intake.preview.import.id, whole), judged || said.crs !== undefined || intake.confirmed);
  }

  /** The planner has judged where the points lie. */
  confirm(): void {
    const { intake } = this.app.state;
    if (intake?.step === "preview") this.app.store.set({ intake: { ...intake, confirmed: true } });
  }

  private async run(from: Step, preview: Judged | null, start: () => Promise<string>, confirmed: boolean): Promise<void> {
    const { file, layer } = from, show = (of: Judged, trouble: { text: string; layers: readonly string[] } | null, sure: boolean): void =>
      this.app.store.set({ intake: { step: "preview", file, layer, preview: of, confirmed: sure, trouble } });
    const read = await this.job<"import.preview">("reading", from, preview, start, problem => {
      if (problem.import === undefined) return false;
      show(unread(problem.import.id, problem), { text: half(this.app.state.lang, problem.detail), layers: problem.layers ?? [] }, false);
      return true;
    });
    if (read !== null && "columns" in read) show(read, null, confirmed || read.datum_suspected === null);
  }

  /** Stores what is right; with `partial` in spite of rows that are not. */
  async write(partial: boolean): Promise<void> {
    const { intake } = this.app.state;
    if (intake?.step !== "preview") return;
    const { file, layer, preview } = intake;
    const written = await this.job<"import">("writing", intake, preview, () => api.commitImport(preview.import.id, partial));
    if (written === null) return;
    this.app.store.set({ intake: { step: "done", file, layer, written } });
    await this.app.atlas.refresh();
  }

  /** The result of a job, or null: then the step before is shown again and why is said. */
  private async job<K extends "import.preview" | "import">(step: "reading" | "writing", from: Step, preview: Judged | null, start: () => Promise<string>, mend: (problem: ProblemBody) => boolean = () => false): Promise<Job<K>["result"] | null> {
    const { file, layer } = from, { store } = this.app;
    const show = (job: string, share: number, stage: string): void => store.set({ intake: { step, file, layer, job, share, stage, preview } });
    show("", 0, "");
    const ended = await this.app.guard(async () => {
      const id = await start();
      show(id, 0, "");
      return follow<K>(id, now => { if (now.status === "running") show(id, now.share, now.stage); });
    });
    if (ended?.status === "done") return ended.result;
    if (ended?.status === "failed" && ended.problem && mend(ended.problem)) return null;
    store.set({ intake: from });
    if (ended?.status === "failed") store.dispatch({ type: "notice", kind: "bad", text: half(this.app.state.lang, ended.problem?.detail ?? "") });
    if (ended?.status === "cancelled") this.app.say("info", "importStopped");
    return null;
  }

  /** Stops what runs; the register stays as it was. */
  async stop(): Promise<void> {
    const { intake } = this.app.state;
    if ((intake?.step === "reading" || intake?.step === "writing") && intake.job !== "") await this.app.guard(() => api.cancelJob(intake.job));
  }

  /** Gives the file up. */
  async close(): Promise<void> {
    const { intake } = this.app.state;
    this.app.store.set({ dialog: null, intake: null });
    if (intake?.step === "preview") await this.forget(intake.preview.import.id);
  }
}
