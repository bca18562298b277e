// While a payment is being confirmed: ask quietly, and go on when the server sends us on.
// A page that reloads itself would take the reader's place away, and no reader could stop it.
const PAUSE_MS = 2000;
const PATIENCE = 60;

async function ask(times) {
  try {
    const answer = await fetch(window.location.href, { redirect: "manual", credentials: "same-origin" });
    if (answer.type === "opaqueredirect") {
      window.location.reload();
      return;
    }
  } catch {
    // No network just now; asked again below.
  }
  if (times > 1) window.setTimeout(() => ask(times - 1), PAUSE_MS);
}

if (document.querySelector("[data-waiting]")) window.setTimeout(() => ask(PATIENCE), PAUSE_MS);
