// The first page: connects what comes in with the graph, the panel and the lists.
"use strict";

const known = new Set(); // transactions that were listed before, to light up only new ones
let listed = false;

function showPayments(list) {
  if (!byId("payments")) return; // a recorded run
  const rows = list.map((p) => {
    const row = el("tr", { class: listed && !known.has(p.hash) ? "new" : null },
      el("td", {}, el("a", { class: "id", href: "/tx/" + p.hash, title: p.hash }, shorten(p.hash))),
      el("td", {}, el("span", { class: "verdict " + (p.status === "final" ? "final" : "rejected") }, p.status), p.rule ? el("span", { class: "dim" }, " " + p.rule.replaceAll("_", " ")) : null),
      el("td", { class: "n" }, (p.amount || "") + " ", el("span", { class: "dim" }, p.asset || "")),
      el("td", {}, p.author ? el("a", { href: "/snapshot/" + p.snapshot }, p.author) : "–"),
      el("td", { class: "n" }, el("a", { href: "/commit/" + p.commit }, String(p.commit))),
      el("td", { class: "n" }, p.finality_ms === undefined ? "–" : formatMs(p.finality_ms)),
      el("td", { class: "n" }, el("time", { "data-ms": p.at_ms, title: new Date(p.at_ms).toISOString() }, formatAge(p.at_ms))));
    return row;
  });
  known.clear();
  for (const p of list) known.add(p.hash);
  listed = true;
  const body = document.querySelector("#payments tbody");
  if (body.contains(document.activeElement)) { // do not pull a focused link away
    const href = document.activeElement.getAttribute("href");
    body.replaceChildren(...rows);
    for (const a of body.querySelectorAll("a")) if (a.getAttribute("href") === href) { a.focus(); break; }
  } else {
    body.replaceChildren(...rows);
  }
  byId("payments-empty").hidden = list.length > 0;
}

function showNodes(s) {
  byId("nodes").replaceChildren(...s.members.map((m) => el("li", { class: m.up ? "up" : "down", title: m.error || m.url },
    el("b", {}, m.name), " ", el("span", {}, m.state.replaceAll("_", " ")), " ",
    el("span", { class: "dim" }, "round " + m.round + " · commit " + m.commit + " · " + m.peers + " peers" + (m.source ? " · source" : "")))));
}

// --- panel ---
const words = { committed: "Committed", pending: "Pending", below_horizon: "Below the horizon" };
const sentences = {
  committed: "It has its place in the total order, the same on every node.",
  pending: "It waits for a leader that reaches it to be committed.",
  below_horizon: "It arrived too late: no later leader may reach it.",
};
let shown = "";

function showPanel(v) {
  const body = byId("panel-body");
  byId("panel-empty").hidden = Boolean(v);
  body.hidden = !v;
  if (!v) { shown = ""; return; }
  const mark = v.id + v.s + v.f;
  if (mark === shown) return;
  shown = mark;
  const slot = graph.slotOf(v);
  const row = (name, value) => value === undefined || value === null ? [] : [el("dt", {}, name), el("dd", {}, value)];
  const twins = graph.twins(v).filter((t) => t !== v);
  const parents = graph.parents(v);
  body.replaceChildren(
    el("p", { class: "name" }, graph.name(v.a) + ", round " + v.r),
    el("p", {}, el("span", { class: "verdict " + v.s }, words[v.s] || v.s)),
    el("p", { class: "dim" }, sentences[v.s] || ""),
    twins.length ? el("p", { class: "alarm" }, "Equivocation: its author signed " + (twins.length + 1) + " snapshots in this round.") : "",
    el("dl", {},
      ...row("Id", el("a", { class: "id", href: "/snapshot/" + v.id, title: v.id }, shorten(v.id))),
      ...row("Signed", new Date(v.at).toLocaleTimeString([], { hour12: false }) + "." + String(v.at % 1000).padStart(3, "0")),
      ...row("Reached " + (live.strip?.source || "the source"), v.in ? "after " + formatMs(Math.max(0, v.in - v.at)) : undefined),
      ...row("Final", v.f === undefined ? (v.s === "committed" ? "time not known" : undefined) : "after " + formatMs(v.f)),
      ...row("Commit", v.c ? el("a", { href: "/commit/" + v.c }, String(v.c)) : undefined),
      ...row("Leader slot", slot ? slot.s : undefined),
      ...row("Transactions", String(v.t)),
      ...row("Sees", parents.length + " parents")),
    el("ul", { id: "panel-txs" }));
  if (v.t > 0 && v.s === "committed") fillTransactions(v);
}

async function fillTransactions(v) {
  try {
    const answer = await fetch("/snapshot/" + v.id + "?format=json");
    const list = (await answer.json()).transactions || [];
    const target = byId("panel-txs");
    if (!target || !shown.startsWith(v.id)) return;
    target.replaceChildren(...list.slice(0, 50).map((h) => el("li", {}, el("a", { class: "id", href: "/tx/" + h, title: h }, shorten(h)))));
    if (list.length > 50) target.append(el("li", { class: "dim" }, "and " + (list.length - 50) + " more"));
  } catch { /* the strip says that the server is gone */ }
}

const graph = new Dag(byId("dag"), byId("tip"), {
  select: showPanel,
  open: (v) => { location.href = "/snapshot/" + v.id; },
  state: (d) => {
    byId("pause").setAttribute("aria-pressed", String(d.paused));
    byId("edges").setAttribute("aria-pressed", String(d.allEdges));
    byId("newest").disabled = d.following;
    const scrub = byId("scrub");
    scrub.min = d.oldest(); scrub.max = d.newest(); scrub.value = d.following ? d.newest() : Math.round(d.right);
    byId("scrub-row").hidden = d.newest() === 0;
    byId("dag-empty").hidden = d.newest() > 0;
  },
});

byId("tools").hidden = false;
byId("dag-empty").textContent = "No rounds yet. The first column appears when the nodes sign their first snapshots.";
byId("pause").addEventListener("click", () => graph.pause());
byId("zoom-in").addEventListener("click", () => graph.zoom(1.25));
byId("zoom-out").addEventListener("click", () => graph.zoom(0.8));
byId("edges").addEventListener("click", () => graph.edges());
byId("newest").addEventListener("click", () => graph.follow());
byId("jump").addEventListener("click", () => { byId("jump").textContent = graph.jump() ? "Find fault" : "No fault in view"; });
byId("scrub").addEventListener("input", (e) => graph.scrollTo(Number(e.target.value)));

live.on.graph = (g) => { graph.apply(g); };
live.on.payments = showPayments;
live.on.strip = showNodes;
