// Which answers still count where the same is asked again before the last answer came: none that is older than one already used, and none that
// was asked before the reader looked elsewhere. An answer is not dropped because a newer one is on its way: under steady news there always is one.

export class Turns {
  private readonly asked = new Map<string, number>();
  private readonly used = new Map<string, number>();

  /** A question of a kind goes out; its number. */
  ask(kind: string): number {
    const turn = (this.asked.get(kind) ?? 0) + 1;
    this.asked.set(kind, turn);
    return turn;
  }

  /** Whether the answer to a question counts; from now on older ones do not. */
  counts(kind: string, turn: number): boolean {
    if (turn <= (this.used.get(kind) ?? 0)) return false;
    this.used.set(kind, turn);
    return true;
  }

  /** What was asked so far, of some kinds, no longer counts: it is asked anew. */
  drop(...kinds: readonly string[]): void {
    for (const kind of kinds) this.used.set(kind, this.asked.get(kind) ?? 0);
  }

  /** A kind that will not come again is not kept. */
  forget(kind: string, turn: number): void {
    if (this.asked.get(kind) !== turn) return;
    this.asked.delete(kind);
    this.used.delete(kind);
  }
}
