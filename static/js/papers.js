// Handing in: say at once what is too large, and that a long upload is under way. The bench: zoom, turn, and keys.
const ZOOMS = [1, 1.6, 2.6];
// Single keys can be switched off, and stay off in this browser: they get in the way of speech input.
const KEYS_OFF = "bench-keys-off";

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
  let zoom = 0;
  let turns = 0;
  // A turned picture keeps its old box in CSS, so its new one is worked out here and can be scrolled.
  const show = (picture) => {
    const box = picture.closest("[data-box]");
    box.removeAttribute("style");
    picture.removeAttribute("style");
    if (zoom === 0 && turns === 0) return;
    const width = box.clientWidth * ZOOMS[zoom];
    const ratio = picture.naturalHeight / picture.naturalWidth;
    const across = turns % 2 === 1;
    Object.assign(box.style, { width: `${width}px`, height: `${across ? width / ratio : width * ratio}px` });
    Object.assign(picture.style, {
      position: "absolute",
      inset: "50% auto auto 50%",
      maxWidth: "none",
      width: `${across ? width / ratio : width}px`,
      transform: `translate(-50%, -50%) rotate(${turns * 90}deg)`,
    });
  };
  const pictures = [...bench.querySelectorAll("img")];
  for (const picture of pictures) picture.addEventListener("load", () => show(picture));
  const acts = {
    in: () => (zoom = Math.min(zoom + 1, ZOOMS.length - 1)),
    out: () => (zoom = Math.max(zoom - 1, 0)),
    turn: () => (turns = (turns + 1) % 4),
  };
  const tools = bench.querySelector("[data-tools]");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button) return;
    acts[button.dataset.act]();
    for (const picture of pictures) if (picture.complete) show(picture);
  });
}

function listenToKeys() {
  let on = !window.localStorage.getItem(KEYS_OFF);
  const label = document.querySelector("[data-keys-switch]");
  const box = label?.querySelector("input");
  if (box) {
    label.hidden = false;
    box.checked = on;
    box.addEventListener("change", () => {
      on = box.checked;
      if (on) window.localStorage.removeItem(KEYS_OFF);
      else window.localStorage.setItem(KEYS_OFF, "yes");
    });
  }
  document.addEventListener("keydown", (event) => {
    if (!on || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    const target = document.querySelector(`[data-key~="${CSS.escape(event.code)}"]`);
    if (!target) return;
    event.preventDefault();
    target.click();
    // Opened by its key, a folded form is ready to be typed into.
    if (target.matches("summary")) target.parentElement.querySelector("input:not([type=hidden])")?.focus();
  });
}
