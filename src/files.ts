import { readFileSync, unwatchFile, watchFile } from 'node:fs'

/** Time between checks of a file, in milliseconds. Events would miss a mounted secret, which is replaced through a symlink. */
const EVERY = 2000

interface Log {
  info(about: object, message: string): void
  error(about: object, message: string): void
}

/**
 * Calls `use` with the contents of files, now and whenever one of them changes. An error at the first call is thrown.
 * Later errors are logged, and the previous content stays in use. Returns a function that stops it.
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
