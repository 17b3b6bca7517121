"use strict";
// A click on a land of the map is a click on its tick box, which alone says what is chosen.
(() => {
  const atlas = document.querySelector(".atlas");
  if (!atlas) return;
  atlas.classList.add("is-live");
  // On a phone the list is as long as the page, and the map does the same.
  if (matchMedia("(max-width: 45rem)").matches) atlas.querySelector("details").open = false;
  atlas.addEventListener("click", (event) => {
    const land = event.target.closest("[data-topic]");
    if (land) document.getElementById(land.dataset.topic)?.click();
  });
})();
