// A recorded run: steps through its rounds, with what happened in each below the graph.
"use strict";

const rows = [...document.querySelectorAll("#story tbody tr")];
const roundOf = (row) => Number(row.dataset.round);
let now = 0; // 0 is the end

// goTo shows a round: the graph up to it, and its events.
function goTo(round) {
  now = Math.min(graph.newest(), Math.max(1, round));
  graph.scrollTo(now);
  setText("round-now", "round " + now + " of " + graph.newest());
  let first = null;
  for (const row of rows) {
    const here = roundOf(row) === now;
    row.classList.toggle("now", here);
    if (here && !first) first = row;
  }
  if (first) {
    const box = first.closest(".tall");
    box.scrollTop = first.offsetTop - box.clientHeight / 2;
  }
}

byId("round-back").addEventListener("click", () => goTo((now || graph.newest() + 1) - 1));
byId("round-on").addEventListener("click", () => goTo((now || graph.newest()) + 1));
for (const row of rows) row.querySelector("button").addEventListener("click", () => goTo(roundOf(row)));
