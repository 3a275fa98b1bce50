"use strict";
// Everything works without this; it only answers faster.
for (const form of document.querySelectorAll("form.filter")) {
  form.hidden = false;
  const rows = [...document.querySelectorAll("tr[data-text]")];
  const shown = document.querySelector("#shown");
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/);
    const verdict = form.elements.verdict.value;
    let count = 0;
    for (const row of rows) {
      const fits = (!verdict || row.dataset.verdict === verdict) && words.every((word) => row.dataset.text.includes(word));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    if (shown) shown.textContent = `${count} of ${rows.length} shown`;
  };
  // What the server has left out is not there to be shown again: then it is asked.
  if (form.dataset.whole === "yes") {
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
    filter();
  }
}
// Two runs can be compared, not more.
const boxes = [...document.querySelectorAll("input[name=run]")];
for (const box of boxes) {
  box.addEventListener("change", () => {
    const full = boxes.filter((one) => one.checked).length >= 2;
    for (const one of boxes) one.disabled = full && !one.checked;
  });
}
