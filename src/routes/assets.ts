import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { brotliCompress, gzip } from 'node:zlib'

/** A file of a page in the form in which it is sent. */
export interface Asset {
  readonly type: string
  readonly etag: string
  /** Bodies by content encoding, smallest first. */
  readonly bodies: ReadonlyMap<string, Buffer>
}

const page = fileURLToPath(new URL('../playground/', import.meta.url))

/** Files of installed libraries: those that the page imports, and those that these import in turn. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  'lit-html': ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js'],
  uplot: ['dist/uPlot.esm.js', 'dist/uPlot.min.css'],
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
}

/** Paths of all files that are served, by URL. */
export function listAssets(): ReadonlyMap<string, string> {
  const own = readdirSync(page, { recursive: true, encoding: 'utf8' })
    .filter((file) => file !== 'tsconfig.json' && extname(file) !== '')
    .map((file): [string, string] => [`/playground/${file}`, join(page, file)])
  const others = Object.entries(libraries).flatMap(([name, files]) => {
    const folder = dirname(findPackageJSON(name, import.meta.url)!)
    return files.map((file): [string, string] => [`/vendor/${name}/${file}`, join(folder, file)])
  })
  return new Map([...own, ...others])
}

const compressors = { br: promisify(brotliCompress), gzip: promisify(gzip) }

/** Compresses a file once, so that sending it costs nothing more. */
export async function makeAsset(type: string, content: Buffer): Promise<Asset> {
  const bodies = new Map<string, Buffer>()
  for (const [encoding, compress] of Object.entries(compressors)) {
    bodies.set(encoding, await compress(content))
  }
  bodies.set('identity', content)
  // Weak, because all encodings share it.
  const etag = `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  return { type, etag, bodies }
}

/** Reads and compresses all files, and removes the types from TypeScript in another thread. */
export async function loadAssets(
  files: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Asset>> {
  const sources = [...files.values()].filter((path) => extname(path) === '.ts')
  // The thread has the extension of this module: .ts in a checkout, .js in a package.
  const stripper = `./strip-types${extname(import.meta.filename)}`
  const worker = new Worker(new URL(stripper, import.meta.url), {
    workerData: sources,
    // `stripTypeScriptTypes` warns that it is experimental.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [stripped] = (await once(worker, 'message')) as [string[]]
  const contents = new Map(sources.map((path, i) => [path, Buffer.from(stripped[i]!)]))
  const assets = [...files].map(async ([url, path]): Promise<[string, Asset]> => {
    const type = types[extname(path)]!
    return [url, await makeAsset(type, contents.get(path) ?? (await readFile(path)))]
  })
  return new Map(await Promise.all(assets))
}
