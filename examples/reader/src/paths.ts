/** The reader's URLs. Slugs and paths of sections hold slashes, which stay slashes in the URL. */

const encode = (path: string) => path.split('/').map(encodeURIComponent).join('/');

export const articlePath = (slug: string) => `/articles/${encode(slug)}`;
export const topicPath = (slug: string) => `/topics/${encode(slug)}`;
export const authorPath = (slug: string) => `/authors/${encode(slug)}`;
export const providerPath = (domain: string) => `/providers/${encode(domain)}`;
export const sectionPath = (path: string) => `/sections/${encode(path)}`;
export const storyPath = (id: string) => `/stories/${encode(id)}`;

/** The part of a URL that a route matched, as it was before it was encoded. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // the router has decoded it already, and a `%` remains
  }
}
