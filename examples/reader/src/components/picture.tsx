/** An image in a box of a fixed size, so that loading or failing to load does not move the page. */

import { useState } from 'react';
import { type FragmentType, readFragment } from '../gql/fragment-masking';
import { PictureFragmentDoc } from '../gql/graphql';

export type PictureRef = FragmentType<typeof PictureFragmentDoc>;

const failedUrls = new Set<string>(); // not requested again when a list is shown again

interface PictureProps {
  image: PictureRef;
  /** `card` in lists, where the headline says what it shows; `portrait` of a person; `full` at its own proportions. */
  shape?: 'card' | 'full' | 'portrait';
  /** Load it before others: it stands at the top of the page. */
  isFirst?: boolean;
  /** The headline or name that it belongs to. Its first letter stands for an image that cannot be loaded. */
  of: string;
}

export function Picture({ image, shape = 'card', isFirst = false, of }: PictureProps) {
  const { url, width, height, alt, title } = readFragment(PictureFragmentDoc, image);
  const [failedUrl, setFailedUrl] = useState(() => (failedUrls.has(url) ? url : undefined));
  const isTall = width !== null && height !== null && height > width;
  const ratio = shape === 'full' && width && height ? `${width} / ${height}` : undefined;

  function onError() {
    failedUrls.add(url);
    setFailedUrl(url);
  }

  return (
    <div className={`picture picture-${shape}${isTall ? ' picture-tall' : ''}`} style={{ aspectRatio: ratio }}>
      {failedUrl === url ? (
        <span aria-hidden="true">{firstLetter(of)}</span>
      ) : (
        <img
          src={url}
          alt={shape === 'full' ? (alt ?? title ?? '') : ''}
          width={width ?? undefined}
          height={height ?? undefined}
          loading={isFirst ? 'eager' : 'lazy'}
          fetchPriority={isFirst ? 'high' : 'auto'}
          decoding="async"
          referrerPolicy="no-referrer"
          onError={onError}
        />
      )}
    </div>
  );
}

function firstLetter(text: string): string {
  return text.match(/[\p{L}\p{N}]\p{M}*/u)?.[0].toLocaleUpperCase() ?? '';
}
