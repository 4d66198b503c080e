// What the room does by the clock: playing a window, figures that grow old, hours and days that end, districts on the wall.

import type { Room } from "./room";
import { HOUR_MS, nextMidnight, pieces } from "./time";

const STEP_MS = 1_200;
/** Figures are asked for again at the latest after this, whatever the feed says. */
const REFRESH_MS = 60_000;

export class Pace {
  private player: ReturnType<typeof setInterval> | undefined;
  private district = -1;
  private isGoing = false;

  constructor(private readonly room: Room) {}

  /** Starts the clocks; who signs in anew finds them going. */
  begin(): void {
    if (this.isGoing) return;
    this.isGoing = true;
    this.tick();
    if (this.room.state.wall) this.turn();
  }

  /** Goes through the pieces of the window, from where it stands. */
  play(on: boolean): void {
    const { room } = this;
    clearInterval(this.player);
    room.store.set({ playing: on });
    if (!on) return;
    const list = pieces(room.span(true)), { slice } = room.state;
    if (slice === null || slice === list.at(-1)?.from) room.look({ slice: list[0]?.from ?? null });
    this.player = setInterval(() => {
      const at = list.findIndex(p => p.from === room.state.slice), next = list[at + 1];
      if (next === undefined) this.play(false); else room.look({ slice: next.from });
    }, STEP_MS);
  }

  private tick(): void {
    const { room } = this;
    let hour = Math.floor(room.now() / HOUR_MS), midnight = nextMidnight(room.now());
    setInterval(() => {
      room.beat();
      const now = room.now();
      if (now < midnight && Math.floor(now / HOUR_MS) === hour) return;
      hour = Math.floor(now / HOUR_MS);
      midnight = nextMidnight(now);
      void room.refresh();
    }, 1_000);
    setInterval(() => room.renew(), REFRESH_MS);
    window.addEventListener("online", () => room.listen());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) room.listen(); });
  }

  /** The wall goes from district to district, unless there is an emergency. */
  private turn(): void {
    const { room } = this, { rotate, children, turning } = room.state;
    if (rotate === 0) return;
    if (turning && children.length > 1 && room.emergency() === undefined) {
      this.district = (this.district + 1) % (children.length + 1);
      const region = children[this.district];
      if (region !== undefined) void room.loadDistrict(region);
      else { room.store.set({ district: null }); room.showRegion(); }
    }
    setTimeout(() => this.turn(), rotate * 1_000);
  }
}
