import { globSync, readFileSync } from 'node:fs'

/** What a reader is told to run: the README and the pages of docs/. */

const root = new URL('..', import.meta.url)

export const pages = ['README.md', ...globSync('docs/*.md', { cwd: root.pathname }).sort()].map(
  (path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }),
)

/** Each block of a language in all pages. */
export function blocksOf(language: string) {
  const block = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs')
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(block)].map(([, block]) => ({ path, block: block!.trim() })),
  )
}

/** Each command, with the page it is on and what the page says it prints, if it does. */
export const commands = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/```sh\n(.*?)```\n(?:\n```(?:json)?\n(.*?)```)?/gs)].map(
    ([, command, printed]) => ({ path, command: command!.trim(), printed }),
  ),
)
