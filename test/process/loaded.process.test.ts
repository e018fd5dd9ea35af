import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname

/** Prints the packages that a server has loaded when it is ready. */
const program = `
import { registerHooks } from 'node:module'
const packages = new Set()
registerHooks({
  load(url, context, next) {
    const [, name] = /.*[/]node_modules[/]((?:@[^/]+[/])?[^/]+)/.exec(url) ?? []
    if (name) packages.add(name)
    return next(url, context)
  },
})
const { buildApp } = await import('./src/app.ts')
const { loadConfig } = await import('./src/config.ts')
const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
await app.ready()
await app.close()
console.log(JSON.stringify([...packages]))
`

it('loads no package before it is needed', () => {
  const { stdout, stderr } = spawnSync('node', ['--input-type=module', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
  })
  const packages: string[] = JSON.parse(stdout || stderr)
  // It sees what is loaded, both by `import` and by `require`.
  expect(packages).toEqual(expect.arrayContaining(['fastify', 'avvio', 'zod']))
  const unneeded =
    /^(ajv|@fastify\/ajv-compiler|undici|lit-html|uplot|@opentelemetry\/(sdk|exporter|resources).*)$/
  expect(packages.filter((name) => unneeded.test(name))).toEqual([])
})
