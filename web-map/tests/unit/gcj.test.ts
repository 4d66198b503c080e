// A basemap drawn in GCJ-02 is moved under the data, by as much as its makers moved it and the other way; the data never is.

import { describe, expect, it } from "vitest";
import { toGcj02, underlay } from "../../src/map/gcj";
import { project, WORLD_PX } from "../../src/village/model";

/** Places of a screen whose zoom is 18. */
const at = (lon: number, lat: number): { x: number; y: number } => { const [x, y] = project(lon, lat); return { x, y }; };
/** Here, in metres. */
const PX_PER_M = WORLD_PX / (2 * Math.PI * 6_378_137 * Math.cos(26 * Math.PI / 180));
const HERE = [105.9, 26.0] as const;

describe("GCJ-02", () => {
  it("is what everybody's implementations make of a place", () => {
    const [lon, lat] = toGcj02(116.404, 39.915);
    expect(Math.hypot(lon - 116.410_244_499_169_38, lat - 39.916_404_281_501_64)).toBeLessThan(1e-9);
  });

  it("lays what a source draws where the data has it: the middle to the dot, the rest of a view within a metre or two", () => {
    const { deg, px } = underlay(true, ...HERE, at);
    for (const [dx, dy] of [[0, 0], [0.004, 0], [0, -0.004], [-0.004, 0.004]] as const) {
      const place = [HERE[0] + dx, HERE[1] + dy] as const, drawn = toGcj02(...place), is = at(...drawn), wanted = at(...place);
      const off_m = Math.hypot(is.x + px[0] - wanted.x, is.y + px[1] - wanted.y) / PX_PER_M;
      expect(off_m, `${dx} ${dy}`).toBeLessThan(dx === 0 && dy === 0 ? 1e-6 : 2);
    }
    // in Anshun its makers moved it to the south-east, so the tiles go to the north-west, which is left and up; what is read is to the south-east
    const [lon, lat] = toGcj02(...HERE);
    expect([Math.sign(px[0]), Math.sign(px[1]), Math.sign(deg[0]), Math.sign(deg[1])]).toEqual([-1, -1, 1, -1]);
    expect(deg).toEqual([lon - HERE[0], lat - HERE[1]]);
    const by_m = Math.hypot(...px) / PX_PER_M;
    expect(by_m).toBeGreaterThan(480);
    expect(by_m).toBeLessThan(520);
  });

  it("moves nothing of a source that is not drawn in it", () => {
    expect(underlay(false, ...HERE, at)).toEqual({ deg: [0, 0], px: [0, 0] });
  });
});
