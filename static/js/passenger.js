// The private link of a passenger: one press instead of marking and copying.
const place = document.querySelector("[data-copy]");

if (place && navigator.clipboard) {
  const [input, button, told] = ["input", "button", "[role=status]"].map((wanted) => place.querySelector(wanted));
  button.hidden = false;
  button.addEventListener("click", async () => {
    input.select();
    await navigator.clipboard.writeText(input.value);
    told.textContent = place.dataset.copy;
  });
}
