// The intake form: asks for the preview while it is typed, sends once. Without scripts a button asks for the preview.
const form = document.querySelector("#intake");
const preview = document.querySelector("#preview");
const status = document.querySelector("#preview-status");
const PAUSE_MS = 500;
const NOT_ASKED = ["leaf", "subcause", "channel", "assignee", "regulator"];
let timer, asking;

async function refresh() {
  asking?.abort();
  asking = new AbortController();
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.preview, {
      method: "POST", body: new URLSearchParams(new FormData(form)), signal: asking.signal, redirect: "error",
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = await answer.text();
    const focused = preview.contains(document.activeElement) ? document.activeElement.id : "";
    preview.innerHTML = page;
    if (focused) document.getElementById(focused)?.focus();
    status.textContent = status.dataset.done;
  } catch (error) {
    if (error.name === "AbortError") return;
    status.textContent = status.dataset.failed;
  }
  preview.removeAttribute("aria-busy");
}

function soon(event) {
  if (NOT_ASKED.includes(event.target.name)) return;
  clearTimeout(timer);
  timer = setTimeout(refresh, event.target.name === "order_type" ? 0 : PAUSE_MS);
}

form.addEventListener("input", soon);
const send = form.querySelector("button.primary");
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  send.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", () => {
  delete form.dataset.sent;
  send.removeAttribute("aria-disabled");
});
