/** Switches between light and dark. Until it is used, the page follows the system. */

import { useEffect, useState, useSyncExternalStore } from 'react';
import { MoonIcon, SunIcon } from './icons';

const KEY = 'reader:theme';
const systemTheme = matchMedia('(prefers-color-scheme: dark)');

/** The colour of the browser's own frame. */
const themeColor = document.createElement('meta');
themeColor.name = 'theme-color';
document.head.append(themeColor);

type Theme = 'light' | 'dark';

export function ThemeToggle() {
  const isSystemDark = useSyncExternalStore(watchSystem, () => systemTheme.matches);
  const [chosen, choose] = useState(readTheme);
  const theme = chosen ?? (isSystemDark ? 'dark' : 'light');
  useEffect(() => applyTheme(chosen, theme), [chosen, theme]);

  function toggle() {
    const other = theme === 'dark' ? 'light' : 'dark';
    choose(other);
    writeTheme(other);
  }

  return (
    <button type="button" className="tool" onClick={toggle} aria-pressed={theme === 'dark'} aria-label="Dark mode">
      {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

function watchSystem(listener: () => void): () => void {
  systemTheme.addEventListener('change', listener);
  return () => systemTheme.removeEventListener('change', listener);
}

function applyTheme(chosen: Theme | undefined, theme: Theme): void {
  if (chosen) document.documentElement.dataset['theme'] = chosen;
  const paper = getComputedStyle(document.documentElement).getPropertyValue(`--paper-${theme}`).trim();
  themeColor.content = paper;
}

/** Storage can be forbidden by the browser's settings; the choice then lasts until the page is left. */
function readTheme(): Theme | undefined {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch {
    return undefined;
  }
}

function writeTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // see readTheme
  }
}
