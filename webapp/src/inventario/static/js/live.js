// Shows changes as they happen, made by whoever through whatever node: asks once a second what changed since the
// version that it knows. The load balancer answers for all browsers together, most often that nothing has.
//
// It works on elements with data-product-id; in each, data-field="quantity|minimum|code|name|category|unit|unit_name"
// holds a text, and of the elements with data-when="ok|low|retired" only the one that is true is shown.
// With data-list on its own element (templates/live.html) the page is a list that a new product may belong to.

// The load balancer keeps the answer for the rest of its second, and says what time it is there: pages ask once in each
// second, soon after its beginning. So a change is seen within a second and a half
const SPREAD = 300;
const AFTER_BEGINNING = 50;
// Where no load balancer says the time
const POLL = 700;
// The answer before, while a node is being asked for the new one
const UPDATING_AGAIN = 120;
// Who was away for longer than this asks for the rows themselves: the changes told reach back 30 seconds, of which a
// long transaction may take most
const AWAY = 10_000;
const LONGEST_PAUSE = 10_000;
const ANSWER_WITHIN = 5_000;
const IDS_AT_ONCE = 100;
// For the eye, and between two announcements to a screen reader
const MARKED = 2_500;
const ANNOUNCE_EVERY = 5_000;

class SignedOut extends Error {}
class Refused extends Error {}

const spread = (milliseconds) => milliseconds * (0.9 + 0.2 * Math.random());
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

async function ask(address, parameters, { personal = false, tag = "" } = {}) {
  const answer = await fetch(`${address}?${new URLSearchParams(parameters)}`, {
    cache: "no-store",
    credentials: personal ? "same-origin" : "omit",
    headers: { Accept: "application/json", ...(tag && { "If-None-Match": tag }) },
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWER_WITHIN),
  });
  if (answer.type === "opaqueredirect") throw new SignedOut();
  if (answer.status === 403) throw new Refused();
  if (!answer.ok && answer.status !== 304) throw new Error(`status ${answer.status}`);
  return {
    told: answer.status === 304 ? null : await answer.json(),
    tag: answer.headers.get("ETag"),
    clock: answer.headers.get("X-Clock"),
    cache: answer.headers.get("X-Cache-Status"),
  };
}

/** Milliseconds until the next second of the load balancer has begun, differently for every page. */
function untilNextSecond(clock) {
  return clock ? 1000 - (Number(clock) * 1000) % 1000 + AFTER_BEGINNING + SPREAD * Math.random() : spread(POLL);
}

/** What a page shows of products, and how it is changed. */
class Page {
  constructor() {
    this.numbers = new Intl.NumberFormat(document.documentElement.lang, {
      maximumFractionDigits: 3,
      useGrouping: "always",
    });
  }

  ids() {
    const elements = document.querySelectorAll("[data-product-id]");
    return [...new Set([...elements].map((element) => Number(element.dataset.productId)))];
  }

  /** Bring what is shown of a product up to date; whether anything differed. */
  show(row) {
    let differed = false;
    for (const element of document.querySelectorAll(`[data-product-id="${row.id}"]`)) {
      if (this.#update(element, row)) {
        this.#mark(element);
        differed = true;
      }
    }
    document.dispatchEvent(new CustomEvent("inventario:product", { detail: row }));
    return differed;
  }

  /** Call units and categories as they are called now; the products of which only the database knows how. */
  rename(names) {
    const unsure = [];
    for (const [field, called] of Object.entries(names)) {
      for (const shown of document.querySelectorAll(`[data-product-id] [data-field="${field}"]`)) {
        const old = shown.textContent.trim();
        if (!Object.hasOwn(called, old)) continue;
        const element = shown.closest("[data-product-id]");
        if (called[old] === null) {
          unsure.push(Number(element.dataset.productId));
        } else {
          shown.textContent = called[old];
          this.#mark(element);
        }
      }
    }
    return unsure;
  }

  #update(element, row) {
    const state = row.active ? (row.low ? "low" : "ok") : "retired";
    const texts = {
      ...row,
      quantity: this.numbers.format(row.quantity),
      minimum: row.minimum === null ? "" : this.numbers.format(row.minimum),
      category: row.category ?? "",
    };
    let differed = false;
    for (const field of element.querySelectorAll("[data-field]")) {
      const text = texts[field.dataset.field];
      if (field.dataset.field === "category") field.classList.toggle("tag", text !== "");
      if (text === undefined || field.textContent.trim() === text) continue;
      field.textContent = text;
      differed = true;
    }
    for (const sign of element.querySelectorAll("[data-when]")) {
      const hidden = sign.dataset.when !== state;
      differed ||= sign.hidden !== hidden;
      sign.hidden = hidden;
    }
    element.dataset.version = row.version;
    return differed;
  }

  #mark(element) {
    element.classList.remove("live-changed");
    // so that the same mark begins anew
    void element.offsetWidth;
    element.classList.add("live-changed");
    setTimeout(() => element.classList.remove("live-changed"), MARKED);
  }
}

/** What the page says of itself: that it is live, what has changed, that there is something new. */
class Signs {
  constructor(root) {
    this.root = root;
    this.announced = 0;
    this.changed = new Map();
  }

  connection(state) {
    for (const sign of this.root.querySelectorAll("[data-live-state]")) {
      sign.hidden = sign.dataset.liveState !== state;
    }
  }

