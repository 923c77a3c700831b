// In forms of drafts: a choice on which other controls depend shows them anew, with everything that was typed; what a
// person would read follows what is typed; a click puts a value into the text. Who leaves what is not saved is asked.
"use strict";
const key = each => each.type === "checkbox" || each.type === "radio" ? `${each.name}=${each.value}` : each.name;
const value = each => each.type === "checkbox" || each.type === "radio" ? each.checked : each.value;
const typed = form => new Map([...form.elements].filter(each => each.name && each.type !== "hidden").map(each => [key(each), value(each)]));
function keep(form, before, now) { // what was typed while the answer was on its way
  for (const each of form.elements) {
    const name = key(each), mine = now.get(name);
    if (mine === undefined || mine === before.get(name)) continue;
    if (typeof mine === "boolean") each.checked = mine;
    else each.value = mine;
  }
}
let chosen = 0;
async function again(form, name) {
  const mine = ++chosen, before = typed(form);
  const body = new URLSearchParams(new FormData(form));
  body.set("then", "again");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(form.id);
    if (!answer.ok || !fresh || mine !== chosen) return; // something else was chosen meanwhile, and its answer comes
    const now = typed(form);
    const here = form.contains(document.activeElement) && document.activeElement.name || name;
    const [from, to] = [document.activeElement?.selectionStart, document.activeElement?.selectionEnd];
    const open = [...form.querySelectorAll("details")].map(each => each.open);
    form.replaceChildren(...fresh.childNodes);
    [...form.querySelectorAll("details")].forEach((each, at) => { if (open[at]) each.open = true; });
    keep(form, before, now);
    follows(form);
    const field = form.querySelector(`[name="${CSS.escape(here)}"]`);
    field?.focus();
    if (field?.matches("textarea, input[type=text]") && Number.isInteger(from)) field.setSelectionRange(from, to);
  } catch {
    // what was typed stays; saving shows the rest
  }
}
const offered = new WeakMap(); // list -> all that it offers, of which what is typed in its finder leaves some
const listOf = finder => finder.nextElementSibling;
const wordsOf = text => text.toLowerCase().replaceAll("ё", "е").match(/[\p{L}\p{N}]+/gu) ?? [];
const SHORT = 3; // letters of a word that says little where it is not found, and to which no ending belongs
function within(typed, text) { // each typed word begins a word of the text, or is one with an ending
  const words = wordsOf(text);
  return typed.every(each => words.some(word => word.startsWith(each) || (word.length > SHORT && each.startsWith(word))));
}
const fits = (typed, option) => within(typed, `${option.text} ${option.parentElement?.label ?? ""} ${option.dataset.words ?? ""}`);
function find(finder) {
  const list = listOf(finder), chosen = list.value;
  if (!offered.has(list)) offered.set(list, [...list.children].map(each => each.cloneNode(true)));
  const options = offered.get(list).flatMap(each => [...each.querySelectorAll("option")]);
  const all = wordsOf(finder.value), long = all.filter(each => each.length > SHORT);
  const words = long.length && !options.some(each => fits(all, each)) ? long : all;
  const left = offered.get(list).map(each => each.cloneNode(true)).filter(group => {
    if (group.matches("option")) return true;
    for (const each of group.querySelectorAll("option")) if (!fits(words, each) && each.value !== chosen) each.remove();
    group.append(...[...group.children].filter(each => !within(words, each.text))); // found by its title comes first
    return group.children.length;
  });
  list.replaceChildren(...left);
  list.value = chosen;
  const hits = [...list.options].filter(each => each.value && fits(words, each));
  finder.previousElementSibling.hidden = hits.length > 0;
  list.size = words.length ? Math.min(10, list.options.length + left.length) : 1;
  return hits;
}
addEventListener("input", event => {
  if (event.target.matches("[data-find]")) find(event.target);
});
addEventListener("keydown", event => { // Enter goes on to what is left of the list, chooses the only hit, sends nothing
  if (!event.target.matches("[data-find]") || event.key !== "Enter") return;
  event.preventDefault();
  const list = listOf(event.target), hits = find(event.target);
  list.focus();
  if (hits.length !== 1) return;
  list.value = hits[0].value;
  for (const what of ["input", "change"]) list.dispatchEvent(new Event(what, { bubbles: true }));
});
addEventListener("change", event => { // what was found stands there alone again
  const finder = event.target.previousElementSibling;
  if (!finder?.matches("[data-find]") || !finder.value) return;
  finder.value = "";
  find(finder);
});
let last = null;
let turn = 0;
async function look(form) {
  const mine = ++turn;
  const body = new URLSearchParams(new FormData(form));
  body.set("then", "look");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== turn) return; // something was typed meanwhile, and its answer comes
    for (const part of form.querySelectorAll("[data-fresh]")) {
      const next = fresh.getElementById(part.id);
      if (next && next.innerHTML !== part.innerHTML) part.replaceChildren(...next.childNodes);
    }
  } catch {
    // the next letter tries again
  }
}
for (const form of document.querySelectorAll("form[data-live]")) {
  let wait = 0;
  const soon = () => { clearTimeout(wait); wait = setTimeout(look, 600, form); };
  form.addEventListener("input", soon);
  form.addEventListener("focusin", event => {
    if (event.target.matches("textarea, input[type=text]")) last = event.target;
  });
  for (const button of form.querySelectorAll("[data-insert]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const field = last ?? form.querySelector("textarea");
      field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      soon();
    });
  }
}
let unsaved = false;
addEventListener("beforeunload", event => { if (unsaved) event.preventDefault(); });
for (const form of document.querySelectorAll("form[data-form], form[data-live]")) {
  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
}
const follows = form => { // what only a page without this script needs goes, what needs it comes
  for (const each of form.querySelectorAll("[data-without]")) each.hidden = true;
  for (const each of form.querySelectorAll("[data-find]")) each.hidden = false;
};
for (const form of document.querySelectorAll("form")) follows(form);
for (const form of document.querySelectorAll("form[data-form]")) {
  form.addEventListener("change", event => {
    if (event.target.matches("[data-again]")) again(form, event.target.name);
  });
}
