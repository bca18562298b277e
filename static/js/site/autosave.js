// What is typed into a long form is kept on the way: no time-out, no sign-in and no dead battery takes it away.
// Without this script the same is kept whenever the form is sent.
const PAUSE_MS = 1200;
const RETRY_MS = 15000;

export function keepWhatIsTyped() {
  for (const form of document.querySelectorAll("form[data-autosave]")) keep(form);
}

function keep(form) {
  let timer = 0;
  let unsaved = false;
  const told = document.createElement("p");
  told.className = "autosave small soft";
  told.setAttribute("role", "status");
  form.querySelector(".form__actions")?.append(told);
  // The same words again are not read out again: whoever listens is told once, and when something goes wrong.
  const tell = (words) => {
    if (told.textContent !== words) told.textContent = words;
  };

  const save = async () => {
    if (!unsaved) return;
    unsaved = false;
    try {
      const answer = await fetch(form.dataset.autosave, { method: "POST", body: new FormData(form) });
      if (answer.status >= 500) throw new Error(answer.statusText);
      // Refused for good, as after signing in beside it: then the form itself keeps what it carries when it is sent.
      if (answer.ok) tell(form.dataset.kept);
    } catch {
      unsaved = true;
      tell(form.dataset.notKept);
      soon(RETRY_MS);
    }
  };
  const soon = (pause) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, pause);
  };

  form.addEventListener("input", () => {
    unsaved = true;
    soon(PAUSE_MS);
  });
  form.addEventListener("submit", () => {
    unsaved = false; // the page itself keeps what is sent
    window.clearTimeout(timer);
  });
  // A telephone that is put away may never come back to this page.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden" || !unsaved) return;
    unsaved = !navigator.sendBeacon(form.dataset.autosave, new FormData(form));
  });
}
