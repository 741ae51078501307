// On every page: shortcuts dialog, printing, the ten seconds of an undo. Pages work without it.
document.documentElement.classList.add("js");

const dialog = document.querySelector("#shortcuts");
document.querySelector("#help")?.addEventListener("click", () => dialog?.showModal());
document.querySelector("#print")?.addEventListener("click", () => window.print());

document.querySelector("#why")?.focus(); // beside the form that was not stored

const done = document.querySelector("form.done");
if (done) {
  let left = Number(done.dataset.seconds);
  const countdown = done.querySelector(".countdown");
  const tick = () => {
    countdown.textContent = `(${left})`;
    if (left <= 0) done.querySelector("button").remove();
    left -= 1;
  };
  tick();
  const timer = setInterval(() => {
    tick();
    if (left < 0) clearInterval(timer);
  }, 1000);
}

// The menu of the head closes like any other: Escape, or a click elsewhere.
const menu = document.querySelector("#more");
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
menu?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog[open]")) return;
  if (event.key === "?" && dialog) dialog.showModal();
  else if (event.key === "u" && done) done.querySelector("button")?.click();
  else return;
  event.preventDefault();
});
