// What offices send: text in GBK, points as Chinese web maps shift them.

const bytes = new Map<string, readonly [number, number]>();

/** Text in GBK, by asking the decoder what each pair of bytes means. */
export function gbk(text: string): Buffer {
  if (bytes.size === 0) {
    const decoder = new TextDecoder("gbk", { fatal: true });
    for (let a = 0x81; a <= 0xfe; a++) for (let b = 0x40; b <= 0xfe; b++) {
      try {
        const c = decoder.decode(Uint8Array.of(a, b));
        if ([...c].length === 1 && !bytes.has(c)) bytes.set(c, [a, b]);
      } catch { /* no character has these bytes */ }
    }
  }
  return Buffer.from([...text].flatMap(c => {
    if (c.charCodeAt(0) < 0x80) return [c.charCodeAt(0)];
    const pair = bytes.get(c);
    if (pair === undefined) throw new Error(`not in GBK: ${c}`);
    return [...pair];
  }));
}

/** WGS 84 to GCJ-02, by the published series. */
export function toGcj02(lon: number, lat: number): [number, number] {
  const x = lon - 105, y = lat - 35, { sin, cos, sqrt, abs, PI } = Math;
  const wave = (v: number, parts: readonly [number, number][]): number => parts.reduce((sum, [size, of]) => sum + size * sin(of * v * PI), 0) * 2 / 3;
  const both = wave(x, [[20, 6], [20, 2]]);
  const dy = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + both + wave(y, [[20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]]);
  const dx = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + both + wave(x, [[20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]]);
  const a = 6_378_245, e2 = 0.006_693_421_622_965_943, phi = lat / 180 * PI, w = 1 - e2 * sin(phi) ** 2;
  return [lon + dx * 180 / (a / sqrt(w) * cos(phi) * PI), lat + dy * 180 / (a * (1 - e2) / (w * sqrt(w)) * PI)];
}
