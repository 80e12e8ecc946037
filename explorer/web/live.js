// What every page has: the strip kept fresh, the search key, copy buttons, the theme, ages.
// Everything from outside is put in as text, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);
const setText = (id, text) => { const e = byId(id); if (e && e.textContent !== text) e.textContent = text; };

function formatMs(ms) {
  if (ms < 1000) return ms + " ms";
  if (ms < 60000) return (ms / 1000).toFixed(2) + " s";
  return (ms / 60000).toFixed(1) + " min";
}

function formatAge(at) {
  const s = Math.max(0, (Date.now() - at) / 1000);
  if (s < 2) return "just now";
  if (s < 60) return Math.floor(s) + " s ago";
  if (s < 3600) return Math.floor(s / 60) + " min ago";
  if (s < 172800) return Math.floor(s / 3600) + " h ago";
  return Math.floor(s / 86400) + " days ago";
}

const shorten = (id) => id.length <= 20 ? id : id.slice(0, 8) + "…" + id.slice(-6);

// el makes an element; text is text.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== undefined && value !== null) e.setAttribute(name, value);
  for (const c of children) if (c !== undefined && c !== null) e.append(c);
  return e;
}

// --- strip ---
const live = { heard: Date.now(), age: 0, connected: false, strip: null, on: {} };

function showStrip(s) {
  live.heard = Date.now();
  live.age = s.age_ms;
  live.strip = s;
  setText("s-network", s.network);
  setText("s-commit", s.known ? String(s.commit) : "–");
  setText("s-finality", s.finality.count ? formatMs(s.finality.p50_ms) + " / " + formatMs(s.finality.p99_ms) : "–");
  byId("s-finality").title = "From the author's timestamp on a snapshot to the moment " + s.source + " learnt that it is committed. Two clocks are in it. Over " +
    s.finality.count + " snapshots" + (s.finality.paid ? " that carried transactions." : ".");
  setText("s-nodes", s.up + " of " + s.nodes);
  setText("s-source", s.source);
  setText("f-source", s.source);
  setText("f-clock", s.source);
  byId("s-source").title = s.source_url;
  showAge();
  if (live.on.strip) live.on.strip(s);
}

function showAge() {
  const s = live.strip;
  if (!s) return;
  const quiet = Date.now() - live.heard;
  const cut = quiet > 4000;
  setText("s-age", s.known ? formatMs(live.age + (cut ? quiet : 0)) : "–");
  const strip = byId("strip");
  strip.classList.toggle("stale", s.stale);
  strip.classList.toggle("cut", cut);
  setText("s-note", cut ? "The connection to this page's server is lost. Trying again; what you see is old."
    : !s.known ? "No node has answered yet. This page fills itself as soon as one does."
    : s.stale ? s.source + " is silent: what you see may be old." : "");
}

function connect() {
  const source = new EventSource("/live");
  source.addEventListener("strip", (e) => showStrip(JSON.parse(e.data)));
  source.addEventListener("graph", (e) => { if (live.on.graph) live.on.graph(JSON.parse(e.data)); });
  source.addEventListener("payments", (e) => { if (live.on.payments) live.on.payments(JSON.parse(e.data)); });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000); // refused: the browser does not try again by itself
  };
}

// --- transaction that is not final yet: reload when its verdict changes ---
function followVerdict() {
  const verdict = byId("verdict");
  if (!verdict || !["pending", "unknown"].includes(verdict.dataset.state)) return;
  let pause = 1000;
  const look = async () => {
    try {
      const answer = await fetch(location.pathname + "?format=json");
      const state = (await answer.json()).status?.state;
      if (state && state !== verdict.dataset.state) { location.reload(); return; }
    } catch { /* the strip says that the server is gone */ }
    pause = Math.min(pause * 1.2, 10000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
}

function wireTheme() {
  const button = byId("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* holds for this page only */ }
    dispatchEvent(new Event("themechange"));
  });
}

function wireCopy() {
  for (const button of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}

document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) return;
  e.preventDefault();
  byId("q").focus();
  byId("q").select();
});

setInterval(() => {
  showAge();
  for (const t of document.querySelectorAll("time[data-ms]")) {
    const text = formatAge(Number(t.dataset.ms));
    if (t.textContent !== text) t.textContent = text;
  }
}, 1000);

wireTheme();
wireCopy();
followVerdict();
addEventListener("DOMContentLoaded", connect); // after the page's own scripts have said what they want
