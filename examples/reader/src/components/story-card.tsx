import { Link } from 'wouter';
import { type FragmentType, readFragment } from '../gql/fragment-masking';
import { StoryCardFragmentDoc } from '../gql/graphql';
import { storyPath } from '../paths';
import { count } from '../text';
import { Time } from './byline';
import { Picture } from './picture';

export function StoryCard({ story: ref }: { story: FragmentType<typeof StoryCardFragmentDoc> }) {
  const { id, title, size, lastPublished, lead } = readFragment(StoryCardFragmentDoc, ref);
  return (
    <article className="card story-card">
      {lead.image && <Picture image={lead.image} of={title} />}
      <h3 className="headline" lang={lead.language ?? undefined} dir="auto">
        <Link href={storyPath(id)}>{title}</Link>
      </h3>
      <p className="byline">
        <span className="byline-part">{count(size, 'article')}</span>
        <span className="byline-part">
          Updated <Time iso={lastPublished} />
        </span>
      </p>
    </article>
  );
}
