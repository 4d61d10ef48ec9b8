"use strict";
// Shortcuts for staff. Each belongs to something on the page that says so (data-key), so their list cannot lie.
// They never act while somebody types.

let first = "";
const types = (target) => target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
const rowLinks = () => [...document.querySelectorAll("table.list tbody th a")];

const rowLink = (within) => within.closest("table.list tbody tr")?.querySelector("th a");

function step(by) {
  const links = rowLinks();
  const at = links.indexOf(rowLink(document.activeElement));
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function press(key) {
  if (key === "?") return document.getElementById("keys").showModal();
  if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  if (key === "x") return document.activeElement.closest("table.list tbody tr")?.querySelector("input[type=checkbox]")?.click();
  const found = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
  if (!found) return false;
  return found.matches("input") ? found.focus() : found.click();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "k") {
    event.preventDefault();
    document.getElementById("bar-q").select();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || types(event.target) || document.querySelector("dialog:modal")) return;
  const key = first ? `${first} ${event.key}` : event.key;
  first = event.key === "g" && !first ? "g" : "";
  if (!first && press(key) !== false) event.preventDefault();
});

// The box in a list's head chooses all of its rows.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-all]")) return;
  for (const box of target.closest("table").querySelectorAll("tbody input[type=checkbox]")) box.checked = target.checked;
});

// A row leads where its reference leads, unless something in it was pressed or text was selected.
document.addEventListener("click", (event) => {
  const row = event.target.closest("table.list tbody tr");
  if (row && !event.target.closest("a, button, input, label, summary") && !String(getSelection())) row.querySelector("th a")?.click();
});

// The list of shortcuts is read off the page when it opens.
document.getElementById("keys").addEventListener("toggle", ({ newState, target }) => {
  if (newState !== "open") return;
  const list = target.querySelector("[data-keys]");
  const listed = new Set([...list.querySelectorAll("dd")].map((each) => each.textContent));
  for (const each of document.querySelectorAll("[data-key]")) {
    const text = (each.ariaLabel ?? each.textContent).trim();
    if (listed.has(text)) continue;
    listed.add(text);
    const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
    for (const key of each.dataset.key.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    meaning.textContent = text;
    list.append(term, meaning);
  }
});
