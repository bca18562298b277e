// Handing in: say at once what is too large, and that a long upload is under way. The bench: zoom, turn, and keys.
const form = document.querySelector("[data-upload]");
if (form) prepareUpload(form);
const bench = document.querySelector("[data-bench]");
if (bench) prepareBench(bench);
if (document.querySelector("[data-keys]")) listenToKeys();

function prepareUpload(form) {
  const said = form.querySelector("[data-upload-status]");
  const input = form.querySelector("input[type=file]");
  const tooLarge = () => input.files.length > 0 && input.files[0].size > Number(form.dataset.maxBytes);
  const say = (text, bad) => {
    said.textContent = text;
    said.toggleAttribute("data-bad", bad);
  };
  input.addEventListener("change", () => (tooLarge() ? say(form.dataset.tooLarge, true) : say("", false)));
  // In the capturing phase: before the form is marked as sent.
  form.addEventListener(
    "submit",
    (event) => {
      if (!tooLarge()) return say(form.dataset.sending, false);
      event.preventDefault();
      event.stopPropagation();
      input.focus();
    },
    true,
  );
}

function prepareBench(bench) {
  const step = (name, by, last) => {
    const next = (Number(bench.dataset[name] || 0) + by + last + 1) % (last + 1);
    bench.dataset[name] = String(next);
  };
  const acts = {
    in: () => (bench.dataset.zoom = String(Math.min(2, Number(bench.dataset.zoom || 0) + 1))),
    out: () => (bench.dataset.zoom = String(Math.max(0, Number(bench.dataset.zoom || 0) - 1))),
    turn: () => step("turn", 1, 3),
  };
  const tools = bench.querySelector("[data-tools]");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (button) acts[button.dataset.act]();
  });
}

// Single keys can be switched off, and stay off in this browser: they get in the way of speech input.
const KEYS_OFF = "bench-keys-off";

function listenToKeys() {
  const label = document.querySelector("[data-keys-switch]");
  const box = label.querySelector("input");
  label.hidden = false;
  box.checked = !window.localStorage.getItem(KEYS_OFF);
  box.addEventListener("change", () =>
    box.checked ? window.localStorage.removeItem(KEYS_OFF) : window.localStorage.setItem(KEYS_OFF, "yes"),
  );
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    const target = document.querySelector(`[data-key~="${CSS.escape(event.code)}"]`);
    if (!target) return;
    event.preventDefault();
    target.closest("details")?.setAttribute("open", "");
    if (target.matches("select, input, textarea")) target.focus();
    else target.click();
  });
}
