// What every page does: it tells the server the browser's time zone and switches the colours without a reload.
const YEAR = 365 * 24 * 3600;

function keep(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
}

function tellTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) keep("inventario_time_zone", zone);
}

function switchTheme(event) {
  event.preventDefault();
  const chosen = event.submitter.value;
  const root = document.documentElement;
  keep("inventario_theme", chosen);
  root.dataset.theme = chosen;
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "dark" : "light";
  for (const button of event.currentTarget.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
  // charts take their colours from the page
  root.dispatchEvent(new CustomEvent("themechange"));
}

tellTimeZone();
document.querySelector("form[data-theme-switch]")?.addEventListener("submit", switchTheme);
