import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { rolldown } from 'rolldown'

/**
 * Bundles the playground into one script, one style sheet, and the script of its worker. As a thread of the server it sends
 * the files; as a program it writes them into a folder.
 */

const page = fileURLToPath(new URL('../src/playground/', import.meta.url))

/** Scripts that a browser loads: the page, and the worker of the language model. */
const entries = ['main', 'model-worker']

/** Style sheets, in the order in which they apply. */
const styles = ['theme', 'base', 'layout', 'controls', 'dial', 'bars', 'tale', 'samplers', 'panels']

function bundleStyles(): string {
  const plot = join(dirname(findPackageJSON('uplot', import.meta.url)!), 'dist/uPlot.min.css')
  const own = styles.map((name) => join(page, 'styles', `${name}.css`))
  return [plot, ...own].map((path) => readFileSync(path, 'utf8')).join('\n')
}

/** The files by name. */
async function bundlePage(): Promise<ReadonlyMap<string, string>> {
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(page, `${name}.ts`)])),
    platform: 'browser',
    tsconfig: false,
  })
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    entryFileNames: '[name].js',
  })
  await bundle.close()
  const scripts = output.flatMap((file): [string, string][] =>
    file.type === 'chunk' ? [[file.fileName, file.code]] : [],
  )
  return new Map([...scripts, ['main.css', bundleStyles()]])
}

const files = await bundlePage()
if (parentPort) parentPort.postMessage(files)
else {
  const folder = process.argv[2]!
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
}
