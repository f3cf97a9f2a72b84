/**
 * The HTML of an article, made ready for the page.
 *
 * The server has sanitised it: it holds no scripts and no event handlers. This module adapts it to the page, which loads
 * nothing but images, has a strict content security policy, and is usable with a screen reader and a keyboard.
 */

import { hostOf } from '../text';

/** Parses `html` and returns its elements. `title` is the headline, which some bodies repeat. */
export function prepareBody(html: string, title: string): DocumentFragment {
  const content = parse(html);
  for (const step of [dropTitle, lowerHeadings, linkEmbeds, openLinks, settleImages, scrollWide, nameControls, setDirections]) {
    step(content, title);
  }
  return content;
}

/** Whether the body begins with this excerpt, as it does where the server has made the excerpt of the body. */
export function beginsWith(html: string, excerpt: string): boolean {
  return firstWords(parse(html).textContent) === firstWords(excerpt);
}

function firstWords(text: string): string {
  const words = text.slice(0, 1_000).split(/[^\p{L}\p{N}]+/u);
  return words.filter(Boolean).slice(0, 12).join(' ');
}

/** The cells of tables are aligned by `style` attributes, which the policy of the page forbids. */
function parse(html: string): DocumentFragment {
  const template = document.createElement('template'); // inert: nothing loads before it is inserted
  template.innerHTML = html.replaceAll(/ style="text-align: (left|center|right);?"/g, ' align="$1"');
  return template.content;
}

type Step = (content: DocumentFragment, title: string) => void;

/** The page shows the headline already. */
const dropTitle: Step = (content, title) => {
  const heading = content.querySelector('h1');
  if (heading?.textContent.trim() === title.trim()) heading.remove();
};

/** The headline is the only `h1`. */
const lowerHeadings: Step = (content) => {
  for (const heading of content.querySelectorAll('h1')) {
    const lower = document.createElement('h2');
    if (heading.id) lower.id = heading.id;
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  }
};

/** A player or a frame would load from another host: a link takes its place. */
const linkEmbeds: Step = (content) => {
  for (const embed of content.querySelectorAll('iframe, video, audio, object, embed')) {
    const url = embed.getAttribute('src') ?? embed.getAttribute('data') ?? embed.querySelector('source')?.src;
    if (!url) {
      embed.remove();
      continue;
    }
    const link = document.createElement('a');
    link.href = url;
    link.className = 'embed';
    link.textContent = `${embed.getAttribute('title') || 'Embedded content'} (${hostOf(url)})`;
    embed.replaceWith(link);
  }
};

/**
 * Other sites open in a tab of their own, and learn nothing about this one. A path, such as `/blog/2`, is one of the site
 * where the article was published. If the server knows that site, it has made a whole URL of it; else it leads nowhere.
 */
const openLinks: Step = (content) => {
  for (const link of content.querySelectorAll<HTMLAnchorElement>('a[href]')) {
    const href = link.getAttribute('href') ?? '';
    if (href.startsWith('#')) continue;
    if (!/^[a-z][a-z0-9+.-]*:|^\/\//i.test(href) && !href.includes('/media/')) {
      link.replaceWith(...link.childNodes);
      continue;
    }
    link.rel = 'noopener noreferrer';
    link.target = '_blank';
    if (!link.textContent.trim() && !link.querySelector('img[alt]:not([alt=""])')) {
      link.setAttribute('aria-label', hostOf(link.href));
    }
  }
};

/** Lazy loading. An image without a size gets a box. A broken one is removed, or keeps its box if that is visible. */
const settleImages: Step = (content) => {
  for (const image of content.querySelectorAll('img')) {
    image.alt ||= '';
    image.loading = 'lazy';
    image.decoding = 'async';
    image.referrerPolicy = 'no-referrer';
    const isSized = image.hasAttribute('width') && image.hasAttribute('height');
    const isAlone = image.parentElement?.textContent.trim() === '' && image.parentElement.children.length === 1;
    if (!isSized && isAlone) image.classList.add('unsized');
    image.addEventListener('load', () => {
      if (isBelowWindow(image)) image.classList.remove('unsized');
    });
    image.addEventListener('error', () => {
      if (isBelowWindow(image) || !(isSized || isAlone)) image.remove();
      else image.replaceWith(brokenImage(image));
    });
  }
};

/** A box of the same size with the text of the image. */
function brokenImage(image: HTMLImageElement): HTMLElement {
  const box = document.createElement('span');
  box.className = 'broken';
  box.style.height = `${image.offsetHeight}px`;
  box.textContent = image.alt;
  return box;
}

function isBelowWindow(element: Element): boolean {
  return element.getBoundingClientRect().top > innerHeight;
}

/** Wide tables and code scroll by themselves, with the keyboard, too. */
const scrollWide: Step = (content) => {
  for (const code of content.querySelectorAll('pre')) code.tabIndex = 0;
  for (const table of content.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    frame.tabIndex = 0;
    frame.role = 'region';
    frame.ariaLabel = 'Table';
    table.replaceWith(frame);
    frame.append(table);
  }
};

/** The checkboxes of task lists. */
const nameControls: Step = (content) => {
  for (const box of content.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')) {
    box.ariaLabel = box.checked ? 'Done' : 'To do';
  }
};

/** A block in another direction than the article's has its own; code is written from the left. */
const setDirections: Step = (content) => {
  const direction = directionOf(content.textContent);
  for (const block of content.querySelectorAll<HTMLElement>('p, li, h2, h3, h4, h5, h6, th, td, figcaption')) {
    if (!block.dir && directionOf(block.textContent) !== direction) block.dir = 'auto';
  }
  for (const code of content.querySelectorAll('pre')) code.dir = 'ltr';
};

/** The direction of the first letter. */
function directionOf(text: string): 'ltr' | 'rtl' {
  const [letter = ''] = text.match(/\p{L}/u) ?? [];
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(letter) ? 'rtl' : 'ltr';
}
