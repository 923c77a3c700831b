// Keeps what changes on a page up to date; without it the page is as of when it was opened.
"use strict";
const idle = live => live && !document.hidden && !live.contains(document.activeElement);
setInterval(async () => {
  const live = document.getElementById("live");
  if (!idle(live)) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (fresh && idle(live)) live.replaceWith(fresh); // whoever came here by Tab meanwhile keeps their place
  } catch {
    // the next turn tries again
  }
}, 5000);
