import { describe, expect, it } from "vitest";
import { wordsOfUnit } from "../../src/map/paint";
import { text } from "../../src/strings";
import { Model } from "../../src/village/model";
import { village } from "./village";

describe("locks", () => {
  it("of a building, a unit and a grid are seen on the map, and of officers beside the unit's number", () => {
    const { data } = village(4, [0, 0, 1, 1, 2, 2, 3, 3], [1, 1, 1, 1, 1, 0, 1, 1]);
    data.buildings[0]!.locked = true;
    data.units[1]!.locked = true;
    data.grids[2]!.locked = true;
    const model = new Model(data);
    expect(Array.from({ length: 8 }, (_, a) => model.isLocked(a))).toEqual([true, false, true, true, true, true, false, false]);
    const unit = { ...data.units[0]!, locked: false, officers_locked: true }, t = text.bind(null, "zh");
    expect([wordsOfUnit(unit, { t }), wordsOfUnit({ ...unit, locked: true }, { t }), wordsOfUnit(data.units[2]!, { t })]).toEqual(["001 · 人选锁定", "001 · 锁 · 人选锁定", "001"]);
  });
});
