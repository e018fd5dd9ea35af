import { globSync, readFileSync } from 'node:fs'

/** The README and the pages of docs/, with the commands that they tell a reader to run. */

const root = new URL('..', import.meta.url)

export const pages = ['README.md', ...globSync('docs/*.md', { cwd: root.pathname }).sort()].map(
  (path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }),
)

/** All code blocks of a language. */
export function blocksOf(language: string) {
  const block = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs')
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(block)].map(([, block]) => ({ path, block: block!.trim() })),
  )
}

/** Each command, with its page and the output on the page, if any. */
export const commands = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/```sh\n(.*?)```\n(?:\n```(?:json)?\n(.*?)```)?/gs)].map(
    ([, command, printed]) => ({ path, command: command!.trim(), printed }),
  ),
)
