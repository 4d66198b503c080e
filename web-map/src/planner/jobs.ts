// Work of the service that takes longer than a request.

import { api, Unreachable, type Job, type PlanResult } from "../api";

/** How often a job is asked how far it is, ms. */
const ASK_MS = 400;

/** Follows a job to its end; a line that drops meanwhile does not end it. */
export async function follow<R = PlanResult>(id: string, tell: (job: Job<R>) => void): Promise<Job<R>> {
  for (;;) {
    try {
      const job = await api.job<R>(id);
      tell(job);
      if (job.status !== "running") return job;
    } catch (e) {
      if (!(e instanceof Unreachable)) throw e;
    }
    await new Promise(done => setTimeout(done, ASK_MS));
  }
}
