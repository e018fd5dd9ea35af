import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kelvinOrder } from '../src/sampling/registry.ts'
import { stages } from '../src/sampling/sampler.ts'

const root = new URL('..', import.meta.url).pathname

/**
 * The rooms from the top down, and what each may import: rooms further down, and packages. A file belongs to the room
 * with the longest path that contains it.
 */
const house: readonly { room: string; below: readonly string[]; packages: readonly string[] }[] = [
  {
    room: 'src/cli/kelvin.ts',
    below: ['src/cli/serve.ts', 'src/cli', 'package.json'],
    packages: ['node:'],
  },
  {
    room: 'src/cli/serve.ts',
    below: ['src/cli', 'src/process/start.ts', 'src/config.ts'],
    packages: ['node:'],
  },
  {
    room: 'src/cli',
    below: [
      'src/playground/npy.ts',
      'src/client',
      'src/protocols',
      'src/request',
      'src/sampling',
      'src/fields',
      'src/tensors',
      'src/errors.ts',
    ],
    packages: ['node:', 'zod'],
  },
  {
    room: 'src/server.ts',
    below: ['src/process/start.ts', 'src/config.ts'],
    packages: ['node:util'],
  },
  {
    room: 'src/process/start.ts',
    below: ['src/process', 'src/config.ts'],
    packages: ['node:cluster'],
  },
  {
    room: 'src/process',
    below: [
      'src/app.ts',
      'src/admission',
      'src/log.ts',
      'src/shared-memory',
      'src/turns.ts',
      'src/config.ts',
    ],
    packages: ['@prometheus-io/client', 'close-with-grace', 'fastify', 'node:'],
  },
  {
    room: 'src/app.ts',
    below: [
      'src/routes',
      'src/plugins/tracing.ts',
      'src/plugins',
      'src/admission',
      'src/log.ts',
      'src/config.ts',
      'src/protocols',
      'src/shared-memory',
      'src/sampling',
      'package.json',
    ],
    packages: ['fastify', 'node:http'],
  },
  {
    room: 'src/routes',
    below: [
      'src/plugins',
      'src/admission',
      'src/config.ts',
      'src/protocols',
      'src/shared-memory',
      'src/request',
      'src/sampling',
      'src/tensors',
      'src/errors.ts',
    ],
    packages: ['fastify', 'negotiator', 'node:', 'zod'],
  },
  {
    room: 'src/playground',
    below: ['src/playground/types.ts', 'src/playground/npy.ts', 'src/language-model'],
    packages: ['lit-html', 'uplot'],
  },
  { room: 'src/language-model', below: [], packages: [] },
  {
    room: 'src/playground/types.ts',
    below: ['src/plugins', 'src/protocols', 'src/request'],
    packages: ['zod'],
  },
  { room: 'src/playground/npy.ts', below: [], packages: [] },
  {
    room: 'src/plugins/tracing.ts',
    below: ['src/plugins'],
    packages: ['@opentelemetry/', 'fastify', 'node:timers/promises'],
  },
  {
    room: 'src/plugins',
    below: [
      'src/admission',
      'src/turns.ts',
      'src/log.ts',
      'src/files.ts',
      'src/bearer.ts',
      'src/ticket.ts',
      'src/config.ts',
      'src/protocols',
      'src/request',
      'src/sampling',
      'src/fields',
      'src/errors.ts',
    ],
    packages: [
      '@fastify/',
      '@opentelemetry/api',
      '@prometheus-io/client',
      'fastify',
      'node:',
      'zod',
    ],
  },
  {
    room: 'src/admission',
    below: ['src/turns.ts', 'src/config.ts', 'src/errors.ts'],
    packages: ['node:'],
  },
  { room: 'src/healthcheck.ts', below: ['src/config.ts'], packages: ['node:'] },
  { room: 'src/turns.ts', below: [], packages: ['node:perf_hooks'] },
  { room: 'src/log.ts', below: ['src/config.ts'], packages: ['pino'] },
  { room: 'src/files.ts', below: [], packages: ['node:fs'] },
  { room: 'src/client', below: [], packages: ['node:', 'undici'] },
  {
    room: 'src/protocols',
    below: [
      'src/shared-memory',
      'src/request',
      'src/sampling',
      'src/fields',
      'src/algorithms',
      'src/tensors',
      'src/kernel',
      'src/errors.ts',
      'src/warning.ts',
    ],
    packages: [
      'negotiator',
      'node:http',
      'node:stream',
      'node:timers/promises',
      'node:util',
      'node:zlib',
      'zod',
    ],
  },
  {
    room: 'src/shared-memory',
    below: ['src/bearer.ts', 'src/config.ts', 'src/tensors', 'src/errors.ts'],
    packages: ['node:'],
  },
  { room: 'src/ticket.ts', below: ['src/bearer.ts'], packages: ['node:http'] },
  { room: 'src/bearer.ts', below: [], packages: ['node:crypto', 'node:http'] },
  { room: 'src/config.ts', below: ['src/expected.ts'], packages: ['zod'] },
  {
    room: 'src/request',
    below: [
      'src/sampling',
      'src/sampling/profiles',
      'src/fields',
      'src/algorithms',
      'src/errors.ts',
      'src/expected.ts',
      'src/warning.ts',
    ],
    packages: ['leven', 'zod'],
  },
  {
    room: 'src/sampling',
    below: [
      'src/sampling/profiles',
      'src/sampling/samplers',
      'src/sampling/sampler.ts',
      'src/sampling/history',
      'src/sampling/philox.ts',
      'src/sampling/row',
      'src/fields',
      'src/algorithms',
      'src/tensors',
      'src/kernel',
      'src/errors.ts',
      'src/warning.ts',
    ],
    packages: ['zod'],
  },
  { room: 'src/sampling/profiles', below: ['src/sampling/samplers'], packages: [] },
  {
    room: 'src/sampling/samplers',
    below: [
      'src/sampling/sampler.ts',
      'src/sampling/history',
      'src/sampling/philox.ts',
      'src/sampling/row',
      'src/fields',
      'src/algorithms',
      'src/kernel',
    ],
    packages: ['zod'],
  },
  {
    room: 'src/sampling/sampler.ts',
    below: ['src/sampling/history', 'src/sampling/row', 'src/algorithms', 'src/warning.ts'],
    packages: ['zod'],
  },
  {
    room: 'src/sampling/history',
    below: ['src/sampling/row', 'src/algorithms'],
    packages: [],
  },
  { room: 'src/sampling/philox.ts', below: ['src/kernel'], packages: [] },
  {
    room: 'src/sampling/row',
    below: ['src/algorithms', 'src/tensors', 'src/kernel'],
    packages: [],
  },
  {
    room: 'src/fields',
    below: ['src/tensors', 'src/kernel', 'src/errors.ts', 'src/warning.ts'],
    packages: ['zod'],
  },
  { room: 'src/algorithms', below: ['src/kernel'], packages: [] },
  { room: 'src/tensors', below: ['src/kernel', 'src/warning.ts'], packages: [] },
  { room: 'src/kernel', below: [], packages: ['node:fs'] },
  { room: 'src/errors.ts', below: [], packages: [] },
  { room: 'src/expected.ts', below: [], packages: ['zod'] },
  { room: 'src/warning.ts', below: [], packages: [] },
  { room: 'package.json', below: [], packages: [] },
]

