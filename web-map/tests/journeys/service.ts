// The real program on ports of its own with the demonstration township in a temporary store; and one browser.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { expose } from "../../src/testing";

type Exposed = ReturnType<typeof expose>;
declare global { interface Window { lianhu: Exposed; __xss?: unknown; __csp?: string[] } }

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const PICTURES = join(ROOT, "out", "screenshots");
/** Names the folder of a demonstration made before (demo.ts): each service begins with a copy of it. */
export const MADE = "JOURNEYS_DEMO";
/** The demonstration is planned at the first start, seconds of solver time included. */
const START_MS = 180_000;

export function programme(): string {
  const target = process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target");
  const found = [process.env["LIANHU"], join(target, "release", "lianhu"), join(target, "debug", "lianhu")].find(p => p !== undefined && existsSync(p));
  if (found === undefined) throw new Error("build the program first: cargo build");
  return found;
}

export class Service {
  private child: ChildProcess | null = null;
  readonly folder = mkdtempSync(join(tmpdir(), "lianhu-map-"));
  private port = 0;
  url = "";

  /** On a store of one's own, or on a temporary one with the demonstration; with settings of the environment. */
  constructor(private readonly store?: string, readonly settings: Record<string, string> = {}) {}

  /** Starts it, on the same port as before if there was one; without the demonstration nobody is let in who has not signed in. */
  async start(demo = true): Promise<void> {
    const other = process.env["LIANHU_URL"];
    if (other !== undefined) { this.url = other; return; }
    const made = process.env[MADE];
    if (demo && made !== undefined && this.store === undefined && !existsSync(join(this.folder, "demo.gpkg"))) cpSync(made, this.folder, { recursive: true });
    const args = ["serve", ...(demo ? ["--demo"] : []), "--store", this.where, "--bind", `127.0.0.1:${this.port}`, "--admin-bind", "127.0.0.1:0"];
    const child = this.child = spawn(programme(), args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...this.settings } });
    let said = "";
    this.url = await new Promise<string>((done, fail) => {
      const late = setTimeout(() => fail(new Error(`the service did not start: ${said}`)), START_MS);
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
        if (url !== undefined) { clearTimeout(late); done(url); }
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", (chunk: Buffer) => { said += chunk.toString(); });
      child.on("exit", code => { clearTimeout(late); fail(new Error(`the service ended with ${code}: ${said}`)); });
    });
    this.port = Number(new URL(this.url).port);
  }

  private get where(): string { return this.store ?? `sqlite:${join(this.folder, "demo.gpkg")}`; }

  /** Adds somebody who can sign in, while the service is down. */
  addUser(name: string, role: string, password: string): void {
    execFileSync(programme(), ["user", "add", "--store", this.where, "--role", role, "--region", "*", name], { input: `${password}\n`, stdio: ["pipe", "ignore", "inherit"] });
  }

  /** Brings a file into the register, while the service is down. */
  bringIn(layer: string, name: string, text: string): void {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    execFileSync(programme(), ["import", "--store", this.where, "--layer", layer, file], { stdio: ["ignore", "ignore", "inherit"] });
  }

  get isOurs(): boolean { return process.env["LIANHU_URL"] === undefined; }

  /** Ends it as a power cut would, or as it is asked to. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise(done => child.once("exit", done));
    child.kill(signal);
    await gone;
    this.child = null;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const browse = (): Promise<Browser> => chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: FLAGS });

export interface Visit { page: Page; context: BrowserContext; requests: string[]; faults: string[] }

/** A page on the service; what it asks for and what goes wrong in it is kept. */
export async function visit(browser: Browser, service: Service, options: Parameters<Browser["newContext"]>[0] = {}, path = "", watch?: () => void): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(90_000);    // a busy machine is slow; nothing here asserts a time
  const page = await context.newPage(), requests: string[] = [], faults: string[] = [];
  page.on("request", r => requests.push(r.url()));
  page.on("pageerror", e => faults.push(String(e)));
  page.on("console", m => { if (m.type() === "error" && !/Failed to load resource|ERR_/.test(m.text())) faults.push(m.text()); });
  await page.addInitScript(() => { window.__csp = []; document.addEventListener("securitypolicyviolation", e => window.__csp!.push(`${e.violatedDirective} ${e.blockedURI}`)); });
  if (watch !== undefined) await page.addInitScript(watch);
  await page.goto(service.url + path);
  await page.waitForFunction(() => "lianhu" in window);
  return { page, context, requests, faults };
}

