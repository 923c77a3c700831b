// In forms of drafts: a choice on which other controls depend shows them anew, with everything that was typed.
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
for (const form of document.querySelectorAll("form[data-form]")) {
  form.addEventListener("change", event => {
    if (event.target.matches("[data-again]")) again(form, event.target.name);
  });
}
