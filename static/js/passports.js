// "My passports": kept in this browser alone, until the party has booked or for KEPT_DAYS.
// Lists and cruises come the same for everybody; what can still be done for these passports is asked for and put in.
const KEY = "passports";
const KEPT_DAYS = 30;
const FIELDS = ["citizenship", "expires", "age"];

function remembered() {
  try {
    const { at, rows } = JSON.parse(localStorage.getItem(KEY));
    if (Date.now() - at < KEPT_DAYS * 24 * 3600 * 1000 && rows.length) return rows;
    forget();
  } catch {
    // Nothing is kept, or the browser keeps nothing: then the form is simply empty.
  }
  return [];
}

function remember(rows) {
  try {
    if (rows.length) localStorage.setItem(KEY, JSON.stringify({ at: Date.now(), rows }));
    else forget();
  } catch {
    // A browser that keeps nothing still gets its answer.
  }
}

function forget() {
  localStorage.removeItem(KEY);
}

const one = (wanted, within = document) => within.querySelector(wanted);
const all = (wanted, within = document) => [...within.querySelectorAll(wanted)];

function fillForm(form) {
  const places = all("[data-passport]", form);
  const input = (place, name) => one(`[name=${name}]`, place);
  const typed = () =>
    places
      .map((place) => Object.fromEntries(FIELDS.map((name) => [name, input(place, name).value.trim()])))
      .filter((row) => FIELDS.some((name) => row[name]));
  const button = one("[data-passports-forget]", form);
  const known = remembered();
  if (!typed().length) {
    known.slice(0, places.length).forEach((row, n) => {
      for (const name of FIELDS) input(places[n], name).value = row[name] ?? "";
    });
  }
  button.hidden = !known.length;
  form.addEventListener("submit", () => remember(typed()));
  button.addEventListener("click", () => {
    forget();
    for (const place of places) for (const name of FIELDS) input(place, name).value = "";
    one("[data-passports-told]", form).textContent = one("[data-passports-gone]", form).textContent;
    button.hidden = true;
  });
}

async function fillPage(bar) {
  const rows = remembered();
  const places = all("[data-chance]");
  if (!rows.length) return;
  const asked = new URLSearchParams();
  for (const row of rows) for (const name of FIELDS) asked.append(name, row[name] ?? "");
  for (const place of places) asked.append("chanceWhole" in place.dataset ? "whole" : "s", place.dataset.chance);
  let said;
  try {
    const answer = await fetch(bar.dataset.passports, { method: "POST", body: asked, credentials: "omit" });
    if (!answer.ok) return;
    said = await answer.json();
  } catch {
    return; // The page is whole without it.
  }
  one("[data-passports-none]", bar).hidden = true;
  one("[data-passports-known]", bar).hidden = false;
  one("[data-passports-whose]", bar).textContent = said.whose;
  for (const row of all("[data-chance-row]")) row.hidden = false;
  for (const place of places) {
    const about = said.sailings[place.dataset.chance];
    if (!about) continue;
    place.innerHTML = about.html; // rendered and escaped by our own server
    place.hidden = false;
    place.closest("article")?.toggleAttribute("data-impossible", !about.possible);
  }
  one("[data-passports-forget]", bar).addEventListener("click", () => {
    forget();
    window.location.reload();
  });
  one("[data-passports-only]", bar)?.addEventListener("change", (event) => {
    for (const article of all("article[data-impossible]")) article.hidden = event.target.checked;
    for (const month of all("section.month")) {
      month.hidden = !all("article", month).some((article) => !article.hidden);
    }
  });
}

function fillPassengers(told) {
  const rows = remembered();
  let filled = false;
  all(".traveller").forEach((traveller, n) => {
    const row = rows[n];
    const put = (name, value) => {
      const input = one(`[name$="-${name}"]`, traveller);
      if (!row || !value || !input || input.value) return;
      input.value = value;
      filled ||= input.value !== "";
    };
    put("citizenship", row?.citizenship);
    put("document_expires", wholeDay(row?.expires ?? ""));
  });
  told.hidden = !filled;
}

// "17.05.2031" as a date field wants it; a month is no day.
function wholeDay(text) {
  const found = /^(\d{1,2})[./ ](\d{1,2})[./ ](\d{4})$/.exec(text);
  if (found) return [found[3], found[2].padStart(2, "0"), found[1].padStart(2, "0")].join("-");
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : "";
}

const form = one("[data-passports-form]");
const bar = one("[data-passports]");
const passengers = one("[data-passports-prefilled]");
if (form) fillForm(form);
if (bar) fillPage(bar);
if (passengers) fillPassengers(passengers);
if (one("[data-passports-booked]")) {
  try {
    forget();
  } catch {
    // Then there is nothing to forget.
  }
}
