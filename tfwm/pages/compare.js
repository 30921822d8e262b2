// A range input over two pictures moves the border between them.
"use strict";
function watchCompare(root) {
  for (const figure of root.querySelectorAll(".compare")) {
    const slider = figure.querySelector("input");
    const move = () => figure.style.setProperty("--at", slider.value + "%");
    slider.addEventListener("input", move);
    move();
  }
}
watchCompare(document);
