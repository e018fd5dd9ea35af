import { readFileSync, unwatchFile, watchFile } from 'node:fs'

/** How often a file is looked at, in milliseconds. A mounted secret is replaced by a link, which no event tells of. */
const EVERY = 2000

interface Log {
  info(about: object, message: string): void
  error(about: object, message: string): void
}

/**
 * Uses what files hold, now and whenever one of them has changed, until it is stopped. What cannot be used
 * now is thrown; later it is logged, and what was used last stays in use.
 */
export function followFiles(
  paths: readonly string[],
  use: (...contents: string[]) => void,
  log: Log,
): () => void {
  const read = () => use(...paths.map((path) => readFileSync(path, 'utf8')))
  read()
  function again(): void {
    try {
      read()
      log.info({ paths }, 'files reloaded')
    } catch (err) {
      log.error({ err, paths }, 'cannot reload files; their previous content stays in use')
    }
  }
  for (const path of paths) watchFile(path, { interval: EVERY, persistent: false }, again)
  return () => {
    for (const path of paths) unwatchFile(path, again)
  }
}
