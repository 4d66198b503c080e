// Work of the service that takes longer than a request.

import { api, Refused, Unreachable, type Job } from "./api";

/** How often a job is asked how far it is, ms. */
const ASK_MS = 400;
/** What stands before the service did not reach it, or there were too many at once: the job goes on. */
const AGAIN: readonly number[] = [429, 502, 503, 504];

/** Follows a job, of a kind that whoever started it knows, to its end; a line that drops meanwhile does not end it. */
export async function follow<K extends Job["kind"]>(id: string, tell: (job: Job<K>) => void): Promise<Job<K>> {
  for (;;) {
    try {
      const job = await api.job(id) as Job as Job<K>;
      tell(job);
      if (job.status !== "running") return job;
    } catch (e) {
      if (!(e instanceof Unreachable) && !(e instanceof Refused && AGAIN.includes(e.status))) throw e;
    }
    await new Promise(done => setTimeout(done, ASK_MS));
  }
}
