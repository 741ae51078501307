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
