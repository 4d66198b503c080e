// The demonstration is imported and planned once for all journeys: that takes longer than most of them.

import { MADE, Service } from "./service";

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["LIANHU_URL"] !== undefined) return undefined;
  const service = new Service();
  try {
    await service.start();
    // to its own end, so that the files in its folder are all there is of the store
    await service.kill("SIGTERM");
  } catch (fault) {
    await service.end();
    throw fault;
  }
  process.env[MADE] = service.folder;
  return () => service.end();
}
