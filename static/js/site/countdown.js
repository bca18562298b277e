// The time left of a hold, counted down from the seconds the server gave; at the end the server is asked again.
// The visitor's own clock is not trusted: only the time that has passed since the page came is measured.
const SPOKEN_AT = [300, 60];

export function startCountdowns() {
  for (const box of document.querySelectorAll("[data-seconds]")) start(box);
}

function start(box) {
  const shown = box.querySelector("[data-left]");
  const spoken = box.querySelector("[data-spoken]");
  const seconds = Number(box.dataset.seconds);
  const began = performance.now();
  let before = seconds;
  const tick = () => {
    const left = Math.max(0, Math.ceil(seconds - (performance.now() - began) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (spoken && SPOKEN_AT.some((mark) => left <= mark && before > mark)) spoken.textContent = shown.textContent;
    before = left;
    if (left === 0) {
      window.clearInterval(timer);
      // Not reload(): after a form that was refused, the browser would ask whether to send it again.
      window.location.replace(window.location.href);
    }
  };
  const timer = window.setInterval(tick, 1000);
  if (seconds > 0) tick();
  else window.clearInterval(timer);
}
