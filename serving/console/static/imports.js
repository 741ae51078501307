// Imports: the preview beside the chosen file, which stays chosen; the progress of a job that runs.
const upload = document.querySelector("#upload");
const progress = document.querySelector("#progress");
const PAUSE_MS = 1500;

async function look(event) {
  if (event.submitter?.id !== "look-file") return;
  event.preventDefault();
  const found = document.querySelector("#found");
  const fields = new FormData(upload);
  fields.append("part", "1");
  found.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${upload.dataset.preview}?part=1`, { method: "POST", body: fields, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    found.innerHTML = await answer.text();
    const isGood = Boolean(found.querySelector("table.preview"));
    document.querySelector("#start").className = isGood ? "primary" : "secondary";
    document.querySelector("#look-file").className = isGood ? "secondary" : "primary";
  } catch {
    upload.action = upload.dataset.preview; // never the import, which nobody asked for
    upload.submit();
  }
  found.removeAttribute("aria-busy");
}
upload?.addEventListener("submit", look);

async function follow() {
  try {
    const answer = await fetch(progress.dataset.address, { redirect: "error" });
    if (answer.ok) progress.innerHTML = await answer.text();
  } catch {
    // The next look may succeed; a button refreshes the page.
  }
  if (progress.querySelector(".job").dataset.unfinished) setTimeout(follow, PAUSE_MS);
  else window.location.reload();
}
if (progress) setTimeout(follow, PAUSE_MS);
