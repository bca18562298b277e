// The review bench: the picture larger, turned and with more contrast; and single keys for what is done most.
const ZOOMS = [1, 1.6, 2.6, 4];
const CONTRASTS = ["", "strong", "grey"];
// Single keys can be switched off, and stay off in this browser: they get in the way of speech input.
const KEYS_OFF = "bench-keys-off";

const bench = document.querySelector("[data-bench]");
if (bench) prepareBench(bench);
const help = document.querySelector("[data-help]");
if (help) prepareHelp(help);
if (document.querySelector("[data-keys]")) listenToKeys();

function prepareBench(bench) {
  let zoom = 0;
  let turns = 0;
  let contrast = 0;
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
    whole: () => (zoom = turns = contrast = 0),
    turn: () => (turns = (turns + 1) % 4),
    contrast: () => (contrast = (contrast + 1) % CONTRASTS.length),
  };
  const act = (name) => {
    acts[name]();
    bench.dataset.contrast = CONTRASTS[contrast];
    tools.querySelector("[data-act=contrast]").setAttribute("aria-pressed", String(contrast > 0));
    for (const picture of pictures) if (picture.complete) show(picture);
  };
  const tools = bench.querySelector("[data-tools]");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (button) act(button.dataset.act);
  });
  bench.addEventListener("whole", () => act("whole"));
}

function prepareHelp(help) {
  document.querySelector("[data-help-open]").addEventListener("click", () => help.showModal());
  help.querySelector("[data-help-close]").addEventListener("click", () => help.close());
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
    if (!on || event.repeat || help?.open) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    if (event.key === "?") return help?.showModal();
    if (event.shiftKey && event.code !== "Equal") return;
    if (event.code === "Digit0" || event.code === "Numpad0") return bench?.dispatchEvent(new Event("whole"));
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    if (digit) return choose(digit, event);
    const target = document.querySelector(`[data-key~="${CSS.escape(event.code)}"]`);
    if (!target) return;
    event.preventDefault();
    target.click();
    // Opened by its key, a folded form is ready to be typed into.
    if (target.matches("summary")) target.parentElement.querySelector("input:not([type=hidden])")?.focus();
  });
}

function choose(digit, event) {
  const choice = document.querySelector(`details[open] [data-digit="${digit}"]`);
  if (!choice) return;
  event.preventDefault();
  choice.checked = true;
  choice.focus();
}
