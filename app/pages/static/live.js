// Keeps the parts of a page that change up to date; without it the page is as of when it was opened.
"use strict";
const received = new Map();
const pause = document.getElementById("pause");
let paused = false;
let moved = -Infinity;
const idle = part => !part.contains(document.activeElement); // whoever came here by Tab keeps their place
const resting = () => !paused && !document.hidden && performance.now() - moved > 1000; // nothing moves under a finger
const wait = () => Number(document.querySelector("[data-every]")?.dataset.every ?? 5000);
function show(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    const same = next && received.get(part.id) === next.outerHTML && part.textContent === next.textContent;
    if (!next || same || !idle(part)) continue; // what is the same stays, with the details that somebody opened
    received.set(part.id, next.outerHTML);
    part.replaceWith(next);
  }
  if (!fresh.querySelector("[data-every]")) document.querySelector("[data-every]")?.removeAttribute("data-every");
}
async function turn() {
  if (resting()) {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // the next turn tries again
    }
  }
  setTimeout(turn, wait());
}
for (const part of document.querySelectorAll("[data-live]")) received.set(part.id, part.outerHTML);
for (const gesture of ["pointermove", "pointerdown"]) addEventListener(gesture, () => (moved = performance.now()));
if (pause) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
  });
}
setTimeout(turn, wait());
