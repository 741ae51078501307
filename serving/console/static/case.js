// Deciding by keyboard, searchable pickers over the selects, seconds that the page was in sight.
const form = document.querySelector("#decide");
const facets = [...form.querySelectorAll(".facet")];
const selectOf = (facet) => form.querySelector(`select[name="${facet}"]`);
const initial = Object.fromEntries(facets.map(({ dataset }) => [dataset.facet, selectOf(dataset.facet).value]));

// Pickers: an input with a list in place of a long select; the select keeps the value.
const words = (text) => text.trim().toLowerCase().split(/\s+/).filter(Boolean);

function makePicker(select) {
  const options = [...select.options].filter((option) => option.value).map((option) => ({
    option, group: option.parentElement.label ?? "", text: `${option.parentElement.label ?? ""} ${option.label}`.toLowerCase(),
  }));
  const box = document.createElement("div");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  box.className = "picker";
  list.id = `${select.name}-list`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", select.dataset.picker);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    autocomplete: "off", spellcheck: "false", placeholder: select.dataset.picker,
  })) input.setAttribute(name, value);
  input.id = select.id;
  select.removeAttribute("id");
  select.hidden = true;
  select.before(box);
  box.append(input, list, select);

  const chosen = () => select.selectedOptions[0];
  const show = () => {
    const option = chosen();
    input.value = option?.value ? `${(option.parentElement.label ?? "").replace(/^\S+ /, "")} › ${option.label}` : "";
  };
  let at = 0;
  const items = () => [...list.querySelectorAll("[role=option]")];
  const point = (index) => {
    const all = items();
    if (!all.length) return input.removeAttribute("aria-activedescendant");
    at = (index + all.length) % all.length;
    all.forEach((item, position) => item.setAttribute("aria-selected", String(position === at)));
    input.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };
  const open = (query) => {
    const wanted = words(query);
    const found = options.filter(({ text }) => wanted.every((word) => text.includes(word)));
    list.replaceChildren(...found.map(({ option, group }, index) => {
      const item = document.createElement("li");
      const under = document.createElement("span");
      item.id = `${list.id}-${index}`;
      item.setAttribute("role", "option");
      item.dataset.value = option.value;
      under.className = "group";
      under.textContent = ` ${group}`;
      item.append(option.label, under);
      return item;
    }));
    if (!found.length) {
      const item = document.createElement("li");
      item.textContent = select.dataset.none;
      list.append(item);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    point(Math.max(0, found.findIndex(({ option }) => option.value === select.value)));
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    show();
  };
  const choose = (item) => {
    if (item?.dataset.value) {
      select.value = item.dataset.value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    close();
  };
  input.addEventListener("focus", () => input.select());
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => list.hidden && open(""));
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    choose(event.target.closest("[role=option]"));
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) list.hidden ? open("") : point(at + step);
    else if (event.key === "Enter") { if (!list.hidden) choose(items()[at]); }
    else if (event.key === "Escape") list.hidden ? input.blur() : close();
    else return;
    event.preventDefault();
  });
  select.addEventListener("change", show);
  show();
}
form.querySelectorAll("select[data-picker]").forEach(makePicker);

// Alternatives, and which facet the keys 1 to 3 mean.
let active = facets.find(({ dataset }) => dataset.facet === "leaf");
function activate(facet) {
  active = facet;
  facets.forEach((other) => other.classList.toggle("active", other === facet));
}
facets.forEach((facet) => facet.addEventListener("focusin", () => activate(facet)));
form.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-choose]");
  if (!button) return;
  const select = selectOf(button.dataset.choose);
  select.value = button.value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
});

// Fields that the order type excludes; words on the buttons; a reason for flags that go.
const next = form.querySelector("#next span");
const stay = form.querySelector("#stay span");
const [confirmNext, confirmStay] = [next.textContent, stay.textContent];
const standing = [...form.querySelectorAll("input[data-stands]")];
const initialTicks = new Map([...form.querySelectorAll("input[type=checkbox]")].map((box) => [box, box.checked]));
function refresh() {
  const order = selectOf("order_type").value;
  for (const facet of facets) {
    const { facet: name } = facet.dataset;
    facet.hidden = (name === "leaf" && order === "irrelevant") || (name === "subcause" && order !== "complaint");
    for (const button of facet.querySelectorAll("button[data-choose]"))
      button.setAttribute("aria-pressed", String(button.value === selectOf(name).value));
  }
  form.querySelector(".further").hidden = order !== "complaint";
  if (active.hidden) activate(facets.find((facet) => !facet.hidden)); // keys never mean what nobody sees
  const changed = facets.some(({ dataset }) => selectOf(dataset.facet).value !== initial[dataset.facet])
    || [...initialTicks].some(([box, was]) => box.checked !== was);
  next.textContent = changed ? form.dataset.changeNext : confirmNext;
  stay.textContent = changed ? form.dataset.changeStay : confirmStay;
  form.elements.reason.required = standing.some((box) => !box.checked);
}
form.addEventListener("change", refresh);
activate(active);
refresh();

// Only while somebody can see it.
let seconds = 0;
let since = document.hidden ? null : performance.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden && since !== null) seconds += (performance.now() - since) / 1000;
  since = document.hidden ? null : performance.now();
});
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.elements.seconds.value = (seconds + (since === null ? 0 : (performance.now() - since) / 1000)).toFixed(1);
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

const follow = (selector) => document.querySelector(selector)?.click();
function unfold(selector, field) {
  const details = document.querySelector(selector);
  if (!details) return;
  details.open = true;
  details.querySelector(field).focus();
}
// Once: the flags that are there. Again, or without any: those to add, where typing a code goes to it.
const toAdd = form.querySelector("#flags details");
function toFlags() {
  const first = form.querySelector("#flags .flag-row input");
  if (first && !document.activeElement.closest("#flags")) return first.focus();
  toAdd.open = true;
  toAdd.querySelector("input").focus();
}
let typed = "";
toAdd.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toUpperCase();
  if (/^[PSEX]$/.test(key)) typed = key;
  else if (/^[0-9]$/.test(key) && typed) typed += key;
  else return;
  [...toAdd.querySelectorAll("input")].find((box) => box.value.startsWith(typed))?.focus();
  event.preventDefault();
});

// Out of a select, back to the keys.
form.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.matches(".facet select")) return;
  event.target.blur();
  event.preventDefault();
});

const actions = {
  j: () => follow("a[rel=next]"),
  k: () => follow("a[rel=prev]"),
  q: () => follow("#to-queue"),
  c: () => form.querySelector("#next").click(),
  f: toFlags,
  e: () => unfold("#escalate", "select, input:not([type=hidden])"),
  o: () => unfold("#close", "select"),
  m: () => unfold("#notes", "textarea"),
  n: () => {
    const shown = facets.filter((facet) => !facet.hidden);
    activate(shown[(shown.indexOf(active) + 1) % shown.length]);
    active.scrollIntoView({ block: "nearest" });
  },
  "/": () => active.querySelector("[role=combobox], select:not([hidden])").focus(),
};
for (const [index, key] of ["1", "2", "3"].entries())
  actions[key] = () => active.querySelectorAll("button[data-choose]")[index]?.click();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches("input:not([type=checkbox]), select, textarea") || event.target.closest("dialog[open]")) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
