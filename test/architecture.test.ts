import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kelvinOrder } from '../src/sampling/order.ts'
import { stages } from '../src/sampling/sampler.ts'

const root = new URL('..', import.meta.url).pathname

/**
 * Who may import whom: a room, and the rooms and packages it may import from. Rooms are matched by
 * the longest path; what is not listed is not allowed.
 */
const mayImport: Record<string, { own: string[]; packages: string[] }> = {
  'src/server.ts': { own: ['src/config.ts', 'src/process/start.ts'], packages: ['node:util'] },
  'src/process/start.ts': {
    own: ['src/config.ts', 'src/process'],
    packages: ['node:cluster'],
  },
  'src/cli': { own: ['src/cli', 'src/client'], packages: ['node:'] },
  'src/cli/kelvin.ts': { own: ['src/cli', 'package.json'], packages: ['node:'] },
  'src/cli/serve.ts': {
    own: ['src/cli', 'src/config.ts', 'src/process/start.ts'],
    packages: ['node:'],
  },
  'src/cli/sample.ts': {
    own: ['src/cli', 'src/client'],
    packages: ['node:'],
  },
  'src/cli/flags.ts': { own: ['src/cli', 'src/protocols'], packages: ['zod'] },
  'src/cli/in-process.ts': {
    own: ['src/client/request.ts', 'src/errors.ts', 'src/protocols', 'src/sampling'],
    packages: ['node:'],
  },
  'src/cli/input.ts': {
    own: ['src/cli', 'src/client', 'src/playground/npy.ts'],
    packages: ['node:'],
  },
  'src/process/serve.ts': {
    own: [
      'src/admission/drain.ts',
      'src/app.ts',
      'src/config.ts',
      'src/process/heartbeat.ts',
      'src/process/listen.ts',
    ],
    packages: ['close-with-grace', 'fastify', 'node:'],
  },
  'src/process/workers.ts': {
    own: [
      'src/config.ts',
      'src/log.ts',
      'src/process/heartbeat.ts',
      'src/process/worker-metrics.ts',
    ],
    packages: ['close-with-grace', 'node:'],
  },
  'src/process/heartbeat.ts': { own: [], packages: ['node:cluster'] },
  'src/process/worker-metrics.ts': {
    own: ['src/log.ts'],
    packages: ['@prometheus-io/client', 'node:'],
  },
  'src/process/listen.ts': {
    own: ['src/config.ts', 'src/process/socket.ts'],
    packages: ['node:'],
  },
  'src/process/socket.ts': { own: ['src/config.ts'], packages: ['node:'] },
  'src/healthcheck.ts': { own: ['src/config.ts'], packages: ['node:'] },
  'src/app.ts': {
    own: [
      'src/admission',
      'src/config.ts',
      'src/log.ts',
      'src/plugins',
      'src/routes',
      'src/sampling/pipeline.ts',
      'package.json',
    ],
    packages: ['fastify', 'node:http'],
  },
  'src/admission': {
    own: ['src/admission', 'src/config.ts', 'src/errors.ts', 'src/turns.ts'],
    packages: ['node:'],
  },
  'src/config.ts': { own: [], packages: ['zod'] },
  'src/turns.ts': { own: [], packages: [] },
  'src/log.ts': { own: ['src/config.ts'], packages: ['pino'] },
  'src/files.ts': { own: [], packages: ['node:fs'] },
  'src/errors.ts': { own: [], packages: [] },
  'src/client': { own: ['src/client'], packages: ['undici', 'node:'] },
  'src/routes': {
    own: [
      'src/admission',
      'src/config.ts',
      'src/errors.ts',
      'src/routes',
      'src/plugins/openapi.ts',
      'src/plugins/problems.ts',
      'src/plugins/request-log.ts',
      'src/plugins/work.ts',
      'src/protocols',
      'src/sampling',
    ],
    packages: ['fastify', 'zod', 'node:crypto', 'node:stream', 'node:util', 'node:zlib'],
  },
  'src/routes/pages.ts': {
    own: ['src/plugins/encodings.ts', 'src/plugins/openapi.ts', 'src/routes/assets.ts'],
    packages: ['fastify', 'zod'],
  },
  'src/routes/assets.ts': { own: ['src/routes/strip-types.ts'], packages: ['node:'] },
  'src/routes/strip-types.ts': { own: [], packages: ['node:'] },
  'src/playground': {
    own: ['src/playground'],
    packages: ['/vendor/'],
  },
  // What it says of the API is what the API says of itself: of types nothing is left in a browser.
  'src/playground/types.ts': {
    own: ['src/plugins/problems.ts', 'src/protocols/json/response.ts', 'src/sampling/catalogue.ts'],
    packages: ['zod'],
  },
  'src/plugins': {
    own: [
      'src/admission',
      'src/config.ts',
      'src/files.ts',
      'src/errors.ts',
      'src/plugins',
      'src/protocols/body.ts',
      'src/protocols/suggest.ts',
      'src/protocols/validate.ts',
      'src/turns.ts',
      'src/sampling/parsed.ts',
    ],
    packages: ['fastify', '@fastify/', 'zod', 'node:'],
  },
  'src/plugins/tracing.ts': {
    own: ['src/plugins/trace-context.ts', 'src/plugins/work.ts'],
    packages: ['@opentelemetry/', 'fastify', 'node:timers/promises'],
  },
  'src/plugins/metrics.ts': {
    own: [
      'src/admission',
      'src/log.ts',
      'src/plugins/encodings.ts',
      'src/plugins/openapi.ts',
      'src/plugins/work.ts',
    ],
    packages: ['@prometheus-io/client', 'fastify', 'node:cluster', 'node:util', 'node:zlib'],
  },
  'src/plugins/work.ts': {
    own: ['src/admission', 'src/protocols', 'src/sampling/pipeline.ts', 'src/turns.ts'],
    packages: ['fastify', 'node:stream'],
  },
  'src/protocols': {
    own: ['src/errors.ts', 'src/protocols', 'src/sampling'],
    packages: ['zod', 'leven', 'node:http', 'node:stream', 'node:timers/promises', 'node:zlib'],
  },
  'src/sampling': { own: ['src/errors.ts', 'src/sampling'], packages: ['zod'] },
  'src/sampling/samplers': {
    own: [
      'src/sampling/sampler.ts',
      'src/sampling/row.ts',
      'src/sampling/fields.ts',
      'src/sampling/logits.ts',
      'src/sampling/history.ts',
      'src/sampling/completions.ts',
      'src/sampling/last-match.ts',
      'src/sampling/once.ts',
      'src/sampling/work.ts',
      'src/sampling/philox.ts',
      'src/sampling/reusable.ts',
      'src/sampling/kernel',
    ],
    packages: ['zod'],
  },
  'src/sampling/samplers/index.ts': { own: ['src/sampling/samplers'], packages: [] },
  'src/sampling/kernel': { own: ['src/sampling/kernel'], packages: ['node:fs'] },
}

