// Loaded before anything is painted: the page starts in the colours that the device asks for.
"use strict";
{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // the server has set the colours already unless the device decides
  const follow = () => {
    if (root.dataset.theme === "auto") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  root.classList.add("js");
  follow();
  dark.addEventListener("change", () => {
    follow();
    root.dispatchEvent(new CustomEvent("themechange"));
  });
}
