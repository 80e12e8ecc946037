// Drives the explorer of a real devnet with a real browser.
//
//   node test.js [--screenshots FOLDER] [--aster PROGRAM] [--chromium PROGRAM]
//
// Starts seven nodes and their page, pays with the command line, and looks at what a visitor
// sees. Prints one line for each check and "N passed, N failed"; exits 1 if any failed.
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const { values: flags } = parseArgs({ options: { screenshots: { type: "string" }, aster: { type: "string" }, chromium: { type: "string" } } });
const home = mkdtempSync(path.join(tmpdir(), "aster-browser-"));
const env = { ...process.env, ASTER_HOME: path.join(home, "data") };
const shots = flags.screenshots ?? path.join(home, "screenshots");
mkdirSync(shots, { recursive: true });

let passed = 0, failed = 0;
const complaints = []; // of the browser: console errors, policy violations, foreign requests

function check(what, good, detail = "") {
  if (good) passed++; else failed++;
  console.log(`${good ? "ok  " : "FAIL"} ${what}${good || detail === "" ? "" : ": " + detail}`);
}

// eventually asks again and again until the answer is true or the time is over.
async function eventually(what, ask, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  let last = "";
  while (Date.now() < end) {
    try { if (last = await ask()) { check(what, true); return last; } } catch (e) { last = e.message.split("\n")[0]; }
    await new Promise((r) => setTimeout(r, 100));
  }
  check(what, false, `not within ${seconds} s, last ${last}`);
  return last;
}

// startDevnet starts a devnet. Free ports can be taken by others before it listens: then it is
// started again.
async function startDevnet(aster) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryDevnet(aster, path.join(home, "net" + attempt));
    } catch (e) {
      if (attempt === 4 || !/address already in use/.test(e.message)) throw e;
    }
  }
}

// tryDevnet returns the facts that the devnet prints when it is ready, and its process.
async function tryDevnet(aster, folder) {
  const child = spawn(aster, ["devnet", "--home", folder, "--base", "0", "--explorer", "127.0.0.1:0", "--traffic", "2", "--json"],
    { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "", errors = "";
  child.stderr.on("data", (d) => { errors += d; });
  const ended = new Promise((r) => child.on("exit", (code, signal) => r(code ?? signal)));
  const facts = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the devnet is not ready after 90 s:\n" + errors)), 90_000);
    ended.then((code) => reject(new Error(`the devnet ended with ${code}:\n${errors}`)));
    child.stdout.on("data", (d) => {
      out += d;
      try { const f = JSON.parse(out); clearTimeout(late); resolve(f); } catch { /* more to come */ }
    });
  });
  return { facts, child, ended, errors: () => errors };
}

function findChromium() {
  for (const p of [flags.chromium, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]) if (p && existsSync(p)) return p;
  throw new Error("no chromium: install it (Debian: apt-get install chromium) or name it with --chromium");
}

// open makes a page that reports everything a page should never do.
async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => { if (["error", "warning"].includes(m.type()) && !/status of 404/.test(m.text())) complaints.push("console: " + m.text()); });
  page.on("pageerror", (e) => complaints.push("exception: " + e.message));
  page.on("request", (r) => { if (!r.url().startsWith(origin + "/")) complaints.push("foreign request: " + r.url()); });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error("policy: " + e.violatedDirective + " " + e.blockedURI)));
  return page;
}

const marks = (page) => page.$eval("#dag", (c) => Object.fromEntries(Object.entries(c.dataset).map(([k, v]) => [k, Number(v)])));

// inks counts the pixels of the graph that have (nearly) the colour of each meaning.
const inks = (page) => page.$eval("#dag", (c) => {
  const style = getComputedStyle(document.documentElement);
  const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(c, 0, 0);
  const pixels = copy.getImageData(0, 0, c.width, c.height).data;
  const counts = {};
  for (const name of ["done", "lead"]) {
    const [r, g, b] = style.getPropertyValue("--" + name).trim().match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
    counts[name] = 0;
    for (let i = 0; i < pixels.length; i += 4)
      if (pixels[i + 3] > 200 && Math.abs(pixels[i] - r) + Math.abs(pixels[i + 1] - g) + Math.abs(pixels[i + 2] - b) < 24) counts[name]++;
  }
  return counts;
});

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);

