// The alarm: two tones a second, until somebody has seen to it. A browser lets a page make sounds only after a gesture.

const TONES_HZ = [880, 660] as const;
const EVERY_MS = 1_000;
const LOUD = 0.25;

export class Sound {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  /** Tones begun, for tests. */
  played = 0;

  /** Called from a gesture. */
  async enable(): Promise<boolean> {
    this.context ??= new AudioContext();
    await this.context.resume();
    if (this.isEnabled) this.tone(660, 0, 0.12);
    return this.isEnabled;
  }

  async disable(): Promise<void> { this.ring(false); await this.context?.suspend(); }
  get isEnabled(): boolean { return this.context?.state === "running"; }

  ring(on: boolean): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (!on) return;
    const both = (): void => TONES_HZ.forEach((hz, i) => this.tone(hz, i * 0.25, 0.22));
    both();
    this.timer = setInterval(both, EVERY_MS);
  }

  private tone(hz: number, after_s: number, length_s: number): void {
    const { context } = this;
    if (context === null || context.state !== "running") return;
    this.played++;
    const at = context.currentTime + after_s, tone = context.createOscillator(), level = context.createGain();
    tone.frequency.value = hz;
    // no clicks
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(LOUD, at + 0.02);
    level.gain.setValueAtTime(LOUD, at + length_s - 0.03);
    level.gain.linearRampToValueAtTime(0, at + length_s);
    tone.connect(level).connect(context.destination);
    tone.start(at);
    tone.stop(at + length_s);
  }
}
