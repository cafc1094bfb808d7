// Keys, the panel beside a list, the palette, selection, and times in the viewer's zone. Everything works without it.
"use strict";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const announce = (text) => { const place = $("#announce"); if (place) place.textContent = text; };
document.documentElement.classList.add("lively");

// --- times: short in the viewer's zone, with the offset on hover -----------------------------------------------------

const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dated = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

function localize(within) {
  for (const time of $$("time[data-at], time[data-title]", within)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = full.format(at);
    if (!("at" in time.dataset)) continue;
    const old = Math.abs(Date.now() - at) > 180 * 86400e3;
    time.textContent = (old ? dated : short).format(at).replace(",", "");
  }
}

// --- rows, panel -----------------------------------------------------------------------------------------------------

const rows = () => $$("[data-rows] [data-row]");
let opened = null;

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  next.focus();
  next.closest("tr").scrollIntoView({ block: "nearest" });
}

function openPanel(link) {
  const split = $("#split");
  opened = link.dataset.row;
  for (const row of $$("[data-rows] tr[aria-selected]")) row.removeAttribute("aria-selected");
  link.closest("tr").setAttribute("aria-selected", "true");
  split.classList.add("open");
  remember("open", link.textContent.trim());
  htmx.ajax("GET", opened, { target: "#panel", swap: "innerHTML" }).then(() => announce(`${link.textContent} is open beside the list`));
}

function closePanel() {
  const split = $("#split");
  if (!split || !split.classList.contains("open")) return false;
  split.classList.remove("open");
  const row = $("[data-rows] tr[aria-selected] [data-row]");
  if (row) { row.closest("tr").removeAttribute("aria-selected"); row.focus(); }
  opened = null;
  remember("open", null);
  return true;
}

function remember(name, value) {
  const here = new URL(location.href);
  if (value) here.searchParams.set(name, value); else here.searchParams.delete(name);
  history.replaceState(history.state, "", here);
}

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-close-panel]");
  if (close) return void closePanel();
  if (event.target.closest("[data-palette]")) return void palette();
  if (event.target.closest("[data-print]")) return void print();
  const link = event.target.closest("[data-row]");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
  // The first Enter or click opens beside the list, the second goes to the page; narrow screens go at once.
  if (link && link.dataset.row && plain && $("#panel") && innerWidth > 960 && opened !== link.dataset.row) {
    event.preventDefault();
    openPanel(link);
  }
  // An open menu closes when something else is clicked.
  for (const menu of $$("details.menu[open], details.facet[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// --- selection -------------------------------------------------------------------------------------------------------

function recount(form) {
  const bar = $("[data-chosen]", form);
  if (!bar) return;
  const count = $$("input[name=number]:checked", form).length;
  $("[data-count]", bar).textContent = count;
  bar.classList.toggle("some", count > 0);
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-selecting]");
  if (form) recount(form);
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.id === "letters") localStorage.setItem("letters", event.target.checked ? "on" : "off");
});

// --- palette ---------------------------------------------------------------------------------------------------------

function palette() {
  const dialog = $("#palette");
  if (!dialog) return;
  dialog.showModal();
  const text = $("#palette-text");
  text.value = "";
  $("#palette-found").replaceChildren();
  screens("");
  text.focus();
}

function screens(text) {
  const place = $("#palette-screens");
  const found = $$(".side nav a").filter((a) => text && a.textContent.trim().toLowerCase().includes(text.toLowerCase()));
  place.replaceChildren(...found.slice(0, 5).map((a) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = a.href;
    link.append(...[...a.childNodes].map((node) => node.cloneNode(true)));
    item.append(link);
    return item;
  }));
}
document.addEventListener("input", (event) => { if (event.target.id === "palette-text") screens(event.target.value.trim()); });

// --- keys ------------------------------------------------------------------------------------------------------------

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

const letters = {
  j: () => move(1),
  k: () => move(-1),
  x: () => {
    const row = document.activeElement.closest("tr");
    const box = row && $("input[type=checkbox]", row);
    if (box) box.click();
  },
  "/": () => { const search = $("[data-search]"); if (search) { search.focus(); search.select(); } else palette(); },
  "?": () => $("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const dialog = $("dialog[open]");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); return palette(); }
  if (dialog) return void (dialog.id === "palette" && walkFound(event));
  if (event.key === "Escape") {
    const menu = $("details.menu[open], details.facet[open]");
    if (menu) { menu.open = false; $("summary", menu).focus(); return; }
    if (typing(document.activeElement)) return document.activeElement.blur();
    return void closePanel();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !$("#keys")) return;
  if (localStorage.getItem("letters") === "off") return;
  const act = letters[event.key];
  if (act) { event.preventDefault(); act(); }
});

function walkFound(event) {
  const links = $$("#palette .found a");
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && links.length) { event.preventDefault(); links[Math.min(links.length - 1, at + 1)].focus(); }
  if (event.key === "ArrowUp" && at >= 0) { event.preventDefault(); (links[at - 1] || $("#palette-text")).focus(); }
  if (event.key === "Enter" && at < 0 && links.length) { event.preventDefault(); links[0].click(); }
}

// --- beginning, and after each swap ------------------------------------------------------------------------------------

function settle() {
  localize(document);
  for (const form of $$("[data-selecting]")) recount(form);
}
document.addEventListener("htmx:after:swap", settle);
document.addEventListener("DOMContentLoaded", () => {
  settle();
  const box = $("#letters");
  if (box) box.checked = localStorage.getItem("letters") !== "off";
  const open = new URL(location.href).searchParams.get("open");
  const link = open && rows().find((row) => row.textContent.trim() === open);
  if (link && $("#panel") && innerWidth > 960) openPanel(link);
});
