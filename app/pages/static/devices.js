// Subscribes this browser to Web Push. Without it the page still lists, names and removes devices.
"use strict";
(async () => {
  const box = document.getElementById("this-device");
  const form = document.getElementById("notify");
  const root = box.dataset.root;
  const tell = state => {
    for (const each of box.querySelectorAll("[data-when]")) each.hidden = each.dataset.when !== state;
    for (const each of box.querySelectorAll("[data-add]")) each.hidden = !["off", "other", "failed"].includes(state);
  };
  // What the service worker needs to renew the subscription by itself: see worker.js.
  const keep = async kept => (await caches.open("device")).put(`${root}kept`, new Response(JSON.stringify(kept)));
  const kept = async () => {
    const found = await (await caches.open("device")).match(`${root}kept`);
    return found ? found.json() : {};
  };
  const marked = async endpoint => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    return btoa(String.fromCharCode(...new Uint8Array(hash))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  };
  const present = async () => {
    const registration = await navigator.serviceWorker.getRegistration(root);
    return registration ? registration.pushManager.getSubscription() : null;
  };

  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window && "caches" in window)) {
    return tell(navigator.standalone === false ? "home" : "unsupported");
  }

  const look = async () => {
    const subscription = await present();
    const mark = subscription && await marked(subscription.endpoint);
    const row = mark && document.querySelector(`[data-mark="${mark}"]`);
    if (Notification.permission === "denied") return tell("denied");
    if (!row) return tell(subscription ? "other" : "off");
    row.querySelector("[data-here]").hidden = false;
    await keep({ token: row.dataset.token, key: box.dataset.key });
    row.querySelector(".remove").addEventListener("submit", async event => {
      event.preventDefault();
      try {
        await subscription.unsubscribe(); // what the push service still holds is not shown either
        await caches.delete("device");
      } finally {
        event.target.submit();
      }
    });
    tell("on");
  };

  const subscribe = async () => {
    if (await Notification.requestPermission() !== "granted") {
      return tell(Notification.permission === "denied" ? "denied" : "off");
    }
    tell("working");
    const registration = await navigator.serviceWorker.register(`${root}worker.js`, { scope: root });
    await navigator.serviceWorker.ready;
    // An old subscription may be somebody else's, or of another key: a new one has an address that only we know.
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: box.dataset.key });
    form.elements.subscription.value = JSON.stringify(made);
    form.elements.before.value = (await kept()).token || "";
    form.submit();
  };

  form?.addEventListener("submit", event => {
    event.preventDefault();
    subscribe().catch(() => tell("failed"));
  });
  await look().catch(() => tell("failed"));
})();
