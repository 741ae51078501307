// Copying the draft, and printing what stands in the field rather than what was loaded. The page works without it.
const field = document.querySelector("#text");
const letter = document.querySelector(".letter");
const copy = document.querySelector("#copy");
copy?.addEventListener("click", async () => {
  const words = field?.value ?? letter.textContent;
  try {
    await navigator.clipboard.writeText(words);
  } catch { // without TLS browsers give no clipboard
    field?.select();
    document.execCommand("copy");
  }
  copy.textContent = copy.dataset.done;
});
field?.addEventListener("input", () => { letter.textContent = field.value; });