  announce(rows, page) {
    for (const row of rows) this.changed.set(row.id, row);
    if (!this.changed.size || Date.now() - this.announced < ANNOUNCE_EVERY) return;
    const [row] = this.changed.values();
    const { textOne, textMany } = this.root.dataset;
    this.root.querySelector("[data-live-summary]").textContent =
      this.changed.size === 1
        ? fill(textOne, { code: row.code, quantity: page.numbers.format(row.quantity), unit: row.unit_name })
        : fill(textMany, { count: this.changed.size });
    this.changed.clear();
    this.announced = Date.now();
  }

  somethingNew(count) {
    const { textNew, textNews } = this.root.dataset;
    const hint = this.root.querySelector("[data-live-new]");
    hint.textContent = count === 1 ? textNew : fill(textNews, { count });
    hint.hidden = count === 0;
  }
}

class Live {
  constructor(root) {
    this.addresses = root.dataset;
    this.page = new Page();
    this.signs = new Signs(root);
    // of the version that is shown
    this.tag = "";
    // what is shown was read before this moment
    this.syncedAt = performance.timeOrigin;
    this.failures = 0;
    this.updating = 0;
    // products made after this page that it does not show, and those made just before it
    this.created = new Set();
    this.known = new Set();
    // of the names of units and categories that were told
    this.renamed = 0;
    this.isList = "list" in root.dataset;
    this.timer = 0;
    this.busy = false;
    this.takeKey({ key: root.dataset.key, seconds: Number(root.dataset.seconds) });
  }

  start() {
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("pageshow", () => this.wake());
    window.addEventListener("online", () => this.wake());
    this.wake();
  }

  wake() {
    clearTimeout(this.timer);
    if (!document.hidden && !this.busy) this.tick();
  }

  async tick() {
    this.busy = true;
    let wait;
    try {
      wait = await this.poll();
      this.failures = 0;
      this.signs.connection("on");
    } catch (error) {
      this.failures += 1;
      if (error instanceof SignedOut) {
        this.signs.connection("ended");
        return;
      }
      // one answer that fails is not worth a word
      if (this.failures > 1) this.signs.connection("off");
      wait = Math.min(LONGEST_PAUSE, POLL * 2 ** this.failures) * (0.5 + Math.random());
    } finally {
      this.busy = false;
    }
    if (!document.hidden) this.timer = setTimeout(() => this.wake(), wait);
  }

  /** Ask once; how long to wait before asking again. */
  async poll() {
    if (Date.now() > this.renewAt) await this.renewKey();
    const { told, tag, clock, cache } = await this.changes();
    const again = Date.now() + untilNextSecond(clock);
    if (told) {
      await this.catchUp(told);
      this.tag = tag;
    }
    this.syncedAt = Date.now();
    this.updating = cache === "UPDATING" ? this.updating + 1 : 0;
    const soon = this.updating ? UPDATING_AGAIN * 2 ** (this.updating - 1) : Infinity;
    return Math.max(0, Math.min(soon, again - Date.now()));
  }

  async catchUp({ version, rows, others, more, created, renamed }) {
    const away = Date.now() - this.syncedAt;
    // a clock that was set back says nothing
    if (away < 0 || away > AWAY) {
      // after a fault everybody comes back at the same moment
      if (this.failures) await pause(2_000 * Math.random());
      this.show(await this.rows(version, this.page.ids()));
      return;
    }
    this.show(rows);
    this.count(created.map(({ id }) => id));
    const told = new Set(rows.map((row) => row.id));
    const open = new Set(others.concat(this.rename(renamed)));
    const lacking = this.page.ids().filter((id) => !told.has(id) && (more || open.has(id)));
    if (lacking.length) {
      await pause(500 * Math.random());
      this.show(await this.rows(version, lacking));
    }
  }

  rename(renamed) {
    if (!renamed || renamed.latest <= this.renamed) return [];
    this.renamed = renamed.latest;
    return this.page.rename(renamed.names);
  }

  show(rows) {
    this.signs.announce(
      rows.filter((row) => this.page.show(row)),
      this.page,
    );
  }

  count(created) {
    if (!this.tag) this.known = new Set(created);
    const shown = new Set(this.page.ids());
    for (const id of created) if (!shown.has(id) && !this.known.has(id)) this.created.add(id);
    if (this.isList) this.signs.somethingNew(this.created.size);
  }

  async changes() {
    const again = () => ask(this.addresses.changesUrl, { key: this.key }, { tag: this.tag });
    try {
      return await again();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await this.renewKey();
      return again();
    }
  }

  async rows(version, ids) {
    const rows = [];
    for (let first = 0; first < ids.length; first += IDS_AT_ONCE) {
      const some = ids.slice(first, first + IDS_AT_ONCE).join(",");
      rows.push(...(await ask(this.addresses.rowsUrl, { ids: some, version }, { personal: true })).told.rows);
    }
    return rows;
  }

  async renewKey() {
    this.takeKey((await ask(this.addresses.keyUrl, {}, { personal: true })).told);
  }

  takeKey({ key, seconds }) {
    this.key = key;
    // long before it ends, and not all at once
    this.renewAt = Date.now() + seconds * 1000 * (0.4 + 0.4 * Math.random());
  }
}

const root = document.getElementById("live");
if (root) new Live(root).start();
