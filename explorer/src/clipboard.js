/** Browsers have no `navigator.clipboard` on pages without HTTPS, except on localhost; this adds what GraphiQL needs. */
if (!navigator.clipboard) Object.defineProperty(navigator, 'clipboard', { value: { writeText } });

async function writeText(text) {
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  if (!isCopied) throw new Error('The browser did not allow it.');
}
