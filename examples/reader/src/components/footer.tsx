import { Link } from 'wouter';
import { count } from '../text';

interface FooterProps {
  title: string | undefined;
  articleCount: number | undefined;
  explorer: string | undefined;
}

export function Footer({ title, articleCount, explorer }: FooterProps) {
  return (
    <footer className="footer">
      <p>
        <Link href="/">{title ?? 'Front page'}</Link>
        {articleCount !== undefined && ` · ${count(articleCount, 'article')}`}
      </p>
      <p>
        Served by gqlnews
        {explorer && (
          <>
            {' · '}
            <a href={explorer}>Explore the API</a>
          </>
        )}
      </p>
    </footer>
  );
}
