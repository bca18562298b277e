// The deck plan: larger and smaller, arrow keys from cabin to cabin, and states that change while it is looked at.
const POLL = 1500;
const SLOWEST_POLL = 60000;
const ZOOMS = [1, 1.4, 2, 2.8];

const plan = document.querySelector("[data-deck-plan]");
const scroller = plan.querySelector("[data-scroll]");
const cabins = new Map(
  [...scroller.querySelectorAll(".cabins a")].map((cabin) => [cabin.querySelector("text").textContent, cabin]),
);
const rows = new Map([...document.querySelectorAll("[data-cabin]")].map((row) => [row.dataset.cabin, row]));
const grades = new Map([...document.querySelectorAll("[data-category]")].map((grade) => [grade.dataset.category, grade]));

function tellWhatIsPointedAt() {
  const told = plan.querySelector("[data-told]");
  const tell = ({ target }) => {
    const title = target.closest?.(".cabins a")?.querySelector("title");
    if (title) told.textContent = title.textContent;
    told.classList.toggle("is-telling", Boolean(title));
  };
  scroller.addEventListener("pointerover", tell);
  scroller.addEventListener("focusin", tell);
}

// ---------- Zoom ----------
let zoom = 1;

/** Zooms so that what lies under `x`, a place in the window, stays there. */
function zoomTo(wanted, x = scroller.getBoundingClientRect().left + scroller.clientWidth / 2) {
  const before = zoom;
  zoom = Math.min(ZOOMS.at(-1), Math.max(ZOOMS[0], wanted));
  const left = x - scroller.getBoundingClientRect().left;
  const along = scroller.scrollLeft + left;
  scroller.style.setProperty("--zoom", zoom);
  scroller.scrollLeft = (along * zoom) / before - left;
  for (const button of plan.querySelectorAll("[data-zoom-by]")) {
    button.disabled = zoom === (button.dataset.zoomBy === "1" ? ZOOMS.at(-1) : ZOOMS[0]);
  }
}

const larger = () => zoomTo(ZOOMS.find((step) => step > zoom + 0.01) ?? zoom);
const smaller = () => zoomTo(ZOOMS.findLast((step) => step < zoom - 0.01) ?? zoom);

function zoomByButtons() {
  plan.querySelector("[data-zoom]").hidden = plan.querySelector("[data-zoom-hint]").hidden = false;
  plan.addEventListener("click", ({ target }) => {
    if (target.closest("[data-zoom-whole]")) zoomTo(1);
    const by = Number(target.closest("[data-zoom-by]")?.dataset.zoomBy);
    if (by > 0) larger();
    if (by < 0) smaller();
  });
  zoomTo(1);
}

function zoomByKeys() {
  const keys = { "+": larger, "=": larger, "-": smaller, 0: () => zoomTo(1) };
  scroller.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
    document.activeElement.closest(".cabins a")?.scrollIntoView({ block: "nearest", inline: "center" });
  });
}

function zoomByWheel() {
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(zoom * Math.exp(-event.deltaY / 300), event.clientX);
    },
    { passive: false },
  );
}

function zoomByPinch() {
  const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  let start = null;
  const begin = ({ touches }) => {
    start = touches.length === 2 ? { spread: spread(touches), zoom } : null;
  };
  scroller.addEventListener("touchstart", begin, { passive: true });
  scroller.addEventListener("touchend", begin, { passive: true });
  scroller.addEventListener(
    "touchmove",
    (event) => {
      if (!start || event.touches.length !== 2) return;
      event.preventDefault();
      const [one, other] = event.touches;
      zoomTo((start.zoom * spread(event.touches)) / start.spread, (one.clientX + other.clientX) / 2);
    },
    { passive: false },
  );
}

/** A mouse drags the plan along; a drag is not a click on the cabin where it ends. */
function panByMouse() {
  let from = null;
  scroller.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) from = { x: event.clientX, left: scroller.scrollLeft };
  });
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    if (Math.abs(event.clientX - from.x) > 5) scroller.classList.add("is-dragged");
    if (scroller.classList.contains("is-dragged")) scroller.scrollLeft = from.left + from.x - event.clientX;
  });
  window.addEventListener("pointerup", () => {
    from = null;
    // The click comes after this event, so the class outlives it by a turn.
    setTimeout(() => scroller.classList.remove("is-dragged"));
  });
  scroller.addEventListener("click", (event) => {
    if (scroller.classList.contains("is-dragged")) event.preventDefault();
  });
  scroller.addEventListener("dragstart", (event) => event.preventDefault());
}

