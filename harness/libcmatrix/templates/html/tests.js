"use strict";
// Copy buttons, and the table of all tests. Data is written by textContent alone, never as HTML.
(() => {
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  for (const place of document.querySelectorAll(".copy")) {
    const text = place.firstElementChild.textContent;
    const button = element("button", "", "Copy");
    button.type = "button";
    button.setAttribute("aria-label", "Copy this remedy");
    button.addEventListener("click", async () => {
      let done = false;
      try {
        await navigator.clipboard.writeText(text);
        done = true;
      } catch {
        // Without that right, the text is selected for the reader's own copy command.
        getSelection().selectAllChildren(place.firstElementChild);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    place.append(button);
  }

  // Paper has nothing to open.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  const data = document.getElementById("tests-data");
  if (!data) return;
  const { legs, kinds, kind, shared, rest, us, details } = JSON.parse(data.textContent);
  const PAGE = 50;
  const ids = new Array(kind.length);
  const haystacks = new Array(kind.length);
  const words = kinds.map((of) => "\n" + of.join("\n").toLowerCase());
  for (let n = 0, before = ""; n < kind.length; n++) {
    before = ids[n] = before.slice(0, shared[n]) + rest[n];
    haystacks[n] = before.toLowerCase() + words[kind[n]];
  }

  const get = (id) => document.getElementById(id);
  const form = get("filter");
  const text = get("filter-text");
  const kindOf = get("filter-kind");
  const outcomeOf = get("filter-outcome");
  const order = ["regressed", "disappeared", "indeterminate", "unstable", "differs", "fixed", "appeared", "same"];
  const rank = kinds.map(([change]) => order.indexOf(change));
  const ratio = (n) => (us[0][n] > 0 && us[1][n] > 0 ? us[1][n] / us[0][n] : -1);
  const columns = [
    { name: "Change", key: (n) => rank[kind[n]], first: 1 },
    { name: "Test", key: (n) => n, first: 1 },
    { name: "Baseline", title: legs[0] },
    { name: "Candidate", title: legs[1] },
    { name: "Time", side: "baseline", key: (n) => us[0][n], first: -1, number: true },
    { name: "Time", side: "candidate", key: (n) => us[1][n], first: -1, number: true },
    { name: "Ratio", key: ratio, first: -1, number: true },
  ];
  let sorted = { column: columns[0], direction: 1 };
  let found = [];
  let page = 0;

  const time = (value) => {
    if (value < 0) return "-";
    if (value < 1000) return value + " µs";
    if (value < 1e6) return Number((value / 1000).toPrecision(3)) + " ms";
    return Number((value / 1e6).toPrecision(3)) + " s";
  };
  const count = (n) => n.toLocaleString("en");
  const outcomeClass = (outcome) =>
    outcome === "passed" ? "good"
    : ["failed", "crashed", "timed-out", "oom-killed", "leaked"].includes(outcome) ? "bad" : "other";

  const row = (n) => {
    const [change, baseline, candidate] = kinds[kind[n]];
    const made = element("tr");
    const first = element("td");
    const sign = element("span", "dot kind-" + change);
    sign.setAttribute("aria-hidden", "true");
    first.append(sign, change);
    const name = element("th");
    name.scope = "row";
    const code = element("code");
    // A line may end behind a part of the path.
    for (const part of ids[n].split(/(?<=::|[$/])/)) code.append(part, element("wbr"));
    if (details[n]) {
      const link = element("a");
      link.href = "#t" + details[n];
      link.append(code);
      name.append(link);
    } else {
      name.append(code);
    }
    made.append(first, name);
    for (const [side, outcome] of [["baseline", baseline], ["candidate", candidate]]) {
      const cell = element("td");
      cell.dataset.label = side;
      cell.append(element("span", "outcome " + outcomeClass(outcome), outcome ?? "not there"));
      made.append(cell);
    }
    const by = ratio(n);
    const numbers = [["baseline time", time(us[0][n])], ["candidate time", time(us[1][n])], ["ratio", by < 0 ? "-" : "×" + by.toPrecision(3)]];
    for (const [label, value] of numbers) {
      const cell = element("td", "number", value);
      cell.dataset.label = label;
      made.append(cell);
    }
    return made;
  };

  const show = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const from = page * PAGE;
    const shown = found.slice(from, from + PAGE);
    get("tests-table").tBodies[0].replaceChildren(...shown.map(row));
    get("tests-count").textContent = found.length === 0 ? "No test fits."
      : `${count(found.length)} of ${count(ids.length)} tests` + (pages > 1 ? `; ${count(from + 1)} to ${count(from + shown.length)} are shown` : "");
    get("pages").hidden = pages === 1;
    get("page-number").textContent = `page ${count(page + 1)} of ${count(pages)}`;
    get("page-first").disabled = get("page-back").disabled = page === 0;
    get("page-next").disabled = get("page-last").disabled = page === pages - 1;
  };

  const filter = () => {
    const needles = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = kinds.map(([change, ...outcomes]) =>
      (!kindOf.value || change === kindOf.value) && (!outcomeOf.value || outcomes.includes(outcomeOf.value)));
    found = [];
    for (let n = 0; n < ids.length; n++) {
      if (fits[kind[n]] && needles.every((needle) => haystacks[n].includes(needle))) found.push(n);
    }
    if (sorted.column !== columns[1] || sorted.direction < 0) {
      const { column: { key }, direction } = sorted;
      found.sort((a, b) => direction * (key(a) - key(b)) || a - b);
    }
    page = 0;
    show();
  };

  const head = get("tests-table").tHead.rows[0];
  const marks = () => {
    for (const column of columns) {
      if (column.key) column.cell.setAttribute("aria-sort",
        column !== sorted.column ? "none" : sorted.direction > 0 ? "ascending" : "descending");
    }
  };
  for (const column of columns) {
    const cell = column.cell = element("th", column.number ? "number" : "");
    cell.scope = "col";
    if (column.title) cell.title = column.title;
    const label = column.key ? element("button", "", column.name) : element("span", "", column.name);
    if (column.side) label.append(element("span", "muted small", " " + column.side));
    if (column.key) {
      label.type = "button";
      label.addEventListener("click", () => {
        sorted = { column, direction: sorted.column === column ? -sorted.direction : column.first };
        marks();
        filter();
      });
    }
    cell.append(label);
    head.append(cell);
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  const turn = (id, to) => get(id).addEventListener("click", () => { page = to(); show(); });
  turn("page-first", () => 0);
  turn("page-back", () => page - 1);
  turn("page-next", () => page + 1);
  turn("page-last", () => Infinity);
  // As in many search pages, `/` goes to the search.
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    text.focus();
  });
  for (const link of document.querySelectorAll("a[data-kind]")) {
    link.addEventListener("click", () => {
      form.reset();
      kindOf.value = link.dataset.kind;
      // A reset filters in a moment, with what is chosen by then.
    });
  }
  form.hidden = false;
  get("tests-scroll").hidden = false;
  marks();
  filter();
})();
