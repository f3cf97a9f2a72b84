/** Loads the next page of a list when its end comes near the window. The button does the same without scrolling. */

import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { onReconnect } from '../apollo/connection';

const AHEAD = '900px'; // distance below the window, so that the new rows move nothing that is visible

export function LoadMore({ load }: { load: () => Promise<unknown> }) {
  const end = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'idle' | 'loading' | 'failed'>('idle');
  const [isNear, setNear] = useState(false);

  async function loadNext() {
    if (state === 'loading') return;
    setState('loading');
    try {
      await load();
      setState('idle');
    } catch {
      setState('failed'); // shown below; the button tries again
    }
  }
  const loadNextNow = useEffectEvent(loadNext);

  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setNear(entry?.isIntersecting ?? false), {
      rootMargin: AHEAD,
    });
    if (end.current) observer.observe(end.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (isNear && state === 'idle') void loadNextNow();
  }, [isNear, state]);

  useEffect(() => (state === 'failed' ? onReconnect(() => void loadNextNow()) : undefined), [state]);

  return (
    <div className="load-more" ref={end}>
      {state === 'failed' && <p role="alert">More could not be loaded.</p>}
      <button type="button" className="button" onClick={() => void loadNext()} aria-disabled={state === 'loading'}>
        {state === 'loading' ? 'Loading…' : state === 'failed' ? 'Try again' : 'Show more'}
      </button>
    </div>
  );
}
