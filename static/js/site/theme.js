// The theme changes under the reader's eyes; the link's own answer sets the cookie all the same.
const NEXT = { auto: "light", light: "dark", dark: "auto" };

export function switchThemeAtOnce() {
  for (const link of document.querySelectorAll("a[data-theme-link]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const theme = link.dataset.themeLink;
      document.documentElement.dataset.theme = theme;
      await fetch(link.href, { redirect: "manual", credentials: "same-origin" });
      const group = link.parentElement;
      const next = group.querySelector(`[data-theme-link="${NEXT[theme]}"]`);
      for (const other of group.querySelectorAll("[data-theme-link]")) other.hidden = other !== next;
      next.focus();
    });
  }
}
