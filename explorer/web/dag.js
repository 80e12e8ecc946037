// Dag draws the graph: one lane for each node, one column for each round, the newest on the
// right. It holds what the server sent, draws only when something changed, and can be used
// with mouse, touch and keys alike.
"use strict";

class Dag {
  constructor(canvas, tip, on) {
    Object.assign(this, { canvas, tip, on, names: [], rounds: new Map(), slots: new Map(), byId: new Map() });
    this.column = innerWidth < 760 ? 26 : 32;
    this.right = 0;         // round at the right edge, may lie between two
    this.following = true;  // stay with the newest
    this.paused = false;
    this.allEdges = false;
    this.selected = null;
    this.hovered = null;
    this.last = 0;
    this.frame = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.readColours();
    new ResizeObserver(() => this.resize()).observe(canvas);
    addEventListener("themechange", () => { this.readColours(); this.draw(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.readColours(); this.draw(); });
    this.wire();
  }

  // --- data ---
  apply(g) {
    if (g.reset) { this.rounds.clear(); this.slots.clear(); this.byId.clear(); this.names = []; this.right = 0; this.select(null); }
    if (g.names && g.names.length) { this.names = g.names; this.resize(); }
    for (const v of g.vertices) this.put(v);
    for (const s of g.slots) {
      if (!this.slots.has(s.r)) this.slots.set(s.r, new Map());
      this.slots.get(s.r).set(s.k, s);
    }
    this.head = g.newest;
    for (const r of this.rounds.keys()) if (r + g.window < g.newest) this.drop(r);
    if (this.right === 0 || this.target() - this.right > 60) this.right = this.target();
    if (this.selected) this.select(this.byId.get(this.selected.id) || null);
    this.tell();
    this.wake();
  }

  put(v) {
    if (!this.rounds.has(v.r)) this.rounds.set(v.r, []);
    const row = this.rounds.get(v.r);
    (row[v.a] ||= [])[v.v] = v;
    this.byId.set(v.id, v);
    if (this.hovered && this.hovered.id === v.id) this.hovered = v;
  }

  drop(r) {
    for (const v of this.row(r)) this.byId.delete(v.id);
    this.rounds.delete(r);
    this.slots.delete(r);
  }

  row(r) { return (this.rounds.get(r) || []).flat(); }
  slotsOf(r) { return this.slots.has(r) ? [...this.slots.get(r).values()].sort((x, y) => x.k - y.k) : []; }
  at(a, r, v) { return this.rounds.get(r)?.[a]?.[v]; }
  twins(v) { return this.rounds.get(v.r)?.[v.a] || []; }
  name(a) { return this.names[a] || "node " + (a + 1); }
  newest() { return this.head || 0; }
  oldest() { let o = Infinity; for (const r of this.rounds.keys()) o = Math.min(o, r); return o === Infinity ? 0 : o; }
  target() { return this.newest() + 0.6; }

  parents(v) {
    const out = [];
    for (let i = 0; i + 2 < v.p.length; i += 3) {
      const p = this.at(v.p[i], v.r - v.p[i + 1], v.p[i + 2]);
      if (p) out.push(p);
    }
    return out;
  }

  children(v) {
    const out = [];
    for (let r = v.r + 1; r <= v.r + 8; r++)
      for (const c of this.row(r)) if (this.parents(c).includes(v)) out.push(c);
    return out;
  }

  slotOf(v) {
    return this.slotsOf(v.r).find((s) => s.a === v.a && (!s.id || s.id === v.id)) || null;
  }

  // --- what people do ---
  pause() { this.paused = !this.paused; if (this.paused) this.following = false; else this.following = true; this.tell(); this.wake(); }
  follow() { this.paused = false; this.following = true; this.tell(); this.wake(); }
  edges() { this.allEdges = !this.allEdges; this.tell(); this.draw(); }
  zoom(factor) { this.column = Math.min(72, Math.max(9, this.column * factor)); this.clamp(); this.draw(); }
  scrollTo(r) { this.following = r >= this.newest(); this.paused = !this.following; this.right = r; this.clamp(); this.tell(); this.draw(); }

  clamp() { this.right = Math.min(this.target(), Math.max(this.oldest() + Math.min(this.span(), this.newest() - this.oldest()), this.right)); }
  span() { return (this.width - this.gutter - 14) / this.column; }

  // jump goes back to the last skipped slot or equivocation before what is selected.
  jump() {
    const before = this.selected && this.fault(this.selected.r, this.selected.a) ? this.selected.r : this.newest() + 1;
    for (let r = before - 1; r >= this.oldest(); r--)
      for (let a = 0; a < this.names.length; a++)
        if (this.fault(r, a)) {
          this.show(r);
          const v = this.at(a, r, 0);
          if (v) this.select(v);
          return true;
        }
    return false;
  }

  fault(r, a) {
    return this.twins({ a, r }).length > 1 || this.slotsOf(r).some((s) => s.a === a && s.s === "skipped");
  }

  // show brings a round into view.
  show(r) {
    if (r > this.right - 1 || r < this.right - this.span() + 1) { this.following = false; this.paused = true; this.right = r + this.span() / 2; this.clamp(); }
    this.tell();
    this.draw();
  }

  select(v) {
    this.selected = v;
    this.on.select(v);
    this.draw();
  }

  tell() {
    const rings = { committed: 0, skipped: 0, undecided: 0 };
    for (const row of this.slots.values()) for (const s of row.values()) rings[s.s]++;
    let done = 0, twins = 0;
    for (const v of this.byId.values()) { if (v.s === "committed") done++; if (v.v > 0) twins++; }
    Object.assign(this.canvas.dataset, { lanes: this.names.length, newest: this.newest(), committed: done, leaders: rings.committed, skipped: rings.skipped, undecided: rings.undecided, twins });
    this.on.state(this);
  }

  wire() {
    const c = this.canvas;
    let drag = null;
    const place = (e) => { const b = c.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; };
    c.addEventListener("pointerdown", (e) => { drag = { x: e.clientX, right: this.right, moved: false }; });
    c.addEventListener("pointermove", (e) => {
      const [x, y] = place(e);
      if (drag && e.buttons) {
        if (Math.abs(e.clientX - drag.x) > 5) { drag.moved = true; c.setPointerCapture(e.pointerId); }
        if (drag.moved) { this.right = drag.right - (e.clientX - drag.x) / this.column; this.following = this.right >= this.target() - 0.5; this.paused = !this.following; this.clamp(); this.tell(); this.draw(); }
        return;
      }
      this.hover(this.nearest(x, y), x, y);
    });
    c.addEventListener("pointerleave", () => this.hover(null));
    c.addEventListener("pointerup", (e) => {
      if (drag && !drag.moved) { const v = this.nearest(...place(e)); this.select(v); }
      drag = null;
    });
    c.addEventListener("dblclick", (e) => { const v = this.nearest(...place(e)); if (v) this.on.open(v); });
    c.addEventListener("wheel", (e) => {
      if (e.ctrlKey) { e.preventDefault(); this.zoom(e.deltaY < 0 ? 1.1 : 0.9); return; }
      if (Math.abs(e.deltaX) <= Math.abs(e.deltaY)) return;
      e.preventDefault();
      this.scrollBy(e.deltaX / this.column);
    }, { passive: false });
    c.addEventListener("keydown", (e) => this.key(e));
  }

  scrollBy(rounds) { this.right += rounds; this.following = this.right >= this.target(); this.paused = !this.following; this.clamp(); this.tell(); this.draw(); }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
    if (step) this.move(...step);
    else if (e.key === "Enter" && this.selected) this.on.open(this.selected);
    else if (e.key === "Escape") this.select(null);
    else if (e.key === " ") this.pause();
    else if (e.key === "+" || e.key === "=") this.zoom(1.25);
    else if (e.key === "-") this.zoom(0.8);
    else if (e.key === "a") this.edges();
    else if (e.key === "s") this.jump();
    else if (e.key === "End") this.follow();
    else if (e.key === "Home") this.scrollTo(this.oldest());
    else return;
    e.preventDefault();
  }