// unreadable lists texts whose contrast with what is behind them is below 4.5 (WCAG AA), and
// controls that have no name.
const unreadable = (page) => page.evaluate(() => {
  const found = [];
  const rgba = (text) => { // any CSS colour, through the canvas
    const g = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    g.fillStyle = text;
    g.fillRect(0, 0, 1, 1);
    return [...g.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || e.closest("canvas, .tip, .new, button:disabled, .hidden, .skip")) continue;
    const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (text) {
      const [x, y] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
      const contrast = (x + 0.05) / (y + 0.05);
      if (contrast < 4.5) found.push(`${text.slice(0, 20)}: ${contrast.toFixed(1)}`);
    }
    if (e.matches("a, button, input, summary, canvas, [role=region]") && !(e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent || e.getAttribute("aria-labelledby"))) found.push("no name: " + e.outerHTML.slice(0, 80));
  }
  if (document.querySelectorAll("h1").length !== 1 || !document.documentElement.lang || !document.title) found.push("heading, language or title");
  return found;
});

async function readable(page, what) {
  const found = await unreadable(page);
  check(what + ": every text has contrast, every control a name", found.length === 0, found.slice(0, 6).join(" | "));
}

async function liveGraph(page, origin) {
  await page.goto(origin + "/");
  check("the page warns that this is not real money", (await page.textContent(".watermark")).includes("not real money"));
  await eventually("one lane for each of seven nodes", async () => (await marks(page)).lanes === 7);
  const first = (await marks(page)).newest;
  await eventually("rounds grow", async () => (await marks(page)).newest > first + 3);
  await eventually("snapshots are committed", async () => (await marks(page)).committed > 20);
  await eventually("leaders are committed", async () => (await marks(page)).leaders > 3);
  await eventually("dots and rings are painted in their colours", async () => { const n = await inks(page); return n.done > 500 && n.lead > 300; });
  await eventually("the strip counts seven nodes", async () => (await page.textContent("#s-nodes")).trim() === "7 of 7");
  await eventually("finality is shown", async () => /\d+ m?s \/ /.test(await page.textContent("#s-finality")));
  const commit = Number(await page.textContent("#s-commit"));
  await eventually("the commit index grows", async () => Number(await page.textContent("#s-commit")) > commit);
  await readable(page, "live, light");
  await page.screenshot({ path: path.join(shots, "live-light.png") });
}

async function keyboard(page, origin) {
  await page.keyboard.press("/");
  check("/ goes to the search box", await focused(page) === "q");
  await page.focus("#dag");
  await page.keyboard.press("Space");
  check("space pauses", await page.getAttribute("#pause", "aria-pressed") === "true");
  await page.keyboard.press("ArrowLeft");
  await page.waitForSelector("#panel-body:not([hidden])");
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowLeft");
  const before = await page.textContent("#panel-body .name");
  await page.keyboard.press("ArrowDown");
  await eventually("arrow keys move from lane to lane", async () => (await page.textContent("#panel-body .name")) !== before);
  check("the panel tells who, when and what it sees", /Id.*Signed.*Transactions.*parents/s.test(await page.textContent("#panel-body")));
  await page.screenshot({ path: path.join(shots, "selected-light.png") });
  await page.keyboard.press("Escape");
  check("Escape clears the choice", await page.isHidden("#panel-body"));
  await page.keyboard.press("End");
  check("End follows again", await page.getAttribute("#pause", "aria-pressed") === "false");
  const reached = new Set();
  await page.goto(origin + "/");
  for (let i = 0; i < 14; i++) { await page.keyboard.press("Tab"); reached.add(await focused(page)); }
  check("Tab reaches search, tools and graph", ["q", "pause", "zoom-in", "dag"].every((id) => reached.has(id)), [...reached].join(" "));
}

