/** How dates, numbers and names are written. */

const dates = {
  short: new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' }),
  long: new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' }),
  full: new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
};
const numbers = new Intl.NumberFormat('en');
const languages = new Intl.DisplayNames('en', { type: 'language' });

export function formatDate(date: string | Date, style: keyof typeof dates = 'short'): string {
  return dates[style].format(new Date(date));
}

/** `2026-05-04`, in the time zone of the browser, as `formatDate`. */
export function isoDate(date: Date): string {
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return [year, month, day].map((part) => String(part).padStart(2, '0')).join('-');
}

export function formatNumber(value: number): string {
  return numbers.format(value);
}

/** `1 article`, `2 articles`. */
export function count(value: number, noun: string): string {
  const nouns = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${formatNumber(value)} ${value === 1 ? noun : nouns}`;
}

/** The English name of a language, or its tag where that names none. */
export function languageName(tag: string): string {
  try {
    return languages.of(tag) ?? tag;
  } catch {
    return tag; // not a BCP 47 tag
  }
}

export function hostOf(url: string): string {
  return URL.parse(url, location.href)?.hostname.replace(/^www\./, '') ?? url;
}