  // move selects the next vertex in a direction; the first press takes the newest in view.
  move(lanes, rounds) {
    let v = this.selected;
    if (!v) {
      for (let r = Math.floor(this.right); r > this.oldest() && !v; r--) v = this.row(r)[0];
      if (v) { this.select(v); this.show(v.r); }
      return;
    }
    let { a, r } = v;
    for (let i = 0; i < 64; i++) {
      a += lanes; r += rounds;
      if (a < 0 || a >= this.names.length || r < this.oldest() || r > this.newest()) return;
      const next = this.at(a, r, Math.min(v.v, this.twins({ a, r }).length - 1));
      if (next) { this.select(next); this.show(next.r); return; }
    }
  }

  hover(v, x, y) {
    if (v !== this.hovered) { this.hovered = v; this.draw(); }
    this.tip.hidden = !v;
    if (!v) return;
    this.tip.textContent = this.name(v.a) + " · round " + v.r + " · " + v.s.replaceAll("_", " ") + (v.f === undefined ? "" : " in " + formatMs(v.f)) + (v.t ? " · " + v.t + (v.t === 1 ? " transaction" : " transactions") : "");
    const left = Math.min(Math.max(4, x + 12), this.width - this.tip.offsetWidth - 4);
    this.tip.style.transform = "translate(" + left + "px," + Math.max(0, y - 34) + "px)";
  }

