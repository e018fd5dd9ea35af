import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** A file of a page in the form in which it is sent. */
export interface Asset {
  readonly type: string
  readonly etag: string
  /** Bodies by content encoding, smallest first. */
  readonly bodies: ReadonlyMap<string, Buffer>
}

const page = fileURLToPath(new URL('../playground/', import.meta.url))
const model = fileURLToPath(new URL('../language-model/', import.meta.url))

/** The bundle of a package or image, which was made when that was built. A checkout has none. */
const built = join(page, 'built')

const types: Readonly<Record<string, string>> = {
  '.bin': 'application/octet-stream',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Files of the page that are bundled when they are first asked for. */
export const bundled = ['main.js', 'main.css', 'model-worker.js']

/** Paths of the files that are sent as they are, by name. */
function plainFiles(): ReadonlyMap<string, string> {
  const weights = readdirSync(model).filter((file) => extname(file) === '.bin')
  return new Map([
    ['index.html', join(page, 'index.html')],
    ['kelvin.svg', join(page, 'kelvin.svg')],
    ...weights.map((file): [string, string] => [file, join(model, file)]),
  ])
}

/** Names of all files of the page. */
export const listAssets = (): readonly string[] => [...plainFiles().keys(), ...bundled]

/** Weights are numbers without pattern. Brotli's best effort takes a second for them, and saves one in a hundred bytes. */
const EFFORT: Readonly<Record<string, number>> = { 'application/octet-stream': 4 }

const compressors = {
  br: (content: Buffer, type: string) =>
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: EFFORT[type] ?? constants.BROTLI_MAX_QUALITY,
      },
    }),
  gzip: (content: Buffer) => promisify(gzip)(content),
}

/** Compresses a file once, so that sending it costs nothing more. */
export async function makeAsset(type: string, content: Buffer): Promise<Asset> {
  const bodies = new Map<string, Buffer>()
  for (const [encoding, compress] of Object.entries(compressors)) {
    bodies.set(encoding, await compress(content, type))
  }
  bodies.set('identity', content)
  // Weak, because all encodings share it.
  const etag = `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  return { type, etag, bodies }
}

async function bundle(): Promise<ReadonlyMap<string, string>> {
  if (existsSync(built)) {
    const texts = bundled.map(async (name): Promise<[string, string]> => {
      return [name, await readFile(join(built, name), 'utf8')]
    })
    return new Map(await Promise.all(texts))
  }
  // In a thread, because it would keep the event loop from answering requests.
  const thread = new Worker(new URL('../../.config/bundle-page.ts', import.meta.url))
  const [made] = (await once(thread, 'message')) as [ReadonlyMap<string, string>]
  return made
}

/** Reads, bundles and compresses all files. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const plain = [...plainFiles()].map(async ([name, path]): Promise<[string, Buffer]> => {
    return [name, await readFile(path)]
  })
  const made = [...(await bundle())].map(([name, text]): [string, Buffer] => [
    name,
    Buffer.from(text),
  ])
  const contents = [...(await Promise.all(plain)), ...made]
  const assets = contents.map(async ([name, content]): Promise<[string, Asset]> => {
    return [name, await makeAsset(types[extname(name)]!, content)]
  })
  return new Map(await Promise.all(assets))
}
