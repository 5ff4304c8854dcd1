// Moving along the slices, in the browser alone: the strip of small pictures carries what is known of each slice.
(() => {
  const at = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const percent = (share, digits) => `${(100 * share).toFixed(digits)}%`;
  const root = document.documentElement;
  const PHONE = "(max-width: 900px)";
  let evidence = { map: 0, title: "any dementia" }; // the maps as the viewer lists them: any dementia, then the stages
  let number = 1;
  // Blind reading: the model's answer stays hidden until the slice on show has been read.
  const read = new Set();
  let answerSeen = false;

  const thumbs = () => all(".viewer .thumb");
  const sharesOf = (thumb) => thumb.dataset.shares.split(" ").filter(Boolean).map(Number);

  function show(wanted) {
    const list = thumbs();
    root.classList.toggle("has-heat", list.some((thumb) => thumb.dataset.heat));
    const current = list.findIndex((thumb) => thumb.hasAttribute("aria-current")) + 1;
    const thumb = list[(wanted ?? current) - 1];
    if (!thumb) return;
    number = list.indexOf(thumb) + 1;
    root.classList.toggle("blind", !read.has(number));
    for (const other of list) other.removeAttribute("aria-current");
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
    const heat = at(".viewer img.heat");
    const map = thumb.dataset.heat.split(" ").filter(Boolean)[evidence.map];
    heat.hidden = !map;
    if (!map) return heat.removeAttribute("src");
    heat.src = `data:image/png;base64,${map}`;
    heat.style.maskImage = `url(data:image/png;base64,${thumb.dataset.mask})`;
  }

  function tell(thumb) {
    const shares = sharesOf(thumb);
    const best = shares.indexOf(Math.max(...shares));
    const score = shares.length ? 1 - shares[0] : 0;
    const put = (name, text) => {
      for (const place of all(`[data-show="${name}"]`)) place.textContent = text;
    };
    put("number", number);
    put("name", thumb.dataset.name);
    put("verdict", thumb.dataset.heading);
    put("evidence", evidence.title);
    put("measured", thumb.dataset.measured ?? "");
    put("score", shares.length ? score.toFixed(2) : "–");
    for (const heading of all('.this-slice [data-show="verdict"]')) heading.className = `verdict ${thumb.dataset.side}`;
    const gauge = at(".slice-gauge");
    if (gauge) {
      gauge.querySelector(".fill").style.width = percent(score, 1);
      gauge.setAttribute("aria-label", shares.length ? `Score ${score.toFixed(2)}` : "No score");
    }
    all(".slice-bars > li").forEach((row, stage) => {
      row.classList.toggle("top", stage === best);
      row.querySelector(".fill").style.width = percent(shares[stage] ?? 0, 1);
      row.querySelector(".share").textContent = shares.length ? percent(shares[stage], 1) : "–";
    });
    for (const row of all("#results tr[data-slice]")) row.classList.toggle("current", Number(row.dataset.slice) === number);
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

  // On a phone the answer comes to the eye, which is on the button that asked for it.
  function arrived() {
    read.clear();
    root.classList.add("blind");
    saw(!root.classList.contains("labelling"));
    if (matchMedia(PHONE).matches) at("#answer-side")?.scrollIntoView({ block: "start" });
  }

  function saw(seen) {
    answerSeen = seen;
    root.classList.toggle("answer-seen", seen);
  }

  // The keys of whoever reads: see READINGS of labelling.py for the order of the choices.
  const CHOICES = { 1: 0, 2: 1, 3: 2, 4: 3, 0: 4, m: 5 };
  document.addEventListener("keydown", (event) => {
    if (!root.classList.contains("labelling") || event.ctrlKey || event.altKey || event.metaKey) return;
    const on = event.target;
    if (on.closest?.("textarea, input:not([type=radio]):not([type=range]):not([type=checkbox])")) return;
    const radios = all("#reading input[type=radio]");
    if (event.key in CHOICES) {
      radios[CHOICES[event.key]]?.focus();
      radios[CHOICES[event.key]]?.click();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      move(Math.min(thumbs().length, Math.max(1, number + (event.key === "ArrowLeft" ? -1 : 1))));
    } else if (event.key === "u") {
      at("#undo")?.click();
    } else if (event.key === "Enter" && !on.closest?.("button, a, [role=tab]")) {
      at("#add-label")?.click();
    } else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const near = (selector) => event.target.closest?.(selector);
    const thumb = near(".viewer .thumb");
    if (thumb) move(thumbs().indexOf(thumb) + 1);
    const row = near("#results tr[data-slice]");
    if (row) move(Number(row.dataset.slice));
    const press = near("[data-press]");
    if (press) at(`#${press.dataset.press}`)?.click();
    const wanted = near("[data-focus]");
    if (wanted) at(`#${wanted.dataset.focus} :is(input, textarea)`)?.focus();
    if (near('a[href="#card"]')) {
      event.preventDefault();
      if (!at(".card")) at("#about button")?.click();
      setTimeout(() => at("#about")?.scrollIntoView({ block: "start" }), 50);
    }
    const plot = near(".curve .plot")?.querySelector("svg");
    if (plot) {
      const box = plot.getBoundingClientRect();
      const count = Number(plot.dataset.count);
      move(Math.min(count, Math.max(1, Math.ceil(((event.clientX - box.left) / box.width) * count))));
    }
  });

  root.classList.add("blind");
  window.alzedge = {
    show,
    arrived,
    heat: (on) => root.classList.toggle("heat-on", on),
    seen: () => answerSeen,
    added: (said) => {
      if (!said.includes("Added.")) return;
      read.add(number);
      show();
    },
    labelling: (on) => {
      root.classList.toggle("labelling", on);
      if (!on && at(".viewer:not(.empty)")) saw(true);
    },
    opacity: (percentage) => root.style.setProperty("--heat", percentage / 100),
    explain: (map, title) => {
      evidence = { map, title };
      show();
    },
  };
})();