const within = (path: string, room: string) => path === room || path.startsWith(`${room}/`)

function roomOf(file: string): (typeof house)[number] {
  const rooms = house.filter(({ room }) => within(file, room))
  return rooms.sort((a, b) => b.room.length - a.room.length)[0]!
}

const files = globSync('src/**/*.ts', {
  cwd: root,
  exclude: (path) => /assembly|client\/dist/.test(path),
})

function importsOf(file: string) {
  const source = readFileSync(join(root, file), 'utf8')
  const written = /^(?:import|export)\b[^'"]*?from '([^']+)'|\bimport\('([^']+)'\)/gms
  return [...source.matchAll(written)].map(([, first, later]) => (first ?? later)!)
}

/** The files of the project that a file imports, types included. */
function importedBy(file: string): string[] {
  const relative = importsOf(file).filter((specifier) => specifier.startsWith('.'))
  return relative.map((specifier) => normalize(join(file, '..', specifier)))
}

describe('imports point downwards', () => {
  it.each(house)('$room imports only rooms below it', ({ room, below }) => {
    const level = (name: string) => house.findIndex((other) => other.room === name)
    for (const other of below) expect(level(other), other).toBeGreaterThan(level(room))
  })

  it.each(files)('%s', (file) => {
    const { room, below, packages } = roomOf(file)
    const named = importsOf(file).filter((specifier) => !specifier.startsWith('.'))
    expect(named.filter((name) => !packages.some((allowed) => name.startsWith(allowed)))).toEqual(
      [],
    )
    const others = importedBy(file).filter((target) => {
      const targetRoom = roomOf(target).room
      return targetRoom !== room && !below.includes(targetRoom)
    })
    expect(others).toEqual([])
  })

  it('there is no import circle', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]) => {
      expect(path, `${[...path, file].join(' → ')}`).not.toContain(file)
      if (done.has(file)) return
      for (const target of importedBy(file)) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })
})