const within = (path: string, room: string) => path === room || path.startsWith(`${room}/`)

const files = globSync('src/**/*.ts', { cwd: root, exclude: (path) => path.includes('assembly') })

function importsOf(file: string) {
  const source = readFileSync(join(root, file), 'utf8')
  const written = /^(?:import|export)\b[^'"]*?from '([^']+)'|\bimport\('([^']+)'\)/gms
  return [...source.matchAll(written)].map(([, first, later]) => (first ?? later)!)
}

describe('imports point one way', () => {
  it.each(files)('%s', (file) => {
    const room = Object.keys(mayImport)
      .filter((candidate) => within(file, candidate))
      .sort((a, b) => b.length - a.length)[0]!
    const { own, packages } = mayImport[room]!
    const others = importsOf(file).filter((specifier) => {
      if (!specifier.startsWith('.')) return !packages.some((name) => specifier.startsWith(name))
      const target = normalize(join(file, '..', specifier))
      return !own.some((allowed) => within(target, allowed))
    })
    expect(others).toEqual([])
  })
})

/** A sampler may be named as its stage is, after what it does. */
const particular = kelvinOrder.filter((name) => !(stages as readonly string[]).includes(name))

/** Code that is about every sampler must not know one by name. */
const shared = files.filter(
  (file) =>
    !/^src\/sampling\/(samplers|profiles)\//.test(file) &&
    !/^src\/routes\//.test(file) &&
    // Generated from the schemas.
    file !== 'src/client/types.ts' &&
    // Data: what others call the fields of samplers.
    file !== 'src/sampling/aliases.ts',
)

describe('shared code names no sampler', () => {
  it.each(shared)('%s', (file) => {
    const source = readFileSync(join(root, file), 'utf8')
    const named = particular.filter((name) => new RegExp(`\\b${name}\\b`).test(source))
    expect(named).toEqual([])
  })
})

it('the sampling room reads no clock, host or random source', () => {
  for (const file of files.filter((path) => within(path, 'src/sampling'))) {
    const source = readFileSync(join(root, file), 'utf8')
    expect(source, file).not.toMatch(/\b(process|Date|performance|fetch|await|Math\.random)\b/)
  }
})

it('the sampling room has its exponentials, logarithms and powers from the kernel', () => {
  const differing =
    /Math\.(?!(?:abs|ceil|floor|fround|max|min|round|sign|sqrt|trunc|[A-Z]))|[^\dn] \*\* /
  for (const file of files.filter((path) => within(path, 'src/sampling'))) {
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
  expect(readers.sort()).toEqual(['src/cli/kelvin.ts', 'src/healthcheck.ts', 'src/server.ts'])
})
