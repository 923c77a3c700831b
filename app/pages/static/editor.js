/* In the editor of drafts: a finding, also one of another page, leads to its line, and the numbers beside a text grow with it. */
"use strict";
const lead = (field, line) => {
  const before = field.value.split("\n").slice(0, line - 1).join("\n").length;
  const start = line > 1 ? before + 1 : 0, end = field.value.indexOf("\n", start);
  field.focus();
  field.setSelectionRange(start, end < 0 ? field.value.length : end);
  window.scrollTo({top: window.scrollY + field.getBoundingClientRect().top +
    (line - 4) * field.clientHeight / field.rows});
};
for (const link of document.querySelectorAll("a[data-line]")) {
  link.addEventListener("click", event => {
    event.preventDefault();
    lead(document.getElementById(link.dataset.field), Number(link.dataset.line));
  });
}
const asked = document.querySelector("textarea[data-at]");
if (asked) { lead(asked, Number(asked.dataset.at)); }
for (const field of document.querySelectorAll(".editor textarea")) {
  const gutter = field.parentElement.querySelector(".gutter");
  field.addEventListener("input", () => {
    for (let many = field.value.split("\n").length + 3; field.rows < many; field.rows += 1) {
      if (gutter) { gutter.append(`${field.rows + 1}  \n`); }
    }
  });
}
