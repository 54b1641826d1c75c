"use strict";
(() => {
  const LEFT = 138, PLOT = 1048, UNITS = 100, NS = document.querySelector("svg").namespaceURI;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = document.getElementById("tip");
  const scenarios = all("details.scenario");

  /* Theme: what the system says, unless the reader switched. */
  document.getElementById("theme").addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });

  /* Copy: the clipboard is not always allowed from file://, a selection always is. */
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* the older way below */ }
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      button.textContent = (await copy(button.dataset.copy)) ? "Copied" : "Select it";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }

  /* Sequence diagrams: one key at a time. */
  const draw = (id) => {
    const chosen = document.getElementById(id), figure = chosen?.closest(".sequences");
    if (!figure) return;
    for (const one of all(".sequence", figure)) one.hidden = one !== chosen;
    figure.querySelector("select").value = id;
  };
  for (const select of all("[data-sequences]")) select.addEventListener("change", () => draw(select.value));
  for (const button of all("[data-sequence]")) {
    button.addEventListener("click", () => {
      draw(button.dataset.sequence);
      document.getElementById(button.dataset.sequence).closest(".sequences").scrollIntoView({ block: "start" });
    });
  }

  /* Deep links open what they point into. */
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const found = id && document.getElementById(id);
    if (!found) return;
    for (let at = found; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
      if (at.classList.contains("sequence")) draw(at.id);
    }
    found.scrollIntoView({ behavior: "instant" });
  };
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => all("details").forEach((d) => { d.open = true; }));

  /* Filter. */
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of scenarios) {
      one.hidden = !words.every((word) => one.dataset.search.includes(word));
      if (!one.hidden) shown += 1;
      const link = all(".side li").find((li) => li.dataset.nav === one.id);
      if (link) link.hidden = one.hidden;
    }
    document.getElementById("nothing").hidden = shown > 0;
  });

  /* Timelines. */
  const step = (span) => {
    const wanted = span / 12, power = 10 ** Math.floor(Math.log10(wanted));
    return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= wanted * 0.999);
  };
  const element = (name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  class Timeline {
    constructor(svg) {
      this.svg = svg;
      this.full = svg.dataset.full.split(" ").map(Number);
      this.first = svg.dataset.view.split(" ").map(Number);
      this.view = [...this.first];
      this.timed = all("[data-a]", svg).map((node) => ({
        node, kind: node.tagName, a: +node.dataset.a, b: node.dataset.b === undefined ? null : +node.dataset.b,
      }));
      this.marks = all(".marks > g", svg).map((node) => ({ node, at: +node.querySelector("use").dataset.a }))
        .sort((one, other) => one.at - other.at);
      this.stretch = svg.querySelector(".stretch");
      this.axis = svg.querySelector(".axis");
      this.thread = svg.querySelector(".thread");
      this.key = null;
      this.chosen = -1;
      this.listen();
    }
    x(t) { return LEFT + (t - this.view[0]) / (this.view[1] - this.view[0]) * PLOT; }
    time(event) {
      const box = this.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * 1200;
      return this.view[0] + (Math.min(Math.max(x, LEFT), LEFT + PLOT) - LEFT) / PLOT * (this.view[1] - this.view[0]);
    }
    show(start, end) {
      const [low, high] = this.full, room = (high - low) * 0.02;
      const span = Math.min(Math.max(end - start, 0.005), high - low + 2 * room);
      const from = Math.min(Math.max(start, low - room), high + room - span);
      this.view = [from, from + span];
      this.draw();
    }
    zoom(factor, around = (this.view[0] + this.view[1]) / 2) {
      const [start, end] = this.view;
      this.show(around - (around - start) * factor, around + (end - around) * factor);
    }
    draw() {
      const [start, end] = this.view, scale = PLOT / (end - start) / UNITS;
      for (const { node, kind, a, b } of this.timed) {
        const x = this.x(a);
        if (kind === "rect") {
          node.setAttribute("x", x);
          node.setAttribute("width", Math.max(this.x(b) - x, 0.5));
        } else if (kind === "text" && b !== null) {
          const seen = Math.min(this.x(b), LEFT + PLOT) - Math.max(x, LEFT);
          node.setAttribute("x", (Math.max(x, LEFT) + Math.min(this.x(b), LEFT + PLOT)) / 2);
          node.setAttribute("visibility", seen > node.textContent.length * 6.4 ? "visible" : "hidden");
        } else node.setAttribute("x", x);
      }
      this.stretch.setAttribute("transform", `translate(${LEFT - start * UNITS * scale} 0) scale(${scale} 1)`);
      const size = step(end - start), digits = Math.max(0, -Math.floor(Math.log10(size) + 1e-9));
      const bottom = +this.svg.viewBox.baseVal.height;
      this.axis.replaceChildren();
      for (let n = Math.ceil(start / size); n * size <= end; n += 1) {
        const x = this.x(n * size);
        this.axis.append(element("path", { d: `M${x} 26V${bottom - 22}` }));
        if (x < LEFT + 14 || x > LEFT + PLOT - 14) continue;
        const label = element("text", { x, y: bottom - 6, "text-anchor": "middle" });
        label.textContent = `${(n * size).toFixed(digits)} s`;
        this.axis.append(label);
      }
      this.link();
    }
    follow(key) {
      this.key = key === this.key ? null : key;
      this.svg.classList.toggle("following", this.key !== null);
      for (const { node } of this.marks) node.classList.toggle("hot", this.key !== null && node.dataset.k === this.key);
      this.link();
    }
    link() {
      const hot = this.key === null ? [] : this.marks.filter(({ node }) => node.dataset.k === this.key);
      this.thread.setAttribute("d", hot.map(({ node, at }, n) =>
        `${n ? "L" : "M"}${this.x(at)} ${node.querySelector("use").getAttribute("y")}`).join(""));
    }
    choose(move) {
      if (!this.marks.length) return;
      this.chosen = (this.chosen + move + this.marks.length) % this.marks.length;
      const { node, at } = this.marks[this.chosen];
      if (at < this.view[0] || at > this.view[1]) this.show(at - (this.view[1] - this.view[0]) / 2, at + (this.view[1] - this.view[0]) / 2);
      const box = node.querySelector("use").getBoundingClientRect();
      say(node.dataset.d, box.left, box.top);
      this.current = node;
    }
    listen() {
      const { svg } = this;
      let from = null, brush = null;
      svg.addEventListener("pointerdown", (event) => { if (event.button === 0 && event.pointerType !== "touch") from = this.time(event); });
      svg.addEventListener("pointermove", (event) => {
        const told = event.target.closest("[data-d]");
        if (from === null) { if (told) say(told.dataset.d, event.clientX, event.clientY); else hush(); return; }
        const to = this.time(event), [a, b] = from < to ? [from, to] : [to, from];
        if (brush === null && this.x(b) - this.x(a) < 6) return;
        brush ??= svg.appendChild(element("rect", { class: "brush", y: 0, height: svg.dataset.bottom }));
        brush.setAttribute("x", this.x(a));
        brush.setAttribute("width", this.x(b) - this.x(a));
        hush();
      });
      addEventListener("pointerup", (event) => {
        if (from === null) return;
        const start = from;
        from = null;
        if (brush === null) return;
        brush.remove();
        brush = null;
        const to = this.time(event);
        this.dragged = true;
        this.show(Math.min(start, to), Math.max(start, to));
      });
      svg.addEventListener("pointerleave", hush);
      svg.addEventListener("click", (event) => {
        if (this.dragged) { this.dragged = false; return; }
        const mark = event.target.closest("[data-k]");
        if (mark) this.follow(mark.dataset.k); else if (this.key !== null) this.follow(this.key);
      });
      svg.addEventListener("dblclick", () => this.show(...this.first));
      svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.time(event));
      }, { passive: false });
      svg.addEventListener("keydown", (event) => {
        const span = this.view[1] - this.view[0];
        const act = {
          "+": () => this.zoom(0.6), "=": () => this.zoom(0.6), "-": () => this.zoom(1.6), "0": () => this.show(...this.first),
          ArrowLeft: () => this.show(this.view[0] - span / 6, this.view[1] - span / 6),
          ArrowRight: () => this.show(this.view[0] + span / 6, this.view[1] + span / 6),
          ".": () => this.choose(1), ",": () => this.choose(-1),
          Enter: () => { if (this.current?.dataset.k) this.follow(this.current.dataset.k); },
          Escape: () => { hush(); if (this.key !== null) this.follow(this.key); },
        }[event.key];
        if (act && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); event.stopPropagation(); act(); }
      });
      svg.addEventListener("blur", hush);
      for (const button of all("[data-zoom]", svg.closest("figure"))) {
        button.addEventListener("click", () => ({
          in: () => this.zoom(0.6), out: () => this.zoom(1.6), reset: () => this.show(...this.first), all: () => this.show(...this.full),
        }[button.dataset.zoom]()));
      }
      this.draw();
    }
  }

  const say = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.min(Math.max(8, x + 14), innerWidth - box.width - 8)}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
  };
  const hush = () => { tip.hidden = true; };

  /* A timeline is made when it is first seen open: long runs have many. */
  const made = new Map();
  const timeline = (scenario) => {
    const svg = scenario.querySelector("svg.tl");
    if (svg && !made.has(scenario.id)) made.set(scenario.id, new Timeline(svg));
    const log = scenario.querySelector(".log"), moment = log?.querySelector(".l-moment, .l-error");
    if (moment && log.scrollTop === 0) log.scrollTop = moment.offsetTop - 60;
    return made.get(scenario.id);
  };
  for (const one of scenarios) {
    if (one.open) timeline(one);
    one.addEventListener("toggle", () => { if (one.open) timeline(one); });
  }
  for (const button of all("[data-follow]")) {
    button.addEventListener("click", () => {
      const drawn = timeline(button.closest("details.scenario"));
      if (!drawn) return;
      if (drawn.key !== button.dataset.follow) drawn.follow(button.dataset.follow);
      drawn.svg.scrollIntoView({ block: "center" });
      drawn.svg.focus({ preventScroll: true });
    });
  }

  /* Keyboard. */
  const go = (move) => {
    const seen = scenarios.filter((one) => !one.hidden);
    const at = seen.findIndex((one) => one.getBoundingClientRect().top > 70);
    const now = at === -1 ? seen.length : at;
    const here = seen[now] && Math.abs(seen[now].getBoundingClientRect().top - 64) < 12;
    const next = seen[move > 0 ? now + (here ? 1 : 0) : now - 1];
    if (!next) return;
    next.scrollIntoView();
    next.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("keydown", (event) => {
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === "Escape" && event.target === filter) { filter.value = ""; filter.dispatchEvent(new Event("input")); filter.blur(); }
      return;
    }
    if (event.key === "/") { event.preventDefault(); filter.focus(); }
    if (event.key === "n") go(1);
    if (event.key === "p") go(-1);
    if (event.key === "e") { const open = scenarios.some((one) => !one.open); scenarios.forEach((one) => { one.open = open; }); }
  });
  reveal();
})();
