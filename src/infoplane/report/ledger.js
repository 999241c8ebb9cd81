/* Which statements are shown: by verdict, and by the words in them and in their tests. */
"use strict";

const filter = document.getElementById("filter");
const statements = [...document.querySelectorAll(".statement")];
const texts = statements.map((one) => one.textContent.toLowerCase());

function show() {
  const chosen = new Set(new FormData(filter).getAll("verdict"));
  const words = filter.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  statements.forEach((one, k) => {
    one.hidden = !chosen.has(one.dataset.verdict) || !words.every((word) => texts[k].includes(word));
  });
  const left = statements.filter((one) => !one.hidden).length;
  document.getElementById("shown").textContent = `${left} of ${statements.length}`;
}

filter.addEventListener("input", show);
filter.addEventListener("submit", (event) => event.preventDefault());
filter.hidden = false;
show();