async function payment(page, origin, aster) {
  const { stdout } = await run(aster, ["tx", "send", "--from", "alice", "--to", "bob", "--asset", "BTC", "0.5", "--memo", "<img src=x>", "--wait", "--yes", "--json"], { env });
  const hash = stdout.match(/[0-9a-f]{64}/)[0];
  await page.goto(origin + "/");
  const row = await eventually("the payment is listed as final", async () => {
    const text = await page.$eval(`#payments tr:has(a[href="/tx/${hash}"])`, (tr) => tr.innerText);
    return /final/.test(text) && /\d m?s/.test(text) && text;
  });
  check("with its asset", /BTC/.test(row), row);
  await page.fill("#q", hash);
  await page.keyboard.press("Enter");
  await page.waitForURL(origin + "/tx/" + hash);
  check("search finds it, verdict first", (await page.textContent("main h1")).includes("Final"));
  check("its memo is text", (await page.textContent(".memo")).trim() === "<img src=x>" && await page.$$eval("main img", (all) => all.length) === 0);
  check("its effects add up", /In ([\d.]+), out \1\./.test(await page.textContent("main")), (await page.textContent("main")).match(/In .*?, out .*?\n/)?.[0]);
  await readable(page, "transaction, light");
  await page.screenshot({ path: path.join(shots, "transaction-light.png"), fullPage: true });
  await page.click(".facts a[href^='/snapshot/']");
  check("its snapshot is committed and lists it", /committed/.test(await page.textContent(".hero")) && (await page.content()).includes(hash));
  await page.click(".facts a[href^='/commit/']");
  check("its commit has its receipt", (await page.content()).includes(hash));
  await page.goto(origin + "/");
  await page.fill("#q", hash.slice(0, 12));
  await page.keyboard.press("Enter");
  await page.waitForURL(origin + "/tx/" + hash);
  check("the beginning of a hash is enough", true);
  const answer = await page.goto(origin + "/search?q=" + "0".repeat(64));
  check("what does not exist is said so", answer.status() === 404 && (await page.textContent("main h1")) === "Nothing found");
}

async function otherVisitors(browser, origin) {
  const dark = await open(browser, origin, { colorScheme: "dark" });
  await dark.goto(origin + "/");
  await eventually("dark: painted in its colours", async () => (await inks(dark)).done > 500);
  check("dark: the ground is dark", await dark.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every((n) => Number(n) < 60)));
  await dark.click("#theme");
  check("the theme can be switched", await dark.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every((n) => Number(n) > 200)));
  await dark.click("#theme");
  await dark.waitForTimeout(1500);
  await readable(dark, "live, dark");
  await dark.screenshot({ path: path.join(shots, "live-dark.png") });
  await dark.goto(await dark.$eval("#payments a.id", (a) => a.href));
  await readable(dark, "transaction, dark");

  const phone = await open(browser, origin, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: "reduce" });
  await phone.goto(origin + "/");
  await eventually("phone: the graph is there", async () => (await inks(phone)).done > 200);
  await phone.screenshot({ path: path.join(shots, "live-phone.png"), fullPage: true });
  check("phone: nothing is wider than the screen", await overflow(phone) <= 0, String(await overflow(phone)));
  await phone.goto(await phone.$eval("#payments a.id", (a) => a.href));
  check("phone: nor on a transaction's page", await overflow(phone) <= 0, String(await overflow(phone)));

  const plain = await open(browser, origin, { javaScriptEnabled: false });
  await plain.goto(origin + "/");
  check("without script: strip, rounds and transactions are there", (await plain.textContent("#s-nodes")).includes("7") && await plain.$$eval("details tbody tr", (rows) => rows.length) > 5 && await plain.$$eval("#payments tbody tr", (rows) => rows.length) > 0);
  for (const page of [dark, phone, plain]) await page.context().close();
}

// main
let devnet, browser;
try {
  const aster = flags.aster ?? path.join(home, "aster");
  if (!flags.aster) execFileSync("go", ["build", "-o", aster, "./cmd/aster"], { cwd: root, stdio: "inherit" });
  devnet = await startDevnet(aster);
  const origin = devnet.facts.explorer;
  browser = await chromium.launch({ executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const page = await open(browser, origin);
  await liveGraph(page, origin);
  await keyboard(page, origin);
  await payment(page, origin, aster);
  await otherVisitors(browser, origin);
  const rebind = await fetch(origin, { headers: { Origin: "https://evil.example" } });
  check("another site's script is refused", rebind.status === 403);
  check("no console errors, no policy violations, nothing from elsewhere", complaints.length === 0, complaints.slice(0, 5).join(" | "));
  await page.goto(origin + "/");
  devnet.child.kill("SIGINT");
  await eventually("when the server is gone the page says so", async () => /lost/.test(await page.textContent("#s-note")), 75); // its nodes settle first
} catch (e) {
  check("the test ran to its end", false, e.stack);
} finally {
  await browser?.close();
  if (devnet) {
    devnet.child.kill("SIGINT");
    const late = setTimeout(() => devnet.child.kill("SIGKILL"), 20_000);
    await devnet.ended;
    clearTimeout(late);
    if (failed) console.log(devnet.errors().slice(-3000));
  }
  if (flags.screenshots) console.log("screenshots in " + shots);
  rmSync(home, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
