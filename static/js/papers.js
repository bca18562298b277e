// Handing in: say at once what is too large, and that a long upload is under way.
const form = document.querySelector("[data-upload]");
if (form) prepareUpload(form);

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
