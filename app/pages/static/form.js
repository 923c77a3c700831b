// In forms of drafts: a choice on which other controls depend shows them anew, with everything that was typed; what a
// person would read follows what is typed; a click puts a value into the text. Who leaves what is not saved is asked.
"use strict";
async function again(form, name) {
  const body = new URLSearchParams(new FormData(form));
  body.set("then", "again");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(form.id);
    if (!answer.ok || !fresh) return;
    const open = [...form.querySelectorAll("details")].map(each => each.open);
    form.replaceChildren(...fresh.childNodes);
    [...form.querySelectorAll("details")].forEach((each, at) => { if (open[at]) each.open = true; });
    form.querySelector(`[name="${CSS.escape(name)}"]`)?.focus();
  } catch {
    // what was typed stays; saving shows the rest
  }
}
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
  for (const button of form.querySelectorAll("[data-without]")) button.hidden = true;
}
let unsaved = false;
addEventListener("beforeunload", event => { if (unsaved) event.preventDefault(); });
for (const form of document.querySelectorAll("form[data-form], form[data-live]")) {
  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
}
for (const form of document.querySelectorAll("form[data-form]")) {
  form.addEventListener("change", event => {
    if (event.target.matches("[data-again]")) again(form, event.target.name);
  });
}
