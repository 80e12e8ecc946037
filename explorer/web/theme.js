// Runs before the first paint: puts the chosen theme on, so that nothing flashes.
"use strict";
try {
  const theme = localStorage.getItem("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch { /* no storage: the system's choice holds */ }
