// The queue by keyboard: j and k move, Enter opens (the link's own), x ticks, c takes, / searches.
const rows = [...document.querySelectorAll("table.queue tbody tr")];
const current = () => rows.findIndex((row) => row.contains(document.activeElement));

function move(step) {
  const from = current();
  const row = rows[from < 0 ? 0 : Math.min(Math.max(from + step, 0), rows.length - 1)];
  row?.querySelector("a.open").focus();
  row?.scrollIntoView({ block: "nearest" });
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  x: () => rows[current()]?.querySelector(".tick input")?.click(),
  c: () => rows[current()]?.querySelector("button.claim")?.click(),
  "/": () => document.querySelector("#words").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=checkbox]), select, textarea") || event.target.closest("dialog[open]")) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// New cases are counted, never slipped in: the rows stay where they are until the reader asks for them. Asking ends when
// nobody has touched the page for a while, or a forgotten browser would keep its session alive.
const fresh = document.querySelector("#new-cases");
const ASK_EVERY = 20_000;
const GIVE_UP_AFTER = 900_000;
let touched = Date.now();
let etag = "";
for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
}

async function ask() {
  if (document.hidden || Date.now() - touched > GIVE_UP_AFTER) return;
  const answer = await fetch(fresh.dataset.address, { headers: etag ? { "If-None-Match": etag } : {}, redirect: "error" });
  if (answer.status !== 200) return;
  etag = answer.headers.get("ETag");
  const { count } = await answer.json();
  fresh.hidden = count === 0;
  const { words, many } = fresh.dataset;
  fresh.querySelector("a").textContent = count > 99 ? many : words.replace("{n}", count);
}

const askAgain = () => ask().catch(() => {}); // The service is away, or nobody is signed in: the next page says so.
setInterval(askAgain, ASK_EVERY);
document.addEventListener("visibilitychange", askAgain);
