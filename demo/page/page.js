// Moving along the slices, in the browser alone: the strip of small pictures carries what is known of each slice.
(() => {
  const at = (selector) => document.querySelector(selector);
  const percent = (share, digits) => `${(100 * share).toFixed(digits)}%`;
  let number = 1;
  let evidence = -1; // index of a stage; -1: the most probable of the slice

  const thumbs = () => [...document.querySelectorAll(".viewer .thumb")];
  const sharesOf = (thumb) => thumb.dataset.shares.split(" ").filter(Boolean).map(Number);

  function show(wanted) {
    const all = thumbs();
    const current = all.findIndex((thumb) => thumb.hasAttribute("aria-current")) + 1;
    const thumb = all[(wanted ?? current) - 1];
    if (!thumb) return;
    number = all.indexOf(thumb) + 1;
    for (const other of all) other.removeAttribute("aria-current");
    thumb.setAttribute("aria-current", "true");
    const slice = at(".viewer img.slice");
    slice.src = thumb.firstElementChild.src;
    slice.alt = thumb.getAttribute("aria-label");
    const strip = at(".viewer .strip");
    strip.scrollLeft = thumb.offsetLeft - (strip.clientWidth - thumb.clientWidth) / 2;
    layHeat(thumb);
    tell(thumb);
  }

  function layHeat(thumb) {
    const shares = sharesOf(thumb);
    const maps = thumb.dataset.heat.split(" ").filter(Boolean);
    const heat = at(".viewer img.heat");
    const map = maps[evidence < 0 ? shares.indexOf(Math.max(...shares)) : evidence];
    heat.hidden = !map;
    if (map) heat.src = `data:image/png;base64,${map}`;
    else heat.removeAttribute("src");
  }

  function tell(thumb) {
    const shares = sharesOf(thumb);
    const best = shares.indexOf(Math.max(...shares));
    const put = (name, text) => {
      for (const place of document.querySelectorAll(`[data-show="${name}"]`)) place.textContent = text;
    };
    const rows = [...document.querySelectorAll(".slice-bars > li")];
    const told = rows.length && best >= 0 ? `${rows[best].querySelector(".stage").textContent}, ${percent(shares[best], 0)}` : "";
    put("number", number);
    put("name", thumb.dataset.name);
    put("heading", told || "No answer: not a slice as the model knows them");
    rows.forEach((row, stage) => {
      row.classList.toggle("top", stage === best);
      row.querySelector(".fill").style.width = percent(shares[stage] ?? 0, 1);
      row.querySelector(".share").textContent = shares.length ? percent(shares[stage], 1) : "–";
    });
    const plot = at(".curve svg");
    if (plot) {
      const across = (1000 * (number - 0.5)) / Number(plot.dataset.count);
      plot.querySelector(".cursor").setAttribute("transform", `translate(${across})`);
    }
  }

  // Gradio's slider stays the one place that knows which slice is on show.
  function move(wanted) {
    const range = at("#slice-slider input[type=range]");
    if (!range) return;
    range.value = wanted;
    range.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const thumb = event.target.closest?.(".viewer .thumb");
    if (thumb) move(thumbs().indexOf(thumb) + 1);
    const plot = event.target.closest?.(".curve .plot")?.querySelector("svg");
    if (plot) {
      const box = plot.getBoundingClientRect();
      const count = Number(plot.dataset.count);
      move(Math.min(count, Math.max(1, Math.ceil(((event.clientX - box.left) / box.width) * count))));
    }
  });

  window.alzedge = {
    show,
    opacity: (percentage) => document.documentElement.style.setProperty("--heat", percentage / 100),
    explain: (stage) => {
      evidence = stage;
      show();
    },
  };
})();