it('the playground imports only types from the server', () => {
  const source = readFileSync(join(root, 'src/playground/types.ts'), 'utf8')
  expect(source).not.toMatch(/^import (?!type)/m)
})

/** The packages that files import, without Node's modules. */
function packagesOf(room: string): string[] {
  const imported = files.filter((file) => within(file, room)).flatMap(importsOf)
  const packages = imported.filter((specifier) => !/^(\.|node:)/.test(specifier))
  return [...new Set(packages.map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]))].sort()
}

const dependenciesOf = (manifest: string) =>
  Object.keys(JSON.parse(readFileSync(join(root, manifest), 'utf8')).dependencies).sort()

describe('a package depends on what it imports', () => {
  it('the client: only undici', () => {
    expect(packagesOf('src/client')).toEqual(['undici'])
    expect(dependenciesOf('src/client/package.json')).toEqual(['undici'])
  })

  it('the server, except what is bundled into its page', () => {
    const bundled = packagesOf('src/playground').filter((name) => name !== 'zod')
    const packages = packagesOf('src').filter((name) => !bundled.includes(name))
    expect(packages).toEqual(dependenciesOf('package.json'))
    expect(bundled).toEqual(['lit-html', 'uplot'])
  })
})

/** Names that are both a sampler and a stage. */
const particular = kelvinOrder.filter((name) => !(stages as readonly string[]).includes(name))

/** Files that work for every sampler and must not name one. */
const shared = files.filter(
  (file) =>
    !/^src\/sampling\/(samplers|profiles)\//.test(file) &&
    !/^src\/routes\//.test(file) &&
    // Generated from the schemas.
    file !== 'src/client/types.ts' &&
    // Data: names of fields in other APIs.
    file !== 'src/request/aliases.ts',
)

describe('shared code names no sampler', () => {
  it.each(shared)('%s', (file) => {
    const source = readFileSync(join(root, file), 'utf8')
    const named = particular.filter((name) => new RegExp(`\\b${name}\\b`).test(source))
    expect(named).toEqual([])
  })
})

/** The files of the pure rooms, whose results depend only on arguments. */
const pure = files.filter((file) =>
  /^src\/(sampling|fields|algorithms|tensors|kernel)\//.test(file),
)

it('sampling and the rooms below it read no clock, host or random source', () => {
  for (const file of pure) {
    const source = readFileSync(join(root, file), 'utf8')
    expect(source, file).not.toMatch(/\b(process|Date|performance|fetch|await|Math\.random)\b/)
  }
})

it('sampling and the rooms below it take exponentials, logarithms and powers from the kernel', () => {
  const differing =
    /Math\.(?!(?:abs|ceil|floor|fround|max|min|round|sign|sqrt|trunc|[A-Z]))|[^\dn] \*\* /
  for (const file of pure) {
    expect(readFileSync(join(root, file), 'utf8'), file).not.toMatch(differing)
  }
})

it('every sampler has a test of its own', () => {
  const names = (folder: string, suffix: string) =>
    globSync(`${folder}/*${suffix}`, { cwd: root })
      .map((path) => path.slice(folder.length + 1, -suffix.length))
      .filter((name) => name !== 'index')
      .sort()
  expect(names('test/sampling/samplers', '.test.ts')).toEqual(names('src/sampling/samplers', '.ts'))
})

it('the environment is read in one place', () => {
  const readers = files.filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('process.env'),
  )
  // This one writes programs for users.
  const writer = 'src/playground/snippets/typescript.ts'
  expect(readers.filter((file) => file !== writer).sort()).toEqual([
    'src/cli/kelvin.ts',
    'src/healthcheck.ts',
    'src/server.ts',
  ])
})

/** What a sampler may use of a row. It changes all else by functions, which keep sums and coverage right. */
const open = new Set([
  ...['vocabSize', 'minTokensToKeep', 'temperature', 'shift', 'listed', 'views'],
  ...['isEmpty', 'count', 'max', 'logitOf', 'gather'],
])

describe('a sampler leaves the state of a row alone', () => {
  it.each(globSync('src/sampling/samplers/*.ts', { cwd: root }))('%s', (file) => {
    const source = readFileSync(join(root, file), 'utf8')
    const named = [...source.matchAll(/\brow\.(?!ts')(\w+)/g)].map(([, name]) => name!)
    const taken = [...source.matchAll(/const \{ (.*) \} = row\b/g)].flatMap(([, names]) =>
      names!.split(', '),
    )
    expect([...named, ...taken].filter((name) => !open.has(name))).toEqual([])
    expect(source).not.toMatch(/\brow\.temperature [*/+-]?= /)
  })
})
