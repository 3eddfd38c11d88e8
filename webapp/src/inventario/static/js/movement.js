// While a quantity is typed, says how much there will be. The server decides when the form is sent.
const form = document.querySelector("form[data-movement]");

function start() {
  const { movement, decimals, group, point } = form.dataset;
  const input = form.elements.namedItem("quantity");
  const then = form.querySelector("[data-then]");
  const place = then.closest("[hidden]");
  // thousandths, so that decimals add up exactly
  const scaled = (text) => {
    const [whole, fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(3, "0").slice(0, 3));
  };
  const now = scaled(form.dataset.quantity);
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const grouped = new RegExp(`^\\d{1,3}(?:${escaped(group)}\\d{3})+(?:${escaped(point)}\\d{1,3})?$`);

  function typed() {
    const text = input.value.replace(/\s/g, "");
    if (grouped.test(text)) return scaled(text.replaceAll(group, "").replace(point, "."));
    return /^\d{1,12}(?:[.,]\d{1,3})?$/.test(text) ? scaled(text.replace(",", ".")) : null;
  }

  function written(quantity) {
    const digits = (quantity < 0n ? -quantity : quantity).toString().padStart(4, "0");
    const whole = digits.slice(0, -3).replace(/\B(?=(?:\d{3})+$)/g, group);
    const fraction = digits.slice(-3).replace(/0+$/, "");
    return (quantity < 0n ? "-" : "") + whole + (fraction ? point + fraction : "");
  }

  function show() {
    const quantity = typed();
    place.hidden = quantity === null;
    if (quantity === null) return;
    const after = { in: now + quantity, out: now - quantity, adjustment: quantity }[movement];
    then.value = written(after);
    place.classList.toggle("wanting", after < 0n);
  }

  input.inputMode = decimals === "0" ? "numeric" : "decimal";
  input.addEventListener("input", show);
  show();
}

if (form) start();