  nearest(x, y) {
    let best = null, distance = 14 * 14;
    const r0 = Math.round(this.right - (this.width - 14 - x) / this.column);
    for (let r = r0 - 1; r <= r0 + 1; r++)
      for (const v of this.row(r)) {
        const d = (this.x(v.r) - x) ** 2 + (this.y(v) - y) ** 2;
        if (d < distance && this.x(v.r) > this.gutter) { best = v; distance = d; }
      }
    return best;
  }

  // --- picture ---
  readColours() {
    const style = getComputedStyle(document.documentElement);
    this.colour = {};
    for (const name of ["card", "ink", "dim", "line", "soft", "done", "wait", "late", "lead", "skip", "open", "twin", "focus"]) this.colour[name] = style.getPropertyValue("--" + name).trim();
    this.font = style.getPropertyValue("--sans");
  }

  resize() {
    const lanes = Math.max(1, this.names.length);
    const narrow = innerWidth < 760;
    const lane = lanes <= 10 ? (narrow ? 36 : 42) : Math.max(15, Math.min(30, 640 / lanes));
    this.top = 26;
    this.foot = Math.round(this.top + lanes * lane + 8); // where the finality bars begin
    this.height = this.foot + 58;
    this.canvas.style.height = this.height + "px";
    this.lane = lane;
    this.width = this.canvas.clientWidth;
    this.gutter = narrow ? 62 : 88;
    this.scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * this.scale);
    this.canvas.height = Math.round(this.height * this.scale);
    this.draw();
  }

  x(r) { return this.width - 14 - (this.right - r) * this.column; }
  laneY(a) { return this.top + (a + 0.5) * this.lane; }
  y(v) {
    const n = this.twins(v).length;
    return n < 2 ? this.laneY(v.a) : this.laneY(v.a) + (v.v / (n - 1) - 0.5) * this.lane * 0.52;
  }

  wake() { if (!this.frame) { this.last = 0; this.frame = requestAnimationFrame((t) => this.tick(t)); } }

  // tick glides towards the newest round and sleeps when it is there.
  tick(now) {
    this.frame = 0;
    const gap = this.target() - this.right;
    if (this.following && !this.paused && Math.abs(gap) > 0.004) {
      const dt = this.last ? Math.min(100, now - this.last) : 16;
      this.right = this.still.matches ? this.target() : this.right + gap * (1 - Math.exp(-dt / 260));
      this.last = now;
      this.frame = requestAnimationFrame((t) => this.tick(t));
    }
    this.draw();
  }

  draw() {
    if (!this.width || !this.top) return;
    const g = this.canvas.getContext("2d");
    g.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    if (!this.names.length) return;
    const from = Math.floor(this.right - this.span()) - 1, to = Math.ceil(this.right);
    this.drawGround(g, from, to);
    g.save();
    g.beginPath();
    g.rect(this.gutter, 0, this.width - this.gutter, this.height);
    g.clip();
    if (this.allEdges) this.drawEdges(g, from, to);
    this.drawSpine(g, from, to);
    const focus = this.hovered || this.selected;
    for (const v of new Set([this.selected, this.hovered])) if (v) {
      for (const c of this.children(v)) this.edge(g, c, v, this.colour.dim, 0.45, 1);
      for (const p of this.parents(v)) this.edge(g, v, p, this.colour.done, 0.95, 1.6);
    }
    for (let r = from; r <= to + 1; r++) {
      for (const v of this.row(r)) this.dot(g, v);
      for (const s of this.slotsOf(r)) this.ring(g, s);
    }
    if (focus && this.selected) this.halo(g, this.selected);
    const most = this.drawFinality(g, from, to);
    g.restore();
    this.drawNames(g, most);
  }

  drawGround(g, from, to) {
    g.font = "11px " + this.font;
    g.textAlign = "center";
    g.textBaseline = "middle";
    const every = this.column >= 26 ? 5 : this.column >= 14 ? 10 : 20;
    for (let r = Math.max(0, from); r <= to; r++) {
      const x = this.x(r);
      if (r % every || x < this.gutter + 16 || x > this.width - 8) continue;
      g.fillStyle = this.colour.dim;
      g.fillText(String(r), x, 12);
      g.strokeStyle = this.colour.soft;
      g.lineWidth = 1;
      g.beginPath(); g.moveTo(x, 22); g.lineTo(x, this.foot); g.stroke();
    }
    g.strokeStyle = this.colour.line;
    g.lineWidth = 1;
    for (let a = 0; a < this.names.length; a++) {
      const y = Math.round(this.laneY(a)) + 0.5;
      g.beginPath(); g.moveTo(this.gutter, y); g.lineTo(this.width, y); g.stroke();
    }
  }

  // drawFinality draws for each round the time until half of its committed snapshots were final;
  // the scale is the slowest round in view, which it returns in ms.
  drawFinality(g, from, to) {
    const bars = [];
    for (let r = from; r <= to; r++) {
      const times = this.row(r).filter((v) => v.f !== undefined).map((v) => v.f).sort((x, y) => x - y);
      if (times.length) bars.push([r, times[Math.floor((times.length - 1) / 2)]]);
    }
    const most = Math.max(0, ...bars.map(([, ms]) => ms));
    const base = this.height - 8, wide = Math.max(3, Math.min(14, this.column * 0.42));
    g.fillStyle = this.colour.done;
    g.globalAlpha = 0.5;
    for (const [r, ms] of bars) {
      const high = Math.max(2, 36 * ms / (most || 1));
      g.beginPath();
      g.roundRect(this.x(r) - wide / 2, base - high, wide, high, [Math.min(3, high / 2), Math.min(3, high / 2), 0, 0]);
      g.fill();
    }
    g.globalAlpha = 1;
    g.strokeStyle = this.colour.line;
    g.lineWidth = 1;
    g.beginPath(); g.moveTo(this.gutter, base + 0.5); g.lineTo(this.width, base + 0.5); g.stroke();
    return most;
  }

  // drawSpine joins the first committed leader of each round: the constellation that the
  // whole order hangs on.
  drawSpine(g, from, to) {
    g.strokeStyle = this.colour.lead;
    g.globalAlpha = 0.45;
    g.lineWidth = 1.4;
    g.lineJoin = "round";
    g.beginPath();
    let pen = false;
    for (let r = from - 8; r <= to + 1; r++)
      for (const s of this.slotsOf(r)) {
        if (s.s !== "committed") continue;
        const v = this.byId.get(s.id);
        if (!v) continue;
        if (pen) g.lineTo(this.x(v.r), this.y(v)); else g.moveTo(this.x(v.r), this.y(v));
        pen = true;
        break;
      }
    g.stroke();
    g.globalAlpha = 1;
  }

  // drawEdges draws every edge in view, one stroke a round. Tens of thousands would be a grey
  // wall: with many lanes only the edges of leader slots are drawn.
  drawEdges(g, from, to) {
    g.strokeStyle = this.colour.dim;
    g.globalAlpha = 0.28;
    const many = this.names.length > 16;
    g.lineWidth = 1;
    for (let r = from; r <= to + 1; r++) {
      g.beginPath();
      for (const v of this.row(r)) {
        const x = this.x(v.r), y = this.y(v);
        if (many && !this.slotOf(v)) continue;
        for (const p of this.parents(v)) { g.moveTo(x, y); g.lineTo(this.x(p.r), this.y(p)); }
      }
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  edge(g, child, parent, colour, alpha, width) {
    const x1 = this.x(child.r), y1 = this.y(child), x2 = this.x(parent.r), y2 = this.y(parent);
    const bend = (x1 - x2) * 0.5;
    g.globalAlpha = alpha;
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.beginPath(); g.moveTo(x1, y1); g.bezierCurveTo(x1 - bend, y1, x2 + bend, y2, x2, y2); g.stroke();
    g.globalAlpha = 1;
  }

  radius(v) {
    const most = Math.min(this.lane * 0.26, this.column * 0.33, 9);
    const least = Math.min(4.2, most * 0.62);
    return least + (most - least) * Math.min(1, Math.log2(1 + v.t) / 8);
  }

  dot(g, v) {
    const x = this.x(v.r), y = this.y(v), twin = this.twins(v).length > 1;
    const radius = this.radius(v) * (twin ? 0.85 : 1);
    g.beginPath();
    g.arc(x, y, v.s === "below_horizon" ? radius * 0.7 : radius, 0, 2 * Math.PI);
    if (v.s === "pending") {
      g.fillStyle = this.colour.card; g.fill();
      g.lineWidth = 1.7; g.strokeStyle = twin ? this.colour.twin : this.colour.wait; g.stroke();
      return;
    }
    g.fillStyle = twin ? this.colour.twin : v.s === "committed" ? this.colour.done : this.colour.late;
    g.fill();
    g.lineWidth = 1.5; g.strokeStyle = this.colour.card; g.stroke();
  }

  ring(g, s) {
    const v = s.id ? this.byId.get(s.id) : this.at(s.a, s.r, 0);
    const x = this.x(s.r), y = v ? this.y(v) : this.laneY(s.a);
    const radius = (v ? this.radius(v) : 3.5) + Math.min(4, this.column * 0.14);
    g.lineWidth = 1.7;
    g.strokeStyle = this.colour[{ committed: "lead", skipped: "skip" }[s.s] || "open"];
    g.setLineDash(s.s === "skipped" ? [3.4, 2.6] : s.s === "undecided" ? [1, 3] : []);
    g.lineCap = s.s === "undecided" ? "round" : "butt";
    g.beginPath(); g.arc(x, y, radius, 0, 2 * Math.PI); g.stroke();
    g.setLineDash([]);
    if (s.s === "skipped" && !v) { g.beginPath(); g.moveTo(x - radius * 0.5, y + radius * 0.5); g.lineTo(x + radius * 0.5, y - radius * 0.5); g.stroke(); }
    g.lineCap = "butt";
  }

  halo(g, v) {
    g.lineWidth = 2.5;
    g.strokeStyle = this.colour.ink;
    g.beginPath(); g.arc(this.x(v.r), this.y(v), this.radius(v) + 8, 0, 2 * Math.PI); g.stroke();
  }

  drawNames(g, most) {
    g.fillStyle = this.colour.card;
    g.fillRect(0, 0, this.gutter - 4, this.height);
    const fade = g.createLinearGradient(this.gutter - 4, 0, this.gutter + 18, 0);
    fade.addColorStop(0, this.colour.card);
    fade.addColorStop(1, this.colour.card + "00");
    g.fillStyle = fade;
    g.fillRect(this.gutter - 4, 0, 22, this.height);
    g.font = (this.lane < 20 ? 10 : 12.5) + "px " + this.font;
    g.textAlign = "left";
    g.fillStyle = this.colour.dim;
    for (let a = 0; a < this.names.length; a++) g.fillText(this.name(a), innerWidth < 760 ? 12 : 18, this.laneY(a), this.gutter - 26);
    if (!most) return;
    g.font = "11px " + this.font;
    g.fillText("finality", innerWidth < 760 ? 12 : 18, this.height - 36);
    g.fillText("≤ " + formatMs(most), innerWidth < 760 ? 12 : 18, this.height - 20);
  }
}