// ---------- Arrow keys ----------
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The cabin that lies nearest in a direction; what lies aside counts three times as far. */
function neighbour(cabin, [dx, dy]) {
  const middle = (element) => {
    const box = element.getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  const from = middle(cabin);
  let [nearest, least] = [null, Infinity];
  for (const other of cabins.values()) {
    if (other === cabin) continue;
    const to = middle(other);
    const ahead = (to.x - from.x) * dx + (to.y - from.y) * dy;
    const aside = Math.abs((to.x - from.x) * dy + (to.y - from.y) * dx);
    if (ahead > 2 && ahead + 3 * aside < least) [nearest, least] = [other, ahead + 3 * aside];
  }
  return nearest;
}

/** The plan is one stop of the Tab key; inside it the arrows lead on, also over cabins that are taken. */
function moveByArrows() {
  let stop = [...cabins.values()].find((cabin) => cabin.hasAttribute("href")) ?? cabins.values().next().value;
  for (const cabin of cabins.values()) {
    cabin.setAttribute("tabindex", cabin === stop ? "0" : "-1");
    sayWhetherItOpens(cabin);
  }
  scroller.addEventListener("focusin", ({ target }) => {
    const cabin = target.closest(".cabins a");
    if (!cabin || cabin === stop) return;
    stop?.setAttribute("tabindex", "-1");
    cabin.setAttribute("tabindex", "0");
    stop = cabin;
  });
  scroller.addEventListener("keydown", (event) => {
    const cabin = event.target.closest(".cabins a");
    if (!cabin || !DIRECTIONS[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = neighbour(cabin, DIRECTIONS[event.key]);
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest", inline: "center" });
  });
}

/** A link without an address is none to a browser: say that it is one which cannot be followed now. */
function sayWhetherItOpens(cabin) {
  const opens = cabin.hasAttribute("href");
  for (const [name, value] of [["role", "link"], ["aria-disabled", "true"]]) {
    if (opens) cabin.removeAttribute(name);
    else cabin.setAttribute(name, value);
  }
}

// ---------- States ----------
const TAKEN = ["held", "booked", "closed"];
const stateOf = (cabin) => TAKEN.find((state) => cabin.classList.contains(state)) ?? "free";

function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function change(number, state) {
  const cabin = cabins.get(number);
  const grade = [...cabin.classList].map((name) => grades.get(name)).find(Boolean);
  const { price } = cabin.dataset; // for the party that was named; empty where it does not fit
  const values = { number, category: grade?.dataset.name, price: price ?? grade?.dataset.price };
  const sentence = state === "free" && price !== undefined ? (price ? "forParty" : "tooSmall") : state;
  cabin.classList.remove(...TAKEN);
  if (state !== "free") cabin.classList.add(state);
  cabin.querySelector("title").textContent = filled(plan.dataset[sentence], values);
  cabin.classList.add("is-new");
  const row = rows.get(number);
  const links = [cabin, row?.querySelector("a")].filter(Boolean);
  for (const link of links) {
    if (state === "free") link.setAttribute("href", `cabins/${number}${plan.dataset.carried ?? ""}`);
    // A cabin that has the focus keeps its link: its page says that it was taken, and the focus is not lost.
    else if (link !== document.activeElement) link.removeAttribute("href");
  }
  sayWhetherItOpens(cabin);
  if (row) {
    row.classList.toggle("is-taken", state !== "free");
    row.querySelector("[data-state]").textContent = plan.dataset[`${state}Word`];
  }
}

/** `taken` is the state of every cabin that is not free, `changed` that of some cabins. */
function show({ free, taken, changed: told }) {
  const changed = [];
  for (const [number, cabin] of cabins) {
    const state = taken ? (taken[number] ?? "free") : (told[number] ?? stateOf(cabin));
    if (state !== stateOf(cabin)) {
      change(number, state);
      changed.push(number);
    }
  }
  if (!changed.length) return;
  for (const count of document.querySelectorAll("[data-free-on]")) {
    const deck = document.getElementById(`deck-${count.dataset.freeOn}`);
    count.textContent = [...deck.querySelectorAll(".cabins a")].filter((cabin) => stateOf(cabin) === "free").length;
  }
  for (const count of document.querySelectorAll("[data-free-in]")) {
    const grade = [...cabins.values()].filter((cabin) => cabin.classList.contains(count.dataset.freeIn));
    count.textContent = grade.filter((cabin) => stateOf(cabin) === "free").length;
  }
  plan.querySelector("[data-announce]").textContent = filled(plan.dataset.changed, { cabins: changed.join(", "), free });
}

/** Where the server keeps an answer open, each change comes by itself; elsewhere the plan asks again and again. */
function followStates() {
  let wait = POLL;
  let timer, source;
  const ask = async () => {
    try {
      const answer = await fetch(plan.dataset.states, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      show(await answer.json());
      wait = POLL;
    } catch {
      wait = Math.min(wait * 2, SLOWEST_POLL); // the plan stays as it was; the cabin's own page has the last word
    }
    if (!document.hidden) timer = setTimeout(ask, wait);
  };
  const begin = () => {
    source = new EventSource(plan.dataset.live);
    source.addEventListener("message", ({ data }) => show(JSON.parse(data)));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED && !document.hidden) timer = setTimeout(ask, POLL);
    });
  };
  const end = () => {
    clearTimeout(timer);
    source?.close();
  };
  document.addEventListener("visibilitychange", () => {
    end();
    if (!document.hidden) begin(); // what happened meanwhile comes first
  });
  // A page that is kept for going back may keep nothing open.
  window.addEventListener("pagehide", end);
  window.addEventListener("pageshow", ({ persisted }) => persisted && begin());
  begin();
}

tellWhatIsPointedAt();
zoomByButtons();
zoomByKeys();
zoomByWheel();
zoomByPinch();
panByMouse();
moveByArrows();
if (plan.dataset.states) followStates();
