import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      // generous: a machine that also compiles is slow, and nothing here is about time
      { test: { name: "unit", include: ["tests/unit/*.test.ts"], testTimeout: 60_000 } },
      // one after the other: they share a machine with a browser and a solver
      { test: { name: "measure", include: ["tests/measure/*.measure.ts"], fileParallelism: false } },
      { test: { name: "soak", include: ["tests/soak/*.soak.ts"], testTimeout: 3_600_000, hookTimeout: 600_000, fileParallelism: false } },
      { test: { name: "journeys", include: ["tests/journeys/*.spec.ts"], globalSetup: "tests/journeys/demo.ts", testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false, retry: 0 } },
    ],
  },
});