export const look = (page: Page) => page.evaluate(() => window.lianhu.state());
export const by = (id: string): string => `[data-testid="${id}"]`;

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Opens the first township, unless one is open. */
export async function openTownship(page: Page): Promise<void> {
  const rows = page.locator(`${by("panel")} [data-testid^="village-"]`);
  await rows.first().waitFor();
  if (await page.locator(by("plan-status")).count() > 0) return;
  await rows.first().click();
  await page.waitForSelector(by("plan-status"));
  await rows.first().waitFor();
}

/** Opens the first village of the list. */
export async function openVillage(page: Page): Promise<void> {
  await openTownship(page);
  await page.locator(`${by("panel")} [data-testid^="village-"]`).first().click();
  await page.waitForFunction(() => window.lianhu.state().village !== null);
}

/** Opens a village in a draft of its own. */
export async function openDraft(page: Page, name: string): Promise<void> {
  if ((await look(page)).village === null) await openVillage(page);
  await page.click(by("fork-here"));
  await page.fill(by("fork-name"), name);
  await page.click(by("fork-go"));
  await page.waitForFunction(() => { const s = window.lianhu.state(); return s.plan?.status === "draft" && s.dialog === null && location.hash.includes(s.plan.id); });
}

export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => { const s = window.lianhu.state(); return s.waiting === 0 && !s.busy; });
}

/** Pairs of neighbouring cells with buildings in different unlocked base grids: [taken, its grid, grid that gets it], and a safe one first: the rest of its grid stays whole. */
export async function borderCells(page: Page): Promise<{ atom: number; from: string; to: string; buildings: string[]; households: number }[]> {
  return page.evaluate(() => {
    const atoms = window.lianhu.atoms(), list: { atom: number; from: string; to: string; buildings: string[]; households: number }[] = [];
    const isWhole = (grid: string, without: number): boolean => {
      const mine = atoms.map((x, i) => ({ x, i })).filter(({ x, i }) => x.grid === grid && i !== without).map(({ i }) => i);
      const seen = new Set([mine[0]!]), queue = [mine[0]!];
      for (const a of queue) for (const b of atoms[a]!.near) if (b !== without && atoms[b]!.grid === grid && !seen.has(b)) { seen.add(b); queue.push(b); }
      return mine.every(i => seen.has(i) || atoms[i]!.buildings.length === 0);
    };
    atoms.forEach((x, atom) => {
      if (x.buildings.length === 0 || x.grid === null || list.length > 60) return;
      const to = x.near.map(b => atoms[b]!).find(y => y.grid !== x.grid && y.buildings.length > 0)?.grid;
      if (to !== undefined && to !== null && isWhole(x.grid, atom)) list.push({ atom, from: x.grid, to, buildings: x.buildings, households: x.households });
    });
    return list;
  });
}

/** A cell and the ring of its grid around it: taking the ring strands the cell. Not in the grids named. */
export async function pocket(page: Page, not: readonly string[] = []): Promise<{ cell: number; ring: number[]; from: string; to: string } | null> {
  return page.evaluate(others => {
    const atoms = window.lianhu.atoms();
    for (let cell = 0; cell < atoms.length; cell++) {
      const x = atoms[cell]!, ring = x.near.filter(b => atoms[b]!.grid === x.grid);
      if (x.buildings.length === 0 || x.grid === null || others.includes(x.grid) || ring.length < 2 || ring.length > 7 || ring.length !== x.near.length) continue;
      if (ring.some(b => atoms[b]!.buildings.length === 0)) continue;
      const to = ring.flatMap(b => atoms[b]!.near).map(b => atoms[b]!).find(y => y.grid !== x.grid && y.buildings.length > 0)?.grid;
      const inGrid = atoms.filter(y => y.grid === x.grid && y.buildings.length > 0).length;
      if (to !== undefined && to !== null && inGrid > ring.length + 20) return { cell, ring, from: x.grid, to };
    }
    return null;
  }, not);
}

export const screen = (page: Page, atom: number): Promise<[number, number] | null> => page.evaluate(a => window.lianhu.screen(a), atom);
